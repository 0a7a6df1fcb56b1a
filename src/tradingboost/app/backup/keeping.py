"""Which backups stay: the newest of each of the last days, weeks and months."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

DAILY: Final = 7
WEEKLY: Final = 4
MONTHLY: Final = 6


def kept(stamps: Iterable[datetime]) -> set[datetime]:
    """Those that stay of backups taken at these times: 7 days, 4 weeks, 6 months, counted from the newest backup."""
    newest_first = sorted(stamps, reverse=True)
    periods: tuple[tuple[Callable[[datetime], object], int], ...] = (
        (lambda at: at.date(), DAILY),
        (lambda at: at.isocalendar()[:2], WEEKLY),
        (lambda at: (at.year, at.month), MONTHLY),
    )
    found: set[datetime] = set()
    for period, count in periods:
        first_of: dict[object, datetime] = {}
        for at in newest_first:
            first_of.setdefault(period(at), at)
        found |= set(list(first_of.values())[:count])
    return found
