"""The grid's decisions: state the wanted book at a price and ask only for the difference to what is live."""

from typing import Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import (
    BUY,
    LONG,
    SELL,
    SHORT,
    FillKind,
    Reason,
    Record,
    on_grid,
    steps_down,
    steps_up,
)
from tradingboost.strategies.grid.book import all_quiet, sweep_dust, want_closes, want_openings
from tradingboost.strategies.grid.emit import (
    emit_cancels,
    emit_closes,
    emit_exit,
    emit_init,
    emit_openings,
    emit_stop,
    stop_reason,
)
from tradingboost.strategies.grid.fills import book
from tradingboost.strategies.grid.layout import lay_out
from tradingboost.strategies.grid.state import (
    EXIT,
    FLATTEN_REQUEST,
    FLATTENING,
    HOLD,
    LIVE,
    MAX_ATTEMPTS,
    NEVER,
    NOT_LIVE,
    ORDERS,
    RUNNING,
    SL,
    STOP,
    STOPPED,
    STOPPING,
    WAITING,
    leg_lots,
)
from tradingboost.strategies.grid.stops import stop_ticks
from tradingboost.strategies.grid.wakes import set_wakes

_FILLED: Final = int(FillKind.FILLED)
_RANGE_EXIT: Final = int(Reason.RANGE_EXIT)
_MANUAL: Final = int(Reason.MANUAL)
_STOPPED: Final = int(Reason.STOPPED)
_TP1: Final = int(Reason.TP1)
_NONE: Final = int(Reason.NONE)
_UNPLACEABLE: Final = int(Reason.UNPLACEABLE)
_PRICE: Final = int(Reason.PENDING_PRICE)


@register_jitable
def on_bar(state: Record, params: Record, bar: Record, indicators: Record, out: Record) -> int:  # noqa: ARG001
    """A candle closed: refused slots are tried again and the range is judged by the close."""
    lo, hi = ticks_around(params, bar.close)
    outside = params.range_on_close == 1 and state.status == RUNNING and range_policy(params, lo, hi) != HOLD
    if outside:
        leave(state, range_policy(params, lo, hi), _RANGE_EXIT)
    if not outside and state.held_back == 0 and quiet(state, lo, hi):
        return 0
    release(state, ORDERS)
    return plan(state, params, lo, hi, out)


@register_jitable
def on_tick(state: Record, params: Record, mark: float, ts_ms: int, out: Record) -> int:  # noqa: ARG001
    """A price arrived; nothing happens strictly between the two triggers."""
    if not mark > 0.0:
        return 0
    lo, hi = ticks_around(params, mark)
    if quiet(state, lo, hi):
        return 0
    release(state, MAX_ATTEMPTS)
    return plan(state, params, lo, hi, out)


@register_jitable
def on_fill(state: Record, params: Record, fill: Record, out: Record) -> int:
    """One of the run's orders filled or ended; a filled stop ends the run."""
    order = book(state, params, fill)
    if order < 0:
        return 0
    state.planned = 0
    if fill.kind == _FILLED and order == SL:
        leave(state, FLATTEN_REQUEST, stop_reason(params))
    if not fill.last > 0.0:
        state.wake_below_ticks, state.wake_above_ticks = NEVER, 0  # booked; the next price, whatever it is, plans
        return 0
    lo, hi = ticks_around(params, fill.last)
    return plan(state, params, lo, hi, out)


@register_jitable
def triggers(state: Record, params: Record) -> tuple[float, float]:
    """The next prices below and above at which the wanted book changes."""
    below, above = -np.inf, np.inf
    if state.wake_below_ticks > 0:
        below = on_grid(float(state.wake_below_ticks), params.tick_num, params.tick_den)
    if state.wake_above_ticks < NEVER:
        above = on_grid(float(state.wake_above_ticks), params.tick_num, params.tick_den)
    return below, above


@register_jitable
def ticks_around(params: Record, price: float) -> tuple[int, int]:
    """The whole ticks at or below and at or above a price."""
    lo = int(steps_down(price, params.tick_num, params.tick_den))
    return lo, int(steps_up(price, params.tick_num, params.tick_den))


@register_jitable
def quiet(state: Record, lo: int, hi: int) -> bool:
    """Whether the book planned last is still the wanted one."""
    inside: bool = lo > state.wake_below_ticks and hi < state.wake_above_ticks
    return inside and state.planned == 1 and state.stop_request == 0


@register_jitable
def release(state: Record, attempts: int) -> None:
    """Let refused slots try again, except those refused `attempts` times in a row or more."""
    for order in range(ORDERS):
        if state.order_hold[order] == 1 and state.order_attempts[order] < attempts:
            state.order_hold[order] = 0


@register_jitable
def leave(state: Record, policy: int, reason: int) -> None:
    """Stop opening (STOP) or also close everything (STOP_FLATTEN); a run only ever moves forward."""
    wanted = STOPPING if policy == STOP else FLATTENING
    if state.status < wanted:
        state.status = wanted
        state.status_reason = reason
        state.init_left_lots = 0


