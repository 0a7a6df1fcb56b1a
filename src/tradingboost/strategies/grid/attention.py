"""At which closes the kernel may do something: a grid whose book is planned waits for its prices."""

from typing import Any, Final

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.strategies.contract import EVERY_CLOSE, Record
from tradingboost.strategies.grid.settled import NEVER
from tradingboost.strategies.grid.state import RUNNING

NEWS: Final = 1
"""Levels, regime or a signal are other than at the close before."""


@register_jitable
def attention(state: Record, params: Record) -> int:
    """News from candles; every close where refused orders, a range judged by closes or a clock wait for it."""
    if state.planned == 0 or state.stop_request != 0 or state.held_back > 0 or params.quiet_ms > 0:
        return EVERY_CLOSE
    bounded = state.range_above_ticks < NEVER or state.range_below_ticks > 0
    if params.range_on_close == 1 and bounded and state.status == RUNNING:
        return EVERY_CLOSE
    return NEWS if params.folds == 1 else 0


@register_jitable
def mark(before: Record, now: Record, params: Record) -> int:
    """The marks of one close, from its row and the one before."""
    if params.folds == 0:
        return 0
    same = now.levels_ms == before.levels_ms and now.regime == before.regime
    return 0 if same and now.start_signal == 0 and now.stop_signal == 0 else NEWS


def watch(indicators: Any, closes: NDArray[np.float64], params: Record) -> NDArray[np.uint8]:
    """The marks of every close."""
    if not int(params.folds):
        return np.zeros(closes.size, np.uint8)
    found: NDArray[np.uint8] = _watch(indicators)
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def _watch(indicators: Any) -> NDArray[np.uint8]:
    marks = np.zeros(indicators.size, np.uint8)
    levels_ms = 0
    regime = 0
    for i in range(indicators.size):
        row = indicators[i]
        same = row.levels_ms == levels_ms and row.regime == regime
        if not same or row.start_signal != 0 or row.stop_signal != 0:
            marks[i] = NEWS
        levels_ms = row.levels_ms
        regime = row.regime
    return marks
