"""A study on disk: what is asked (`study.json`) and every trial in order (`trials.jsonl`), written as it comes.

Killed at any moment it continues with the trial after the last whole line.
"""

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from tradingboost.app.optimise.objectives import Constraints, Trial
from tradingboost.core.errors import Conflict, InvalidInput, NotFound, TradingBoostError

KIND: Final = "tradingboost.study"
SCHEMA: Final = 1
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_PLAIN: Final = msgspec.json.Decoder(float_hook=Decimal)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched for. Two studies with the same question, data and code give the same trials.

    Args:
        request: of the back-test, told in plain values.
        space: as it was asked.
        spans: stretches every set is run over, in milliseconds.
        least_warmup: bars before the first trade of any set.
    """

    request: dict[str, Any]
    space: dict[str, Any]
    method: str
    seed: int
    objectives: list[str]
    constraints: Constraints
    spans: list[tuple[int, int]]
    least_warmup: int


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """`study.json`.

    Args:
        data: identity of candles and costs; `code` of the pure half.
        epochs: trials that were asked for; more may be asked later.
    """

    kind: str = KIND
    schema: int = SCHEMA
    name: str
    created: str
    question: Question
    data: str
    code: str
    epochs: int


class Study:
    """One study, open for writing while `opened` holds it."""

    def __init__(self, folder: Path, head: Head, trials: list[Trial]) -> None:
        self.folder = folder
        self.head = head
        self.trials = trials

    def append(self, trials: Sequence[Trial]) -> None:
        """Write further trials, which must follow the last one."""
        lines = b"".join(msgspec.json.encode(one) + b"\n" for one in trials)
        with (self.folder / "trials.jsonl").open("ab") as file:
            file.write(lines)
        self.trials.extend(trials)


@contextmanager
def opened(root: Path, wanted: Head, *, fork: bool = False) -> Iterator[Study]:
    """Begin a study, or go on with the one of that name.

    Args:
        fork: where data or code have changed, begin anew beside it.

    Raises:
        Conflict: data or code have changed, the name belongs to another question, or another process works on it.
    """
    checked_name(wanted.name)
    folder = root / wanted.name
    if (folder / "study.json").exists():
        changed = _changes(head_of(folder), wanted)
        if changed and not fork:
            raise Conflict(
                "study_changed",
                f"Study {wanted.name} began with other {' and other '.join(changed)}; say --fork to begin anew beside "
                "it, or bring back what was there.",
                changed=changed,
            )
        if changed:
            folder, wanted = _beside(root, wanted)
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder, wanted.name):
        trials = [] if not (folder / "study.json").exists() else list(read_trials(folder, mend=True))
        created = wanted.created if not trials else head_of(folder).created
        head = msgspec.structs.replace(wanted, created=created)
        _write(folder / "study.json", msgspec.json.format(_ENCODER.encode(head)))
        yield Study(folder, head, trials)


def head_of(folder: Path) -> Head:
    """What a study asks.

    Raises:
        NotFound: there is none.
        InvalidInput: of another version, or damaged.
    """
    try:
        text = (folder / "study.json").read_bytes()
    except OSError:
        raise NotFound(
            "study_unknown", f"There is no study {folder.name}; hyperopt-list shows those there are."
        ) from None
    try:
        schema = msgspec.json.decode(text, type=_Version).schema
        if schema == SCHEMA:
            return msgspec.json.Decoder(Head, float_hook=Decimal).decode(text)
    except msgspec.DecodeError:
        raise InvalidInput("study_damaged", f"Study {folder.name} is damaged; begin another with --study.") from None
    raise InvalidInput(
        "study_version",
        f"Study {folder.name} was written by another version (schema {schema}, this one reads {SCHEMA}).",
    )


def read_trials(folder: Path, *, mend: bool = False) -> Iterator[Trial]:
    """Every trial in order; a last line that was cut off does not count.

    Args:
        mend: cut it off the file, too.

    Raises:
        InvalidInput: `study_damaged`.
    """
    path = folder / "trials.jsonl"
    if not path.exists():
        return
    decoder = msgspec.json.Decoder(Trial)
    whole = 0
    with path.open("rb") as file:
        for number, line in enumerate(file):
            if not line.endswith(b"\n"):
                break
            try:
                trial = decoder.decode(line)
            except msgspec.DecodeError:
                raise _damaged(folder, number) from None
            if trial.number != number:
                raise _damaged(folder, number)
            whole += len(line)
            yield trial
    if mend and path.stat().st_size > whole:
        os.truncate(path, whole)


def studies(root: Path) -> list[Head]:
    """Every readable study, newest first."""
    found = []
    for path in root.glob("*/study.json"):
        try:
            found.append(head_of(path.parent))
        except TradingBoostError:
            continue
    return sorted(found, key=lambda one: (one.created, one.name), reverse=True)


def folder_of(root: Path, name: str | None) -> Path:
    """The folder of a study: by name, by the beginning of one, or the newest.

    Raises:
        NotFound: there is none, or the beginning fits several.
    """
    names = [one.name for one in studies(root)]
    if name in (None, "latest"):
        if not names:
            raise NotFound("study_unknown", "There is no study yet; begin one with hyperopt.")
        return root / names[0]
    assert name is not None
    fitting = [one for one in names if one == name] or [one for one in names if one.startswith(name)]
    if len(fitting) != 1:
        raise NotFound(
            "study_unknown",
            f"{'No' if not fitting else 'More than one'} study is called {name}; hyperopt-list shows those there are.",
        )
    return root / fitting[0]


def checked_name(name: str) -> str:
    """The same name.

    Raises:
        InvalidInput: it cannot be the name of a folder.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput("study_name", f"{name!r} is no name for a study; use letters, digits, dots and dashes.")
    return name


def plain(value: Any) -> Any:
    """A value as it comes back from `study.json`; numbers keep every digit."""
    return _PLAIN.decode(_ENCODER.encode(value))


class _Version(msgspec.Struct, frozen=True):
    schema: int


def _changes(kept: Head, wanted: Head) -> list[str]:
    pairs = (
        ("question", kept.question, wanted.question),
        ("data", kept.data, wanted.data),
        ("code", kept.code, wanted.code),
    )
    return [name for name, a, b in pairs if _ENCODER.encode(a) != _ENCODER.encode(b)]


def _beside(root: Path, wanted: Head) -> tuple[Path, Head]:
    """The first free name behind this one, or one that asks the very same."""
    number = 2
    while True:
        name = f"{wanted.name}-{number}"
        folder = root / name
        if not (folder / "study.json").exists() or not _changes(head_of(folder), wanted):
            return folder, msgspec.structs.replace(wanted, name=name)
        number += 1


@contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("study_busy", f"Another process works on study {name}; wait until it is done.") from None
        yield
    finally:
        os.close(handle)


def _write(path: Path, text: bytes) -> None:
    """Whole or not at all."""
    part = path.with_suffix(".part")
    part.write_bytes(text)
    part.replace(path)


def _damaged(folder: Path, number: int) -> InvalidInput:
    return InvalidInput(
        "study_damaged",
        f"Line {number + 1} of the trials of study {folder.name} is damaged; cut it and what follows off, or begin "
        "another study with --study.",
    )
