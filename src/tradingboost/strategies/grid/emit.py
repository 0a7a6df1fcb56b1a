"""From wishes to rows: cancels first, then the stop, market orders, closes and openings, nearest first."""

from typing import Final

from numba.extending import register_jitable

from tradingboost.strategies.contract import BUY, LONG, SELL, SHORT, Kind, Reason, Record, Type, on_grid, place
from tradingboost.strategies.grid.book import all_quiet, may_place, side_quiet, to_cancel
from tradingboost.strategies.grid.settled import MAX_CELLS
from tradingboost.strategies.grid.state import (
    CANCELLING,
    EXIT,
    FLATTENING,
    INIT,
    LIVE,
    NOT_LIVE,
    RUNNING,
    SL,
    cell_at,
    closing,
    leg_lots,
    opening,
    price_ticks,
    slot_of,
)

_CANCEL: Final = int(Kind.CANCEL)
_AMEND: Final = int(Kind.AMEND)
_MARKET: Final = int(Type.MARKET)
_STOP: Final = int(Type.STOP)
_GRID_OPEN: Final = int(Reason.GRID_OPEN)
_GRID_CLOSE: Final = int(Reason.GRID_CLOSE)
_GRID_INIT: Final = int(Reason.GRID_INIT)
_GRID_REPLAN: Final = int(Reason.GRID_REPLAN)
_GUARD: Final = int(Reason.GUARD)
_SL: Final = int(Reason.SL)


@register_jitable
def _sides(state: Record, params: Record, order: int) -> tuple[int, int]:
    """Order side and the leg it opens or reduces."""
    if order < MAX_CELLS:
        return BUY, state.cell_side[order]
    if order < SL:
        return SELL, state.cell_side[order - MAX_CELLS]
    if order == INIT:
        return params.direction, params.direction
    side = state.sl_side if order == SL else state.exit_side
    return side, -side


@register_jitable
def _row(state: Record, params: Record, order: int, out: Record, n: int) -> int:
    """A PLACE row of the wished quantity; the slot counts as live from here on."""
    lots = state.order_want[order]
    state.order_live[order] = LIVE
    state.order_lots[order] = lots
    order_type = params.order_type
    if order >= SL:
        order_type = _STOP if order == SL else _MARKET
    side, position_side = _sides(state, params, order)
    qty = on_grid(float(lots), params.lot_num, params.lot_den)
    return place(out, n, slot_of(order), side, position_side, order_type, qty)


@register_jitable
def _cancel(state: Record, params: Record, order: int, out: Record, n: int) -> int:
    side, position_side = _sides(state, params, order)
    qty = on_grid(float(state.order_lots[order]), params.lot_num, params.lot_den)
    n = place(out, n, slot_of(order), side, position_side, 0, qty)
    out[n - 1].kind = _CANCEL
    out[n - 1].reason = _GRID_REPLAN if state.status == RUNNING else state.status_reason
    state.order_live[order] = CANCELLING
    return n


@register_jitable
def emit_cancels(state: Record, params: Record, out: Record, n: int) -> int:
    """Take back every order that is no longer wanted as it rests."""
    for cell in range(params.cells):
        if to_cancel(state, params, cell):
            n = _cancel(state, params, cell, out, n)
        if to_cancel(state, params, MAX_CELLS + cell):
            n = _cancel(state, params, MAX_CELLS + cell, out, n)
    turned = state.sl_side != state.want_stop_side
    if state.order_live[SL] == LIVE and (state.order_want[SL] == 0 or turned):
        n = _cancel(state, params, SL, out, n)
    return n


@register_jitable
def emit_stop(state: Record, params: Record, out: Record, n: int) -> int:
    """Place the wanted stop, or bring the live one to the wanted size and price."""
    lots = state.order_want[SL]
    live = state.order_live[SL]
    same = live == LIVE and state.order_lots[SL] == lots and state.sl_ticks == state.want_stop_ticks
    if lots == 0 or live == CANCELLING or same or (live == NOT_LIVE and state.order_hold[SL] == 1):
        return n
    state.sl_side = state.want_stop_side
    state.sl_ticks = state.want_stop_ticks
    n = _row(state, params, SL, out, n)
    if live == LIVE:
        out[n - 1].kind = _AMEND
    out[n - 1].trigger = on_grid(float(state.want_stop_ticks), params.tick_num, params.tick_den)
    out[n - 1].reduce_only = 1
    out[n - 1].reason = stop_reason(params)
    return n


