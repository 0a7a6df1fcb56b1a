"""The protective stop of a run: the tightest of the price, the percentage and the guard before liquidation."""

from numba.extending import register_jitable

from tradingboost.strategies.contract import Record, whole
from tradingboost.strategies.grid.state import leg_average_ticks


@register_jitable
def liquidation(average: float, side: int, leverage: float, rate: float) -> float:
    """Estimated liquidation price of a leg margined alone; at or below 0: a long that cannot be liquidated.

    Args:
        average: entry price; the result has its unit.
        side: LONG or SHORT.
        leverage: notional / margin.
        rate: maintenance margin rate plus taker fee rate.
    """
    if side > 0:
        return average * (1.0 - 1.0 / leverage) / (1.0 - rate)
    return average * (1.0 + 1.0 / leverage) / (1.0 + rate)


@register_jitable
def guard(average: float, side: int, liquidation_price: float) -> float:
    """90 % of the way to liquidation; 5 % of the average for a long that cannot be liquidated."""
    if side > 0 and liquidation_price <= 0.0:
        return 0.05 * average
    return average + 0.9 * (liquidation_price - average)


@register_jitable
def favourable(ticks: float, side: int) -> int:
    """An exit price on a tick, rounded in favour of the position: long up, short down."""
    return int(-whole(-ticks)) if side > 0 else int(whole(ticks))


@register_jitable
def tighter(one: int, other: int, side: int) -> int:
    """The stop nearer to the market; 0 means none."""
    if one == 0 or other == 0:
        return max(one, other)
    return max(one, other) if side > 0 else min(one, other)


@register_jitable
def stop_ticks(state: Record, params: Record, side: int) -> int:
    """The wanted stop of the leg in ticks; 0 = none (spot without a configured stop, or an empty leg)."""
    average = leg_average_ticks(state, params, side)
    if average <= 0.0:
        return 0
    stop: int = params.stop_loss_ticks
    if stop > 0 and (stop - average) * side >= 0:
        stop = 0  # a bound on the profitable side (the other leg's of a neutral grid) is no stop
    if params.stop_loss_ratio > 0.0:
        stop = tighter(stop, favourable(average * (1.0 - side * params.stop_loss_ratio), side), side)
    if params.is_swap == 1:
        price = liquidation(average, side, params.leverage, params.maintenance_rate + params.taker_fee)
        stop = tighter(stop, favourable(guard(average, side, price), side), side)
    return stop
