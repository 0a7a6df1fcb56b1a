"""What the end of a hedge order becomes, and what the two legs mean for each other."""

from numba.extending import register_jitable

from tradingboost.strategies.contract import SLOT_BASE, Family, FillKind, Reason, Record
from tradingboost.strategies.hyperrsi.hedge import on_hedge_opening
from tradingboost.strategies.hyperrsi.hedge_rules import MAIN_STOP_TP, closes_on_main_end, closes_on_main_tp
from tradingboost.strategies.hyperrsi.hedge_stops import (
    HEDGE_EXIT_SLOT,
    close_hedge,
    hedge_opens,
    protect_hedge,
    sync_hedge,
    withdraw_hedge_stop,
    withdraw_take_profit,
)
from tradingboost.strategies.hyperrsi.levels import sum_qty
from tradingboost.strategies.hyperrsi.state import INACTIVE, NO_STOP, SUSPENDED, WORKING, trend_against
from tradingboost.strategies.hyperrsi.stops import cancel_row, close_leg


@register_jitable
def is_hedge_report(state: Record, fill: Record) -> bool:
    """Whether a report is about the hedge: by its slot, or a close by hand on the hedge's side of the position."""
    family = fill.slot // SLOT_BASE
    if family >= Family.HEDGE_ENTRY:
        return True
    by_hand = family == Family.EXIT and state.hedge_side != 0 and fill.position_side == state.hedge_side
    return by_hand and state.side != state.hedge_side  # type: ignore[no-any-return]


@register_jitable
def on_hedge(state: Record, params: Record, fill: Record, out: Record) -> int:
    """One of the hedge's orders filled or ended."""
    family = fill.slot // SLOT_BASE
    if family == Family.HEDGE_ENTRY:
        return on_hedge_opening(state, params, fill, out)
    if settle_hedge_cancel(state, fill) or state.hedge_side == 0:
        return 0
    if family == Family.HEDGE_TP:
        return on_hedge_take_profit(state, params, fill, out)
    if family == Family.HEDGE_SL:
        return on_hedge_stop(state, params, fill, out)
    return on_hedge_exit(state, params, fill, out)


@register_jitable
def settle_hedge_cancel(state: Record, fill: Record) -> bool:
    """Whether this report is only the end of an order we cancelled ourselves."""
    if fill.kind != FillKind.ENDED:
        return False
    family = fill.slot // SLOT_BASE
    if family == Family.HEDGE_SL and state.hedge_stop_cancelling > 0:
        state.hedge_stop_cancelling -= 1
        return True
    if family == Family.HEDGE_TP and state.hedge_tp_cancelling > 0:
        state.hedge_tp_cancelling -= 1
        return True
    return False


@register_jitable
def on_hedge_take_profit(state: Record, params: Record, fill: Record, out: Record) -> int:
    """The take-profit filled: the hedge is over, and the main leg with it where the two are linked."""
    if fill.kind != FillKind.FILLED:
        if state.hedge_tp_status == WORKING:
            state.hedge_tp_status = SUSPENDED
            state.hedge_exit_waits = 0
        return 0
    state.hedge_qty = sum_qty(state.hedge_qty, -fill.qty, params)
    state.hedge_tp_left = max(fill.left, 0.0)
    if fill.left > 0.0:
        return protect_hedge(state, params, fill.last, out, 0)
    if state.hedge_tp_cancelling > 0:
        state.hedge_tp_cancelling -= 1
    state.hedge_tp_status = INACTIVE
    n = 0
    if params.hedge_closes_main and state.side != 0 and state.exit_reason == Reason.NONE:
        n = close_leg(state, params, Reason.HEDGE_TP, out, 0)
    if state.hedge_qty <= 0.0:
        return end_hedge(state, out, n)
    return protect_hedge(state, params, fill.last, out, n)


@register_jitable
def on_hedge_stop(state: Record, params: Record, fill: Record, out: Record) -> int:
    """The stop filled, or is gone although the hedge is open: it comes back, or the hedge is closed at market."""
    if fill.kind == FillKind.FILLED:
        state.hedge_qty = sum_qty(state.hedge_qty, -fill.qty, params)
        state.hedge_stop_qty = max(fill.left, 0.0)
        if fill.left <= 0.0:
            state.hedge_stop_live = 0
        if state.hedge_qty <= 0.0:
            return end_hedge(state, out, 0)
        if state.hedge_stop_live or state.hedge_exit_live:
            return 0
        return protect_hedge(state, params, fill.last, out, 0)
    state.hedge_stop_live = 0
    if fill.kind == FillKind.ENDED:
        return protect_hedge(state, params, fill.last, out, 0)
    return close_hedge(state, params, Reason.HEDGE_SL, out, 0)