@register_jitable
def stop_reason(params: Record) -> int:
    """The stop's name: the person's own, or the guard before liquidation."""
    return _SL if params.stop_loss_ticks > 0 or params.stop_loss_ratio > 0.0 else _GUARD


@register_jitable
def emit_init(state: Record, params: Record, out: Record, n: int) -> int:
    """Buy (or sell short) the cells that are held from the start, in as many market orders as the venue's cap needs."""
    if state.status != RUNNING or state.order_live[INIT] != NOT_LIVE or state.order_hold[INIT] == 1:
        return n
    if state.init_left_lots < max(params.min_lots, 1):
        state.init_left_lots = 0
        return n
    state.order_want[INIT] = min(state.init_left_lots, params.max_market_lots)
    n = _row(state, params, INIT, out, n)
    out[n - 1].reason = _GRID_INIT
    return n


@register_jitable
def emit_exit(state: Record, params: Record, out: Record, n: int) -> int:
    """Close the inventory at market, one leg after the other, once nothing of ours can fill beside it."""
    if state.order_live[EXIT] != NOT_LIVE or state.order_hold[EXIT] == 1:
        return n
    least = max(params.min_lots, 1)
    if state.status == FLATTENING and all_quiet(state, params):
        side = LONG if leg_lots(state, params, LONG) >= least else SHORT
        reason = state.status_reason
    elif state.status == RUNNING and state.clearing != 0 and side_quiet(state, params, state.clearing):
        side = state.clearing
        reason = state.clearing_reason
    else:
        return n
    lots = leg_lots(state, params, side)
    if lots < least:
        return n
    state.order_want[EXIT] = min(lots, params.max_market_lots)
    state.exit_side = -side
    n = _row(state, params, EXIT, out, n)
    out[n - 1].reduce_only = params.is_swap
    out[n - 1].reason = reason
    return n


@register_jitable
def _emit_level(state: Record, params: Record, order: int, out: Record, n: int) -> int:
    if not may_place(state, params, order):
        return n
    cell = order if order < MAX_CELLS else order - MAX_CELLS
    is_close = order == closing(state, cell)
    n = _row(state, params, order, out, n)
    state.order_ticks[order] = price_ticks(state, order)
    out[n - 1].price = on_grid(float(price_ticks(state, order)), params.tick_num, params.tick_den)
    out[n - 1].reduce_only = params.is_swap if is_close else 0
    out[n - 1].reason = _GRID_CLOSE if is_close else _GRID_OPEN
    return n


@register_jitable
def emit_closes(state: Record, params: Record, out: Record, n: int) -> int:
    """Place the wished closes: those of long cells upward, then those of short cells downward."""
    for place_ in range(params.cells):
        cell = cell_at(state, params, place_)
        if state.cell_side[cell] > 0:
            n = _emit_level(state, params, MAX_CELLS + cell, out, n)
    for place_ in range(params.cells - 1, -1, -1):
        cell = cell_at(state, params, place_)
        if state.cell_side[cell] < 0:
            n = _emit_level(state, params, cell, out, n)
    return n


@register_jitable
def _next(state: Record, params: Record, at: int, side: int) -> int:
    """The next place of a side whose opening is wished: downward for long cells, upward for short ones."""
    while 0 <= at < params.cells:
        cell = cell_at(state, params, at)
        if state.cell_side[cell] == side and state.order_want[opening(state, cell)] > 0:
            return at
        at -= side
    return at


@register_jitable
def emit_openings(state: Record, params: Record, market: tuple[int, int], out: Record, n: int) -> int:
    """Place the wished openings of both sides, nearest to the market first, a buy before a sell as far away."""
    low = _next(state, params, params.cells - 1, LONG)
    high = _next(state, params, 0, SHORT)
    while low >= 0 or high < params.cells:
        take_low = low >= 0
        if low >= 0 and high < params.cells:
            buy, sell = cell_at(state, params, low), cell_at(state, params, high)
            take_low = market[0] - state.cell_low[buy] <= state.cell_high[sell] - market[1]
        if take_low:
            n = _emit_level(state, params, cell_at(state, params, low), out, n)
            low = _next(state, params, low - 1, LONG)
        else:
            n = _emit_level(state, params, MAX_CELLS + cell_at(state, params, high), out, n)
            high = _next(state, params, high + 1, SHORT)
    return n
