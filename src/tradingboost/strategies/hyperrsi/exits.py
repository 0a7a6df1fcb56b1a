"""When one of the run's orders filled or ended: book it, protect first, then the ladder, then the end of the leg."""

from numba.extending import register_jitable

from tradingboost.strategies.contract import SLOT_BASE, Family, FillKind, Reason, Record
from tradingboost.strategies.hyperrsi.hedge_exits import (
    follow_main,
    is_hedge_report,
    link_main_end,
    link_main_tp,
    on_hedge,
)
from tradingboost.strategies.hyperrsi.levels import average_after, min_sustain, sum_qty
from tradingboost.strategies.hyperrsi.openings import on_opening
from tradingboost.strategies.hyperrsi.state import FILLED, INACTIVE, LEVELS, NO_STOP, SUSPENDED, WORKING, side_index
from tradingboost.strategies.hyperrsi.stops import (
    EXIT_SLOT,
    TP_BASE,
    cancel_row,
    close_leg,
    protect,
    raise_break_even,
    stop_reason,
    withdraw_ladder,
    withdraw_stop,
)
from tradingboost.strategies.hyperrsi.trailing import arm_trailing


@register_jitable
def on_fill(state: Record, params: Record, fill: Record, out: Record) -> int:
    """One of this run's orders filled, or ended. The caller tells each report once."""
    n = on_hedge(state, params, fill, out) if is_hedge_report(state, fill) else on_main(state, params, fill, out)
    return follow_main(state, params, fill.last, out, n)


@register_jitable
def on_main(state: Record, params: Record, fill: Record, out: Record) -> int:
    """A report about the main leg."""
    family = fill.slot // SLOT_BASE
    if family in (Family.ENTRY, Family.ADD):
        return on_opening(state, params, fill, out)
    if state.side == 0:
        settle_cancel(state, fill)
        return 0
    if family == Family.TP:
        return on_take_profit(state, params, fill, out)
    if family == Family.SL:
        return on_stop(state, params, fill, out)
    if family == Family.EXIT:
        return on_exit(state, params, fill, out)
    return 0


@register_jitable
def settle_cancel(state: Record, fill: Record) -> bool:
    """Whether this report is only the end of an order we cancelled ourselves."""
    if fill.kind != FillKind.ENDED:
        return False
    if fill.slot // SLOT_BASE == Family.SL and state.stop_cancelling > 0:
        state.stop_cancelling -= 1
        return True
    level = fill.slot - TP_BASE - 1
    if 0 <= level < LEVELS and state.tp_cancelling[level] > 0:
        state.tp_cancelling[level] -= 1
        return True
    return False


@register_jitable
def on_take_profit(state: Record, params: Record, fill: Record, out: Record) -> int:
    """A level counts as filled when its order is complete; a level ended by somebody else waits for the next ladder."""
    level = fill.slot - TP_BASE - 1
    if settle_cancel(state, fill):
        return 0
    if fill.kind != FillKind.FILLED:
        if state.tp_status[level] == WORKING:
            state.tp_status[level] = SUSPENDED
        return 0
    state.qty = sum_qty(state.qty, -fill.qty, params)
    state.tp_left[level] = max(fill.left, 0.0)
    state.tp_average[level] = average_after(state.tp_sold[level], state.tp_average[level], fill.qty, fill.price)
    state.tp_sold[level] = sum_qty(state.tp_sold[level], fill.qty, params)
    if fill.left <= 0.0:
        level_filled(state, params, level, fill.ts_ms)
    return after_take_profit(state, params, fill, out)


@register_jitable
def level_filled(state: Record, params: Record, level: int, now_ms: int) -> None:
    """What a complete level brings: break-even, trailing, and the links to the hedge."""
    if state.tp_cancelling[level] > 0:
        state.tp_cancelling[level] -= 1
    state.tp_status[level] = FILLED
    state.tp_filled = max(state.tp_filled, level + 1)
    raise_break_even(state, params, level)
    if state.qty > 0.0:
        arm_trailing(state, params, level, now_ms)
    link_main_tp(state, params, level + 1)


