"""The wanted book: which cell orders should rest at a price, and why the others do not.

Prices arrive as `lo` and `hi`: the whole ticks at or below and at or above the market (equal when it stands on a tick).
"""

from typing import Final

from numba.extending import register_jitable

from tradingboost.strategies.contract import LONG, SHORT, Reason, Record, whole
from tradingboost.strategies.grid.adaptive import too_close, turns
from tradingboost.strategies.grid.regime import may_open
from tradingboost.strategies.grid.settled import ADAPTIVE, INFINITY, MAX_CELLS
from tradingboost.strategies.grid.state import (
    E7,
    LIVE,
    NOT_LIVE,
    RUNNING,
    STOPPING,
    cell_at,
    closing,
    init_pending,
    leg_cost,
    opening,
    price_ticks,
)

_NONE: Final = int(Reason.NONE)
_BUSY: Final = int(Reason.BUSY)
_MIN_SIZE: Final = int(Reason.MIN_SIZE)
_STOPPED: Final = int(Reason.STOPPED)
_RETRY: Final = int(Reason.POST_ONLY_RETRY)
_WINDOW: Final = int(Reason.PENDING_WINDOW)
_PRICE: Final = int(Reason.PENDING_PRICE)
_MAX_ORDERS: Final = int(Reason.MAX_ORDERS)
_REGIME: Final = int(Reason.REGIME)
_CAPITAL: Final = int(Reason.CAPITAL)
_OTHER_SIDE: Final = int(Reason.OTHER_SIDE)
_TOO_CLOSE: Final = int(Reason.TOO_CLOSE)


@register_jitable
def price_allows(state: Record, order: int, lo: int, hi: int) -> bool:
    """A buy only while the market is above it, a sell only while it is below; at equality none is added."""
    ticks = price_ticks(state, order)
    return ticks < lo if order < MAX_CELLS else ticks > hi


@register_jitable
def level_free(state: Record, params: Record, order: int) -> bool:
    """Whether the opposite order at the same level is gone; a level never carries both."""
    cell = order if order < MAX_CELLS else order - MAX_CELLS
    if params.rule == ADAPTIVE:
        return _price_free(state, params, order)
    if order < MAX_CELLS:
        below = cell - 1 if cell > 0 else params.cells - 1
        return bool(cell == state.turn or state.order_live[MAX_CELLS + below] == NOT_LIVE)
    above = cell + 1 if cell + 1 < params.cells else 0
    return bool(above == state.turn or state.order_live[above] == NOT_LIVE)


@register_jitable
def _price_free(state: Record, params: Record, order: int) -> bool:
    """Whether no other cell order rests at the price; levels that move do not tell their neighbours."""
    ticks = price_ticks(state, order)
    for cell in range(params.cells):
        for other in (cell, MAX_CELLS + cell):
            if other != order and state.order_live[other] != NOT_LIVE and state.order_ticks[other] == ticks:
                return False
    return True


@register_jitable
def opening_lots(state: Record, params: Record, cell: int) -> int:
    """What the cell's opening should show: its whole lot when empty, the live rest while it is being filled."""
    order = opening(state, cell)
    live = state.order_live[order] != NOT_LIVE
    rest: int = state.order_lots[order] if live else 0
    if state.cell_held_lots[cell] > 0 or (live and params.reinvest == 1):
        return rest
    lots: int = state.cell_lots[cell]
    if params.reinvest == 1 and state.reinvested > 0:
        lots += int(whole(lots * (state.reinvested / params.capital)))
    if params.rule == ADAPTIVE and live and abs(lots - rest) <= 1:
        return rest
    return lots


@register_jitable
def _decide(state: Record, order: int, lots: int, full: int, price_ok: bool) -> int:
    """Settle one order's wish; returns 1 when it takes a place. `full`: the reason why there is none, or 0."""
    state.order_want[order] = 0
    if state.order_live[order] == NOT_LIVE and not price_ok:
        state.order_note[order] = _PRICE
        return 0
    if full != 0:
        state.order_note[order] = full
        return 0
    state.order_want[order] = lots
    state.order_note[order] = _RETRY if state.order_hold[order] == 1 else _NONE
    return 1


@register_jitable
def _refuse(state: Record, order: int, note: int) -> None:
    state.order_want[order] = 0
    state.order_note[order] = note


@register_jitable
def _want_close(state: Record, params: Record, cell: int, market: tuple[int, int], count: int) -> int:
    order = closing(state, cell)
    held = state.cell_held_lots[cell]
    if held < max(params.min_lots, 1):
        _refuse(state, order, _MIN_SIZE if held > 0 else _NONE)
        return count
    if state.clearing == state.cell_side[cell] or state.dropping == cell + 1:
        _refuse(state, order, _BUSY)
        return count
    full = _NONE
    if count >= params.max_open_orders:
        full = _MAX_ORDERS
    elif params.rule == INFINITY and count >= params.order_window:
        full = _WINDOW
    return count + _decide(state, order, held, full, price_allows(state, order, market[0], market[1]))


@register_jitable
def want_closes(state: Record, params: Record, lo: int, hi: int) -> int:
    """Wish every close of a held cell, nearest first, up to the cap; returns how many."""
    if init_pending(state) or state.status not in (RUNNING, STOPPING):
        for cell in range(params.cells):
            _refuse(state, closing(state, cell), _BUSY if state.cell_held_lots[cell] > 0 else _NONE)
        return 0
    count = 0
    for place in range(params.cells):
        cell = cell_at(state, params, place)
        if state.cell_side[cell] > 0:
            count = _want_close(state, params, cell, (lo, hi), count)
    for place in range(params.cells - 1, -1, -1):
        cell = cell_at(state, params, place)
        if state.cell_side[cell] < 0:
            count = _want_close(state, params, cell, (lo, hi), count)
    return count


