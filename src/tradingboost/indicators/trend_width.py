"""The width state: whether the Bollinger bands burst open (and which way), squeeze or calm down again."""

from typing import Any, Final

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.indicators.bollinger import bands, place_of, width_of
from tradingboost.indicators.trend_fold import (
    LONG_PIVOT_LEFT,
    LONG_WIDTH_LENGTH,
    PIVOT_LEFT,
    PIVOT_RIGHT,
    WIDTH_LENGTH,
    WIDTHS,
)
from tradingboost.indicators.window import keep, mean, push, stands_out

MULTIPLE: Final = 1.5
SHARE: Final = 0.7
"""A burst begins at this share of the mean pivot high; a squeeze ends at the mean pivot low over it."""
NO_PIVOT: Final = 5.0
SPAN: Final = PIVOT_LEFT + PIVOT_RIGHT + 1
LONG_SPAN: Final = LONG_PIVOT_LEFT + PIVOT_RIGHT + 1

Marks = tuple[float, float, float, float]
"""Widths the state is measured against: (buzz, buzz of the bar before, squeeze or 0 if none is believed, pivot low)."""


@register_jitable
def width_state(state: int, width: float, place: float, marks: Marks, before: Any) -> int:
    """The next state: 2 and -2 a burst up and down, -1 a squeeze, 0 neither.

    Args:
        state: of the bar before.
        width: of this bar.
        place: of the close between the bands.
        marks: see `Marks`.
        before: the three widths before, newest first, NaN where there was none.
    """
    buzz, buzz_before, squeeze, low = marks
    newest, second, third = before
    if width > buzz and newest <= buzz_before:
        if place > 0.5:
            state = 2
        elif place < 0.5:
            state = -2
    if width < squeeze:
        state = -1
    if state == 2 and place < 0.2:
        state = -2
    if state == -2 and place > 0.8:
        state = 2
    if abs(state) == 2 and width < newest and width < second and width < third:
        state = 0
    if state == -1 and width > low and width > newest:
        state = 0
    return state


@register_jitable
def take_width_close(fold: Any, close: float) -> None:
    """A bar of the width timeframe closed."""
    fold.trend_width_bars += 1
    closes = fold.trend_closes
    push(closes, close)
    count = fold.trend_width_bars - (WIDTH_LENGTH - 1)
    if count < 1:
        return
    band = bands(closes, closes.size - WIDTH_LENGTH, WIDTH_LENGTH, MULTIPLE)
    width = width_of(band)
    widths = fold.trend_widths
    push(widths, width)
    _keep_pivots(fold, widths, count)
    if fold.trend_width_bars >= LONG_WIDTH_LENGTH:
        _latch(fold, width_of(bands(closes, 0, LONG_WIDTH_LENGTH, MULTIPLE)))
    high = mean(fold.trend_highs, 0, fold.trend_high_count) if fold.trend_high_count else max(width, NO_PIVOT)
    low = mean(fold.trend_lows, 0, fold.trend_low_count) if fold.trend_low_count else min(width, NO_PIVOT)
    buzz = SHARE * high
    squeeze = low / SHARE if fold.trend_spread == 0 else 0.0
    marks = (buzz, fold.trend_buzz, squeeze, low)
    before = (
        widths[WIDTHS - 2] if count > 1 else np.nan,
        widths[WIDTHS - 3] if count > 2 else np.nan,
        widths[WIDTHS - 4] if count > 3 else np.nan,
    )
    place = place_of(band, close)
    fold.trend_width_state = width_state(fold.trend_width_state, width, place, marks, before)
    fold.trend_buzz = buzz


@register_jitable
def _keep_pivots(fold: Any, widths: NDArray[np.float64], count: int) -> None:
    """A pivot ten bars back is known now; it counts as high or low by where the width stands now."""
    if count < WIDTHS:
        return
    at = WIDTHS - 1 - PIVOT_RIGHT
    is_high = stands_out(widths, SPAN, at, 1.0)
    if not is_high and not stands_out(widths, SPAN, at, -1.0):
        return
    width = widths[WIDTHS - 1]
    middle = mean(widths, 0, WIDTHS)
    if is_high and width > middle:
        fold.trend_high_count = keep(fold.trend_highs, fold.trend_high_count, widths[at])
    elif not is_high and width < middle:
        fold.trend_low_count = keep(fold.trend_lows, fold.trend_low_count, widths[at])


@register_jitable
def _latch(fold: Any, width: float) -> None:
    """The long width decides whether a squeeze is believed."""
    widths = fold.trend_long_widths
    push(widths, width)
    if (
        fold.trend_width_bars >= LONG_WIDTH_LENGTH + LONG_SPAN - 1
        and width < 1.0
        and stands_out(widths, LONG_SPAN, LONG_PIVOT_LEFT, -1.0)
    ):
        fold.trend_long_low_count = keep(fold.trend_long_lows, fold.trend_long_low_count, widths[LONG_PIVOT_LEFT])
    if fold.trend_long_low_count:
        squeeze = mean(fold.trend_long_lows, 0, fold.trend_long_low_count) / SHARE
    else:
        squeeze = min(width, NO_PIVOT) / SHARE
    if width > squeeze:
        fold.trend_spread = 1
    elif width < squeeze:
        fold.trend_spread = 0
