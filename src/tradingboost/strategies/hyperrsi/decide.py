"""When a candle closes or a price reaches a trigger: exits first; in a step with an exit nothing opens."""

from typing import Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import LONG, SHORT, Family, Reason, Record, Type, place, slot_code
from tradingboost.strategies.hyperrsi.gates import add_gate, clock_gate, entry_gate, next_dca_price
from tradingboost.strategies.hyperrsi.hedge_exits import follow_main, hedge_at_close
from tradingboost.strategies.hyperrsi.levels import (
    base_amount,
    beyond_market,
    entry_qty,
    is_below_minimum,
    level_reached,
    multiplier,
    raw_qty,
    tp_target,
)
from tradingboost.strategies.hyperrsi.signal import candle_lock_until
from tradingboost.strategies.hyperrsi.state import LEVELS, NO_STOP, side_index, trend_against
from tradingboost.strategies.hyperrsi.stops import close_leg, initial_stop, protect
from tradingboost.strategies.hyperrsi.trailing import (
    advance_trailing,
    trailing_hit,
    trailing_reason,
    trailing_triggers,
)

ENTRY_SLOT: Final = slot_code(Family.ENTRY, 0)
ADD_BASE: Final = slot_code(Family.ADD, 0)


@register_jitable
def on_bar(state: Record, params: Record, bar: Record, indicators: Record, out: Record) -> int:
    """A candle of the run's timeframe closed; one decision a bar."""
    if bar.close_ms <= state.bar_ms:
        return 0
    take_indicators(state, params, bar.close_ms, indicators)
    n = 0
    if state.side != 0 and not state.dust:
        n = exit_at_close(state, params, bar, out)
    n = hedge_at_close(state, params, bar.close, out, n)
    if n > 0:
        return n
    if state.side != 0:
        return try_add(state, params, bar.close, bar.close_ms, out)
    for index in range(2):
        n = try_entry(state, params, LONG if index == 0 else SHORT, bar, out)
        if n > 0:
            return n
    return 0


@register_jitable
def exit_at_close(state: Record, params: Record, bar: Record, out: Record) -> int:
    """What a candle close does to an open main leg: a close that was refused, the trend close, the trailing stop."""
    if state.exit_reason != Reason.NONE:
        return close_leg(state, params, state.exit_reason, out, 0)
    if params.trend_closes and trend_against(state.trend, state.side):
        return close_leg(state, params, Reason.TREND_REVERSAL, out, 0)
    if state.trail_ms == 0:
        return 0
    advance_trailing(state, params, bar.close, bar.close_ms)
    return protect(state, params, bar.close, False, out)


@register_jitable
def on_tick(state: Record, params: Record, mark: float, ts_ms: int, out: Record) -> int:
    """A price reached a trigger: a close that was asked for, the trailing stop, or the add by price."""
    closing = state.side != 0 and state.exit_reason != Reason.NONE and not state.dust
    n = close_leg(state, params, state.exit_reason, out, 0) if closing else 0
    if state.hedge_exit_reason != Reason.NONE:
        n = follow_main(state, params, mark, out, n)
    if closing or state.side == 0 or mark <= 0.0:
        return n
    if state.trail_ms != 0:
        return trail(state, params, mark, ts_ms, out)
    if n > 0 or not params.dca_by_price:
        return n
    return try_add(state, params, mark, ts_ms, out)


@register_jitable
def trail(state: Record, params: Record, mark: float, ts_ms: int, out: Record) -> int:
    """First test the price against the stop, then take it in."""
    if trailing_hit(state.side, mark, state.trail_stop):
        return close_leg(state, params, trailing_reason(state), out, 0)
    advance_trailing(state, params, mark, ts_ms)
    n = protect(state, params, mark, False, out)
    return follow_main(state, params, mark, out, n)


@register_jitable
def triggers(state: Record, params: Record) -> tuple[float, float]:
    """Prices at which `on_tick` trails or may add. The clocks are asked there, once: what they hold back waits.

    Without that, a price beyond the level would be work at every tick until a clock ends, and the moment of the add
    would depend on how densely ticks come.
    """
    below, above = -np.inf, np.inf
    if state.side == 0 or state.exit_reason != Reason.NONE:
        return below, above
    if state.trail_ms != 0:
        return trailing_triggers(state, params)
    if not params.dca_by_price or state.add_waits or add_gate(state, params) != Reason.NONE:
        return below, above
    level = next_dca_price(state, params)
    if np.isnan(level):
        return below, above
    if state.side > 0:
        return level, above
    return below, level


