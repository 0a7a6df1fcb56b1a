"""Where two traces of one run part, aligned so that the first cause can be read off."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, Final

import msgspec

from tradingboost.backtest.trace import Trace

_WINDOW: Final = 400
"""Lines behind the first difference that are aligned; what comes later is only counted."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One place where the traces part.

    Args:
        what: intents, fills, ends or positions.
        index: line in the expected trace (where it would stand, for an extra one).
        expected, actual: the lines; None where one side has none.
        fields: names of the fields that differ.
    """

    what: str
    index: int
    expected: Any
    actual: Any
    fields: tuple[str, ...] = ()

    def text(self) -> str:
        """One readable line."""
        if self.actual is None:
            return f"{self.what}[{self.index}] missing: {_shown(self.expected)}"
        if self.expected is None:
            return f"{self.what}[{self.index}] extra:   {_shown(self.actual)}"
        changes = ", ".join(
            f"{name} {getattr(self.expected, name)!r} -> {getattr(self.actual, name)!r}" for name in self.fields
        )
        return f"{self.what}[{self.index}] differs: {changes}  in {_shown(self.expected)}"


def differences(expected: Trace, actual: Trace, *, ignore: Sequence[str] = ()) -> list[Difference]:
    """Compare intents, fills, ends and final positions line by line.

    Args:
        ignore: names of fields that may differ, for example `at_ms`.

    Returns:
        At most a window of differences per list; empty exactly when the traces agree.
    """
    found: list[Difference] = []
    for what in ("intents", "fills", "ends", "positions"):
        found.extend(_compare(what, getattr(expected, what), getattr(actual, what), frozenset(ignore)))
    return found


def report(found: Sequence[Difference], limit: int = 40) -> str:
    """The differences as text, in order of time, the earliest first."""
    if not found:
        return "The two runs agree."
    ordered = sorted(found, key=_time)
    lines = [difference.text() for difference in ordered[:limit]]
    if len(found) > limit:
        lines.append(f"... and {len(found) - limit} more")
    return "\n".join(lines)


def _time(difference: Difference) -> float:
    line = difference.expected if difference.expected is not None else difference.actual
    return float(getattr(line, "at_ms", float("inf")))


def _compare(what: str, left: list[Any], right: list[Any], ignore: frozenset[str]) -> Iterator[Difference]:
    keys_left = [_key(line, ignore) for line in left]
    keys_right = [_key(line, ignore) for line in right]
    first = next((i for i, pair in enumerate(zip(keys_left, keys_right, strict=False)) if pair[0] != pair[1]), None)
    if first is None:
        first = min(len(left), len(right))
    ours, theirs = keys_left[first : first + _WINDOW], keys_right[first : first + _WINDOW]
    for tag, a, b, c, d in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for step in range(max(b - a, d - c)):
            before = left[first + a + step] if a + step < b else None
            after = right[first + c + step] if c + step < d else None
            fields = _fields(before, after, ignore)
            yield Difference(what=what, index=first + a + step, expected=before, actual=after, fields=fields)


def _key(line: Any, ignore: frozenset[str]) -> tuple[Any, ...]:
    return tuple(getattr(line, name) for name in line.__struct_fields__ if name not in ignore)


def _fields(before: Any, after: Any, ignore: frozenset[str]) -> tuple[str, ...]:
    if before is None or after is None:
        return ()
    return tuple(
        name
        for name in before.__struct_fields__
        if name not in ignore and getattr(before, name) != getattr(after, name)
    )


def _shown(line: Any) -> str:
    return " ".join(f"{name}={getattr(line, name)}" for name in line.__struct_fields__)
