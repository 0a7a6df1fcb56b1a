"""Booking what happened: the only place where inventory and order slots change on the word of the venue."""

from typing import Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import FillKind, Record
from tradingboost.strategies.grid.adaptive import fix_exit
from tradingboost.strategies.grid.settled import ADAPTIVE, INFINITY, MAX_CELLS
from tradingboost.strategies.grid.state import (
    CANCELLING,
    E7,
    INIT,
    NOT_LIVE,
    SL,
    cell_at,
    closing,
    order_of,
    part_of,
)

_FILLED: Final = int(FillKind.FILLED)
_ENDED: Final = int(FillKind.ENDED)


@register_jitable
def nearest(steps: float) -> int:
    """The whole number nearest to a number of ticks or lots."""
    return int(np.floor(steps + 0.5))


@register_jitable
def book(state: Record, params: Record, fill: Record) -> int:
    """Book one report and return its order index; -1 when the slot is not one of the grid's."""
    order: int = order_of(fill.slot)
    if order < 0:
        return order
    if fill.kind == _FILLED:
        lots = nearest(fill.qty * params.lot_den / params.lot_num)
        ticks = nearest(fill.price * params.tick_den / params.tick_num)
        _book_fill(state, params, order, (lots, ticks, fill.side))
        _settle(state, order, nearest(fill.left * params.lot_den / params.lot_num))
    else:
        _book_end(state, order, fill.kind)
    return order


@register_jitable
def _settle(state: Record, order: int, left_lots: int) -> None:
    """A fill leaves its rest in the slot; a complete one frees it, even while a cancel is on its way."""
    state.order_attempts[order] = 0
    state.order_hold[order] = 0
    if left_lots == 0:
        state.order_live[order] = NOT_LIVE
    if state.order_live[order] != NOT_LIVE:
        state.order_lots[order] = left_lots
    else:
        state.order_lots[order] = 0


@register_jitable
def _book_end(state: Record, order: int, kind: int) -> None:
    """Free the slot; what was not asked for (refused, or cancelled by somebody else) waits for the next tick or bar."""
    asked = state.order_live[order] == CANCELLING and kind == _ENDED
    if state.order_live[order] != NOT_LIVE and not asked:
        state.order_hold[order] = 1
        state.order_attempts[order] += 1
    state.order_live[order] = NOT_LIVE
    state.order_lots[order] = 0
    if order == INIT and kind == _ENDED:
        state.init_left_lots = 0  # the cells not bought stay empty and buy at their own level
        state.order_hold[order] = 0


@register_jitable
def _book_fill(state: Record, params: Record, order: int, trade: tuple[int, int, int]) -> None:
    lots, ticks, side = trade
    takes = order >= SL
    state.fees += int(np.ceil(lots * ticks * (params.taker_fee if takes else params.maker_fee)))
    if order == INIT:
        state.init_left_lots = max(state.init_left_lots - lots, 0)
        _book_init(state, params, trade)
    elif order >= SL:
        _book_exit(state, params, trade)
    else:
        cell = order if order < MAX_CELLS else order - MAX_CELLS
        if order == closing(state, cell):
            _add_dust(state, state.cell_side[cell], -(lots - _close(state, params, cell, lots, ticks)) * E7)
        else:
            _open(state, cell, _net_lots(state, side, lots, params.maker_base_fee_e7), ticks)
            _note_opening(state, params, cell, ticks)


@register_jitable
def _add_dust(state: Record, side: int, e7: int) -> None:
    if side > 0:
        state.dust_long_e7 += e7
    else:
        state.dust_short_e7 += e7


