"""Time ranges as people type them: `20240101-20240601`, UTC days, open ends allowed, the second day not part of it."""

import re
from datetime import UTC, datetime
from typing import Final

from tradingboost.core.errors import InvalidInput

_RANGE: Final = re.compile(r"(\d{8})?-(\d{8})?")


def span_of(text: str) -> tuple[int, int]:
    """[from, to) in milliseconds; an open end reaches as far as a number does.

    Raises:
        InvalidInput: `bad_timerange`.
    """
    found = _RANGE.fullmatch(text.strip()) if text.strip() else None
    if found is None and text.strip():
        raise InvalidInput(
            "bad_timerange", f"{text!r} is no time range; write 20240101-20240601, or leave an end open."
        )
    try:
        days = (
            [datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC) if day else None for day in found.groups()]
            if found
            else []
        )
    except ValueError:
        raise InvalidInput("bad_timerange", f"{text!r} names a day that does not exist.") from None
    first, end = days or (None, None)
    if first is not None and end is not None and first >= end:
        raise InvalidInput("bad_timerange", f"{text!r} ends before it begins.")
    return (int(first.timestamp() * 1000) if first else 0, int(end.timestamp() * 1000) if end else 2**62)


def day(at_ms: int) -> str:
    """The day of a time."""
    return f"{datetime.fromtimestamp(int(at_ms) / 1000, UTC):%Y-%m-%d}"


def minute(at_ms: int) -> str:
    """The minute of a time, UTC."""
    return f"{datetime.fromtimestamp(int(at_ms) / 1000, UTC):%Y-%m-%d %H:%M}"
