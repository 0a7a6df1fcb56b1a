"""Wilder's directional movement: +DI and -DI say which way, ADX how decidedly. Bar 0 has no movement."""

from typing import Any, Final

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.indicators.atr import true_range
from tradingboost.indicators.wilder import wilder

ADX_FIELDS: Final[list[Any]] = [
    ("adx_bars", np.int64),
    ("adx_high", np.float64),  # of the bar before
    ("adx_low", np.float64),
    ("adx_close", np.float64),
    ("adx_range", np.float64),  # Wilder averages, running sums while seeding
    ("adx_up", np.float64),
    ("adx_down", np.float64),
    ("adx_average", np.float64),
]
ADX: Final = np.dtype(ADX_FIELDS, align=True)
"""What is remembered between bars; zeroed = the start."""


@register_jitable
def share(part: float, whole: float) -> float:
    """A hundred times the part of the whole; 0 of nothing."""
    if whole == 0.0:
        return 0.0
    return 100.0 * (part / whole)


@register_jitable
def plus_di(fold: Any, length: int) -> float:
    """+DI of the last bar, NaN before bar `length`."""
    if fold.adx_bars <= length:
        return np.nan
    return share(fold.adx_up, fold.adx_range)


@register_jitable
def minus_di(fold: Any, length: int) -> float:
    """-DI of the last bar, NaN before bar `length`."""
    if fold.adx_bars <= length:
        return np.nan
    return share(fold.adx_down, fold.adx_range)


@register_jitable
def adx_value(fold: Any, length: int) -> float:
    """ADX of the last bar, NaN before bar `2 length - 1`."""
    if fold.adx_bars < 2 * length:
        return np.nan
    average: float = fold.adx_average
    return average


@register_jitable
def adx_step(fold: Any, length: int, high: float, low: float, close: float) -> None:
    """Take one closed bar into a record with `ADX_FIELDS`."""
    seen = fold.adx_bars
    if seen > 0:
        up = high - fold.adx_high
        down = fold.adx_low - low
        fold.adx_up = wilder(fold.adx_up, up if up > down and up > 0.0 else 0.0, seen, length)
        fold.adx_down = wilder(fold.adx_down, down if down > up and down > 0.0 else 0.0, seen, length)
        fold.adx_range = wilder(fold.adx_range, true_range(high, low, fold.adx_close), seen, length)
    if seen >= length:
        plus = share(fold.adx_up, fold.adx_range)
        minus = share(fold.adx_down, fold.adx_range)
        decided = share(abs(plus - minus), plus + minus)
        fold.adx_average = wilder(fold.adx_average, decided, seen - length + 1, length)
    fold.adx_bars = seen + 1
    fold.adx_high = high
    fold.adx_low = low
    fold.adx_close = close


@njit(cache=True, error_model="numpy", nogil=True)
def adx_columns(
    folds: Any, highs: NDArray[np.float64], lows: NDArray[np.float64], closes: NDArray[np.float64], length: int
) -> tuple[Any, Any, Any]:
    """Take a series into a fold (structured array of length 1); (ADX, +DI, -DI) of every bar."""
    average = np.empty(closes.size)
    plus = np.empty(closes.size)
    minus = np.empty(closes.size)
    fold = folds[0]
    for i in range(closes.size):
        adx_step(fold, length, highs[i], lows[i], closes[i])
        average[i] = adx_value(fold, length)
        plus[i] = plus_di(fold, length)
        minus[i] = minus_di(fold, length)
    return average, plus, minus


def adx(
    highs: NDArray[np.float64], lows: NDArray[np.float64], closes: NDArray[np.float64], length: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """(ADX, +DI, -DI) of every bar.

    Shape:
        highs, lows, closes: float64[n], oldest first, last bar closed. Results: float64[n], NaN before bar `length`
        (DI) and bar `2 length - 1` (ADX).
    """
    average, plus, minus = adx_columns(np.zeros(1, ADX).view(np.recarray), highs, lows, closes, length)
    return average, plus, minus
