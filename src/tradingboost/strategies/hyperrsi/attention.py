"""At which closes the kernel may do something: without a signal nothing opens, and a leg waits for its prices."""

from typing import Any, Final

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.strategies.contract import EVERY_CLOSE, LONG, SHORT, Reason, Record
from tradingboost.strategies.hyperrsi.levels import ATR
from tradingboost.strategies.hyperrsi.signal import rsi_signal
from tradingboost.strategies.hyperrsi.state import trend_against

SIGNAL: Final = 1
AFTER_SIGNAL: Final = 2
"""The close after one with a signal, which takes back what the signal allowed."""
TURN: Final = 4
"""The trend state is another than at the close before."""


@register_jitable
def attention(state: Record, params: Record) -> int:
    """Signals while flat; of an open leg those that may add to it, and turns of the trend where they matter."""
    if state.hedge_side != 0 or state.hedge_exit_reason != Reason.NONE:
        return EVERY_CLOSE
    if state.side == 0:
        return SIGNAL
    if params.hedge_on or state.exit_reason != Reason.NONE or state.trail_ms != 0 or state.add_waits:
        return EVERY_CLOSE
    if params.trend_closes and trend_against(state.trend, state.side):
        return EVERY_CLOSE
    turns = TURN if params.trend_closes or params.trend_blocks else 0
    if state.dca_count >= params.dca_limit or not state.running:
        return turns
    if params.dca_by_rsi:
        return SIGNAL | AFTER_SIGNAL | turns
    if params.dca_by_price and params.dca_option != ATR:
        return turns
    return EVERY_CLOSE  # adds at any close, or at a level that moves with every close


@register_jitable
def mark(before: Record, now: Record, params: Record) -> int:
    """The marks of one close, from its row and the one before."""
    found = SIGNAL if signals(now, params) else 0
    if signals(before, params):
        found |= AFTER_SIGNAL
    if now.trend != before.trend:
        found |= TURN
    return found


@register_jitable
def signals(row: Record, params: Record) -> bool:
    """Whether the rule of either side holds."""
    long: bool = rsi_signal(LONG, row.rsi_prev, row.rsi, params)
    return long or rsi_signal(SHORT, row.rsi_prev, row.rsi, params)


def watch(indicators: Any, closes: NDArray[np.float64], params: Record) -> NDArray[np.uint8]:  # noqa: ARG001
    """The marks of every close."""
    found: NDArray[np.uint8] = _watch(indicators, params)
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def _watch(indicators: Any, params: Record) -> NDArray[np.uint8]:
    marks = np.zeros(indicators.size, np.uint8)
    signalled = False
    trend = 0.0
    for i in range(indicators.size):
        row = indicators[i]
        signal = signals(row, params)
        marks[i] = (SIGNAL if signal else 0) | (AFTER_SIGNAL if signalled else 0) | (TURN if row.trend != trend else 0)
        signalled = signal
        trend = row.trend
    return marks
