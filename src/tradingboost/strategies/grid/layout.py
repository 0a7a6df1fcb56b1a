"""Laying the grid out around the price at its start: side, first state and quantity of every cell."""

from numba.extending import register_jitable

from tradingboost.strategies.contract import LONG, SHORT, Record


@register_jitable
def lay_out(state: Record, params: Record, lo: int, hi: int) -> bool:
    """Decide the cells once; False when a cell would be smaller than the venue takes (nothing is started then).

    Args:
        lo: the market in ticks, rounded down; `hi` rounded up.
    """
    for cell in range(params.cells):
        low, high = state.levels_ticks[cell], state.levels_ticks[cell + 1]
        if params.direction == 0:
            state.cell_side[cell] = LONG if low < hi else SHORT
        else:
            state.cell_side[cell] = params.direction
            beyond = low >= hi if params.direction > 0 else high <= lo
            state.cell_init[cell] = 1 if beyond and params.initial_position == 1 else 0
    return _size(state, params, hi)


@register_jitable
def side_cost(state: Record, params: Record, side: int, price: int) -> int:
    """Ticks that one lot in every cell of a side costs: each at its own level, initial cells at the start price."""
    cost = 0
    for cell in range(params.cells):
        if state.cell_side[cell] == side:
            level = state.levels_ticks[cell if side > 0 else cell + 1]
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
