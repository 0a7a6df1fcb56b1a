"""Where resting orders, triggers and liquidation lie, and which is the next on the way of a price."""

import numpy as np
from numba.extending import register_jitable

from tradingboost.backtest import money
from tradingboost.backtest.book import STOP, direction
from tradingboost.backtest.records import NO_LEVEL, RESTING, Room
from tradingboost.sim import rules
from tradingboost.strategies.contract import Record, on_grid


@register_jitable
def is_above(order: Record) -> bool:
    """Whether the order waits for a rise: buy stops and sell limits."""
    return (order.type == STOP) == (direction(order) > 0)  # type: ignore[no-any-return]


@register_jitable
def level(desk: Record, order: Record) -> int:
    """The tick at which a travelling price meets a resting order; `optimistic` limits are met one tick early."""
    if order.type == STOP:
        return order.trigger  # type: ignore[no-any-return]
    if desk.limit_model == rules.OPTIMISTIC:
        return order.price + order.side  # type: ignore[no-any-return]
    return order.price  # type: ignore[no-any-return]


@register_jitable
def meets(desk: Record, order: Record, px: int, target: int, up: bool) -> bool:
    """Whether a price that comes to `px` on its way to `target` fills the order there.

    Under `trade_through` a limit counts only when the way goes on beyond its price.
    """
    if order.status != RESTING or is_above(order) != up or level(desk, order) != px:
        return False
    return order.type == STOP or px != target or desk.limit_model != rules.TRADE_THROUGH


@register_jitable
def next_level(room: Room, target: int) -> int:
    """The first price strictly beyond last on the way to `target` (included) where something is due; else `target`.

    A level at which the price stands is not met again before the price has left it.
    """
    desk = room.desk
    up = target > desk.last
    found = target
    for index in range(desk.count):
        order = room.orders[index]
        if meets(desk, order, level(desk, order), target, up):
            found = nearer(desk.last, level(desk, order), found, up)
    if up:
        return nearer(desk.last, min(trigger_up(desk), desk.liquidation_above), found, up)
    return nearer(desk.last, max(trigger_down(desk), desk.liquidation_below), found, up)


@register_jitable
def trigger_down(desk: Record) -> int:
    """The highest tick at or below the kernel's lower trigger."""
    if not desk.trigger_below > 0.0:
        return -NO_LEVEL
    px = int(desk.trigger_below * desk.tick_den / desk.tick_num) + 1
    while on_grid(float(px), desk.tick_num, desk.tick_den) > desk.trigger_below:
        px -= 1
    return px


@register_jitable
def trigger_up(desk: Record) -> int:
    """The lowest tick at or above the kernel's upper trigger."""
    if not desk.trigger_above < np.inf:
        return NO_LEVEL
    px = int(desk.trigger_above * desk.tick_den / desk.tick_num) - 1
    while on_grid(float(px), desk.tick_num, desk.tick_den) < desk.trigger_above:
        px += 1
    return px


@register_jitable
def nearer(last: int, price: int, found: int, up: bool) -> int:
    """The nearer of two prices beyond last."""
    if up:
        return price if last < price < found else found
    return price if found < price < last else found


@register_jitable
def refresh_levels(room: Room) -> None:
    """Find the highest price below and the lowest above at which an order or the liquidation is due."""
    desk = room.desk
    desk.frozen = money.frozen(desk, room.orders)
    money.find_liquidation(desk)
    below = desk.liquidation_below
    above = desk.liquidation_above
    for index in range(desk.count):
        order = room.orders[index]
        if order.status == RESTING:
            price = level(desk, order)
            if is_above(order):
                above = min(above, price)
            else:
                below = max(below, price)
    desk.level_below = on_grid(float(below), desk.tick_num, desk.tick_den)
    desk.level_above = on_grid(float(above), desk.tick_num, desk.tick_den)
    desk.dirty = 0
