"""Candles as columns: what can be wrong with them, where they have gaps, and longer candles made of them."""

from typing import Any, Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.core.errors import InvalidInput

_MINUTE_MS: Final = 60_000
BAR_LENGTHS_MS: Final = {
    name: minutes * _MINUTE_MS
    for name, minutes in (
        ("1m", 1),
        ("3m", 3),
        ("5m", 5),
        ("15m", 15),
        ("30m", 30),
        ("1h", 60),
        ("2h", 120),
        ("4h", 240),
        ("6h", 360),
        ("12h", 720),
        ("1d", 1440),
    )
}
EARLIEST_MS: Final = 946_684_800_000  # 2000: a smaller stamp is in seconds
LATEST_MS: Final = 4_102_444_800_000  # 2100: a larger one is in microseconds or nanoseconds
_MOST_DECIMALS: Final = 9
_EXACT_BELOW: Final = 2.0**53


class CandleColumns(msgspec.Struct, frozen=True):
    """Candles as plain columns, oldest first.

    Shape:
        at_ms: int64[n] open times, rising multiples of `bar_ms`; what an exchange did not print is absent.
        open, high, low, close, volume: one kind of number, said by the subclass.
    """

    bar_ms: int
    at_ms: NDArray[np.int64]
    open: NDArray[Any]
    high: NDArray[Any]
    low: NDArray[Any]
    close: NDArray[Any]
    volume: NDArray[Any]

    def __len__(self) -> int:
        return len(self.at_ms)

    @property
    def values(self) -> tuple[NDArray[Any], ...]:
        """Open, high, low, close, volume."""
        return (self.open, self.high, self.low, self.close, self.volume)


class RawCandles(CandleColumns, frozen=True):
    """Candles as an exchange or a file gave them: prices in quote, volume in base coin, float64[n]."""


C = TypeVar("C", bound=CandleColumns)


class Gap(msgspec.Struct, frozen=True):
    """Candles that are absent between two that are there."""

    after_ms: int
    until_ms: int
    missing: int


class Fault(msgspec.Struct, frozen=True):
    """One kind of thing no exchange prints.

    Args:
        code: stable word.
        text: continues "The candles ...".
        count: rows it is true of.
        at_ms: open time of the first of them, 0 when it has none.
    """

    code: str
    text: str
    count: int
    at_ms: int = 0


def bar_name(bar_ms: int) -> str:
    """`5m` and the like; lengths nobody trades on are told in minutes."""
    return next((name for name, length in BAR_LENGTHS_MS.items() if length == bar_ms), f"{bar_ms // _MINUTE_MS}m")


def sliced(candles: C, begin: int, end: int | None = None) -> C:
    """The rows [begin, end)."""
    columns = (column[begin:end] for column in (candles.at_ms, *candles.values))
    return type(candles)(candles.bar_ms, *columns)


def between(candles: C, first_ms: int, end_ms: int) -> C:
    """The rows that open in [first_ms, end_ms)."""
    begin, end = np.searchsorted(candles.at_ms, (first_ms, end_ms))
    return sliced(candles, int(begin), int(end))


