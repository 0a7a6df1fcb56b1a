"""The exits of the hedge: its one stop, its take-profit, and the close at market."""

from typing import Final

from numba.extending import register_jitable

from tradingboost.strategies.contract import SLOT_BASE, Family, Kind, Reason, Record, Type, place, slot_code
from tradingboost.strategies.hyperrsi.hedge_rules import (
    MAIN_STOP_TP,
    MAIN_TP_SL,
    PERCENT_TP,
    exits_allowed,
    main_stop_tp,
    main_tp_sl,
    percent_from,
)
from tradingboost.strategies.hyperrsi.levels import beyond_market, guard_stop, is_tighter, liquidation_price
from tradingboost.strategies.hyperrsi.state import GUARD_STOP, INACTIVE, NO_STOP, STATIC_STOP, WORKING
from tradingboost.strategies.hyperrsi.stops import cancel_row

HEDGE_TP_SLOT: Final = slot_code(Family.HEDGE_TP, 0)
HEDGE_SL_SLOT: Final = slot_code(Family.HEDGE_SL, 0)
HEDGE_EXIT_SLOT: Final = slot_code(Family.HEDGE_EXIT, 0)


@register_jitable
def refresh_targets(state: Record, params: Record, side: int, average: float) -> None:
    """Ask the rules for take-profit and stop; a hedge that outlives its main leg keeps what it had."""
    if state.side == 0:
        return
    state.hedge_tp = 0.0
    state.hedge_sl = 0.0
    if not exits_allowed(state.dca_count, params):
        return
    if params.hedge_tp_rule == PERCENT_TP:
        state.hedge_tp = percent_from(average, side, side, params.hedge_tp_value, params)
    elif params.hedge_tp_rule == MAIN_STOP_TP and state.stop_live:
        state.hedge_tp = main_stop_tp(side, average, state.stop_kind, state.stop_price)
    if params.hedge_use_sl and params.hedge_sl_rule == MAIN_TP_SL:
        state.hedge_sl = main_tp_sl(side, average, state.tp_price[int(params.hedge_sl_value) - 1])
    elif params.hedge_use_sl:
        state.hedge_sl = percent_from(average, -side, side, params.hedge_sl_value, params)


@register_jitable
def hedge_opens(state: Record) -> bool:
    """Whether a hedge entry is on its way."""
    opens: bool = state.opening != 0 and state.opening_slot // SLOT_BASE == Family.HEDGE_ENTRY
    return opens


@register_jitable
def hedge_stop(state: Record, params: Record, side: int, average: float) -> tuple[int, float]:
    """Kind and price of the tighter of the hedge's own stop and its guard; 0 = none."""
    kind = NO_STOP
    price = 0.0
    if state.hedge_sl > 0.0:
        kind = STATIC_STOP
        price = state.hedge_sl
    if params.guarded:
        guard = guard_stop(side, average, liquidation_price(side, average, params), params)
        if is_tighter(side, guard, price):
            kind = GUARD_STOP
            price = guard
    return kind, price


@register_jitable
def sync_hedge(state: Record, params: Record, last: float, out: Record, n: int) -> int:
    """Bring the exits to their prices and to the quantity; while an opening fills only the stop follows."""
    refresh_targets(state, params, state.hedge_side, state.hedge_average)
    n = protect_hedge(state, params, last, out, n)
    if state.hedge_exit_reason != Reason.NONE or hedge_opens(state):
        return n
    return place_take_profit(state, params, last, out, n)


@register_jitable
def protect_hedge(state: Record, params: Record, last: float, out: Record, n: int) -> int:
    """Place or amend the stop; past the market already means close now."""
    kind, price = hedge_stop(state, params, state.hedge_side, state.hedge_average)
    if price <= 0.0:
        return withdraw_hedge_stop(state, out, n)
    moved = state.hedge_stop_live == 0 or price != state.hedge_stop_price
    if moved and last > 0.0 and beyond_market(state.hedge_side, price, last):
        return close_hedge(state, params, Reason.HEDGE_SL, out, n)
    if state.hedge_qty < params.min_qty or (not moved and state.hedge_stop_qty == state.hedge_qty):
        return n
    side = state.hedge_side
    n = place(out, n, HEDGE_SL_SLOT, -side, side, Type.STOP, state.hedge_qty)
    if state.hedge_stop_live:
        out[n - 1].kind = Kind.AMEND
    out[n - 1].trigger = price
    out[n - 1].reduce_only = 1
    out[n - 1].reason = Reason.GUARD if kind == GUARD_STOP else Reason.HEDGE_SL
    state.hedge_stop_live = 1
    state.hedge_stop_kind = kind
    state.hedge_stop_price = price
    state.hedge_stop_qty = state.hedge_qty
    return n


@register_jitable
def place_take_profit(state: Record, params: Record, last: float, out: Record, n: int) -> int:
    """Rest the take-profit anew when price or quantity have changed: a limit, or a trigger at the main leg's stop.

    One that somebody else has cancelled stays away until its price changes.
    """
    price = state.hedge_tp
    moved = price != state.hedge_tp_price
    fits = state.hedge_tp_status != WORKING or state.hedge_tp_left == state.hedge_qty
    if not moved and fits:
        return n
    n = withdraw_take_profit(state, out, n)
    state.hedge_tp_price = price
    state.hedge_tp_status = INACTIVE
    if price <= 0.0 or state.hedge_qty < params.min_qty:
        return n
    side = state.hedge_side
    trigger = params.hedge_tp_rule == MAIN_STOP_TP
    if trigger and last > 0.0 and side * last >= side * price:
        return close_hedge(state, params, Reason.HEDGE_TP, out, n)
    n = place(out, n, HEDGE_TP_SLOT, -side, side, Type.TAKE if trigger else Type.LIMIT, state.hedge_qty)
    if trigger:
        out[n - 1].trigger = price
    else:
        out[n - 1].price = price
    out[n - 1].reduce_only = 1
    out[n - 1].reason = Reason.HEDGE_TP
    state.hedge_tp_status = WORKING
    state.hedge_tp_left = state.hedge_qty
    return n


@register_jitable
def withdraw_hedge_stop(state: Record, out: Record, n: int) -> int:
    """Cancel the live stop of the hedge, if any."""
    if not state.hedge_stop_live:
        return n
    state.hedge_stop_live = 0
    state.hedge_stop_cancelling += 1
    return cancel_row(HEDGE_SL_SLOT, state.hedge_side, Reason.LEG_CLOSED, out, n)


@register_jitable
def withdraw_take_profit(state: Record, out: Record, n: int) -> int:
    """Cancel the resting take-profit of the hedge, if any."""
    if state.hedge_tp_status != WORKING:
        return n
    state.hedge_tp_status = INACTIVE
    state.hedge_tp_cancelling += 1
    return cancel_row(HEDGE_TP_SLOT, state.hedge_side, Reason.LEG_CLOSED, out, n)


@register_jitable
def close_hedge(state: Record, params: Record, reason: int, out: Record, n: int) -> int:
    """Close what is left of the hedge at market, once; its resting limit goes first, for that part is spoken for."""
    state.hedge_exit_reason = reason
    if state.hedge_exit_live:
        return n
    if state.hedge_qty < params.min_qty:
        state.hedge_dust = 1
        return n
    n = withdraw_take_profit(state, out, n)
    state.hedge_exit_live = 1
    n = place(out, n, HEDGE_EXIT_SLOT, -state.hedge_side, state.hedge_side, Type.MARKET, state.hedge_qty)
    out[n - 1].reduce_only = 1
    out[n - 1].reason = reason
    return n