@register_jitable
def take_indicators(state: Record, params: Record, close_ms: int, indicators: Record) -> None:
    """Keep the pair of the last two closed bars; bars that do not touch in time are no pair."""
    adjacent = state.bar_ms == 0 or close_ms - state.bar_ms == params.timeframe_ms
    state.rsi_prev = indicators.rsi_prev if adjacent else np.nan
    state.rsi = indicators.rsi
    if not np.isnan(indicators.atr):
        state.atr = indicators.atr
    state.trend = indicators.trend
    state.bar_ms = close_ms


# -- openings --------------------------------------------------------------------------------------------------------


@register_jitable
def try_entry(state: Record, params: Record, side: int, bar: Record, out: Record) -> int:
    """Evaluate one side of a flat run and open it when every gate is passed."""
    index = side_index(side)
    note = entry_gate(state, params, side, bar.close_ms)
    if note == Reason.NONE:
        note = plan_entry(state, params, side, bar.close)
        if note == Reason.UNPLACEABLE:
            count_failure(state, params, side, bar.close_ms)
    state.note[index] = note
    if note not in (Reason.NONE, Reason.RAISED_TO_MINIMUM):
        return 0
    state.opening_slot = ENTRY_SLOT
    return place_opening(state, side, bar.close_ms, Reason.SIGNAL, out)


@register_jitable
def plan_entry(state: Record, params: Record, side: int, price: float) -> int:
    """Size and stop of a first entry at this price; the entry is refused unless all its protection can be made."""
    amount = base_amount(state.available_quote, params)
    if amount <= 0.0:
        return Reason.MARGIN
    for level in range(LEVELS):
        if params.tp_on[level] and np.isnan(tp_target(level, side, price, state.atr, params)):
            return Reason.WARMING_UP
    kind, stop = initial_stop(side, price, state.atr, 1, params)
    if np.isnan(stop):
        return Reason.WARMING_UP
    if stop > 0.0 and beyond_market(side, stop, price):
        return Reason.UNPLACEABLE
    state.base_amount = amount
    state.opening_trigger = stop
    state.opening_stop = kind
    return plan_size(state, params, amount, price)


@register_jitable
def plan_size(state: Record, params: Record, amount: float, price: float) -> int:
    """Size an opening of this amount at this price."""
    qty = entry_qty(amount, price, params)
    state.opening_qty = qty
    if qty <= 0.0:
        return Reason.UNPLACEABLE
    if is_below_minimum(raw_qty(amount, price, params), params):
        return Reason.RAISED_TO_MINIMUM
    return Reason.NONE


@register_jitable
def try_add(state: Record, params: Record, price: float, now_ms: int, out: Record) -> int:
    """Evaluate an add at this price and send it when all conditions hold."""
    state.add_waits = 0
    state.note_add = add_gate(state, params)
    if state.note_add != Reason.NONE:
        return 0
    if params.dca_by_price and not at_dca_price(state, params, price):
        state.note_add = Reason.PRICE_LEVEL
        return 0
    state.add_waits = 1
    state.note_add = clock_gate(state, params, state.side, now_ms)
    if state.note_add != Reason.NONE:
        return 0
    entry = state.dca_count + 1
    state.note_add = plan_size(state, params, state.base_amount * multiplier(entry, params), price)
    if state.note_add == Reason.UNPLACEABLE:
        count_failure(state, params, state.side, now_ms)
        return 0
    state.add_waits = 0
    state.opening_slot = ADD_BASE + entry
    state.opening_trigger = 0.0
    state.opening_stop = NO_STOP
    return place_opening(state, state.side, now_ms, Reason.DCA, out)


@register_jitable
def at_dca_price(state: Record, params: Record, price: float) -> bool:
    """Whether the price has reached the next level; never where the level is not known."""
    level = next_dca_price(state, params)
    return not np.isnan(level) and level_reached(state.side, level, price)


@register_jitable
def place_opening(state: Record, side: int, now_ms: int, reason: int, out: Record) -> int:
    """Send the planned opening; nothing else opens until it is resolved."""
    state.opening = 1
    state.opening_side = side
    state.opening_filled = 0.0
    state.opening_ms = now_ms
    n = place(out, 0, state.opening_slot, side, side, Type.MARKET, state.opening_qty)
    out[0].trigger = state.opening_trigger
    out[0].reason = reason
    return n


@register_jitable
def count_failure(state: Record, params: Record, side: int, decided_ms: int) -> None:
    """A technical failure locks the side for the candle and counts; at the limit the run stops itself."""
    index = side_index(side)
    state.lock_ms[index] = candle_lock_until(decided_ms, params.timeframe_ms)
    state.entry_failures += 1
    if state.entry_failures >= params.failure_limit:
        state.running = 0
