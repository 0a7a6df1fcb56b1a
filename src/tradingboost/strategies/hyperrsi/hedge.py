"""The hedge leg: opened after adds of the main leg, sized to a target, protected from its first fill."""

from typing import Final

from numba.extending import register_jitable

from tradingboost.strategies.contract import Family, FillKind, Reason, Record, Type, place, slot_code
from tradingboost.strategies.hyperrsi.hedge_rules import LAST_DCA_TP, hedge_addition
from tradingboost.strategies.hyperrsi.hedge_stops import close_hedge, hedge_stop, refresh_targets, sync_hedge
from tradingboost.strategies.hyperrsi.levels import average_after, beyond_market, min_sustain, sum_qty
from tradingboost.strategies.hyperrsi.state import MAX_ENTRIES, NO_STOP

HEDGE_ENTRY_BASE: Final = slot_code(Family.HEDGE_ENTRY, 0)


@register_jitable
def hedge_gate(state: Record, params: Record) -> int:
    """What keeps a hedge from being opened or enlarged after an add, NONE = nothing."""
    if not state.running:
        return Reason.NOT_RUNNING
    if state.opening or state.exit_reason != Reason.NONE or state.hedge_exit_reason != Reason.NONE:
        return Reason.BUSY
    if state.dca_count < max(params.hedge_trigger, 2) or state.qty <= min_sustain(state.entry_qty[0], params):
        return Reason.HEDGE_TRIGGER
    if params.hedge_tp_rule == LAST_DCA_TP and state.dca_count >= params.dca_limit:
        return Reason.LAST_DCA
    if state.hedge_count >= params.hedge_limit:
        return Reason.HEDGE_LIMIT
    return Reason.NONE


@register_jitable
def try_hedge(state: Record, params: Record, fill: Record, out: Record, n: int) -> int:
    """What a completed add of the main leg means for the hedge: open, enlarge, close or nothing."""
    if not params.hedge_on:
        return n
    state.note_hedge = hedge_gate(state, params)
    if state.note_hedge == Reason.LAST_DCA and state.hedge_side != 0:
        state.hedge_exit_reason = Reason.LINKED
    if state.note_hedge != Reason.NONE:
        return n
    qty = hedge_addition(state.qty, state.hedge_qty, params)
    if qty <= 0.0 or (params.max_qty > 0.0 and qty > params.max_qty):
        state.note_hedge = Reason.UNPLACEABLE
        return n
    state.opening_qty = qty
    return place_hedge(state, params, fill, out, n)


@register_jitable
def place_hedge(state: Record, params: Record, fill: Record, out: Record, n: int) -> int:
    """Send a hedge entry; the first one carries the stop it will have."""
    side = -state.side
    state.opening = 1
    state.opening_slot = HEDGE_ENTRY_BASE + state.hedge_count + 1
    state.opening_side = side
    state.opening_filled = 0.0
    state.opening_ms = fill.ts_ms
    state.opening_stop = NO_STOP
    state.opening_trigger = 0.0
    if state.hedge_side == 0:
        refresh_targets(state, params, side, fill.last)
        kind, stop = hedge_stop(state, params, side, fill.last)
        if stop > 0.0 and not beyond_market(side, stop, fill.last):
            state.opening_stop = kind
            state.opening_trigger = stop
    n = place(out, n, state.opening_slot, side, side, Type.MARKET, state.opening_qty)
    out[n - 1].trigger = state.opening_trigger
    out[n - 1].reason = Reason.HEDGE
    return n


@register_jitable
def on_hedge_opening(state: Record, params: Record, fill: Record, out: Record) -> int:
    """A hedge entry filled or ended; a close that was asked for meanwhile follows as soon as it is complete."""
    if fill.kind == FillKind.FILLED and fill.qty > 0.0:
        book_hedge(state, params, fill)
    elif fill.kind == FillKind.FILLED and fill.left > 0.0:
        return 0
    if state.opening != 0 and fill.slot == state.opening_slot and (fill.kind != FillKind.FILLED or fill.left <= 0.0):
        state.opening = 0
        if fill.kind != FillKind.FILLED and state.opening_filled <= 0.0:
            state.note_hedge = Reason.MARGIN if fill.kind == FillKind.DENIED else Reason.UNPLACEABLE
    if state.hedge_side == 0:
        if not state.opening:
            state.hedge_exit_reason = Reason.NONE
        return 0
    if state.hedge_exit_reason != Reason.NONE:
        return 0 if state.opening else close_hedge(state, params, state.hedge_exit_reason, out, 0)
    return sync_hedge(state, params, fill.last, out, 0)


@register_jitable
def book_hedge(state: Record, params: Record, fill: Record) -> None:
    """Fold a fill into the hedge; the first fill of an opening makes the entry count."""
    if state.hedge_side == 0:
        state.hedge_side = fill.position_side
        state.hedge_opened_ms = fill.ts_ms
    if state.hedge_count == 0 or (state.opening and state.opening_filled <= 0.0):
        begin_hedge_entry(state, fill)
    index = max(state.hedge_count - 1, 0)
    state.hedge_average = average_after(state.hedge_qty, state.hedge_average, fill.qty, fill.price)
    state.hedge_qty = sum_qty(state.hedge_qty, fill.qty, params)
    before = state.hedge_entry_qty[index]
    state.hedge_entry_price[index] = average_after(before, state.hedge_entry_price[index], fill.qty, fill.price)
    state.hedge_entry_qty[index] = sum_qty(before, fill.qty, params)
    if state.opening:
        state.opening_filled = sum_qty(state.opening_filled, fill.qty, params)


@register_jitable
def begin_hedge_entry(state: Record, fill: Record) -> None:
    """Count the entry and take over the stop that came attached."""
    state.hedge_count = min(state.hedge_count + 1, MAX_ENTRIES)
    state.hedge_entry_ms[state.hedge_count - 1] = fill.ts_ms
    if state.opening and state.opening_trigger > 0.0:
        state.hedge_stop_live = 1
        state.hedge_stop_kind = state.opening_stop
        state.hedge_stop_price = state.opening_trigger
        state.hedge_stop_qty = state.opening_qty
