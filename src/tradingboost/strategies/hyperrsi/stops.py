"""The one effective stop of a leg: the tightest active kind, loosened by an add only; and the close at market."""

from typing import Final

from numba.extending import register_jitable

from tradingboost.strategies.contract import Family, Kind, Reason, Record, Type, place, slot_code
from tradingboost.strategies.hyperrsi.levels import (
    beyond_market,
    exit_on_tick,
    guard_stop,
    is_tighter,
    liquidation_price,
    static_stop,
    static_stop_active,
)
from tradingboost.strategies.hyperrsi.state import (
    BREAK_EVEN_STOP,
    GUARD_STOP,
    INACTIVE,
    LEVELS,
    NO_STOP,
    STATIC_STOP,
    TRAILING_STOP,
    WORKING,
)

SL_SLOT: Final = slot_code(Family.SL, 0)
EXIT_SLOT: Final = slot_code(Family.EXIT, 0)
TP_BASE: Final = slot_code(Family.TP, 0)
NOTHING_AFTER_TP3_PCT: Final = 99.0


@register_jitable
def initial_stop(side: int, average: float, atr: float, dca_count: int, params: Record) -> tuple[int, float]:
    """Kind and price of the tighter of static and guard; price 0 = no stop, NaN = the ATR it needs is missing."""
    kind = NO_STOP
    price = 0.0
    if static_stop_active(dca_count, params):
        kind = STATIC_STOP
        price = static_stop(side, average, atr, params)
    if params.guarded:
        guard = guard_stop(side, average, liquidation_price(side, average, params), params)
        if is_tighter(side, guard, price):
            kind = GUARD_STOP
            price = guard
    return kind, price


@register_jitable
def wanted_stop(state: Record, params: Record) -> tuple[int, float]:
    """Kind and price of the tightest active kind of the open leg."""
    kind, price = initial_stop(state.side, state.average, state.atr, state.dca_count, params)
    if is_tighter(state.side, state.break_even, price):
        kind = BREAK_EVEN_STOP
        price = state.break_even
    if state.trail_ms != 0 and is_tighter(state.side, state.trail_rest, price):
        kind = TRAILING_STOP
        price = state.trail_rest
    return kind, price


@register_jitable
def raise_break_even(state: Record, params: Record, level: int) -> None:
    """TP1 moves the stop to the average, TP2 to the price of TP1, TP3 to the price of TP2; it only ever tightens."""
    if not params.break_even[level] or (level == 2 and params.ratio_sum >= NOTHING_AFTER_TP3_PCT):
        return
    price = exit_on_tick(state.average, state.side, params)
    if level > 0 and params.tp_on[level - 1]:
        price = state.tp_price[level - 1]
    if is_tighter(state.side, price, state.break_even):
        state.break_even = price


@register_jitable
def stop_reason(kind: int) -> int:
    """The reason a stop of this kind is placed or fills for."""
    if kind == BREAK_EVEN_STOP:
        return Reason.BREAK_EVEN
    if kind == TRAILING_STOP:
        return Reason.TRAILING_STOP
    if kind == GUARD_STOP:
        return Reason.GUARD
    return Reason.SL


@register_jitable
def protect(state: Record, params: Record, last: float, may_loosen: bool, out: Record) -> int:
    """Bring the stop to where it belongs and to the live quantity; past the market already means close now.

    Always the first to write into `out`: the stop goes before anything else.
    """
    kind, price = wanted_stop(state, params)
    keep = state.stop_live != 0 and not may_loosen and not is_tighter(state.side, price, state.stop_price)
    if keep:
        kind = state.stop_kind
        price = state.stop_price
    if price <= 0.0:
        return withdraw_stop(state, out, 0)
    moved = state.stop_live == 0 or price != state.stop_price
    if moved and beyond_market(state.side, price, last):
        return close_leg(state, params, stop_reason(kind), out, 0)
    if state.qty < params.min_qty or (not moved and state.stop_qty == state.qty):
        return 0
    n = stop_row(state, price, stop_reason(kind), out)
    state.stop_live = 1
    state.stop_kind = kind
    state.stop_price = price
    state.stop_qty = state.qty
    return n


@register_jitable
def stop_row(state: Record, trigger: float, reason: int, out: Record) -> int:
    """Amend the live stop, or place one where none is live."""
    n = place(out, 0, SL_SLOT, -state.side, state.side, Type.STOP, state.qty)
    if state.stop_live:
        out[0].kind = Kind.AMEND
    out[0].trigger = trigger
    out[0].reduce_only = 1
    out[0].reason = reason
    return n


@register_jitable
def withdraw_stop(state: Record, out: Record, n: int) -> int:
    """Cancel the live stop, if any."""
    if not state.stop_live:
        return n
    state.stop_live = 0
    state.stop_cancelling += 1
    return cancel_row(SL_SLOT, state.side, Reason.LEG_CLOSED, out, n)


@register_jitable
def withdraw_ladder(state: Record, out: Record, n: int) -> int:
    """Cancel every level that rests."""
    for level in range(LEVELS):
        if state.tp_status[level] == WORKING:
            n = cancel_level(state, level, Reason.LEG_CLOSED, out, n)
    return n


@register_jitable
def cancel_level(state: Record, level: int, reason: int, out: Record, n: int) -> int:
    """Withdraw one resting level and remember that its end will be reported."""
    state.tp_status[level] = INACTIVE
    state.tp_cancelling[level] += 1
    return cancel_row(TP_BASE + level + 1, state.side, reason, out, n)


@register_jitable
def cancel_row(slot: int, leg_side: int, reason: int, out: Record, n: int) -> int:
    """Ask for the end of a slot's order."""
    n = place(out, n, slot, -leg_side, leg_side, 0, 0.0)
    out[n - 1].kind = Kind.CANCEL
    out[n - 1].reduce_only = 1
    out[n - 1].reason = reason
    return n


@register_jitable
def close_leg(state: Record, params: Record, reason: int, out: Record, n: int) -> int:
    """Close what is left at market, once; what is too small for any order is noted as dust, not retried for ever.

    Beside a second leg the venue refuses to close what a resting order closes already, so the ladder goes first.
    """
    state.exit_reason = reason
    if state.exit_live:
        return n
    if state.qty < params.min_qty:
        state.dust = 1
        return n
    if params.hedge_on:
        n = withdraw_ladder(state, out, n)
    state.exit_live = 1
    n = place(out, n, EXIT_SLOT, -state.side, state.side, Type.MARKET, state.qty)
    out[n - 1].reduce_only = 1
    out[n - 1].reason = reason
    return n
