"""The way of the price through one candle, and what is told and wished on it.

After every stop on the way the reports queued there are told to the kernel, oldest first; the wishes of one report are
carried out before the next is told, and what they cause is queued behind. Then `on_tick`, once, if the price has
reached a trigger, and what its wishes cause. Then takers queued meanwhile fill at the same price, and the price moves
on. A level at which the price stands is not touched again before the price has left it.
"""

from typing import Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.backtest import levels, matching, wishes
from tradingboost.backtest.path import POINTS, point_ms
from tradingboost.backtest.records import LIQUIDATION_SLOT, OK, Kernel, Room
from tradingboost.strategies.contract import SLOT_BASE, Family, Record, on_grid

_EXIT_SLOT: Final = int(Family.EXIT) * SLOT_BASE
_HEDGE_ENTRY_SLOT: Final = int(Family.HEDGE_ENTRY) * SLOT_BASE
_HEDGE_EXIT_SLOT: Final = int(Family.HEDGE_EXIT) * SLOT_BASE


@register_jitable
def ticks(desk: Record, price: float) -> int:
    """A price of the candles as whole ticks."""
    return int(np.floor(price * desk.tick_den / desk.tick_num + 0.5))


@register_jitable
def price_of(desk: Record, px: int) -> float:
    """Ticks as the canonical price."""
    return on_grid(float(px), desk.tick_num, desk.tick_den)


@register_jitable
def drain(room: Room, kernel: Kernel) -> None:
    """Tell the kernel every queued report, oldest first, and carry out its wishes before the next."""
    desk = room.desk
    fill = room.fill
    while desk.delivered < desk.reports and desk.status == OK and not desk.liquidated:
        row = room.reports[desk.delivered]
        desk.delivered += 1
        fill.kind = row.kind
        fill.slot = told_slot(row.slot, desk.opener[0 if row.position_side > 0 or desk.net else 1])
        fill.side = row.side
        fill.position_side = row.position_side
        fill.qty = on_grid(float(row.lots), desk.lot_num, desk.lot_den)
        fill.price = price_of(desk, row.price)
        fill.left = on_grid(float(row.left), desk.lot_num, desk.lot_den)
        fill.last = price_of(desk, desk.last)
        fill.ts_ms = desk.now_ms
        wishes.apply(room, kernel.on_fill(room.state, room.params, fill, room.out))


@register_jitable
def settle(room: Room, kernel: Kernel) -> None:
    """What follows a price at which the path has stopped: reports, then the trigger, then what that caused."""
    desk = room.desk
    drain(room, kernel)
    if desk.status != OK or desk.liquidated:
        return
    mark = price_of(desk, desk.last)
    below, above = kernel.triggers(room.state, room.params)
    if mark <= below or mark >= above:
        wishes.apply(room, kernel.on_tick(room.state, room.params, mark, desk.now_ms, room.out))
        drain(room, kernel)
    refresh(room, kernel)


@register_jitable
def refresh(room: Room, kernel: Kernel) -> None:
    """Renew the nearest prices at which anything can happen."""
    desk = room.desk
    desk.trigger_below, desk.trigger_above = kernel.triggers(room.state, room.params)
    if desk.dirty:
        levels.refresh_levels(room)


@register_jitable
def jump(room: Room, kernel: Kernel, px: int) -> None:
    """A print: the price is at `px` without having been between."""
    room.desk.last = px
    matching.fill_print(room, px)
    settle(room, kernel)


@register_jitable
def travel(room: Room, kernel: Kernel, target: int) -> None:
    """Move the price continuously to `target`, stopping wherever something is due; there, until nothing is left."""
    desk = room.desk
    while desk.status == OK and not desk.liquidated:
        if matching.start_moving(room):
            settle(room, kernel)
            continue
        if desk.last == target:
            return
        up = target > desk.last
        desk.last = levels.next_level(room, target)
        stopped = desk.last == levels.trigger_down(desk) or desk.last == levels.trigger_up(desk)
        stopped = matching.arrive(room, target, up) or stopped
        settle(room, kernel)
        if desk.last == target and not stopped:
            return


@register_jitable
def told_slot(slot: int, opener: int) -> int:
    """The slot a report is told under: a liquidation reaches the kernel as the close at market of its leg."""
    if slot != LIQUIDATION_SLOT:
        return slot
    return _HEDGE_EXIT_SLOT if opener >= _HEDGE_ENTRY_SLOT else _EXIT_SLOT


@register_jitable
def walk_on(room: Room, kernel: Kernel, open_ms: int, length_ms: int, turns: tuple[int, int, int]) -> None:
    """From the open print, where the price stands, over both extremes to the close."""
    desk = room.desk
    for point in range(1, POINTS):
        desk.now_ms = point_ms(open_ms, length_ms, point - 1)
        travel(room, kernel, turns[point - 1])
