"""The run's way from waiting to stopped: triggers, bounds, the range, the regime and requests to stop."""

from typing import Final

from numba.extending import register_jitable

from tradingboost.strategies.contract import LONG, SHORT, Reason, Record, steps_down, steps_up
from tradingboost.strategies.grid.adaptive import adopt, outer_wakes
from tradingboost.strategies.grid.centre import QUARTER_MS
from tradingboost.strategies.grid.emit import stop_reason
from tradingboost.strategies.grid.ladder import leaves, move_window, range_policy, trails_due, window_due
from tradingboost.strategies.grid.layout import lay_out
from tradingboost.strategies.grid.regime import may_open
from tradingboost.strategies.grid.settled import ADAPTIVE, INFINITY, STOP, TO_START, TRAIL
from tradingboost.strategies.grid.state import (
    EXIT,
    FLATTEN_REQUEST,
    FLATTENING,
    NOT_LIVE,
    RUNNING,
    STOPPED,
    STOPPING,
    WAITING,
    init_pending,
    leg_lots,
)
from tradingboost.strategies.grid.stops import stop_ticks
from tradingboost.strategies.grid.totals import bounds

_RANGE_EXIT: Final = int(Reason.RANGE_EXIT)
_MANUAL: Final = int(Reason.MANUAL)
_STOPPED: Final = int(Reason.STOPPED)
_PROFIT_PRICE: Final = int(Reason.TP1)
_UNPLACEABLE: Final = int(Reason.UNPLACEABLE)
_WARMING_UP: Final = int(Reason.WARMING_UP)
_REGIME: Final = int(Reason.REGIME)
_OUTER: Final = int(Reason.OUTER_LEVEL)
_LOSS: Final = int(Reason.TOTAL_LOSS)
_PROFIT: Final = int(Reason.TOTAL_PROFIT)
_NO_FILLS: Final = int(Reason.NO_FILLS)
_SIGNALLED: Final = 2
"""`start_side` once the RSI has crossed."""


@register_jitable
def ticks_around(params: Record, price: float) -> tuple[int, int]:
    """The whole ticks at or below and at or above a price."""
    lo = int(steps_down(price, params.tick_num, params.tick_den))
    return lo, int(steps_up(price, params.tick_num, params.tick_den))


@register_jitable
def leave(state: Record, policy: int, reason: int) -> None:
    """Stop opening (STOP) or also close everything (STOP_FLATTEN); a run only ever moves forward."""
    wanted = STOPPING if policy == STOP else FLATTENING
    if state.status < wanted:
        state.status = wanted
        state.status_reason = reason
        state.init_left_lots = 0
        state.shift_left = 0
        state.clearing = 0


# -- what a candle tells ---------------------------------------------------------------------------------------------


@register_jitable
def judge_range(state: Record, params: Record, close_ms: int, lo: int, hi: int) -> bool:
    """A close of a quarter of an hour outside the range: leave it, or let it follow; whether anything changed."""
    policy = range_policy(state, params, lo, hi)
    if policy == 0 or state.status != RUNNING or close_ms % QUARTER_MS != 0:
        return False
    if policy == TRAIL:
        state.shift_left = trails_due(state, params, lo, hi)
        return True
    leave(state, policy, _RANGE_EXIT)
    return True


@register_jitable
def read(state: Record, params: Record, indicators: Record, lo: int, hi: int) -> bool:
    """Take in what the candles say; whether anything changed."""
    news = False
    if params.regime_filter == 1 and indicators.regime != state.regime:
        state.regime = indicators.regime
        _clear_against(state, params)
        news = True
    if params.rule == ADAPTIVE and indicators.levels_ms != state.levels_ms:
        adopt(state, params, indicators, lo, hi)
        news = True
    if indicators.start_signal == 1 and state.status == WAITING:
        state.start_side = _SIGNALLED
        news = True
    if indicators.stop_signal == 1 and state.status == RUNNING:
        leave(state, params.stop_trigger_policy, _STOPPED)
        news = True
    if news:
        state.planned = 0
    return news


