"""The four RSI rules and the two clocks (candle lock, cooldown) that hold a side back."""

from typing import Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import Record

CROSS_IN: Final = 1
TURN: Final = 2
CROSS_OUT: Final = 3
LEVEL: Final = 4

RSI_NOISE: Final = 1e-9
"""After an unchanged close the index is the same but for its last bits; that is no turn."""

LEAST_LOCK_MS: Final = 60_000
LEAST_EXIT_COOLDOWN_S: Final = 5


@register_jitable
def rsi_signal(side: int, previous: float, current: float, params: Record) -> bool:
    """Whether a side's rule holds for the RSI of the last two closed bars; a missing value never signals."""
    if np.isnan(current):
        return False
    option = params.entry_option
    # A short is a long on the mirrored index: distances are measured into the extreme zone.
    now: float = params.oversold - current if side > 0 else current - params.overbought
    if option == LEVEL:
        return now > 0.0
    if np.isnan(previous):
        return False
    before: float = params.oversold - previous if side > 0 else previous - params.overbought
    if option == CROSS_IN:
        return before < 0.0 and now >= 0.0
    if option == CROSS_OUT:
        return before > 0.0 and now <= 0.0
    turned = side * (current - previous) > RSI_NOISE
    return turned and (before > 0.0 or now > 0.0)


@register_jitable
def candle_lock_until(decided_ms: int, timeframe_ms: int) -> int:
    """Next candle boundary strictly after a decision, at least 60 s away (epoch milliseconds are UTC)."""
    boundary = (decided_ms // timeframe_ms + 1) * timeframe_ms
    return max(boundary, decided_ms + LEAST_LOCK_MS)


@register_jitable
def cooling(now_ms: int, until_ms: int, params: Record) -> bool:
    """Whether a cooldown still runs; its end is exclusive and nobody asks without `use_cooldown`."""
    return params.use_cooldown != 0 and now_ms < until_ms
