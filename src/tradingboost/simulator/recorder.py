"""The journal on the disk: a snapshot and every command since, so that a killed exchange comes back as it was.

A record is four bytes of length, one of kind, and its content: `S` a snapshot, `C` a command (or the time to which the
exchange was advanced), `K` keys and labels, `D` the digest that the exchange had there. A command is written after it
was carried out and before anybody hears of it. The system is told at once, the disk in its own time: what is survived
is the death of the process, not that of the machine.
"""

from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from struct import Struct
from typing import Final

import msgspec

from tradingboost.core.errors import BrokenInvariant
from tradingboost.sim.commands import Command
from tradingboost.sim.engine import Engine
from tradingboost.sim.journal import read, written
from tradingboost.simulator.auth import ApiKey

_HEAD: Final = Struct(">IB")
SNAPSHOT, COMMAND, KEYS, DIGEST = b"S"[0], b"C"[0], b"K"[0], b"D"[0]
_DIGEST_EVERY: Final = 1_000


class Known(msgspec.Struct, kw_only=True):
    """What only the shell knows of accounts. It holds API secrets."""

    keys: list[ApiKey]
    labels: dict[str, str]


class Recorder:
    """Appends to one file, which begins anew from a snapshot when it has grown too long.

    Args:
        most_bytes: the length from which it begins anew, or twice the snapshot where that is more.
        snapshot: the exchange as it is.
    """

    def __init__(self, path: Path, most_bytes: int, snapshot: Callable[[], bytes]) -> None:
        self._path = path
        self._least = self._most = most_bytes
        self._snapshot = snapshot
        self._file: FileIO | None = None
        self._size = self._commands = 0

    def begin(self) -> None:
        """Replace the file by one that begins with a snapshot; until that is done the old one is whole."""
        snapshot = self._snapshot()
        fresh = self._path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(_record(SNAPSHOT, snapshot))
        self.close()
        fresh.replace(self._path)
        self._file = FileIO(str(self._path), "ab")
        self._size, self._commands = len(snapshot), 0
        self._most = max(self._least, 2 * len(snapshot))

    def took(self, what: Command | int, engine: Engine) -> None:
        """A command was carried out, or time passed and something was due."""
        self._add(_record(COMMAND, written(what)))
        self._commands += 1
        if self._commands % _DIGEST_EVERY == 0:
            self._add(_record(DIGEST, engine.digest().encode()))
        if self._size > self._most:
            self.begin()

    def keys(self, known: Known) -> None:
        """Keys or labels are these now."""
        self._add(_record(KEYS, msgspec.json.encode(known)))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _add(self, data: bytes) -> None:
        if self._file is not None:
            self._file.write(data)
            self._size += len(data)


def records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(kind, content) of every whole record; what a death cut short at the end was answered to nobody."""
    at = 0
    while at + _HEAD.size <= len(data):
        length, kind = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if at + length > len(data):
            return
        yield kind, data[at : at + length]
        at += length


def replay(engine: Engine, content: bytes) -> None:
    """Carry a recorded command out again.

    Raises:
        BrokenInvariant: the record is of another version.
    """
    what = read(content)
    if isinstance(what, int):
        engine.advance(what)
    else:
        engine.apply(what)


def verify(engine: Engine, digest: bytes) -> None:
    """Whether the return went the recorded way.

    Raises:
        BrokenInvariant: it did not, so the journal is of another version or damaged.
    """
    if engine.digest().encode() != digest:
        raise BrokenInvariant(
            "journal_diverged",
            "The exchange's journal leads to another state than it recorded; it is of another version. Move it away.",
        )


def _record(kind: int, content: bytes) -> bytes:
    return _HEAD.pack(len(content), kind) + content
