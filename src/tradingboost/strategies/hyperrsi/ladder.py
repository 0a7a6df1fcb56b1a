"""The take-profit ladder as resting orders."""

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import Reason, Record, Type, place
from tradingboost.strategies.hyperrsi.levels import tp_price, tp_quantities, tp_target
from tradingboost.strategies.hyperrsi.state import INACTIVE, LEVELS, WORKING
from tradingboost.strategies.hyperrsi.stops import TP_BASE, cancel_level


@register_jitable
def is_placed(level: int, params: Record) -> bool:
    """Whether level 0..2 rests at the venue: what lies behind the start of trailing trails instead."""
    start: int = params.trail_level
    return start == 0 or level < start


@register_jitable
def build_ladder(state: Record, params: Record, last: float, out: Record, n: int) -> int:
    """Cancel what no longer fits, then place what is missing; a level with equal price and quantity is left alone."""
    prices = np.zeros(LEVELS)
    quantities = np.zeros(LEVELS)
    tp_quantities(state.qty, params, quantities)
    for level in range(LEVELS):
        target = tp_target(level, state.side, state.average, state.atr, params)
        prices[level] = tp_price(target, state.side, state.average, last, params)
        fits = quantities[level] == state.tp_left[level] and prices[level] == state.tp_price[level]
        if state.tp_status[level] == WORKING and not fits:
            n = cancel_level(state, level, Reason.LADDER, out, n)
    for level in range(LEVELS):
        state.tp_price[level] = prices[level]
        state.tp_qty[level] = quantities[level]
        state.tp_left[level] = quantities[level]
        state.tp_sold[level] = 0.0
        state.tp_average[level] = 0.0
        if state.tp_status[level] != WORKING:
            n = place_level(state, params, level, out, n)
    state.ladder += 1
    return n


@register_jitable
def place_level(state: Record, params: Record, level: int, out: Record, n: int) -> int:
    """Rest one level as a reduce-only limit; without quantity, or behind the start of trailing, it is inactive."""
    if state.tp_qty[level] <= 0.0 or not is_placed(level, params):
        state.tp_status[level] = INACTIVE
        return n
    state.tp_status[level] = WORKING
    n = place(out, n, TP_BASE + level + 1, -state.side, state.side, Type.LIMIT, state.tp_qty[level])
    out[n - 1].price = state.tp_price[level]
    out[n - 1].reduce_only = 1
    out[n - 1].reason = Reason.LADDER
    return n
