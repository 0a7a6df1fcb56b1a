"""When one of the run's orders filled or ended: book it, protect first, then the ladder, then the end of the leg."""

from typing import Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import SLOT_BASE, Family, FillKind, Reason, Record, Type, place, slot_code
from tradingboost.strategies.hyperrsi.decide import ADD_BASE, ENTRY_SLOT, count_failure
from tradingboost.strategies.hyperrsi.levels import (
    average_after,
    lots_qty,
    min_sustain,
    multiplier,
    qty_lots,
    tp_price,
    tp_quantities,
    tp_target,
)
from tradingboost.strategies.hyperrsi.signal import candle_lock_until
from tradingboost.strategies.hyperrsi.state import FILLED, INACTIVE, LEVELS, NO_STOP, SUSPENDED, WORKING, side_index
from tradingboost.strategies.hyperrsi.stops import (
    EXIT_SLOT,
    cancel_row,
    close_leg,
    protect,
    raise_break_even,
    withdraw_stop,
)

TP_BASE: Final = slot_code(Family.TP, 0)
MARGIN_WINDOW_MS: Final = 86_400_000
MARGIN_FAILURES: Final = 15
MARGIN_PAUSE_MS: Final = 600_000


@register_jitable
def on_fill(state: Record, params: Record, fill: Record, out: Record) -> int:
    """One of this run's orders filled, or ended. The caller tells each report once."""
    family = fill.slot // SLOT_BASE
    if family in (Family.ENTRY, Family.ADD):
        return on_opening(state, params, fill, out)
    if state.side == 0:
        settle_cancel(state, fill)
        return 0
    if family == Family.TP:
        return on_take_profit(state, params, fill, out)
    if family == Family.SL:
        return on_stop(state, params, fill, out)
    if family == Family.EXIT:
        return on_exit(state, params, fill, out)
    return 0


# -- openings --------------------------------------------------------------------------------------------------------


@register_jitable
def on_opening(state: Record, params: Record, fill: Record, out: Record) -> int:
    """A first entry or add: while it fills only the stop follows; when it is complete the ladder is made anew."""
    if fill.kind == FillKind.FILLED and fill.qty > 0.0:
        book_opening(state, params, fill)
    elif fill.kind == FillKind.FILLED and fill.left > 0.0:
        return 0
    current = state.opening != 0 and fill.slot == state.opening_slot
    if current and (fill.kind != FillKind.FILLED or fill.left <= 0.0):
        state.opening = 0
        if state.opening_filled <= 0.0:
            fail_opening(state, params, fill)
            return 0
    if state.side == 0:
        return 0
    if state.opening:
        return protect(state, params, fill.last, True, out)
    return rebuild_exits(state, params, fill.last, out)


@register_jitable
def book_opening(state: Record, params: Record, fill: Record) -> None:
    """Fold a fill into the leg; the first fill of an opening makes the entry count."""
    if state.side == 0:
        state.side = fill.position_side
        state.opened_ms = fill.ts_ms
    if state.dca_count == 0 or (state.opening and state.opening_filled <= 0.0):
        begin_entry(state, params, fill)
    index = state.dca_count - 1
    state.average = average_after(state.qty, state.average, fill.qty, fill.price)
    state.qty = sum_qty(state.qty, fill.qty, params)
    state.entry_price[index] = average_after(state.entry_qty[index], state.entry_price[index], fill.qty, fill.price)
    state.entry_qty[index] = sum_qty(state.entry_qty[index], fill.qty, params)
    if state.opening:
        state.opening_filled = sum_qty(state.opening_filled, fill.qty, params)


@register_jitable
def begin_entry(state: Record, params: Record, fill: Record) -> None:
    """Count the entry, lock and cool its side from the moment of the decision, and take over an attached stop."""
    side = side_index(state.side)
    state.entry_ms[state.dca_count] = fill.ts_ms
    state.dca_count += 1
    number = 1 if fill.slot == ENTRY_SLOT else fill.slot - ADD_BASE
    state.entry_multiplier[state.dca_count - 1] = multiplier(number, params)
    state.lock_ms[side] = candle_lock_until(state.opening_ms, params.timeframe_ms)
    if params.use_cooldown:
        state.cooldown_ms[side] = max(state.cooldown_ms[side], state.opening_ms + params.cooldown_ms)
    state.entry_failures = 0
    if fill.slot == ENTRY_SLOT and state.opening_trigger > 0.0:
        state.stop_live = 1
        state.stop_kind = state.opening_stop
        state.stop_price = state.opening_trigger
        state.stop_qty = state.opening_qty