@register_jitable
def _net_lots(state: Record, side: int, lots: int, base_fee_e7: int) -> int:
    """Whole lots an opening adds: what the venue's base fee leaves plus the dust, whose new rest stays dust."""
    fee = base_fee_e7 if side > 0 else 0
    dust: int = state.dust_long_e7 if side > 0 else state.dust_short_e7
    total = lots * (E7 - fee) + dust
    net = max(total // E7, 0)
    _add_dust(state, side, total - net * E7 - dust)
    return net


@register_jitable
def _open(state: Record, cell: int, lots: int, ticks: int) -> None:
    state.cell_held_lots[cell] += lots
    state.cell_cost[cell] += lots * ticks


@register_jitable
def _note_opening(state: Record, params: Record, cell: int, ticks: int) -> None:
    """Remember the last opening of the side; an adaptive cell's exit is settled now."""
    state.quiet_since_ms = 0
    if state.cell_side[cell] > 0:
        state.last_buy_ticks = ticks
    else:
        state.last_sell_ticks = ticks
    if params.rule == ADAPTIVE and state.cell_held_lots[cell] > 0:
        fix_exit(state, params, cell)


@register_jitable
def _book_init(state: Record, params: Record, trade: tuple[int, int, int]) -> None:
    """Spread the initial position over its cells, nearest to the market first; the rest lies above the window."""
    left = _net_lots(state, trade[2], trade[0], params.taker_base_fee_e7)
    state.quiet_since_ms = 0
    for step in range(params.cells):
        cell = cell_at(state, params, step if params.direction > 0 else params.cells - 1 - step)
        if state.cell_init[cell] == 1 and left > 0:
            lots = min(left, max(state.cell_lots[cell] - state.cell_held_lots[cell], 0))
            _open(state, cell, lots, trade[1])
            state.cell_from_init[cell] = 1
            left -= lots
    if params.rule == INFINITY:
        state.tail_lots += left
        state.tail_cost += left * trade[1]
        left = 0
    _add_dust(state, trade[2], left * E7)


@register_jitable
def _close(state: Record, params: Record, cell: int, lots: int, ticks: int) -> int:
    """Book a closing fill of a cell; returns the lots the cell really held of it.

    The step of the grid is grid profit; what an initial cell paid off its own level is trend profit.
    """
    held: int = state.cell_held_lots[cell]
    closed = min(lots, held)
    if closed == 0:
        return 0
    side = state.cell_side[cell]
    share = _take_cost(state, cell, closed)
    gain = side * (ticks * closed - share)
    made = gain
    if state.cell_from_init[cell] == 1:
        level = state.cell_low[cell] if side > 0 else state.cell_high[cell]
        made = side * (ticks - level) * closed
    state.grid_profit += made
    state.trend_profit += gain - made
    state.cell_gain[cell] += made - int(np.ceil((share + ticks * closed) * params.maker_fee))
    if closed == held:
        state.cycles += 1
        state.cell_from_init[cell] = 0
        state.reinvested += state.cell_gain[cell]
        state.cell_gain[cell] = 0
    return closed


@register_jitable
def _take_cost(state: Record, cell: int, lots: int) -> int:
    """Take lots out of a cell with their share of its entry cost."""
    held = state.cell_held_lots[cell]
    cost = state.cell_cost[cell]
    share: int = part_of(cost, lots, held)
    state.cell_cost[cell] = cost - share
    state.cell_held_lots[cell] = held - lots
    return share


@register_jitable
def _book_exit(state: Record, params: Record, trade: tuple[int, int, int]) -> None:
    """A stop or a market exit takes from the leg it reduces, lowest cell first, then the tail, then the dust."""
    left, ticks, order_side = trade
    side = -order_side
    for cell in range(params.cells):
        lots = min(left, state.cell_held_lots[cell])
        if state.cell_side[cell] == side and lots > 0:
            share = _take_cost(state, cell, lots)
            state.trend_profit += side * (ticks * lots - share)
            left -= lots
            if state.cell_held_lots[cell] == 0:
                state.cell_from_init[cell] = 0
                state.cell_gain[cell] = 0
    lots = min(left, state.tail_lots) if side > 0 else 0
    if lots > 0:
        share = part_of(state.tail_cost, lots, state.tail_lots)
        state.trend_profit += ticks * lots - share
        state.tail_lots -= lots
        state.tail_cost -= share
        left -= lots
    _add_dust(state, side, -left * E7)
