"""The wanted book: which cell orders should rest at a price, and why the others do not.

Prices arrive as `lo` and `hi`: the whole ticks at or below and at or above the market (equal when it stands on a tick).
"""

from typing import Final

from numba.extending import register_jitable

from tradingboost.strategies.contract import Reason, Record
from tradingboost.strategies.grid.state import (
    E7,
    LIVE,
    MAX_CELLS,
    NOT_LIVE,
    RUNNING,
    STOPPING,
    closing,
    init_pending,
    opening,
    price_ticks,
)

_NONE: Final = int(Reason.NONE)
_BUSY: Final = int(Reason.BUSY)
_UNPLACEABLE: Final = int(Reason.UNPLACEABLE)
_STOPPED: Final = int(Reason.STOPPED)
_RETRY: Final = int(Reason.POST_ONLY_RETRY)
_WINDOW: Final = int(Reason.PENDING_WINDOW)
_PRICE: Final = int(Reason.PENDING_PRICE)


@register_jitable
def price_allows(state: Record, order: int, lo: int, hi: int) -> bool:
    """A buy only while the market is above it, a sell only while it is below; at equality none is added."""
    ticks = price_ticks(state, order)
    return ticks < lo if order < MAX_CELLS else ticks > hi


@register_jitable
def level_free(state: Record, order: int) -> bool:
    """Whether the opposite order at the same level is gone; a level never carries both."""
    if order < MAX_CELLS:
        return order == 0 or state.order_live[MAX_CELLS + order - 1] == NOT_LIVE
    return order - MAX_CELLS + 1 >= MAX_CELLS or state.order_live[order - MAX_CELLS + 1] == NOT_LIVE


@register_jitable
def opening_lots(state: Record, cell: int) -> int:
    """What the cell's opening should show: its whole lot when empty, the live rest while it is being filled."""
    if state.cell_held_lots[cell] == 0:
        whole_cell: int = state.cell_lots[cell]
        return whole_cell
    order = opening(state, cell)
    rest: int = state.order_lots[order] if state.order_live[order] == LIVE else 0
    return rest


@register_jitable
def _decide(state: Record, order: int, lots: int, full: bool, price_ok: bool) -> int:
    """Settle one order's wish; returns 1 when it takes a place in the window."""
    state.order_want[order] = 0
    if state.order_live[order] == NOT_LIVE and not price_ok:
        state.order_note[order] = _PRICE
        return 0
    if full:
        state.order_note[order] = _WINDOW
        return 0
    state.order_want[order] = lots
    state.order_note[order] = _RETRY if state.order_hold[order] == 1 else _NONE
    return 1


@register_jitable
def _want_close(state: Record, params: Record, cell: int, market: tuple[int, int], count: int) -> int:
    order = closing(state, cell)
    held = state.cell_held_lots[cell]
    if held < max(params.min_lots, 1):
        state.order_want[order] = 0
        state.order_note[order] = _UNPLACEABLE if held > 0 else _NONE
        return count
    price_ok = price_allows(state, order, market[0], market[1])
    return count + _decide(state, order, held, count >= params.max_open_orders, price_ok)


@register_jitable
def want_closes(state: Record, params: Record, lo: int, hi: int) -> int:
    """Wish every close of a held cell, nearest first, up to the cap; returns how many."""
    if init_pending(state) or state.status not in (RUNNING, STOPPING):
        for cell in range(params.cells):
            state.order_want[closing(state, cell)] = 0
            state.order_note[closing(state, cell)] = _BUSY if state.cell_held_lots[cell] > 0 else _NONE
        return 0
    count = 0
    for cell in range(params.cells):
        if state.cell_side[cell] > 0:
            count = _want_close(state, params, cell, (lo, hi), count)
    for cell in range(params.cells - 1, -1, -1):
        if state.cell_side[cell] < 0:
            count = _want_close(state, params, cell, (lo, hi), count)
    return count


@register_jitable
def _want_opening(state: Record, cell: int, market: tuple[int, int], room: int) -> int:
    """Wish one opening while the window has room; returns the room left."""
    order = opening(state, cell)
    lots = opening_lots(state, cell)
    if lots == 0:
        state.order_want[order] = 0
        state.order_note[order] = _UNPLACEABLE if state.cell_lots[cell] == 0 else _NONE
        return room
    price_ok = price_allows(state, order, market[0], market[1])
    return room - _decide(state, order, lots, room <= 0, price_ok)


@register_jitable
def want_openings(state: Record, params: Record, lo: int, hi: int, closes: int) -> None:
    """Wish the nearest openings of each side inside the window and what the closes leave of the cap."""
    if init_pending(state) or state.status != RUNNING:
        for cell in range(params.cells):
            state.order_want[opening(state, cell)] = 0
            state.order_note[opening(state, cell)] = _BUSY if state.status == RUNNING else _STOPPED
        return
    room = max(params.max_open_orders - closes, 0)
    buys = sells = min(params.order_window, room)
    if params.direction == 0:  # a fixed split, so that moving prices alone never reshuffle the cap
        buys = min(buys, (room + 1) // 2)
        sells = min(sells, room // 2)
    for cell in range(params.cells - 1, -1, -1):
        if state.cell_side[cell] > 0:
            buys = _want_opening(state, cell, (lo, hi), buys)
    for cell in range(params.cells):
        if state.cell_side[cell] < 0:
            sells = _want_opening(state, cell, (lo, hi), sells)


@register_jitable
def may_place(state: Record, params: Record, order: int) -> bool:
    """Whether a wished order may be sent now: slot, level and cell free, not held back, below the cap."""
    if state.order_want[order] == 0 or state.order_live[order] != NOT_LIVE or state.order_hold[order] == 1:
        return False
    cell = order if order < MAX_CELLS else order - MAX_CELLS
    busy_cell = order == opening(state, cell) and state.order_live[closing(state, cell)] != NOT_LIVE
    if busy_cell or not level_free(state, order) or resting(state, params) >= params.max_open_orders:
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
def to_cancel(state: Record, order: int) -> bool:
    """A live order stays exactly as long as its rest is what is wanted."""
    changed: bool = state.order_live[order] == LIVE and state.order_want[order] != state.order_lots[order]
    return changed


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
