"""The trailing stop: armed by a take-profit, followed tick by tick in software, with the resting stop close behind.

Between two ticks that reach a trigger nothing is looked at: the extreme moves when the price has gone on by a step, a
tenth of the offset and at least a tick, which is also the least improvement for which the resting stop is moved.
"""

from typing import Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import Reason, Record, on_grid, steps_down, steps_up
from tradingboost.strategies.hyperrsi.levels import exit_on_tick, is_tighter

LEAST_OFFSET: Final = 0.001
"""The offset is at least this share of the arming price."""
STEP_SHARE: Final = 0.1
NOISE: Final = 1e-9
"""A gain that is a step but for the last bits of its number is a step."""
FOLLOW_MS: Final = 5_000
"""The resting stop is moved at most this often."""


@register_jitable
def trailing_offset(arming: float, tp2: float, tp3: float, params: Record) -> float:
    """Distance between extreme and stop, fixed at arming."""
    offset: float = arming * params.trail_value / 100.0
    if params.trail_by_tp_diff:
        offset = abs(tp3 - tp2)
    return max(offset, LEAST_OFFSET * arming)


@register_jitable
def trailing_stop(side: int, extreme: float, offset: float) -> float:
    """Where the leg is closed, unrounded."""
    return extreme - side * offset


@register_jitable
def trailing_hit(side: int, price: float, stop: float) -> bool:
    """Whether a price has come back to the stop."""
    return side * price <= side * stop


@register_jitable
def arm_trailing(state: Record, params: Record, level: int, now_ms: int) -> None:
    """Arm at the average price of the level's fills; armed once, disarmed by the end of the leg only."""
    if state.trail_ms != 0 or level + 1 != params.trail_level:
        return
    price = state.tp_average[level]
    state.trail_ms = now_ms
    state.trail_arming = price
    state.trail_extreme = price
    state.trail_offset = trailing_offset(price, state.tp_price[1], state.tp_price[2], params)
    state.trail_stop = exit_on_tick(trailing_stop(state.side, price, state.trail_offset), state.side, params)
    state.trail_rest = state.trail_stop
    state.trail_rest_ms = now_ms


@register_jitable
def advance_trailing(state: Record, params: Record, price: float, now_ms: int) -> None:
    """Take a price in: the extreme and the stop only ever move in favour, the resting stop when it is worth it."""
    side = state.side
    if side * price > side * state.trail_extreme:
        state.trail_extreme = price
        stop = exit_on_tick(trailing_stop(side, price, state.trail_offset), side, params)
        if is_tighter(side, stop, state.trail_stop):
            state.trail_stop = stop
    gained = side * (state.trail_stop - state.trail_rest)
    if gained >= (1.0 - NOISE) * trailing_step(state, params) and now_ms - state.trail_rest_ms >= FOLLOW_MS:
        state.trail_rest = state.trail_stop
        state.trail_rest_ms = now_ms


@register_jitable
def trailing_step(state: Record, params: Record) -> float:
    """The least move that is looked at."""
    tenth: float = STEP_SHARE * state.trail_offset
    return max(tenth, on_grid(1.0, params.tick_num, params.tick_den))


@register_jitable
def trailing_triggers(state: Record, params: Record) -> tuple[float, float]:
    """The stop on one side of the market, the next step of the extreme on the other."""
    goal = state.trail_extreme + state.side * trailing_step(state, params)
    if state.side > 0:
        return state.trail_stop, on_grid(
            steps_up(goal, params.tick_num, params.tick_den), params.tick_num, params.tick_den
        )
    least = on_grid(1.0, params.tick_num, params.tick_den)
    goal = on_grid(steps_down(goal, params.tick_num, params.tick_den), params.tick_num, params.tick_den)
    return (goal if goal >= least else -np.inf), state.trail_stop


@register_jitable
def trailing_reason(state: Record) -> int:
    """Why the leg closes at its trailing stop: the break-even where that is the tighter."""
    if is_tighter(state.side, state.break_even, state.trail_stop):
        return Reason.BREAK_EVEN
    return Reason.TRAILING_STOP
