"""The adaptive levels before tick rounding: 21 lines around a smoothed centre, as wide as the market moves."""

from typing import Any, Final

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.indicators.atr import true_range
from tradingboost.indicators.ema import ema_step
from tradingboost.indicators.mama import mama_step
from tradingboost.indicators.wilder import wilder

LEVELS: Final = 20
"""Levels computed; guards and further levels follow from the outermost."""
CENTRE_LEVEL: Final = 11
FAMA_LENGTH: Final = 20
FAST: Final = 0.5
SLOW: Final = 0.05
SMOOTHING: Final = 5
ATR_LENGTH: Final = 14
LEAST_RANGE: Final = 0.004
"""Of the centre: the width a quiet market is given."""
QUARTER_MS: Final = 900_000
WARM_UP_BARS: Final = 1000

CENTRE_FIELDS: Final[list[Any]] = [
    ("centre_bars", np.int64),
    ("fama_window", np.float64, (FAMA_LENGTH + 1,)),
    ("fama", np.float64, (2,)),
    ("centre", np.float64),  # EMA of FAMA
    ("centre_close", np.float64),
    ("centre_range", np.float64),  # Wilder average, running sum while seeding
    ("smooth_centre", np.float64),
    ("smooth_range", np.float64),
    ("levels", np.float64, (LEVELS,)),
    ("levels_ms", np.int64),
]


@register_jitable
def first_number(count: int) -> int:
    """Number of the lowest tradable level of a grid with so many."""
    return 1 if count >= LEVELS else CENTRE_LEVEL - count // 2


@register_jitable
def adaptive_level(levels: NDArray[np.float64], number: int) -> float:
    """A level by number: 1..20 are computed, 0 is the guard below them, further ones go on from level 20."""
    if number < 1:
        return 0.992 * levels[0]  # type: ignore[no-any-return]
    if number <= LEVELS:
        return levels[number - 1]  # type: ignore[no-any-return]
    return levels[LEVELS - 1] * (1.0 + 0.008 * (number - LEVELS))  # type: ignore[no-any-return]


@register_jitable
def raw_levels(out: NDArray[np.float64], centre: float, smooth_centre: float, smooth_range: float) -> None:
    """The 20 levels of one bar before they are smoothed: half by percent, half by range, clamped, never too close."""
    for index in range(LEVELS):
        distance = CENTRE_LEVEL - (index + 1)
        by_percent = smooth_centre * (1.0 - 0.006 * distance)
        by_range = smooth_centre - 1.5 * smooth_range * distance
        reach = min(0.05 * abs(distance), 0.5)
        level = (by_percent + by_range) / 2.0
        out[index] = min(max(level, centre * (1.0 - reach)), centre * (1.0 + reach))
    for index in range(CENTRE_LEVEL, LEVELS):
        out[index] = max(out[index], 1.004 * out[index - 1])
    for index in range(CENTRE_LEVEL - 2, -1, -1):
        out[index] = min(out[index], 0.996 * out[index + 1])


@register_jitable
def centre_step(fold: Any, high: float, low: float, close: float, close_ms: int) -> None:
    """Take one closed quarter of an hour into a record with `CENTRE_FIELDS`."""
    seen = fold.centre_bars + 1
    mama_step(fold.fama_window, fold.fama, close, seen, (FAST, SLOW))
    fold.centre = ema_step(fold.centre, fold.fama[1], seen, SMOOTHING)
    if seen > 1:
        reach = true_range(high, low, fold.centre_close)
        fold.centre_range = wilder(fold.centre_range, reach, seen - 1, ATR_LENGTH)
    fold.centre_bars = seen
    fold.centre_close = close
    if seen <= ATR_LENGTH:
        return
    levelled = seen - ATR_LENGTH
    width = max(fold.centre_range, LEAST_RANGE * fold.centre)
    fold.smooth_centre = ema_step(fold.smooth_centre, fold.centre, levelled, SMOOTHING)
    fold.smooth_range = ema_step(fold.smooth_range, width, levelled, SMOOTHING)
    raw = np.empty(LEVELS)
    raw_levels(raw, fold.centre, fold.smooth_centre, fold.smooth_range)
    for index in range(LEVELS):
        fold.levels[index] = ema_step(fold.levels[index], raw[index], levelled, SMOOTHING)
    if seen >= WARM_UP_BARS:
        fold.levels_ms = close_ms