@register_jitable
def after_take_profit(state: Record, params: Record, fill: Record, out: Record) -> int:
    """Flat ends the leg, dust is closed at market, else the stop follows price and quantity."""
    if state.qty <= 0.0:
        return end_leg(state, params, fill.ts_ms, Reason.LADDER, out)
    if state.exit_live:
        return 0
    if state.qty <= min_sustain(state.entry_qty[0], params):
        return close_leg(state, params, Reason.FORCE_CLOSE, out, 0)
    return protect(state, params, fill.last, False, out)


@register_jitable
def on_stop(state: Record, params: Record, fill: Record, out: Record) -> int:
    """The stop filled, or is gone although the leg is open: it comes back, or the leg is closed at market."""
    if settle_cancel(state, fill):
        return 0
    if fill.kind == FillKind.FILLED:
        state.qty = sum_qty(state.qty, -fill.qty, params)
        state.stop_qty = max(fill.left, 0.0)
        if fill.left <= 0.0:
            state.stop_live = 0
        if state.qty <= 0.0:
            return end_leg(state, params, fill.ts_ms, stop_reason(state.stop_kind), out)
        if state.stop_live or state.exit_live:
            return 0
        return protect(state, params, fill.last, False, out)
    state.stop_live = 0
    if fill.kind == FillKind.ENDED:
        return protect(state, params, fill.last, False, out)
    return close_leg(state, params, Reason.SL, out, 0)


@register_jitable
def on_exit(state: Record, params: Record, fill: Record, out: Record) -> int:
    """The close at market filled; what an entry added meanwhile follows at once, a refused close at the next candle."""
    done = fill.kind != FillKind.FILLED or fill.left <= 0.0
    if done:
        state.exit_live = 0
    if fill.kind != FillKind.FILLED:
        return 0
    state.qty = sum_qty(state.qty, -fill.qty, params)
    if state.qty <= 0.0:
        return end_leg(state, params, fill.ts_ms, state.exit_reason, out)
    if done and state.exit_reason != Reason.NONE:
        return close_leg(state, params, state.exit_reason, out, 0)
    return 0


@register_jitable
def end_leg(state: Record, params: Record, now_ms: int, reason: int, out: Record) -> int:
    """Flat: withdraw every order that still lives, start the cooldown, forget the leg, tell the hedge why."""
    n = withdraw_stop(state, out, 0)
    n = withdraw_ladder(state, out, n)
    if state.exit_live:
        n = cancel_row(EXIT_SLOT, state.side, Reason.LEG_CLOSED, out, n)
    if state.opening:
        n = cancel_row(state.opening_slot, state.opening_side, Reason.LEG_CLOSED, out, n)
    if params.use_cooldown:
        side = side_index(state.side)
        state.cooldown_ms[side] = max(state.cooldown_ms[side], now_ms + params.exit_cooldown_ms)
    link_main_end(state, params, reason)
    forget_leg(state)
    return n


@register_jitable
def forget_leg(state: Record) -> None:
    """Zero what belongs to the leg; locks, cooldowns, failure counts and cancels on their way stay."""
    state.side = 0
    state.qty = 0.0
    state.average = 0.0
    state.opened_ms = 0
    state.dca_count = 0
    state.add_waits = 0
    state.entry_qty[:] = 0.0
    state.entry_price[:] = 0.0
    state.entry_ms[:] = 0
    state.entry_multiplier[:] = 0.0
    state.ladder = 0
    state.tp_price[:] = 0.0
    state.tp_qty[:] = 0.0
    state.tp_left[:] = 0.0
    state.tp_sold[:] = 0.0
    state.tp_average[:] = 0.0
    state.tp_status[:] = INACTIVE
    state.tp_filled = 0
    state.stop_live = 0
    state.stop_kind = NO_STOP
    state.stop_price = 0.0
    state.stop_qty = 0.0
    state.break_even = 0.0
    state.trail_ms = 0
    state.trail_arming = 0.0
    state.trail_extreme = 0.0
    state.trail_offset = 0.0
    state.trail_stop = 0.0
    state.trail_rest = 0.0
    state.trail_rest_ms = 0
    state.exit_reason = Reason.NONE
    state.exit_live = 0
    state.dust = 0
