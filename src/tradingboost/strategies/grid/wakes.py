"""The next prices at which the wanted book changes: between them nobody has to ask."""

from typing import Final

from numba.extending import register_jitable

from tradingboost.strategies.contract import LONG, SELL, Reason, Record
from tradingboost.strategies.grid.adaptive import outer_wakes, turns
from tradingboost.strategies.grid.ladder import level_at
from tradingboost.strategies.grid.settled import ADAPTIVE, INFINITY, MAX_CELLS, NEVER
from tradingboost.strategies.grid.state import (
    LIVE,
    MAX_ATTEMPTS,
    NOT_LIVE,
    ORDERS,
    RUNNING,
    SL,
    STOPPED,
    STOPPING,
    WAITING,
    price_ticks,
)
from tradingboost.strategies.grid.stops import stop_ticks
from tradingboost.strategies.grid.totals import bounds

_PRICE: Final = int(Reason.PENDING_PRICE)
_BLOCKED: Final = int(Reason.TRAIL_BLOCKED)


@register_jitable
def set_wakes(state: Record, params: Record, lo: int, hi: int) -> None:
    """Find the nearest prices that change the wanted book, so that nobody has to ask in between."""
    state.wake_below_ticks, state.wake_above_ticks = run_wakes(state, params, lo, hi)
    state.held_back = 0
    if state.status in (WAITING, STOPPED):
        return
    for cell in range(params.cells):
        for order in (cell, MAX_CELLS + cell):
            _wake_order(state, order)
            _wake_refused(state, order, lo, hi)
    if params.rule == ADAPTIVE and params.direction == 0 and state.status == RUNNING:
        _wake_turns(state, params, lo, hi)
    _wake_stop(state)
    for order in range(SL, ORDERS):
        _wake_refused(state, order, lo, hi)


@register_jitable
def _wake_refused(state: Record, order: int, lo: int, hi: int) -> None:
    """A refused order is tried again when the price moves, a bounded number of times."""
    if state.order_hold[order] == 1:
        state.held_back += 1
        if state.order_attempts[order] < MAX_ATTEMPTS:
            _wake(state, lo - 1, hi + 1)


@register_jitable
def _wake(state: Record, below: int, above: int) -> None:
    state.wake_below_ticks = max(state.wake_below_ticks, below)
    state.wake_above_ticks = min(state.wake_above_ticks, above)


@register_jitable
def _wake_stop(state: Record) -> None:
    """A stop that is not live matters when the market passes it: it becomes placeable, or it is too late for it."""
    if state.order_note[SL] == _PRICE:
        beyond = state.want_stop_ticks - state.want_stop_side
        _wake(state, 0 if state.want_stop_side == SELL else beyond, beyond if state.want_stop_side == SELL else NEVER)
    elif state.order_want[SL] > 0 and state.order_live[SL] != LIVE:
        ticks = state.want_stop_ticks
        _wake(state, ticks if state.want_stop_side == SELL else 0, NEVER if state.want_stop_side == SELL else ticks)


@register_jitable
def _wake_order(state: Record, order: int) -> None:
    """An order that is not live may come or go when the market passes its level."""
    if state.order_live[order] != NOT_LIVE:
        return
    blocked = state.order_note[order] == _PRICE
    if not blocked and state.order_want[order] == 0:
        return
    ticks = price_ticks(state, order)
    if order < MAX_CELLS:
        _wake(state, 0 if blocked else ticks, ticks + 1 if blocked else NEVER)
    else:
        _wake(state, ticks - 1 if blocked else 0, NEVER if blocked else ticks)


@register_jitable
def _wake_turns(state: Record, params: Record, lo: int, hi: int) -> None:
    """An empty cell of an adaptive neutral grid changes its side once the price has left it behind.

    One that still waits for the end of its order to do so stays what it is if the price comes back before.
    """
    for cell in range(params.cells):
        if state.cell_held_lots[cell] > 0:
            continue
        low, high = state.cell_low[cell], state.cell_high[cell]
        waits = turns(state, cell, lo, hi)
        if state.cell_side[cell] > 0:
            _wake(state, 0 if waits else low - 1, low if waits else NEVER)
        else:
            _wake(state, high if waits else 0, NEVER if waits else high + 1)


@register_jitable
def run_wakes(state: Record, params: Record, lo: int, hi: int) -> tuple[int, int]:
    """Prices at which the run as a whole starts, stops, moves or leaves."""
    below = 0
    above = NEVER
    if state.status == WAITING:
        if state.start_side == 1:
            return 0, params.start_trigger_ticks
        return (params.start_trigger_ticks, NEVER) if state.start_side == -1 else (0, NEVER)
    if state.status in (RUNNING, STOPPING):
        above = min(above, params.profit_above_ticks)
        below = max(below, params.profit_below_ticks)
        if params.is_swap == 0:
            below = max(below, stop_ticks(state, params, LONG))
        below, above = _whole_run_wakes(state, params, hi, below, above)
    if state.status == RUNNING:
        if params.range_on_close == 0 and state.shift_left == 0:
            blocked = state.status_reason == _BLOCKED
            if not (blocked and lo >= state.range_above_ticks):  # a fill frees what is blocked, no price does
                above = min(above, state.range_above_ticks)
            if not (blocked and hi <= state.range_below_ticks):
                below = max(below, state.range_below_ticks)
        if params.stop_trigger_ticks > 0 and state.stop_side > 0:
            above = min(above, params.stop_trigger_ticks)
        elif params.stop_trigger_ticks > 0:
            below = max(below, params.stop_trigger_ticks)
    return below, above


@register_jitable
def _whole_run_wakes(state: Record, params: Record, hi: int, below: int, above: int) -> tuple[int, int]:
    """Total bounds, the outer levels of an adaptive grid, the window of one without an upper end."""
    if params.total_loss > 0.0 or params.total_profit > 0.0:
        loss_below, loss_above, profit_below, profit_above = bounds(state, params)
        below = max(below, loss_below, profit_below)
        above = min(above, loss_above, profit_above)
    if params.rule == ADAPTIVE and state.clearing == 0 and state.status == RUNNING:
        outer_below, outer_above = outer_wakes(state, params)
        below = max(below, outer_below)
        above = min(above, outer_above)
    if params.rule == INFINITY and state.shift_left == 0:
        quarter = params.cells // 4
        upwards = level_at(params, state.lowest + params.cells - quarter) + 1
        if not (state.status_reason == _BLOCKED and hi >= upwards):
            above = min(above, upwards)
        if state.lowest > 0:
            below = max(below, level_at(params, state.lowest + quarter - 1))
    return below, above
