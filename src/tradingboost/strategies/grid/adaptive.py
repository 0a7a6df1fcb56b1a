"""Levels that follow the market: taking in a new set, where orders go on it, and the exits fixed at a fill.

Cell c lies between levels `first_number - 1 + c` and the next; the outermost levels are guards where nothing opens.
"""

from typing import Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import LONG, SHORT, Record, whole
from tradingboost.strategies.grid.centre import adaptive_level, first_number
from tradingboost.strategies.grid.ladder import tradable
from tradingboost.strategies.grid.settled import MAX_CELLS, NEVER
from tradingboost.strategies.grid.state import NOT_LIVE, closing, leg_average_ticks, leg_lots, opening
from tradingboost.strategies.grid.stops import favourable

_LEAST_LONG: Final = 1.004
_MOST_LONG: Final = 1.08
_LEAST_SHORT: Final = 0.993
_MOST_SHORT: Final = 0.93
_BEYOND: Final = 0.005
"""How far beyond the market an exit is put that the market has passed."""
_APART: Final = 0.005
"""How far from the last opening fill of its side a new opening must be."""
_FAR: Final = 0.9
"""A buy below this share of the price goes to the middle."""


@register_jitable
def exit_ticks(side: int, fill: float, neighbour: float) -> int:
    """Where a position opened at `fill` is closed: at the next level, but neither too near nor too far; in ticks."""
    if side > 0:
        return favourable(min(max(_LEAST_LONG * fill, neighbour), _MOST_LONG * fill), side)
    return favourable(max(min(_LEAST_SHORT * fill, neighbour), _MOST_SHORT * fill), side)


@register_jitable
def entry_ticks(level: int, price: int) -> int:
    """Where the opening buy of a level rests: more than a tenth below the price, in the middle between them."""
    return (level + price) // 2 if level < _FAR * price else level


@register_jitable
def fix_exit(state: Record, params: Record, cell: int) -> None:
    """Settle the close of a cell that has just been filled."""
    side = state.cell_side[cell]
    fill = state.cell_cost[cell] / state.cell_held_lots[cell]
    neighbour = state.cell_high[cell] if side > 0 else state.cell_low[cell]
    state.order_price[closing(state, cell)] = _alone(state, params, cell, exit_ticks(side, fill, neighbour))


@register_jitable
def _alone(state: Record, params: Record, cell: int, ticks: int) -> int:
    """The price, or the next one in profit direction at which no other cell of the side closes."""
    side = state.cell_side[cell]
    looking = True
    while looking:
        looking = False
        for other in range(params.cells):
            taken = state.cell_held_lots[other] > 0 and state.cell_side[other] == side
            if other != cell and taken and state.order_price[closing(state, other)] == ticks:
                ticks += side
                looking = True
    return ticks


@register_jitable
def adopt(state: Record, params: Record, indicators: Record, lo: int, hi: int) -> None:
    """Take in a new set of levels; on ticks, each at least one above the one below it."""
    state.levels_ms = indicators.levels_ms
    number = first_number(params.adaptive_levels) - 1
    below = 0
    for place in range(params.cells + 1):
        level = adaptive_level(indicators.levels, number + place)
        ticks = max(int(np.floor(level * params.tick_den / params.tick_num + 0.5)), below + 1)
        if place < params.cells:
            state.cell_low[place] = ticks
        if place > 0:
            state.cell_high[place - 1] = ticks
        below = ticks
    for cell in range(params.cells):
        _reprice(state, params, cell, (lo, hi))


@register_jitable
def _reprice(state: Record, params: Record, cell: int, market: tuple[int, int]) -> None:
    """An empty cell opens at the new level; the exit of a held one moves only if the market has passed it."""
    if state.cell_side[cell] == 0:
        if params.direction != 0:
            state.cell_side[cell] = params.direction
        else:
            state.cell_side[cell] = LONG if state.cell_low[cell] < market[1] else SHORT
    if state.cell_held_lots[cell] == 0:
        aim(state, params, cell, market[0])
        return
    side = state.cell_side[cell]
    order = closing(state, cell)
    passed = state.order_price[order] < market[0] if side > 0 else state.order_price[order] > market[1]
    if passed and state.order_live[order] == NOT_LIVE:
        state.order_price[order] = _alone(state, params, cell, _next_exit(state, params, side, market))


@register_jitable
def _next_exit(state: Record, params: Record, side: int, market: tuple[int, int]) -> int:
    """The next level beyond the market in profit direction, at least half a percent away."""
    if side > 0:
        least = favourable(market[1] * (1.0 + _BEYOND), side)
        for cell in range(params.cells):
            if state.cell_high[cell] > market[1]:
                return max(int(state.cell_high[cell]), least)
        return least
    most = favourable(market[0] * (1.0 - _BEYOND), side)
    for cell in range(params.cells - 1, -1, -1):
        if state.cell_low[cell] < market[0]:
            return min(int(state.cell_low[cell]), most)
    return most


@register_jitable
def aim(state: Record, params: Record, cell: int, price: int) -> None:
    """Price and quantity of an empty cell's opening; none at the guards."""
    if state.cell_side[cell] > 0:
        index = cell - 1
        ticks = entry_ticks(state.cell_low[cell], price)
    else:
        index = cell
        ticks = state.cell_high[cell]
    state.order_price[opening(state, cell)] = ticks
    value = params.level_value[index] if 0 <= index < params.adaptive_levels else 0.0
    state.cell_lots[cell] = tradable(params, int(whole(value / ticks)))


@register_jitable
def retype(state: Record, params: Record, lo: int, hi: int) -> None:
    """An empty cell of a neutral grid that lies wholly below the price is long, wholly above it short.

    One with a live order first takes that back (`turns`); the cell the price is in stays what it is.
    """
    for cell in range(params.cells):
        if turns(state, cell, lo, hi) and not _has_order(state, cell):
            state.cell_side[cell] = -state.cell_side[cell]
            aim(state, params, cell, lo)


@register_jitable
def turns(state: Record, cell: int, lo: int, hi: int) -> bool:
    """Whether an empty cell is on the wrong side of the price."""
    if state.cell_held_lots[cell] > 0:
        return False
    wrong: bool = state.cell_low[cell] > hi if state.cell_side[cell] > 0 else state.cell_high[cell] < lo
    return wrong


@register_jitable
def _has_order(state: Record, cell: int) -> bool:
    busy: bool = state.order_live[cell] != NOT_LIVE or state.order_live[MAX_CELLS + cell] != NOT_LIVE
    return busy


@register_jitable
def too_close(state: Record, order: int) -> bool:
    """Whether a new opening would stand next to the last opening fill of its side."""
    last = state.last_buy_ticks if order < MAX_CELLS else state.last_sell_ticks
    near: bool = last > 0 and abs(state.order_price[order] - last) < _APART * last
    return near


@register_jitable
def outer_wakes(state: Record, params: Record) -> tuple[int, int]:
    """Prices beyond the outer levels at which an inventory on the winning side is closed at market with profit."""
    below, above = 0, NEVER
    least = max(params.min_lots, 1)
    if leg_lots(state, params, SHORT) >= least:
        average = leg_average_ticks(state, params, SHORT)
        below = min(state.cell_high[0], int(np.ceil(average))) - 1
    if leg_lots(state, params, LONG) >= least:
        average = leg_average_ticks(state, params, LONG)
        above = max(state.cell_low[params.cells - 1], int(np.floor(average))) + 1
    return below, above
