"""Levels by number, and moving the window of cells along them: trailing ranges and grids without an upper end.

Level 0 is the lowest the person gave. A move takes the cell at the far end, which must be empty and without orders,
and puts it at the near end with new prices; it never trades.
"""

from typing import Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import Reason, Record, whole
from tradingboost.strategies.grid.settled import CLASSIC, HOLD, INFINITY, MAX_CELLS, NEVER, STOP_FLATTEN, TRAIL
from tradingboost.strategies.grid.state import NOT_LIVE, cell_at, init_pending, part_of

_BLOCKED: Final = int(Reason.TRAIL_BLOCKED)
_NONE: Final = int(Reason.NONE)
_FURTHEST: Final = 100_000
"""Levels a search goes along at most."""


@register_jitable
def power(ratio: float, count: int) -> float:
    """ratio ** count by squaring: only multiplications, so compiled and interpreted give the same bits."""
    left = abs(count)
    square = ratio
    product = 1.0
    while left > 0:
        if left % 2 == 1:
            product *= square
        square *= square
        left //= 2
    return product if count >= 0 else 1.0 / product


@register_jitable
def level_at(params: Record, number: int) -> int:
    """The level of a number in ticks; a classic grid's own levels were settled in decimals."""
    if params.rule == CLASSIC and 0 <= number <= params.cells:
        settled: int = params.levels_ticks[number]
        return settled
    if number == 0:
        return int(-whole(-params.first_level))
    if params.geometric == 1:
        return int(np.floor(params.first_level * power(params.step, number) + 0.5))
    return int(np.floor(params.first_level + params.step * number + 0.5))


@register_jitable
def holding(params: Record, number: int) -> int:
    """Lots an infinity grid holds while the market stands at a level: as many as keep the position's worth."""
    return int(whole(params.worth / level_at(params, number)))


@register_jitable
def set_cell(state: Record, cell: int, low: int, high: int) -> None:
    """Give a cell its two levels, where its orders rest."""
    state.cell_low[cell] = low
    state.cell_high[cell] = high
    state.order_price[cell] = low
    state.order_price[MAX_CELLS + cell] = high


@register_jitable
def number_of(state: Record, params: Record, price: int) -> int:
    """Number of the first level at or above a price, searched from the window's lower end."""
    number: int = state.lowest
    while level_at(params, number) < price and number - state.lowest < _FURTHEST:
        number += 1
    while number > 0 and level_at(params, number - 1) >= price:
        number -= 1
    return number


@register_jitable
def set_range(state: Record, params: Record) -> None:
    """The first ticks beyond the range as it stands now; for a side that trails, the level that moves it."""
    state.range_above_ticks = params.range_above_ticks
    state.range_below_ticks = params.range_below_ticks
    if params.rule != CLASSIC:
        return
    low = state.cell_low[cell_at(state, params, 0)]
    high = state.cell_high[cell_at(state, params, params.cells - 1)]
    if params.range_up == TRAIL:
        state.range_above_ticks = trail_level(state, params, state.lowest + params.cells + 1)
    elif params.range_up != HOLD and state.shifts != 0:
        state.range_above_ticks = int(whole(high * (1.0 + params.range_buffer))) + 1
    if params.range_down == TRAIL:
        state.range_below_ticks = trail_level(state, params, state.lowest - 1)
    elif params.range_down != HOLD and state.shifts != 0:
        state.range_below_ticks = int(-whole(-low * (1.0 - params.range_buffer))) - 1


@register_jitable
def trail_level(state: Record, params: Record, number: int) -> int:
    """The level a trailing end may move to next; NEVER (or 0) beyond its limit."""
    up = number > state.lowest
    level = level_at(params, number)
    limit = params.trail_limit_ticks
    allowed = limit == 0 or (level <= limit if up else level >= limit)
    if allowed and level > 0:
        return level
    return NEVER if up else 0


@register_jitable
def trails_due(state: Record, params: Record, lo: int, hi: int) -> int:
    """Whole cells a trailing range has to move by at a price; signed."""
    count = 0
    if params.range_up == TRAIL:
        top = state.lowest + params.cells
        while count < _FURTHEST and lo >= trail_level(state, params, top + count + 1):
            count += 1
    if params.range_down == TRAIL:
        while count < _FURTHEST and hi <= trail_level(state, params, state.lowest - count - 1):
            count += 1
        return -count
    return count


