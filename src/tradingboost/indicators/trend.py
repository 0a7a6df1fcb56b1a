"""The trend state: -2, 0 or +2 from the order of smoothed averages and a burst of the band width.

Fed with closed bars only. It makes the derived timeframes itself, anchored at 00:00 UTC, and reads of each the latest
bar that had closed by then: of every timeframe only the closes matter, so bars of any length that divides them all
give the same states. A missing bar is never invented: a timeframe's bar cut short by a gap closes with the last price
before it, a bar without any price is absent.
"""

from typing import Any

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.indicators.trend_cycle import take_cycle_close, take_vidya_close
from tradingboost.indicators.trend_fold import (
    LEAST_CHART_BARS,
    MINUTE_MS,
    TREND,
    VIDYA_MINUTES,
    WARM_UP_WIDTH_BARS,
    cycle_minutes,
    width_minutes,
)
from tradingboost.indicators.trend_width import take_width_close


@register_jitable
def end_of_bar(last_ms: int, length_ms: int) -> int:
    """Close of a timeframe's bar that a bar closing at `last_ms` belongs to."""
    return -(-last_ms // length_ms) * length_ms


@register_jitable
def next_state(state: int, bull: bool, bear: bool, width_state: int) -> int:
    """The state after a chart bar: an order of the averages counts once the bands burst its way."""
    if bull and width_state == 2:
        state = 2
    if state == 2 and not bull:
        state = 0
    if bear and width_state == -2:
        state = -2
    if state == -2 and not bear:
        state = 0
    return state


@register_jitable
def _take_chart_close(fold: Any, longer: int) -> None:
    bull = fold.trend_bull == 1
    bear = fold.trend_bear == 1
    burst = fold.trend_width_state
    if longer:
        bull = bull and fold.trend_vidya_bull == 1
        bear = bear and fold.trend_vidya_bear == 1
        burst = 2 if bull else -2
    fold.trend_state = next_state(fold.trend_state, bull, bear, burst)
    fold.trend_chart_bars += 1


@register_jitable
def _close_bars(fold: Any, chart_minutes: int, longer: int, at_ms: int) -> bool:
    """Close every timeframe's bar that ends at a time, the chart's last; whether the chart's was among them."""
    last_ms = fold.trend_last_ms
    close = fold.trend_close
    if longer and end_of_bar(last_ms, VIDYA_MINUTES * MINUTE_MS) == at_ms:
        take_vidya_close(fold, close)
    if end_of_bar(last_ms, cycle_minutes(chart_minutes, longer) * MINUTE_MS) == at_ms:
        take_cycle_close(fold, longer, close)
    if end_of_bar(last_ms, width_minutes(chart_minutes) * MINUTE_MS) == at_ms:
        take_width_close(fold, close)
    if end_of_bar(last_ms, chart_minutes * MINUTE_MS) != at_ms:
        return False
    _take_chart_close(fold, longer)
    return True


@register_jitable
def _next_end(fold: Any, chart_minutes: int, longer: int, after_ms: int) -> int:
    """The first time after `after_ms` at which a bar that was begun ends; 0 if none is open."""
    found = 0
    for minutes in (
        chart_minutes,
        width_minutes(chart_minutes),
        cycle_minutes(chart_minutes, longer),
        VIDYA_MINUTES if longer else chart_minutes,
    ):
        end = end_of_bar(fold.trend_last_ms, minutes * MINUTE_MS)
        if end > after_ms and (found == 0 or end < found):
            found = end
    return found


@register_jitable
def trend_step(fold: Any, chart_minutes: int, longer: int, close_ms: int, close: float) -> bool:
    """Take in one closed bar; a bar that is not newer than the last one changes nothing.

    Args:
        fold: a record with `TREND_FIELDS`; zeroed = the start.
        chart_minutes: the chart timeframe, the same at every call.
        longer: 1 = the long variant, the same at every call.
        close_ms: close time of the bar; its length divides `feed_minutes(chart_minutes, longer)`.
        close: its last price.

    Returns:
        Whether a chart bar closed, so that the state may have changed.
    """
    if close_ms <= fold.trend_last_ms:
        return False
    closed = False
    end_ms = _next_end(fold, chart_minutes, longer, fold.trend_last_ms)
    while 0 < end_ms < close_ms:
        closed = _close_bars(fold, chart_minutes, longer, end_ms) or closed
        end_ms = _next_end(fold, chart_minutes, longer, end_ms)
    fold.trend_last_ms = close_ms
    fold.trend_close = close
    return _close_bars(fold, chart_minutes, longer, close_ms) or closed


@register_jitable
def trend_value(fold: Any) -> int:
    """The state a strategy may act on: 0 until 200 chart bars have closed."""
    if fold.trend_chart_bars < LEAST_CHART_BARS:
        return 0
    state: int = fold.trend_state
    return state


@register_jitable
def trend_warming_up(fold: Any) -> bool:
    """Fewer chart bars than a state needs."""
    few: bool = fold.trend_chart_bars < LEAST_CHART_BARS
    return few


@register_jitable
def trend_short_history(fold: Any) -> bool:
    """The state may still depend on where the history began."""
    few: bool = fold.trend_width_bars < WARM_UP_WIDTH_BARS
    return few


@njit(cache=True, error_model="numpy", nogil=True)
def trend_continue(
    fold: Any, chart_minutes: int, longer: int, closes_ms: NDArray[np.int64], closes: NDArray[np.float64]
) -> NDArray[Any]:
    """Take a series into a fold (plain structured array of length 1) and give the state known at each close."""
    out = np.empty(closes.size, np.int64)
    record = fold[0]
    for i in range(closes.size):
        trend_step(record, chart_minutes, longer, closes_ms[i], closes[i])
        out[i] = trend_value(record)
    return out


def trend(
    closes_ms: NDArray[np.int64], closes: NDArray[np.float64], chart_minutes: int, longer: int = 0
) -> NDArray[Any]:
    """The state known at the close of every bar.

    Shape:
        closes_ms, closes: [n], close times in milliseconds UTC and last prices, oldest first, last bar closed.
        Result: int64[n] of -2, 0, 2.
    """
    return trend_continue(np.zeros(1, TREND).view(np.recarray), chart_minutes, longer, closes_ms, closes)


def known_at(decisions_ms: NDArray[np.int64], closes_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index of the last bar that had closed at each decision; -1 where none had."""
    return np.searchsorted(closes_ms, decisions_ms, side="right") - 1
