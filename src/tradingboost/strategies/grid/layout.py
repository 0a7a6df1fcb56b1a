"""Laying the grid out around the price at its start: levels, side, first state and quantity of every cell."""

from numba.extending import register_jitable

from tradingboost.strategies.contract import LONG, SHORT, Record
from tradingboost.strategies.grid.ladder import holding, level_at, number_of, set_cell, set_range, tradable
from tradingboost.strategies.grid.settled import ADAPTIVE, INFINITY


@register_jitable
def lay_out(state: Record, params: Record, lo: int, hi: int, may_init: bool = True) -> bool:
    """Decide the cells once; False when a cell would be smaller than the venue takes (nothing is started then).

    Args:
        lo: the market in ticks, rounded down; `hi` rounded up.
        may_init: whether cells beyond the price may be bought (sold short) at once.
    """
    if params.rule == ADAPTIVE:
        return True
    if params.rule == INFINITY:
        return _lay_out_window(state, params, hi, may_init)
    for cell in range(params.cells):
        set_cell(state, cell, level_at(params, cell), level_at(params, cell + 1))
        low, high = state.cell_low[cell], state.cell_high[cell]
        if params.direction == 0:
            state.cell_side[cell] = LONG if low < hi else SHORT
        else:
            state.cell_side[cell] = params.direction
            beyond = low >= hi if params.direction > 0 else high <= lo
            state.cell_init[cell] = 1 if beyond and params.initial_position == 1 and may_init else 0
    set_range(state, params)
    return _size(state, params, hi)


@register_jitable
def _lay_out_window(state: Record, params: Record, price: int, may_init: bool) -> bool:
    """The cells around the price of a grid without an upper end; what is held above them is the tail."""
    number = number_of(state, params, price)
    state.lowest = max(number - params.cells // 2, 0)
    for cell in range(params.cells):
        at = state.lowest + cell
        set_cell(state, cell, level_at(params, at), level_at(params, at + 1))
        state.cell_side[cell] = LONG
        state.cell_lots[cell] = tradable(params, holding(params, at) - holding(params, at + 1))
        state.cell_init[cell] = 1 if at >= number and params.initial_position == 1 and may_init else 0
    if params.initial_position == 1 and may_init:
        state.init_left_lots = holding(params, number)
    set_range(state, params)
    return state.cell_lots[min(number - state.lowest, params.cells - 1)] > 0  # type: ignore[no-any-return]


@register_jitable
def side_cost(state: Record, params: Record, side: int, price: int) -> int:
    """Ticks that one lot in every cell of a side costs: each at its own level, initial cells at the start price."""
    cost = 0
    for cell in range(params.cells):
        if state.cell_side[cell] == side:
            level = state.cell_low[cell] if side > 0 else state.cell_high[cell]
            cost += price if state.cell_init[cell] == 1 else level
    return cost


@register_jitable
def cost_per_lot(state: Record, params: Record, price: int) -> int:
    """Ticks that one lot in every cell costs; of a neutral grid the larger side decides."""
    return max(side_cost(state, params, LONG, price), side_cost(state, params, SHORT, price))


@register_jitable
def _size(state: Record, params: Record, price: int) -> bool:
    equal = params.budget // cost_per_lot(state, params, price) if params.budget > 0 else 0
    for cell in range(params.cells):
        fixed = params.long_lots[cell] if state.cell_side[cell] > 0 else params.short_lots[cell]
        lots = equal if params.budget > 0 else fixed
        state.cell_lots[cell] = lots
        if lots < params.min_lots and (params.budget > 0 or lots > 0):
            return False
        if state.cell_init[cell] == 1:
            state.init_left_lots += lots
    return True
