"""From the kernel's wishes to orders: checked as the exchange checks them, carried out in their order."""

from typing import Final

from numba.extending import register_jitable

from tradingboost.backtest.book import (
    DENIED,
    ENDED,
    MARKET,
    POST_ONLY,
    REJECTED,
    STOP,
    TAKE,
    append,
    beyond_market,
    crosses,
    direction,
    end,
    fail,
    find,
    report,
    to_steps,
    work,
)
from tradingboost.backtest.money import has_margin, leg_of
from tradingboost.backtest.records import MAX_ORDERS, NOT_SETTLED, OFF_GRID, QUEUED, ROWS_A_BAR, SLOT_TAKEN, Room
from tradingboost.strategies.contract import Kind, Record

_PLACE: Final = int(Kind.PLACE)
_CANCEL: Final = int(Kind.CANCEL)
_MOST_ROWS: Final = ROWS_A_BAR - 4 * MAX_ORDERS


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
    order.type = STOP if wish.type == TAKE else wish.type
    order.takes = 1 if wish.type == TAKE else 0
    order.reason = wish.reason
    order.lots = to_steps(desk, wish.slot, wish.qty, desk.lot_num, desk.lot_den)
    order.price = to_steps(desk, wish.slot, wish.price, desk.tick_num, desk.tick_den)
    trigger = to_steps(desk, wish.slot, wish.trigger, desk.tick_num, desk.tick_den)
    order.trigger = trigger if order.type == STOP else 0
    order.attached = 0 if order.type == STOP else trigger
    order.closes = 1 if order.type == STOP or (wish.reduce_only and desk.net) else 0
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
        if held * order.side >= 0 or (order.type != STOP and order.lots > abs(held) - spoken_for(room, index)):
            return REJECTED
        if order.type == STOP and beyond_market(desk, direction(order), order.trigger):
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
def spoken_for(room: Room, index: int) -> int:
    """Lots of a leg that other resting orders close already: beside a second leg nothing may be closed twice."""
    desk = room.desk
    lots = 0
    for k in range(desk.count):
        other = room.orders[k]
        closes = other.closes and other.type != STOP and not desk.net
        if closes and k != index and other.position_side == room.orders[index].position_side:
            lots += other.lots
    return lots


@register_jitable
def amend_order(room: Room, wish: Record) -> None:
    """Give the slot's live order the wished quantity and price, absolute; an order that is gone has told its end.

    A refused amendment is REJECTED and leaves the order as it was.
    """
    desk = room.desk
    index = find(room, wish.slot)
    if index < 0:
        return
    order = room.orders[index]
    lots = to_steps(desk, wish.slot, wish.qty, desk.lot_num, desk.lot_den)
    desk.dirty = 1
    if order.type == STOP:
        trigger = to_steps(desk, wish.slot, wish.trigger, desk.tick_num, desk.tick_den)
        if beyond_market(desk, direction(order), trigger):
            report(room, index, REJECTED, 0, lots)
            return
        order.lots = lots
        order.trigger = trigger
        order.reason = wish.reason
        order.priority = desk.next_priority
        desk.next_priority += 1
    else:
        price = to_steps(desk, wish.slot, wish.price, desk.tick_num, desk.tick_den)
        amend_limit(room, index, lots, price if price > 0 else order.price)


@register_jitable
def amend_limit(room: Room, index: int, lots: int, price: int) -> None:
    """A new price or a larger size loses the place in the queue, a smaller size keeps it."""
    desk = room.desk
    order = room.orders[index]
    old_lots, old_price = order.lots, order.price
    moved = price != old_price
    grown = lots > old_lots
    order.lots = lots
    if moved:
        order.price = price
        order.freeze_px = price
    held = abs(desk.lots[leg_of(desk, order.position_side)])
    refused = order.closes and grown and lots > held
    if order.attached > 0 and moved and (price - order.attached) * order.side < 1:
        refused = True
    if order.type == POST_ONLY and moved and crosses(desk, order):
        refused = True
    if (grown or price > old_price) and not has_margin(desk, room.orders, index):
        refused = True
    if refused:
        order.lots, order.price = old_lots, old_price
        order.freeze_px = old_price if old_price > 0 else order.freeze_px
        report(room, index, REJECTED, 0, lots)
    elif order.type != MARKET and (moved or grown):
        order.priority = desk.next_priority
        desk.next_priority += 1
        if order.status == QUEUED:
            desk.queued -= 1
        work(room, index)


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
