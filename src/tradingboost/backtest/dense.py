"""The dense driver: bar by bar, in the order in which the stepped simulated exchange and the live platform go.

One bar i: funding due since the bar before, at the last price · the price jumps to the open: queued takers fill, stops
that are reached fire at the open, limits that are reached fill at their own price · it travels on to the two extremes
and the close, stopping at every price where something is due (`matching.arrive`) · the candle closes: `on_bar`.

After every stop on the way the reports queued there are told to the kernel, oldest first; the wishes of one report are
carried out before the next is told, and what they cause is queued behind. Then `on_tick`, once, if the price has
reached a trigger, and what its wishes cause. Then takers queued meanwhile fill at the same price, and the price moves
on. A level at which the price stands is not touched again before the price has left it.
"""

from collections.abc import Callable

import numpy as np
from numba import njit
from numba.extending import register_jitable

from tradingboost.backtest import levels, matching, money, wishes
from tradingboost.backtest.fingerprint import fingerprint
from tradingboost.backtest.path import POINTS, corners, point_ms
from tradingboost.backtest.records import (
    NO_LEVEL,
    OK,
    ROWS_A_BAR,
    Books,
    Columns,
    Kernel,
    Room,
)
from tradingboost.strategies.contract import Record, Strategy, on_grid

Drive = Callable[[Books, Columns, int, int], int]


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
        fill.slot = row.slot
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
def walk(room: Room, kernel: Kernel, open_ms: int, points: tuple[int, int, int, int]) -> None:
    """The whole way of one bar."""
    desk = room.desk
    desk.now_ms = open_ms
    jump(room, kernel, points[0])
    for point in range(1, POINTS):
        desk.now_ms = point_ms(open_ms, desk.timeframe_ms, point - 1)
        travel(room, kernel, points[point])


@register_jitable
def fund(desk: Record, columns: Columns, open_ms: int) -> None:
    """Settle every funding boundary up to the bar's open, in order, at the last price."""
    while desk.funded < columns.funding_ms.size and columns.funding_ms[desk.funded] <= open_ms:
        money.settle_funding(desk, columns.funding_rates[desk.funded])
        desk.funded += 1
    more = desk.funded < columns.funding_ms.size
    desk.next_funding_ms = columns.funding_ms[desk.funded] if more else NO_LEVEL


def build(strategy: Strategy) -> Drive:
    """The driver of one strategy, compiled once and kept in the cache of compiled code.

    The kernel's functions are constants of the driver (closure), not arguments: passed as arguments they would be new
    types in every process and nothing would ever be found in the cache. `code` makes the cache notice changed kernels.

    Returns:
        drive(books, columns, first, stop) -> bar at which it halted: `stop`, or earlier because the books need room,
        the run is liquidated or `desk.status` says what went wrong.
    """
    on_bar, on_tick, on_fill, triggers = strategy.on_bar, strategy.on_tick, strategy.on_fill, strategy.triggers
    code = fingerprint(on_bar, on_tick, on_fill, triggers, drain, settle, walk, fund)

    @njit(cache=True, error_model="numpy", nogil=True)
    def drive(books: Books, columns: Columns, first: int, stop: int) -> int:
        desk = books.desk[0]
        state = books.state[0]
        params = books.params[0]
        bar = books.bar[0]
        kernel = Kernel(on_bar, on_tick, on_fill, triggers)
        room = Room(desk, books.orders, books.reports, books.intents, books.out, books.fill[0], state, params)
        most_reports = books.reports.size - ROWS_A_BAR
        most_intents = books.intents.size - ROWS_A_BAR
        desk.code = code
        for i in range(first, stop):
            open_ms = columns.open_ms[i]
            close = columns.closes[i]
            desk.bar = i
            desk.reports_before = desk.reports
            desk.intents_before = desk.intents
            if open_ms >= desk.next_funding_ms:
                fund(desk, columns, open_ms)
                refresh(room, kernel)
            low, high = columns.lows[i], columns.highs[i]
            touched = low <= desk.level_below or high >= desk.level_above
            if touched or low <= desk.trigger_below or high >= desk.trigger_above or desk.queued > 0:
                opened = ticks(desk, columns.opens[i])
                walk(room, kernel, open_ms, corners(opened, ticks(desk, high), ticks(desk, low), ticks(desk, close)))
                if desk.status != OK:
                    return i
            columns.equity[i] = desk.cash
            if desk.lots[0] != 0 or desk.lots[1] != 0:
                desk.last = ticks(desk, close)
                columns.equity[i] += money.unrealised(desk, desk.last)
                desk.exposed_bars += 1
            if desk.liquidated:
                return i + 1
            bar.close_ms = open_ms + desk.timeframe_ms
            bar.open = columns.opens[i]
            bar.high = high
            bar.low = low
            bar.close = close
            bar.volume = columns.volumes[i]
            n = on_bar(state, params, bar, columns.indicators[i], books.out)
            if n > 0:
                desk.now_ms = bar.close_ms
                desk.last = ticks(desk, close)
                wishes.apply(room, n)
                drain(room, kernel)
                if desk.status != OK:
                    return i
            desk.trigger_below, desk.trigger_above = triggers(state, params)
            if desk.dirty:
                levels.refresh_levels(room)
            if desk.reports > most_reports or desk.intents > most_intents:
                return i + 1
        return stop

    return drive