@register_jitable
def window_due(state: Record, params: Record, hi: int) -> int:
    """Cells the window of an infinity grid has to move by, so that the market stands in its middle half."""
    place: int = number_of(state, params, hi) - state.lowest
    quarter = params.cells // 4
    if quarter <= place <= params.cells - quarter:
        return 0
    due: int = max(place - params.cells // 2, -state.lowest)
    return due


@register_jitable
def move_window(state: Record, params: Record) -> None:
    """Carry out the moves that are due, as far as the far cells are free; a live order there is taken back first."""
    state.dropping = 0
    while state.shift_left != 0 and not init_pending(state):
        up = state.shift_left > 0
        cell = cell_at(state, params, 0 if up else params.cells - 1)
        if params.rule == INFINITY and not up:
            _into_tail(state, cell)
        if state.cell_held_lots[cell] > 0:
            state.shift_left = 0
            state.status_reason = _BLOCKED
            return
        if state.order_live[cell] != NOT_LIVE or state.order_live[MAX_CELLS + cell] != NOT_LIVE:
            state.dropping = cell + 1
            return
        _move(state, params, cell, up)
        state.shift_left -= 1 if up else -1
        state.status_reason = _NONE
    if state.shift_left == 0:
        set_range(state, params)


@register_jitable
def _move(state: Record, params: Record, cell: int, up: bool) -> None:
    step = 1 if up else -1
    edge = cell_at(state, params, params.cells - 1 if up else 0)
    joint = state.cell_high[edge] if up else state.cell_low[edge]
    state.lowest += step
    state.shifts += step
    state.turn = (state.turn + step + params.cells) % params.cells
    if up:
        set_cell(state, cell, joint, max(level_at(params, state.lowest + params.cells), joint + 1))
    else:
        set_cell(state, cell, min(level_at(params, state.lowest), joint - 1), joint)
    _renew(state, params, cell)
    if params.rule == INFINITY:
        number = state.lowest + params.cells - 1 if up else state.lowest
        state.cell_lots[cell] = tradable(params, holding(params, number) - holding(params, number + 1))
        if up:
            _out_of_tail(state, cell)


@register_jitable
def tradable(params: Record, lots: int) -> int:
    """Lots of a cell; 0 where the venue would not take them."""
    return lots if lots >= params.min_lots else 0


@register_jitable
def _renew(state: Record, params: Record, cell: int) -> None:
    """A moved cell begins anew, empty; where cells are sized by value, at its new level."""
    state.cell_init[cell] = 0
    state.cell_from_init[cell] = 0
    state.cell_gain[cell] = 0
    for order in (cell, MAX_CELLS + cell):
        state.order_want[order] = 0
        state.order_note[order] = _NONE
        state.order_hold[order] = 0
        state.order_attempts[order] = 0
    if params.rule == CLASSIC and params.budget == 0:
        level = state.cell_low[cell] if state.cell_side[cell] > 0 else state.cell_high[cell]
        state.cell_lots[cell] = tradable(params, int(whole(params.level_value[cell] / level)))


@register_jitable
def _into_tail(state: Record, cell: int) -> None:
    """The highest cell of an infinity grid leaves the window with what it holds."""
    state.tail_lots += state.cell_held_lots[cell]
    state.tail_cost += state.cell_cost[cell]
    state.cell_held_lots[cell] = 0
    state.cell_cost[cell] = 0


@register_jitable
def _out_of_tail(state: Record, cell: int) -> None:
    """A cell that enters the window from above brings its share of what was held there."""
    lots = min(state.cell_lots[cell], state.tail_lots)
    if lots == 0:
        return
    cost = part_of(state.tail_cost, lots, state.tail_lots)
    state.cell_held_lots[cell] = lots
    state.cell_cost[cell] = cost
    state.cell_from_init[cell] = 1
    state.tail_lots -= lots
    state.tail_cost -= cost


@register_jitable
def range_policy(state: Record, params: Record, lo: int, hi: int) -> int:
    """What leaving the range asks for at this price; HOLD inside."""
    policy: int = HOLD
    if lo >= state.range_above_ticks:
        policy = params.range_up
    elif hi <= state.range_below_ticks:
        policy = params.range_down
    return policy


@register_jitable
def leaves(policy: int) -> bool:
    """Whether a policy ends the run."""
    return HOLD < policy <= STOP_FLATTEN