@register_jitable
def range_policy(params: Record, lo: int, hi: int) -> int:
    """What the range exit asks for at this price; HOLD inside the range."""
    policy: int = HOLD
    if lo >= params.range_above_ticks:
        policy = params.range_up
    elif hi <= params.range_below_ticks:
        policy = params.range_down
    return policy


@register_jitable
def crossed(ticks: int, side: int, lo: int, hi: int) -> bool:
    """Whether a price trigger is reached from the side it was armed on; 0 = no trigger."""
    if ticks == 0:
        return False
    return lo >= ticks if side > 0 else hi <= ticks


@register_jitable
def begin(state: Record, params: Record, lo: int, hi: int) -> None:
    """Lay the grid out once its start trigger is reached; without one, at the first price."""
    ticks = params.start_trigger_ticks
    if state.start_side == 0:
        state.start_side = 1 if hi <= ticks else -1
    if ticks > 0 and not crossed(ticks, state.start_side, lo, hi):
        return
    state.status = RUNNING
    state.stop_side = 1 if hi <= params.stop_trigger_ticks else -1
    if not lay_out(state, params, lo, hi):
        state.status = STOPPED
        state.status_reason = _UNPLACEABLE


@register_jitable
def advance(state: Record, params: Record, lo: int, hi: int) -> None:
    """Move the run's status: requests, start and stop triggers, bounds, range by tick."""
    if state.stop_request != 0:
        leave(state, state.stop_request, _MANUAL)
        state.stop_request = 0
    if state.status == STOPPED and has_inventory(state, params):
        state.status = FLATTENING  # a fill that was reported after the end
    if state.status == WAITING:
        begin(state, params, lo, hi)
    if state.status == RUNNING:
        if crossed(params.stop_trigger_ticks, state.stop_side, lo, hi):
            leave(state, params.stop_trigger_policy, _STOPPED)
        elif params.range_on_close == 0 and range_policy(params, lo, hi) != HOLD:
            leave(state, range_policy(params, lo, hi), _RANGE_EXIT)
    if state.status in (RUNNING, STOPPING):
        if lo >= params.profit_above_ticks or hi <= params.profit_below_ticks:
            leave(state, FLATTEN_REQUEST, _TP1)
        if params.is_swap == 0 and hi <= stop_ticks(state, params, LONG):
            leave(state, FLATTEN_REQUEST, stop_reason(params))


@register_jitable
def plan_stop(state: Record, params: Record, lo: int, hi: int) -> None:
    """Wish one stop over the net inventory; a new stop already beyond the market closes everything now."""
    state.order_want[SL] = 0
    state.order_note[SL] = _NONE
    if params.is_swap == 0 or state.status in (WAITING, STOPPED):
        return
    net = leg_lots(state, params, LONG) - leg_lots(state, params, SHORT)
    side = LONG if net > 0 else SHORT
    ticks = stop_ticks(state, params, side) if abs(net) >= params.min_lots else 0
    if ticks == 0:
        return
    order_side = SELL if side > 0 else BUY
    live = state.order_live[SL] == LIVE and state.sl_side == order_side
    beyond = ticks >= hi if side > 0 else ticks <= lo
    if beyond and not (live and ticks == state.sl_ticks):
        leave(state, FLATTEN_REQUEST, stop_reason(params))
    if live and state.status == FLATTENING:
        ticks = state.sl_ticks  # the exit is on its way; the live stop only follows the size
    elif beyond and not live:
        state.order_note[SL] = _PRICE
    state.want_stop_side = order_side
    state.want_stop_ticks = ticks
    if state.order_note[SL] != _PRICE:
        state.order_want[SL] = abs(net)


@register_jitable
def plan(state: Record, params: Record, lo: int, hi: int, out: Record) -> int:
    """Wanted book minus live book, as rows of `out`; the same inputs again give no rows."""
    sweep_dust(state, params)
    advance(state, params, lo, hi)
    plan_stop(state, params, lo, hi)
    closes = want_closes(state, params, lo, hi)
    want_openings(state, params, lo, hi, closes)
    n = emit_cancels(state, params, out, 0)
    n = emit_stop(state, params, out, n)
    n = emit_init(state, params, out, n)
    n = emit_exit(state, params, out, n)
    n = emit_closes(state, params, out, n)
    n = emit_openings(state, params, (lo, hi), out, n)
    finish(state, params)
    set_wakes(state, params, lo, hi)
    state.planned = 1
    return n


@register_jitable
def finish(state: Record, params: Record) -> None:
    """A leaving run has stopped once it is flat (but for dust) and nothing of it is live."""
    if state.status not in (STOPPING, FLATTENING):
        return
    if state.order_live[SL] != NOT_LIVE or state.order_live[EXIT] != NOT_LIVE or not all_quiet(state, params):
        return
    if not has_inventory(state, params):
        state.status = STOPPED


@register_jitable
def has_inventory(state: Record, params: Record) -> bool:
    """Whether a leg holds enough to be closed."""
    least = max(params.min_lots, 1)
    enough: bool = leg_lots(state, params, LONG) >= least or leg_lots(state, params, SHORT) >= least
    return enough
