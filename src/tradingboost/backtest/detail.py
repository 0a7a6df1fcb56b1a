"""The bars that are walked: the candles themselves, or the finer ones they were made of."""

from typing import NamedTuple

import numpy as np

from tradingboost.backtest.model import Candles, FloatColumn, IntColumn
from tradingboost.core.errors import InvalidInput


class Path(NamedTuple):
    """Bars in order of travel; those of candle i are rows first[i]..first[i + 1] - 1. `first` is empty without detail.

    Args:
        coarse: candles that no finer ones cover and that are walked as they are.
    """

    open_ms: IntColumn
    length_ms: IntColumn
    opens: FloatColumn
    highs: FloatColumn
    lows: FloatColumn
    closes: FloatColumn
    first: IntColumn
    coarse: int


def path_of(candles: Candles, detail: Candles | None) -> Path:
    """The candles' own path, or that of the detail where it covers a candle completely.

    Raises:
        InvalidInput: the detail is not finer, does not divide the candles, or tells other prices.
    """
    none = np.empty(0, np.int64)
    if detail is None:
        return Path(candles.open_ms, none, candles.opens, candles.highs, candles.lows, candles.closes, none, 0)
    parts, rest = divmod(candles.timeframe_ms, detail.timeframe_ms)
    if rest or parts < 2:
        raise InvalidInput(
            "detail_timeframe", "The detail must be shorter than the candles and divide them; choose another."
        )
    begins = np.searchsorted(detail.open_ms, candles.open_ms)
    ends = np.searchsorted(detail.open_ms, candles.open_ms + candles.timeframe_ms)
    covered = ends - begins == parts
    _agree(candles, detail, begins[covered], covered)
    counts = np.where(covered, parts, 1)
    first = np.concatenate(([0], np.cumsum(counts)))
    fine = np.repeat(covered, counts)
    within = np.arange(first[-1]) - np.repeat(first[:-1], counts)
    source = np.where(fine, np.repeat(begins, counts) + within, np.repeat(np.arange(len(candles)), counts))

    def column(name: str) -> FloatColumn:
        ours, theirs = getattr(candles, name), getattr(detail, name)
        out = np.empty(source.size, ours.dtype)
        out[fine] = theirs[source[fine]]
        out[~fine] = ours[source[~fine]]
        return out

    return Path(
        open_ms=column("open_ms").astype(np.int64),
        length_ms=np.where(fine, detail.timeframe_ms, candles.timeframe_ms),
        opens=column("opens"),
        highs=column("highs"),
        lows=column("lows"),
        closes=column("closes"),
        first=first.astype(np.int64),
        coarse=int(np.count_nonzero(~covered)),
    )


def _agree(
    candles: Candles, detail: Candles, begins: IntColumn, covered: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> None:
    """Refuse detail of another market."""
    if not begins.size:
        raise InvalidInput("detail_timeframe", "No candle is covered by the detail; load the detail of the same days.")
    sound = detail.opens[begins] == candles.opens[covered]
    parts = candles.timeframe_ms // detail.timeframe_ms
    rows = begins[:, None] + np.arange(parts)[None, :]
    sound &= detail.highs[rows].max(axis=1) == candles.highs[covered]
    sound &= detail.lows[rows].min(axis=1) == candles.lows[covered]
    sound &= detail.closes[rows[:, -1]] == candles.closes[covered]
    if not np.all(sound):
        raise InvalidInput(
            "detail_differs",
            "The detail tells other prices than the candles; make both of one source.",
            open_ms=int(candles.open_ms[covered][int(np.argmin(sound))]),
        )