@register_jitable
def fail_opening(state: Record, params: Record, fill: Record) -> None:
    """Nothing filled. Lack of margin has its own count; an add withdrawn because its leg ended is no failure."""
    if fill.kind == FillKind.DENIED:
        count_margin_failure(state, params, fill.ts_ms)
    elif state.side != 0 or state.opening_slot == ENTRY_SLOT:
        count_failure(state, params, state.opening_side, state.opening_ms)


@register_jitable
def count_margin_failure(state: Record, params: Record, now_ms: int) -> None:
    """Skip the candle; the fifteenth time within a day entries pause for ten minutes."""
    state.lock_ms[side_index(state.opening_side)] = candle_lock_until(state.opening_ms, params.timeframe_ms)
    if now_ms - state.margin_since_ms >= MARGIN_WINDOW_MS:
        state.margin_since_ms = now_ms
        state.margin_failures = 0
    state.margin_failures += 1
    if state.margin_failures >= MARGIN_FAILURES:
        state.margin_pause_ms = now_ms + MARGIN_PAUSE_MS
        state.margin_failures = 0


@register_jitable
def rebuild_exits(state: Record, params: Record, last: float, out: Record) -> int:
    """After a complete opening: stop first, then the ladder of the new average and quantity."""
    state.tp_filled = 0
    state.break_even = 0.0
    n = protect(state, params, last, True, out)
    if state.exit_reason != Reason.NONE:
        return n
    return build_ladder(state, params, last, out, n)


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
        if state.tp_status[level] != WORKING:
            n = place_level(state, level, out, n)
    state.ladder += 1
    return n


@register_jitable
def place_level(state: Record, level: int, out: Record, n: int) -> int:
    """Rest one level as a reduce-only limit; a level without quantity is inactive."""
    if state.tp_qty[level] <= 0.0:
        state.tp_status[level] = INACTIVE
        return n
    state.tp_status[level] = WORKING
    n = place(out, n, TP_BASE + level + 1, -state.side, state.side, Type.LIMIT, state.tp_qty[level])
    out[n - 1].price = state.tp_price[level]
    out[n - 1].reduce_only = 1
    out[n - 1].reason = Reason.LADDER
    return n


@register_jitable
def cancel_level(state: Record, level: int, reason: int, out: Record, n: int) -> int:
    """Withdraw one resting level and remember that its end will be reported."""
    state.tp_status[level] = INACTIVE
    state.tp_cancelling[level] += 1
    return cancel_row(TP_BASE + level + 1, state.side, reason, out, n)


# -- reductions ------------------------------------------------------------------------------------------------------


@register_jitable
def sum_qty(qty: float, change: float, params: Record) -> float:
    """Add quantities in whole lots, never below zero."""
    return lots_qty(max(qty_lots(qty, params) + qty_lots(change, params), 0.0), params)


@register_jitable
def settle_cancel(state: Record, fill: Record) -> bool:
    """Whether this report is only the end of an order we cancelled ourselves."""
    if fill.kind != FillKind.ENDED:
        return False
    if fill.slot // SLOT_BASE == Family.SL and state.stop_cancelling > 0:
        state.stop_cancelling -= 1
        return True
    level = fill.slot - TP_BASE - 1
    if 0 <= level < LEVELS and state.tp_cancelling[level] > 0:
        state.tp_cancelling[level] -= 1
        return True
    return False


@register_jitable
def on_take_profit(state: Record, params: Record, fill: Record, out: Record) -> int:
    """A level counts as filled when its order is complete; a level ended by somebody else waits for the next ladder."""
    level = fill.slot - TP_BASE - 1
    if settle_cancel(state, fill):
        return 0
    if fill.kind != FillKind.FILLED:
        if state.tp_status[level] == WORKING:
            state.tp_status[level] = SUSPENDED
        return 0
    state.qty = sum_qty(state.qty, -fill.qty, params)
    state.tp_left[level] = max(fill.left, 0.0)
    if fill.left <= 0.0:
        if state.tp_cancelling[level] > 0:
            state.tp_cancelling[level] -= 1
        state.tp_status[level] = FILLED
        state.tp_filled = max(state.tp_filled, level + 1)
        raise_break_even(state, params, level)
    return after_take_profit(state, params, fill, out)


