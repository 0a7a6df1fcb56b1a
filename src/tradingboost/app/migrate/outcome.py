"""Values every verb speaks in: an item, what is judged of it, and the report, whose ids are masked."""

import re
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Final

import msgspec

from tradingboost.kit.logging import redact

_LONG_NUMBER: Final = re.compile(r"(?<![0-9])[0-9]{1,60}([0-9]{4})(?![0-9])")
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{8}([0-9a-f]{4})")
_STAMP: Final = re.compile(r"[0-9]{8}_[0-9]{6}")
_MOST_LISTED: Final = 10_000


class Status(StrEnum):
    """What became of an item."""

    DONE = "done"
    """taken over, or carried out"""
    EQUAL = "equal"
    """it was there already, the same"""
    MERGED = "merged"
    """a second copy of what was taken over"""
    REFUSED = "refused"
    """not taken over; the reason says what to do"""
    LEFT = "left"
    """untouched on purpose; the reason says why"""


class Item(msgspec.Struct, frozen=True):
    """One thing a verb has to decide about: a key of the old system as it stands now."""

    key: str
    digest: str


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What is to become of an item, or became of it.

    Args:
        action: what a person is told is done.
        reason: a code and a sentence, for `refused` and `left`.
        notes: further lines, such as unknown names in a document.
        carry: does it, and says what became of it; None = there is nothing to do.
    """

    status: Status
    action: str
    reason: str = ""
    notes: tuple[str, ...] = ()
    carry: "Callable[[], Awaitable[Judged]] | None" = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a report; ids are masked to their last four characters."""

    key: str
    status: Status
    action: str
    reason: str
    notes: tuple[str, ...]


class Report(msgspec.Struct, kw_only=True):
    """What a verb did, or would do.

    Args:
        already: items an earlier run settled, which were not touched again.
        cut_off: there are more items than are listed; the counts have all.
    """

    verb: str
    dry_run: bool
    source: str
    run_id: str = ""
    resumed: bool = False
    stopped: bool = False
    already: int = 0
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    lines: list[Line] = msgspec.field(default_factory=list)
    cut_off: bool = False

    def add(self, item: Item, judged: Judged) -> None:
        """Take an item in."""
        self.counts[judged.status.value] = self.counts.get(judged.status.value, 0) + 1
        if len(self.lines) >= _MOST_LISTED:
            self.cut_off = True
            return
        self.lines.append(
            Line(
                key=masked(item.key),
                status=judged.status,
                action=masked(judged.action),
                reason=masked(judged.reason),
                notes=tuple(masked(note) for note in judged.notes),
            )
        )

    @property
    def seen(self) -> int:
        """How many items there were."""
        return self.already + sum(self.counts.values())

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


def masked(text: str) -> str:
    """A text whose ids show their last four characters, and whose secrets show nothing."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found.group())
        return f"\0{len(kept) - 1}\0"

    text = _STAMP.sub(keep, redact(text))
    text = _UUID.sub(r"…\1", text)
    text = _LONG_NUMBER.sub(r"…\1", text)
    return re.sub("\0(\\d+)\0", lambda found: kept[int(found.group(1))], text)