@register_jitable
def on_hedge_exit(state: Record, params: Record, fill: Record, out: Record) -> int:
    """The close at market filled; a refused one is asked for again at the next candle."""
    done = fill.kind != FillKind.FILLED or fill.left <= 0.0
    if done:
        state.hedge_exit_live = 0
    if fill.kind != FillKind.FILLED:
        state.hedge_exit_waits = 1
        return 0
    state.hedge_qty = sum_qty(state.hedge_qty, -fill.qty, params)
    if state.hedge_qty <= 0.0:
        return end_hedge(state, out, 0)
    return 0


@register_jitable
def end_hedge(state: Record, out: Record, n: int) -> int:
    """Flat: withdraw what still lives and forget the hedge; its count stays until the main leg closes."""
    n = withdraw_hedge_stop(state, out, n)
    n = withdraw_take_profit(state, out, n)
    if state.hedge_exit_live:
        n = cancel_row(HEDGE_EXIT_SLOT, state.hedge_side, Reason.LEG_CLOSED, out, n)
    state.hedge_side = 0
    state.hedge_qty = 0.0
    state.hedge_average = 0.0
    state.hedge_opened_ms = 0
    state.hedge_entry_qty[:] = 0.0
    state.hedge_entry_price[:] = 0.0
    state.hedge_entry_ms[:] = 0
    state.hedge_sl = 0.0
    state.hedge_tp = 0.0
    state.hedge_stop_live = 0
    state.hedge_stop_kind = NO_STOP
    state.hedge_stop_price = 0.0
    state.hedge_stop_qty = 0.0
    state.hedge_tp_status = INACTIVE
    state.hedge_tp_price = 0.0
    state.hedge_tp_left = 0.0
    state.hedge_exit_reason = Reason.NONE
    state.hedge_exit_live = 0
    state.hedge_exit_waits = 0
    state.hedge_dust = 0
    if state.side == 0:
        state.hedge_count = 0
    return n


# -- links -----------------------------------------------------------------------------------------------------------


@register_jitable
def link_main_tp(state: Record, params: Record, number: int) -> None:
    """A take-profit of the main leg filled completely."""
    if closes_on_main_tp(number, state.dca_count, params):
        ask_hedge_close(state)


@register_jitable
def link_main_end(state: Record, params: Record, reason: int) -> None:
    """The main leg is flat for this reason; 0 = by hand.

    A trigger order of the hedge at the stop that has just filled fires with it: a close beside it would be one too
    many, so it gets until the next candle.
    """
    if closes_on_main_end(reason, params):
        ask_hedge_close(state)
        together = params.hedge_tp_rule == MAIN_STOP_TP and state.hedge_tp_status == WORKING
        if together and state.exit_reason == Reason.NONE and state.hedge_tp_price == state.stop_price:
            state.hedge_exit_waits = 1
    state.hedge_count = 0


@register_jitable
def ask_hedge_close(state: Record) -> None:
    """Close the hedge, or the one whose opening is still on its way."""
    if state.hedge_exit_reason == Reason.NONE and (state.hedge_side != 0 or hedge_opens(state)):
        state.hedge_exit_reason = Reason.LINKED


@register_jitable
def follow_main(state: Record, params: Record, last: float, out: Record, n: int) -> int:
    """After the main leg's step: close the hedge where a link asks for it, else move its targets along."""
    if state.hedge_side == 0 or state.hedge_dust or state.hedge_exit_live:
        return n
    if state.hedge_exit_reason == Reason.NONE:
        return sync_hedge(state, params, last, out, n)
    if state.hedge_exit_waits or hedge_opens(state):
        return n
    return close_hedge(state, params, state.hedge_exit_reason, out, n)


@register_jitable
def hedge_at_close(state: Record, params: Record, last: float, out: Record, n: int) -> int:
    """At a candle close: ask again for a refused close, and close a hedge left alone when the trend turns on it."""
    if state.hedge_side == 0:
        return n
    state.hedge_exit_waits = 0
    left_alone = state.side == 0 and state.hedge_exit_reason == Reason.NONE
    if left_alone and params.hedge_on_trend_close and trend_against(state.trend, state.hedge_side):
        state.hedge_exit_reason = Reason.TREND_REVERSAL
    return follow_main(state, params, last, out, n)
