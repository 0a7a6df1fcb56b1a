"""The run's orders at the exchange: placed, amended, cancelled, and what the run is told about it."""

import numpy as np
from numba.extending import register_jitable

from tradingboost.backtest.money import has_margin, leg_of
from tradingboost.backtest.records import (
    MAX_ORDERS,
    NO_LIQUIDITY,
    NOT_SETTLED,
    OFF_GRID,
    QUEUED,
    RESTING,
    ROWS_A_BAR,
    SLOT_TAKEN,
    TOO_MANY_ORDERS,
    Room,
)
from tradingboost.strategies.contract import SLOT_BASE, Family, FillKind, Kind, Record, Type, on_grid

MARKET = int(Type.MARKET)
LIMIT = int(Type.LIMIT)
POST_ONLY = int(Type.POST_ONLY)
STOP = int(Type.STOP)
ENDED = int(FillKind.ENDED)
REJECTED = int(FillKind.REJECTED)
DENIED = int(FillKind.DENIED)
_PLACE = int(Kind.PLACE)
_CANCEL = int(Kind.CANCEL)
_SL_SLOT = int(Family.SL) * SLOT_BASE
_HEDGE_ENTRY = int(Family.HEDGE_ENTRY)
_HEDGE_SL_SLOT = int(Family.HEDGE_SL) * SLOT_BASE
_MOST_ROWS = ROWS_A_BAR - 4 * MAX_ORDERS


@register_jitable
def fail(desk: Record, status: int, slot: int) -> None:
    """Note the first reason why the run cannot go on."""
    if desk.status == 0:
        desk.status = status
        desk.status_slot = slot


@register_jitable
def to_steps(desk: Record, value: float, num: float, den: float) -> int:
    """A canonical price or quantity of a kernel as whole steps; anything between two steps is the kernel's mistake."""
    steps = np.floor(value * den / num + 0.5)
    if not (value >= 0.0 and on_grid(steps, num, den) == value):
        fail(desk, OFF_GRID, 0)
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
def beyond_market(desk: Record, side: int, trigger: int) -> bool:
    """Whether a stop of this side would have to fire at once: the exchange refuses it."""
    if side > 0:
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
def place_order(room: Room, wish: Record) -> None:
    """Take a wish in: the reduce rules first, then the side of the market, then margin, as the exchange checks them."""
    desk = room.desk
    if find(room, wish.slot) >= 0:
        fail(desk, SLOT_TAKEN, wish.slot)
        return
    index = append(room)
    order = room.orders[index]
    order.slot = wish.slot
    order.side = wish.side
    order.position_side = wish.position_side
    order.type = wish.type
    order.reason = wish.reason
    order.lots = to_steps(desk, wish.qty, desk.lot_num, desk.lot_den)
    order.price = to_steps(desk, wish.price, desk.tick_num, desk.tick_den)
    trigger = to_steps(desk, wish.trigger, desk.tick_num, desk.tick_den)
    order.trigger = trigger if wish.type == STOP else 0
    order.attached = 0 if wish.type == STOP else trigger
    order.closes = 1 if wish.type == STOP or (wish.reduce_only and desk.net) else 0
    if not desk.net and wish.side != wish.position_side:
        order.closes = 1
    order.trims = 0
    order.freeze_px = order.price if order.price > 0 else desk.last
    if order.lots == 0:
        fail(desk, OFF_GRID, wish.slot)
        return
    refusal = refused(room, index)
    if refusal != 0:
        end(room, index, refusal)
    elif order.type != STOP:
        work(room, index)


@register_jitable
def refused(room: Room, index: int) -> int:
    """The report kind of a refusal, 0 = accepted."""
    desk = room.desk
    order = room.orders[index]
    held = desk.lots[leg_of(desk, order.position_side)]
    if order.closes:
        if held * order.side >= 0 or (order.type != STOP and order.lots > abs(held)):
            return REJECTED
        if order.type == STOP and beyond_market(desk, order.side, order.trigger):
            return REJECTED
        return 0
    if order.attached > 0:
        entry = order.price if order.price > 0 else desk.last
        slack = 1 if order.price > 0 else 0
        if (entry - order.attached) * order.side < slack:
            return REJECTED
    if not has_margin(desk, room.orders, index):
        desk.margin_refusals += 1
        return DENIED
    return 0


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
    stop.trims = 1
    stop.reason = order.reason
    stop.freeze_px = 0


@register_jitable
def amend_order(room: Room, wish: Record) -> None:
    """Give the slot's live order the wished quantity and price, absolute; an order that is gone has told its end."""
    desk = room.desk
    index = find(room, wish.slot)
    if index < 0:
        return
    order = room.orders[index]
    lots = to_steps(desk, wish.qty, desk.lot_num, desk.lot_den)
    price = to_steps(desk, wish.price, desk.tick_num, desk.tick_den)
    trigger = to_steps(desk, wish.trigger, desk.tick_num, desk.tick_den)
    desk.dirty = 1
    if order.type == STOP:
        if beyond_market(desk, order.side, trigger):
            report(room, index, REJECTED, 0, lots)
            return
        order.trigger = trigger
        order.reason = wish.reason
        order.priority = desk.next_priority
        desk.next_priority += 1
    elif price > 0 and (price != order.price or lots > order.lots):
        order.price = price
        order.freeze_px = price
        order.priority = desk.next_priority
        desk.next_priority += 1
        if order.status == QUEUED:
            desk.queued -= 1
        order.lots = lots
        work(room, index)
        return
    order.lots = lots


@register_jitable
def apply(room: Room, n: int) -> None:
    """Carry out the wishes `out[:n]` in order, at once; what they cause is queued behind the reports there are."""
    desk = room.desk
    for k in range(n):
        wish = room.out[k]
        log_intent(desk, room.intents[desk.intents], wish)
        desk.intents += 1
        if wish.kind == _PLACE:
            place_order(room, wish)
        elif wish.kind == _CANCEL:
            index = find(room, wish.slot)
            if index >= 0:
                end(room, index, ENDED)
        else:
            amend_order(room, wish)
    if desk.reports - desk.reports_before > _MOST_ROWS or desk.intents - desk.intents_before > _MOST_ROWS:
        fail(desk, NOT_SETTLED, 0)


@register_jitable
def log_intent(desk: Record, row: Record, wish: Record) -> None:
    """Keep a wish with its time."""
    row.bar = desk.bar
    row.ts_ms = desk.now_ms
    row.kind = wish.kind
    row.slot = wish.slot
    row.side = wish.side
    row.position_side = wish.position_side
    row.type = wish.type
    row.qty = wish.qty
    row.price = wish.price
    row.trigger = wish.trigger
    row.reduce_only = wish.reduce_only
    row.reason = wish.reason
