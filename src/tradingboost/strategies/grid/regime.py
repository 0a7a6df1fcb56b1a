"""The four-hour regime: which way the market goes and how decidedly, at most one step a closed bar."""

from typing import Any, Final

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.indicators.adx import ADX_FIELDS, adx_step, adx_value, minus_di, plus_di
from tradingboost.indicators.extremes import highest_of, lowest_of
from tradingboost.indicators.window import push

FOUR_HOURS_MS: Final = 14_400_000
LENGTH: Final = 28
THRESHOLD: Final = 20.0
REACH: Final = 50
"""Bars of the extremes from which a market has recovered."""
WARM_UP_BARS: Final = 600

REGIME_FIELDS: Final[list[Any]] = [
    *ADX_FIELDS,
    ("regime_highs", np.float64, (REACH,)),
    ("regime_lows", np.float64, (REACH,)),
    ("regime_plus", np.float64),  # +DI of the bar before
    ("regime_minus", np.float64),
    ("regime_adx", np.float64, (4,)),  # oldest first, the newest last
    ("regime", np.int64),
]


@register_jitable
def next_regime(regime: int, fades: bool, cross: int, rises: bool) -> int:
    """One step.

    Args:
        regime: -2..2.
        fades: the move has ended by any of its signs.
        cross: +1 where +DI crossed above -DI on this bar, -1 the other way, 0 neither.
        rises: ADX rose two bars in a row.
    """
    if regime != 0 and fades:
        return 0
    if regime == 0:
        return cross
    if abs(regime) == 1:
        if cross == -regime:
            return -regime
        if rises:
            return 2 * regime
    return regime


@register_jitable
def fading(regime: int, adx: NDArray[np.float64], close: float, lowest: float, highest: float) -> bool:
    """Whether a move has ended: ADX crosses under 20 or falls three bars above it, or the price has come back."""
    before, now = adx[2], adx[3]
    if before >= THRESHOLD > now:
        return True
    if now > THRESHOLD and adx[0] > adx[1] > before > now:
        return True
    if regime < 0:
        return close >= 1.10 * lowest
    return regime > 0 and close <= 0.90 * highest


@register_jitable
def crossing(plus_before: float, minus_before: float, plus: float, minus: float) -> int:
    """+1 where the first line crosses above the second, -1 where it crosses below, else 0."""
    if plus_before <= minus_before and plus > minus:
        return 1
    if plus_before >= minus_before and plus < minus:
        return -1
    return 0


@register_jitable
def regime_step(fold: Any, high: float, low: float, close: float) -> None:
    """Take one closed four-hour bar into a record with `REGIME_FIELDS`."""
    adx_step(fold, LENGTH, high, low, close)
    if fold.adx_bars == 1:
        for i in range(REACH):
            fold.regime_highs[i] = high
            fold.regime_lows[i] = low
    push(fold.regime_highs, high)
    push(fold.regime_lows, low)
    plus, minus = plus_di(fold, LENGTH), minus_di(fold, LENGTH)
    push(fold.regime_adx, adx_value(fold, LENGTH))
    adx = fold.regime_adx
    if fold.adx_bars >= 2 * LENGTH + 4:
        fades = fading(
            fold.regime, adx, close, lowest_of(fold.regime_lows, 0, REACH), highest_of(fold.regime_highs, 0, REACH)
        )
        cross = crossing(fold.regime_plus, fold.regime_minus, plus, minus)
        fold.regime = next_regime(fold.regime, fades, cross, adx[3] > adx[2] > adx[1])
    fold.regime_plus = plus
    fold.regime_minus = minus


@register_jitable
def may_open(regime: int, side: int) -> bool:
    """Whether a side may open: not against a decided move."""
    return regime * side > -2
