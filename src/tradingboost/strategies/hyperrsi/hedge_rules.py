"""The numbers of the hedge: how large it is, where it takes profit, where it is stopped, and what the main leg closes.

A hedge stands on the opposite side of the main leg; `side` is always that of the hedge itself.
"""

from typing import Final

from numba.extending import register_jitable

from tradingboost.strategies.contract import Reason, Record
from tradingboost.strategies.hyperrsi.levels import exit_on_tick, lots_qty, min_lots, qty_lots
from tradingboost.strategies.hyperrsi.state import GUARD_STOP, NO_STOP

NO_TP: Final = 0
PERCENT_TP: Final = 1
MAIN_STOP_TP: Final = 2
"""Where the main leg is stopped, as a trigger order, so that both fire together."""
LAST_DCA_TP: Final = 3
"""Closed with the last allowed entry of the main leg; nothing rests."""

PERCENT_SL: Final = 1
MAIN_TP_SL: Final = 2
"""At a take-profit of the main leg."""


@register_jitable
def hedge_target(main_qty: float, params: Record) -> float:
    """How large the hedge should be: a percentage of the main leg or contracts, down to a lot, at least the minimum."""
    wanted: float = params.hedge_size
    if params.hedge_by_percent:
        wanted = main_qty * params.hedge_size / 100.0
    return lots_qty(max(qty_lots(wanted, params), min_lots(params)), params)


@register_jitable
def hedge_addition(main_qty: float, hedge_qty: float, params: Record) -> float:
    """What is missing to the target, 0 when nothing is or when it is too small for an order."""
    missing = qty_lots(hedge_target(main_qty, params), params) - qty_lots(hedge_qty, params)
    if missing < min_lots(params):
        return 0.0
    return lots_qty(missing, params)


@register_jitable
def percent_from(average: float, sign: int, side: int, value: float, params: Record) -> float:
    """A price `value` percent from the average in the direction `sign`, on a tick; 0 when there is no such price."""
    return max(exit_on_tick(average * (1.0 + sign * value / 100.0), side, params), 0.0)


@register_jitable
def main_stop_tp(side: int, average: float, stop_kind: int, stop: float) -> float:
    """The main leg's stop where it lies on the profitable side of the hedge, else 0; a guard does not count."""
    if stop_kind in (NO_STOP, GUARD_STOP) or side * stop <= side * average:
        return 0.0
    return stop


@register_jitable
def main_tp_sl(side: int, average: float, take_profit: float) -> float:
    """A take-profit of the main leg where it lies on the losing side of the hedge, else 0."""
    if take_profit > 0.0 and side * take_profit < side * average:
        return take_profit
    return 0.0


@register_jitable
def exits_allowed(dca_count: int, params: Record) -> bool:
    """Whether the hedge may have its take-profit and stop at this number of main entries."""
    limit: int = params.dca_limit
    return params.hedge_exits_last == 0 or dca_count >= limit


@register_jitable
def closes_on_main_tp(number: int, dca_count: int, params: Record) -> bool:
    """Whether the fill of the main leg's take-profit 1..3 closes the hedge."""
    if not exits_allowed(dca_count, params):
        return False
    if params.hedge_use_sl and params.hedge_sl_rule == MAIN_TP_SL and params.hedge_sl_value == number:
        return True
    tp_value: float = params.hedge_tp_value
    return params.hedge_tp_rule == MAIN_STOP_TP and tp_value == number


@register_jitable
def closes_on_main_end(reason: int, params: Record) -> bool:
    """Whether the end of the main leg for this reason closes the hedge."""
    if reason == Reason.TREND_REVERSAL:
        return params.hedge_on_trend_close != 0  # type: ignore[no-any-return]
    if reason in (Reason.SL, Reason.GUARD, Reason.BREAK_EVEN, Reason.TRAILING_STOP):
        return params.hedge_tp_rule == MAIN_STOP_TP or params.hedge_on_main_stop != 0  # type: ignore[no-any-return]
    return True