@register_jitable
def _clear_against(state: Record, params: Record) -> None:
    """A decided move has begun: what is held against it is closed at market."""
    if params.regime_close == 0 or state.status != RUNNING or abs(state.regime) < 2:
        return
    side = LONG if state.regime < 0 else SHORT
    if leg_lots(state, params, side) >= max(params.min_lots, 1):
        state.clearing = side
        state.clearing_reason = _REGIME


@register_jitable
def too_quiet(state: Record, params: Record, close_ms: int) -> bool:
    """Whether no opening has been filled for as long as the person waits; the run then ends."""
    if state.status != RUNNING:
        return False
    if state.quiet_since_ms == 0:
        state.quiet_since_ms = close_ms
    if close_ms - state.quiet_since_ms < params.quiet_ms:
        return False
    leave(state, FLATTEN_REQUEST, _NO_FILLS)
    return True


# -- what a price tells ----------------------------------------------------------------------------------------------


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
    if params.rsi_ms[TO_START] > 0:
        if state.start_side != _SIGNALLED:
            return
    elif ticks > 0:
        if state.start_side == 0:
            state.start_side = 1 if hi <= ticks else -1
        if not crossed(ticks, state.start_side, lo, hi):
            return
    if params.rule == ADAPTIVE and state.levels_ms == 0:
        state.status_reason = _WARMING_UP
        return
    state.status = RUNNING
    state.status_reason = 0
    state.stop_side = 1 if hi <= params.stop_trigger_ticks else -1
    may_init = params.regime_filter == 0 or may_open(state.regime, params.direction)
    if not lay_out(state, params, lo, hi, may_init):
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
        elif params.range_on_close == 0 and leaves(range_policy(state, params, lo, hi)):
            leave(state, range_policy(state, params, lo, hi), _RANGE_EXIT)
    if state.status in (RUNNING, STOPPING):
        if lo >= params.profit_above_ticks or hi <= params.profit_below_ticks:
            leave(state, FLATTEN_REQUEST, _PROFIT_PRICE)
        if params.is_swap == 0 and hi <= stop_ticks(state, params, LONG):
            leave(state, FLATTEN_REQUEST, stop_reason(params))
        _check_totals(state, params, lo, hi)
    if state.status == RUNNING:
        _clear(state, params, lo, hi)
    if state.status in (RUNNING, STOPPING):
        _follow(state, params, lo, hi)


@register_jitable
def _check_totals(state: Record, params: Record, lo: int, hi: int) -> None:
    """End the run once it has lost or made as much as the person allowed."""
    if params.total_loss == 0.0 and params.total_profit == 0.0:
        return
    loss_below, loss_above, profit_below, profit_above = bounds(state, params)
    if hi <= loss_below or lo >= loss_above:
        leave(state, FLATTEN_REQUEST, _LOSS)
    elif hi <= profit_below or lo >= profit_above:
        leave(state, FLATTEN_REQUEST, _PROFIT)


@register_jitable
def _clear(state: Record, params: Record, lo: int, hi: int) -> None:
    """Begin or end the market exit of one leg while the run goes on."""
    if state.clearing != 0:
        gone = leg_lots(state, params, state.clearing) < max(params.min_lots, 1)
        if gone and state.order_live[EXIT] == NOT_LIVE:
            state.clearing = 0
    if state.clearing == 0 and params.rule == ADAPTIVE:
        below, above = outer_wakes(state, params)
        if hi <= below:
            state.clearing = SHORT
        elif lo >= above:
            state.clearing = LONG
        if state.clearing != 0:
            state.clearing_reason = _OUTER


@register_jitable
def _follow(state: Record, params: Record, lo: int, hi: int) -> None:
    """Move the cells after the price where the grid is one that moves."""
    if params.rule == INFINITY:
        state.shift_left = 0 if init_pending(state) else window_due(state, params, hi)
    elif state.status == RUNNING and params.range_on_close == 0 and range_policy(state, params, lo, hi) == TRAIL:
        state.shift_left = trails_due(state, params, lo, hi)
    if state.shift_left != 0 or state.dropping != 0:
        move_window(state, params)


@register_jitable
def has_inventory(state: Record, params: Record) -> bool:
    """Whether a leg holds enough to be closed."""
    least = max(params.min_lots, 1)
    enough: bool = leg_lots(state, params, LONG) >= least or leg_lots(state, params, SHORT) >= least
    return enough