@register_jitable
def side_closed(state: Record, params: Record, side: int) -> int:
    """Why a whole side opens nothing now; 0 when it may."""
    if state.clearing == side:
        return _BUSY
    if params.regime_filter == 1 and not may_open(state.regime, side):
        return _REGIME
    _lots, cost = leg_cost(state, params, side)
    other_lots, other_cost = leg_cost(state, params, -side)
    if params.max_cost > 0 and cost + other_cost >= params.max_cost:
        return _CAPITAL
    if params.rule == ADAPTIVE and other_lots > 0:
        return _OTHER_SIDE
    return _NONE


@register_jitable
def _want_opening(state: Record, params: Record, cell: int, market: tuple[int, int], full: int) -> int:
    """Wish one opening unless `full` says why there is no place; returns 1 when it took one."""
    order = opening(state, cell)
    lots = opening_lots(state, params, cell)
    if lots == 0:
        _refuse(state, order, _MIN_SIZE if state.cell_lots[cell] == 0 else _NONE)
        return 0
    if state.dropping == cell + 1:
        _refuse(state, order, _BUSY)
        return 0
    if params.rule == ADAPTIVE:
        if params.direction == 0 and turns(state, cell, market[0], market[1]):
            _refuse(state, order, _BUSY)
            return 0
        if state.order_live[order] == NOT_LIVE and too_close(state, order):
            _refuse(state, order, _TOO_CLOSE)
            return 0
    return _decide(state, order, lots, full, price_allows(state, order, market[0], market[1]))


@register_jitable
def want_openings(state: Record, params: Record, lo: int, hi: int, closes: int) -> None:
    """Wish the nearest openings of each side inside the window and what the closes leave of the cap."""
    if init_pending(state) or state.status != RUNNING:
        for cell in range(params.cells):
            _refuse(state, opening(state, cell), _BUSY if state.status == RUNNING else _STOPPED)
        return
    room = max(params.max_open_orders - closes, 0)
    buys = sells = room
    if params.direction == 0:  # a fixed split, so that moving prices alone never reshuffle the cap
        buys, sells = (room + 1) // 2, room // 2
    _want_side(state, params, LONG, (lo, hi), buys)
    _want_side(state, params, SHORT, (lo, hi), sells)


@register_jitable
def _want_side(state: Record, params: Record, side: int, market: tuple[int, int], room: int) -> None:
    """The openings of one side, nearest to the market first: long ones downward, short ones upward."""
    closed = side_closed(state, params, side)
    taken = 0
    for step in range(params.cells):
        cell = cell_at(state, params, params.cells - 1 - step if side > 0 else step)
        if state.cell_side[cell] != side:
            continue
        full = closed
        if full == _NONE and taken >= params.order_window:
            full = _WINDOW
        elif full == _NONE and taken >= room:
            full = _MAX_ORDERS
        taken += _want_opening(state, params, cell, market, full)


@register_jitable
def may_place(state: Record, params: Record, order: int) -> bool:
    """Whether a wished order may be sent now: slot, level and cell free, not held back, below the cap."""
    if state.order_want[order] == 0 or state.order_live[order] != NOT_LIVE or state.order_hold[order] == 1:
        return False
    cell = order if order < MAX_CELLS else order - MAX_CELLS
    busy_cell = order == opening(state, cell) and state.order_live[closing(state, cell)] != NOT_LIVE
    if busy_cell or not level_free(state, params, order) or resting(state, params) >= params.max_open_orders:
        state.order_note[order] = _BUSY
        return False
    return True


@register_jitable
def resting(state: Record, params: Record) -> int:
    """Cell orders that rest or whose end is not yet known."""
    count = 0
    for cell in range(params.cells):
        count += state.order_live[cell] != NOT_LIVE
        count += state.order_live[MAX_CELLS + cell] != NOT_LIVE
    return count


@register_jitable
def to_cancel(state: Record, params: Record, order: int) -> bool:
    """A live order stays as long as its rest is what is wanted and its price is near enough."""
    if state.order_live[order] != LIVE:
        return False
    if state.order_want[order] != state.order_lots[order]:
        return True
    if params.rule != ADAPTIVE:
        return False
    away = abs(state.order_price[order] - state.order_ticks[order])
    return away > max(1.0, params.replace_ratio * state.order_ticks[order])  # type: ignore[no-any-return]


@register_jitable
def sweep_dust(state: Record, params: Record) -> None:
    """Move parts too small to be closed, and that will not grow any more, into the dust of their leg."""
    for cell in range(params.cells):
        held = state.cell_held_lots[cell]
        if held == 0 or held >= params.min_lots:
            continue
        if state.order_live[cell] == NOT_LIVE and state.order_live[MAX_CELLS + cell] == NOT_LIVE:
            if state.cell_side[cell] > 0:
                state.dust_long_e7 += held * E7
            else:
                state.dust_short_e7 += held * E7
            state.cell_held_lots[cell] = 0
            state.cell_cost[cell] = 0
            state.cell_from_init[cell] = 0


@register_jitable
def all_quiet(state: Record, params: Record) -> bool:
    """No cell order and no market order of the run is live or unresolved."""
    for cell in range(params.cells):
        if state.order_live[cell] != NOT_LIVE or state.order_live[MAX_CELLS + cell] != NOT_LIVE:
            return False
    return not init_pending(state)


@register_jitable
def side_quiet(state: Record, params: Record, side: int) -> bool:
    """No order of a side's cells is live or unresolved."""
    for cell in range(params.cells):
        busy = state.order_live[cell] != NOT_LIVE or state.order_live[MAX_CELLS + cell] != NOT_LIVE
        if busy and state.cell_side[cell] == side:
            return False
    return True