@register_jitable
def after_take_profit(state: Record, params: Record, fill: Record, out: Record) -> int:
    """Flat ends the leg, dust is closed at market, else the stop follows price and quantity."""
    if state.qty <= 0.0:
        return end_leg(state, params, fill.ts_ms, out)
    if state.exit_live:
        return 0
    if state.qty <= min_sustain(state.entry_qty[0], params):
        return close_leg(state, params, Reason.FORCE_CLOSE, out)
    return protect(state, params, fill.last, False, out)


@register_jitable
def on_stop(state: Record, params: Record, fill: Record, out: Record) -> int:
    """The stop filled, or is gone although the leg is open: it comes back, or the leg is closed at market."""
    if settle_cancel(state, fill):
        return 0
    if fill.kind == FillKind.FILLED:
        state.qty = sum_qty(state.qty, -fill.qty, params)
        state.stop_qty = max(fill.left, 0.0)
        if fill.left <= 0.0:
            state.stop_live = 0
        if state.qty <= 0.0:
            return end_leg(state, params, fill.ts_ms, out)
        if state.stop_live or state.exit_live:
            return 0
        return protect(state, params, fill.last, False, out)
    state.stop_live = 0
    if fill.kind == FillKind.ENDED:
        return protect(state, params, fill.last, False, out)
    return close_leg(state, params, Reason.SL, out)


@register_jitable
def on_exit(state: Record, params: Record, fill: Record, out: Record) -> int:
    """The close at market filled; what an entry added meanwhile follows at once, a refused close at the next candle."""
    done = fill.kind != FillKind.FILLED or fill.left <= 0.0
    if done:
        state.exit_live = 0
    if fill.kind != FillKind.FILLED:
        return 0
    state.qty = sum_qty(state.qty, -fill.qty, params)
    if state.qty <= 0.0:
        return end_leg(state, params, fill.ts_ms, out)
    if done and state.exit_reason != Reason.NONE:
        return close_leg(state, params, state.exit_reason, out)
    return 0


@register_jitable
def end_leg(state: Record, params: Record, now_ms: int, out: Record) -> int:
    """Flat: withdraw every order that still lives, start the cooldown, forget the leg."""
    n = withdraw_stop(state, out, 0)
    for level in range(LEVELS):
        if state.tp_status[level] == WORKING:
            n = cancel_level(state, level, Reason.LEG_CLOSED, out, n)
    if state.exit_live:
        n = cancel_row(EXIT_SLOT, state.side, Reason.LEG_CLOSED, out, n)
    if state.opening:
        n = cancel_row(state.opening_slot, state.side, Reason.LEG_CLOSED, out, n)
    if params.use_cooldown:
        side = side_index(state.side)
        state.cooldown_ms[side] = max(state.cooldown_ms[side], now_ms + params.exit_cooldown_ms)
    forget_leg(state)
    return n


@register_jitable
def forget_leg(state: Record) -> None:
    """Zero what belongs to the leg; locks, cooldowns, failure counts and cancels on their way stay."""
    state.side = 0
    state.qty = 0.0
    state.average = 0.0
    state.opened_ms = 0
    state.dca_count = 0
    state.add_waits = 0
    state.entry_qty[:] = 0.0
    state.entry_price[:] = 0.0
    state.entry_ms[:] = 0
    state.entry_multiplier[:] = 0.0
    state.ladder = 0
    state.tp_price[:] = 0.0
    state.tp_qty[:] = 0.0
    state.tp_left[:] = 0.0
    state.tp_status[:] = INACTIVE
    state.tp_filled = 0
    state.stop_live = 0
    state.stop_kind = NO_STOP
    state.stop_price = 0.0
    state.stop_qty = 0.0
    state.break_even = 0.0
    state.exit_reason = Reason.NONE
    state.exit_live = 0
    state.dust = 0
