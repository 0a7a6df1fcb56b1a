"""The run's orders at the exchange: taken in, resting, queued, ended, and what the run is told about it."""

from typing import Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.backtest.money import leg_of
from tradingboost.backtest.records import (
    MAX_ORDERS,
    NO_LIQUIDITY,
    OFF_GRID,
    QUEUED,
    RESTING,
    TOO_MANY_ORDERS,
    Room,
)
from tradingboost.strategies.contract import SLOT_BASE, Family, FillKind, Record, Type, on_grid

MARKET: Final = int(Type.MARKET)
LIMIT: Final = int(Type.LIMIT)
POST_ONLY: Final = int(Type.POST_ONLY)
STOP: Final = int(Type.STOP)
TAKE: Final = int(Type.TAKE)
FILLED: Final = int(FillKind.FILLED)
ENDED: Final = int(FillKind.ENDED)
REJECTED: Final = int(FillKind.REJECTED)
DENIED: Final = int(FillKind.DENIED)
_SL_SLOT: Final = int(Family.SL) * SLOT_BASE
_HEDGE_ENTRY: Final = int(Family.HEDGE_ENTRY)
_HEDGE_SL_SLOT: Final = int(Family.HEDGE_SL) * SLOT_BASE


@register_jitable
def fail(desk: Record, status: int, slot: int) -> None:
    """Note the first reason why the run cannot go on."""
    if desk.status == 0:
        desk.status = status
        desk.status_slot = slot


@register_jitable
def to_steps(desk: Record, slot: int, value: float, num: float, den: float) -> int:
    """A canonical price or quantity of a kernel as whole steps; anything between two steps is the kernel's mistake."""
    steps = np.floor(value * den / num + 0.5)
    if not (value >= 0.0 and on_grid(steps, num, den) == value):
        fail(desk, OFF_GRID, slot)
        return 0
    return int(steps)


@register_jitable
def find(room: Room, slot: int) -> int:
    """Row of the live order in a slot, -1 when there is none."""
    for index in range(room.desk.count):
        if room.orders[index].slot == slot:
            return index
    return -1


@register_jitable
def remove(room: Room, index: int) -> None:
    """Take an order out; the others keep their order of placement."""
    desk = room.desk
    if room.orders[index].status == QUEUED:
        desk.queued -= 1
    for k in range(index, desk.count - 1):
        room.orders[k] = room.orders[k + 1]
    desk.count -= 1
    desk.dirty = 1


@register_jitable
def report(room: Room, index: int, kind: int, lots: int, left: int) -> Record:
    """Queue a report about an order; `fill` adds what only fills have."""
    order = room.orders[index]
    desk = room.desk
    leg = leg_of(desk, order.position_side)
    row = room.reports[desk.reports]
    desk.reports += 1
    row.bar = desk.bar
    row.ts_ms = desk.now_ms
    row.kind = kind
    row.slot = order.slot
    row.side = order.side
    row.position_side = order.position_side
    row.lots = lots
    row.price = 0
    row.left = left
    row.liquidity = NO_LIQUIDITY
    row.fee = 0
    row.profit = 0
    row.reason = order.reason
    row.leg_lots = desk.lots[leg]
    row.leg_cost = desk.cost[leg]
    row.slippage = 0
    row.leg_funding = desk.leg_funding[leg]
    row.after = desk.intents
    return row


@register_jitable
def end(room: Room, index: int, kind: int) -> None:
    """End an order unfilled and queue the report of it."""
    report(room, index, kind, 0, room.orders[index].lots)
    remove(room, index)


@register_jitable
def crosses(desk: Record, order: Record) -> bool:
    """Whether a limit would take on arrival: strictly through last, because behind last there is nothing to take."""
    if order.side > 0:
        return order.price > desk.last  # type: ignore[no-any-return]
    return order.price < desk.last  # type: ignore[no-any-return]


@register_jitable
def direction(order: Record) -> int:
    """Which way a trigger is reached: 1 by a rise (buy stops, sells that take profit), -1 by a fall."""
    return -order.side if order.takes else order.side  # type: ignore[no-any-return]


@register_jitable
def beyond_market(desk: Record, way: int, trigger: int) -> bool:
    """Whether a trigger that is reached this way would have to fire at once: the exchange refuses it."""
    if way > 0:
        return trigger < desk.last  # type: ignore[no-any-return]
    return trigger > desk.last  # type: ignore[no-any-return]


@register_jitable
def work(room: Room, index: int) -> None:
    """Rest, queue or end a new or re-priced limit, or queue a market order."""
    order = room.orders[index]
    desk = room.desk
    desk.dirty = 1
    order.status = RESTING
    if order.type == MARKET or (order.type == LIMIT and crosses(desk, order)):
        order.status = QUEUED
        desk.queued += 1
    elif order.type == POST_ONLY and crosses(desk, order):
        end(room, index, ENDED)


@register_jitable
def append(room: Room) -> int:
    """A new row behind the others, with the next time priority."""
    desk = room.desk
    index = desk.count
    if index >= MAX_ORDERS:
        fail(desk, TOO_MANY_ORDERS, 0)
        index = MAX_ORDERS - 1
    else:
        desk.count += 1
    room.orders[index].priority = desk.next_priority
    room.orders[index].status = RESTING
    desk.next_priority += 1
    desk.dirty = 1
    return index  # type: ignore[no-any-return]


@register_jitable
def arm_attached(room: Room, parent: int) -> None:
    """A completely filled parent brings its stop to life in the `sl` slot of its leg, for what it filled.

    A stop that already lives in that slot stays alone: the run states its wanted stop there anyway.
    """
    order = room.orders[parent]
    slot = _HEDGE_SL_SLOT if order.slot // SLOT_BASE == _HEDGE_ENTRY else _SL_SLOT
    if order.attached == 0 or find(room, slot) >= 0:
        return
    index = append(room)
    stop = room.orders[index]
    stop.slot = slot
    stop.side = -order.side
    stop.position_side = order.position_side
    stop.type = STOP
    stop.lots = order.lots
    stop.price = 0
    stop.trigger = order.attached
    stop.attached = 0
    stop.closes = 1
    stop.takes = 0
    stop.trims = 1
    stop.reason = order.reason
    stop.freeze_px = 0