def gaps(candles: CandleColumns) -> list[Gap]:
    """Where candles are absent, oldest first."""
    steps = np.diff(candles.at_ms)
    found = np.flatnonzero(steps > candles.bar_ms)
    return [
        Gap(int(candles.at_ms[i]), int(candles.at_ms[i + 1]), int(steps[i]) // candles.bar_ms - 1)
        for i in found.tolist()
    ]


def bar_length(at_ms: NDArray[np.int64]) -> int:
    """The shortest step between two different times, 0 when there are no two."""
    steps = np.diff(np.unique(at_ms))
    return int(steps.min()) if steps.size else 0


def faults(raw: CandleColumns) -> list[Fault]:
    """Everything that is wrong with candles as they were read, the worst first; `bar_ms` may be 0 (one row)."""
    at = raw.at_ms
    if not len(raw):
        return [Fault("empty", "hold no candle", 0)]
    if int(at.min()) < EARLIEST_MS or int(at.max()) > LATEST_MS:
        outside = (at < EARLIEST_MS) | (at > LATEST_MS)
        return [Fault("times", "have timestamps that are not milliseconds since 1970", int(outside.sum()))]
    o, h, l, c, v = raw.values
    steps = np.diff(at, prepend=at[0] - 1)
    sound = np.isfinite(o) & np.isfinite(h) & np.isfinite(l) & np.isfinite(c) & np.isfinite(v)
    with np.errstate(invalid="ignore"):
        wrong = (
            ("gaps", "hold an empty or infinite price or volume", ~sound),
            ("order", "are not sorted by time", steps < 0),
            ("doubles", "hold a candle twice", _doubles(at)),
            ("bars", "open off the beat of their length", _off_beat(at, raw.bar_ms)),
            ("prices", "hold a price that is not above zero", sound & (l <= 0)),
            ("shape", "hold a candle whose high or low is inside its body", _misshapen(o, h, l, c)),
            ("volume", "hold a negative volume", sound & (v < 0)),
        )
    return [Fault(code, text, int(rows.sum()), int(at[rows.argmax()])) for code, text, rows in wrong if rows.any()]


def ordered(raw: C) -> tuple[C, int]:
    """Sorted by time, with doubles that agree in every number dropped; and how many were dropped.

    Raises:
        InvalidInput: `candles_disagree`, one time has two different candles.
    """
    order = np.argsort(raw.at_ms, kind="stable")
    columns = [column[order] for column in (raw.at_ms, *raw.values)]
    again = np.flatnonzero(np.diff(columns[0]) == 0)
    for column in columns[1:]:
        differs = again[~_same(column[again], column[again + 1])]
        if differs.size:
            raise InvalidInput(
                "candles_disagree",
                f"Two different candles open at {int(columns[0][differs[0]])} ms; keep the right one and try again.",
                at_ms=int(columns[0][differs[0]]),
            )
    kept = np.ones(len(raw), bool)
    kept[again + 1] = False
    return type(raw)(raw.bar_ms, *(column[kept] for column in columns)), int(again.size)


def resampled(candles: C, bar_ms: int) -> C:
    """Longer candles, made of those that are there; a group that is cut off at either end is left out.

    Volumes that are decimal numbers are added exactly, so the sum is the double the exchange itself prints.

    Raises:
        InvalidInput: `timeframe_not_longer`, the candles do not fit into it.
    """
    if bar_ms == candles.bar_ms:
        return candles
    if bar_ms < candles.bar_ms or bar_ms % candles.bar_ms:
        name = bar_name(candles.bar_ms)
        raise InvalidInput(
            "timeframe_not_longer",
            f"Candles of {name} cannot be put together to {bar_name(bar_ms)}; choose a multiple of {name}.",
        )
    begins, ends = candles.at_ms % bar_ms == 0, (candles.at_ms + candles.bar_ms) % bar_ms == 0
    first = int(np.argmax(begins)) if begins.any() else len(candles)
    whole = sliced(candles, first, len(candles) - int(np.argmax(ends[::-1])) if ends.any() else 0)
    groups = whole.at_ms // bar_ms
    if not groups.size:
        return whole_of(whole, bar_ms)
    at = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
    last = np.append(at[1:], len(whole)) - 1
    return type(candles)(
        bar_ms,
        groups[at] * bar_ms,
        whole.open[at],
        np.maximum.reduceat(whole.high, at),
        np.minimum.reduceat(whole.low, at),
        whole.close[last],
        _sums(whole.volume, at),
    )


def filled(candles: C) -> tuple[C, NDArray[np.bool_]]:
    """The candles without gaps, and which of them are made up: flat at the close before, with no volume."""
    first, last = int(candles.at_ms[0]), int(candles.at_ms[-1])
    at = np.arange(first, last + 1, candles.bar_ms, dtype=np.int64)
    source = np.searchsorted(candles.at_ms, at, side="right") - 1
    made_up = candles.at_ms[source] != at
    close = candles.close[source]
    columns = [np.where(made_up, close, column[source]) for column in candles.values[:4]]
    volume = np.where(made_up, 0, candles.volume[source]).astype(candles.volume.dtype)
    return type(candles)(candles.bar_ms, at, *[*columns, volume]), made_up


def whole_of(candles: C, bar_ms: int) -> C:
    """The same rows under another length."""
    return type(candles)(bar_ms, candles.at_ms, *candles.values)


def _sums(volume: NDArray[Any], at: NDArray[np.intp]) -> NDArray[Any]:
    """Sums of groups; floats that are decimal numbers are added as whole units of their last digit."""
    if volume.dtype.kind == "f":
        for scale in (10.0**digits for digits in range(_MOST_DECIMALS + 1)):
            units = np.rint(volume * scale)
            if np.array_equal(units / scale, volume) and units.sum() < _EXACT_BELOW:
                return np.asarray(np.add.reduceat(units, at) / scale)
    return np.asarray(np.add.reduceat(volume, at))


def _doubles(at: NDArray[np.int64]) -> NDArray[np.bool_]:
    seen = np.zeros(len(at), bool)
    order = np.argsort(at, kind="stable")
    seen[order[1:]] = np.diff(at[order]) == 0
    return seen


def _off_beat(at: NDArray[np.int64], bar_ms: int) -> NDArray[np.bool_]:
    if bar_ms not in BAR_LENGTHS_MS.values():
        return np.full(len(at), bar_ms > 0)
    return np.asarray(at % bar_ms != 0)


def _misshapen(
    o: NDArray[np.float64], h: NDArray[np.float64], l: NDArray[np.float64], c: NDArray[np.float64]
) -> NDArray[np.bool_]:
    return np.asarray((h < np.maximum(o, c)) | (l > np.minimum(o, c)))


def _same(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray((a == b) | (np.isnan(a) & np.isnan(b)))
