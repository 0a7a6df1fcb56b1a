"""The grid's decisions: state the wanted book at a price and ask only for the difference to what is live."""

from typing import Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import BUY, LONG, SELL, SHORT, FillKind, Reason, Record, on_grid
from tradingboost.strategies.grid.adaptive import retype
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
from tradingboost.strategies.grid.phases import (
    advance,
    has_inventory,
    judge_range,
    leave,
    read,
    ticks_around,
    too_quiet,
)
from tradingboost.strategies.grid.settled import ADAPTIVE, NEVER
from tradingboost.strategies.grid.state import (
    EXIT,
    FLATTEN_REQUEST,
    FLATTENING,
    LIVE,
    MAX_ATTEMPTS,
    NOT_LIVE,
    ORDERS,
    RUNNING,
    SL,
    STOPPED,
    STOPPING,
    WAITING,
    leg_lots,
)
from tradingboost.strategies.grid.stops import stop_ticks
from tradingboost.strategies.grid.wakes import set_wakes

_FILLED: Final = int(FillKind.FILLED)
_NONE: Final = int(Reason.NONE)
_PRICE: Final = int(Reason.PENDING_PRICE)


@register_jitable
def on_bar(state: Record, params: Record, bar: Record, indicators: Record, out: Record) -> int:
    """A candle closed: its indicators are taken in, the range is judged, refused slots are tried again."""
    lo, hi = ticks_around(params, bar.close)
    news = params.range_on_close == 1 and judge_range(state, params, bar.close_ms, lo, hi)
    if params.folds == 1:
        news = read(state, params, indicators, lo, hi) or news
    if params.quiet_ms > 0:
        news = too_quiet(state, params, bar.close_ms) or news
    if not news and state.held_back == 0 and quiet(state, lo, hi):
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
def quiet(state: Record, lo: int, hi: int) -> bool:
    """Whether the book planned last is still the wanted one."""
    inside: bool = lo > state.wake_below_ticks and hi < state.wake_above_ticks
    return inside and state.planned == 1 and state.stop_request == 0


@register_jitable
def release(state: Record, attempts: int) -> None:
    """Let refused slots try again, except those refused `attempts` times in a row or more."""
    if state.held_back == 0:
        return
    for order in range(ORDERS):
        if state.order_hold[order] == 1 and state.order_attempts[order] < attempts:
            state.order_hold[order] = 0


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
    if state.status == RUNNING and params.rule == ADAPTIVE and params.direction == 0:
        retype(state, params, lo, hi)
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
