"""What holds an entry or an add back: the first gate that does is the note a person reads."""

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import Reason, Record
from tradingboost.strategies.hyperrsi.levels import dca_level, dca_trigger
from tradingboost.strategies.hyperrsi.signal import cooling, rsi_signal
from tradingboost.strategies.hyperrsi.state import side_index, trend_against


@register_jitable
def clock_gate(state: Record, params: Record, side: int, now_ms: int) -> int:
    """Candle lock, cooldown and the pause after repeated lack of margin."""
    index = side_index(side)
    if now_ms < state.lock_ms[index]:
        return Reason.CANDLE_LOCK
    if cooling(now_ms, state.cooldown_ms[index], params):
        return Reason.COOLDOWN
    if now_ms < state.margin_pause_ms:
        return Reason.MARGIN
    return Reason.NONE


@register_jitable
def side_allowed(side: int, params: Record) -> bool:
    """Whether `direction` lets this side open."""
    allowed: int = params.allow_long if side > 0 else params.allow_short
    return allowed != 0


@register_jitable
def entry_gate(state: Record, params: Record, side: int, now_ms: int) -> int:
    """The first gate that holds this side back, NONE = free to enter."""
    if not state.running:
        return Reason.NOT_RUNNING
    if state.opening or state.side != 0:
        return Reason.BUSY
    if state.hedge_side != 0 and not state.hedge_dust:
        return Reason.ORPHAN_HEDGE
    if not side_allowed(side, params):
        return Reason.DIRECTION
    clock = clock_gate(state, params, side, now_ms)
    if clock != Reason.NONE:
        return clock
    if np.isnan(state.rsi):
        return Reason.WARMING_UP
    if not rsi_signal(side, state.rsi_prev, state.rsi, params):
        return Reason.NO_SIGNAL
    if params.trend_blocks and trend_against(state.trend, side):
        return Reason.TREND_BLOCK
    return Reason.NONE


@register_jitable
def add_gate(state: Record, params: Record) -> int:
    """What holds an add back whatever the price and the time, NONE = nothing."""
    if not state.running:
        return Reason.NOT_RUNNING
    if state.opening or state.exit_reason != Reason.NONE:
        return Reason.BUSY
    if state.dca_count + 1 > params.dca_limit:
        return Reason.PYRAMIDING_LIMIT
    if state.trail_ms != 0:
        return Reason.TRAILING_ARMED
    if not side_allowed(state.side, params):
        return Reason.DIRECTION
    if params.dca_by_rsi and not rsi_signal(state.side, state.rsi_prev, state.rsi, params):
        return Reason.NO_SIGNAL
    if params.trend_blocks and trend_against(state.trend, state.side):
        return Reason.TREND_BLOCK
    return Reason.NONE


@register_jitable
def next_dca_price(state: Record, params: Record) -> float:
    """Level 1 from the average or the newest entry, on a tick; NaN without an ATR it needs."""
    base = state.entry_price[state.dca_count - 1] if params.dca_from_last else state.average
    return dca_trigger(dca_level(state.side, base, state.atr, params), state.side, params)
