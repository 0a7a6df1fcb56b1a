"""The dense driver: bar by bar, in the order in which the stepped simulated exchange and the live platform go.

One bar i: funding due since the bar before, at the last price · the price jumps to the open: queued takers fill, stops
that are reached fire at the open, limits that are reached fill at their own price · it travels on to the two extremes
and the close (`both_ways` says in which order), stopping at every price where something is due (`walking`) · the candle
closes: `on_bar`. Bars on which nothing can happen are passed without all this (`quiet`).
"""

from collections.abc import Callable
from typing import Any

from numba import njit
from numba.extending import register_jitable

from tradingboost.backtest import money, wishes
from tradingboost.backtest.borrowed import borrowed_books, borrowed_columns
from tradingboost.backtest.both_ways import walk_bar
from tradingboost.backtest.fingerprint import fingerprint
from tradingboost.backtest.quiet import mark, next_busy, pass_over, show
from tradingboost.backtest.records import NO_LEVEL, OK, ROWS_A_BAR, Books, Columns, Kernel, Room
from tradingboost.backtest.walking import drain, refresh, settle, ticks
from tradingboost.strategies.contract import EVERY_CLOSE, Record, Strategy

Drive = Callable[[Books, Columns, int, int], int]


@register_jitable
def fund(desk: Record, columns: Columns, open_ms: int) -> None:
    """Settle every funding boundary up to the bar's open, in order, at the last price."""
    while desk.funded < columns.funding_ms.size and columns.funding_ms[desk.funded] <= open_ms:
        money.settle_funding(desk, columns.funding_rates[desk.funded])
        desk.funded += 1
    more = desk.funded < columns.funding_ms.size
    desk.next_funding_ms = columns.funding_ms[desk.funded] if more else NO_LEVEL


@register_jitable(inline="always")
def decide(room: Room, kernel: Kernel, bar: Record, columns: Columns, i: int) -> None:
    """The candle closes: the kernel decides, and its wishes are carried out."""
    desk = room.desk
    show(bar, columns, i, desk.timeframe_ms)
    n = kernel.on_bar(room.state, room.params, bar, columns.indicators[i], room.out)
    if n > 0:
        desk.now_ms = bar.close_ms
        desk.last = ticks(desk, bar.close)
        wishes.apply(room, n)
        drain(room, kernel)
    refresh(room, kernel)


@register_jitable
def moves(desk: Record, low: float, high: float) -> bool:
    """Whether anything happens on the way of a bar: a price that matters is touched, or takers wait."""
    if low <= desk.level_below or high >= desk.level_above:
        return True
    return low <= desk.trigger_below or high >= desk.trigger_above or desk.queued > 0  # type: ignore[no-any-return]


@register_jitable
def attention_of(room: Room, attend: Any) -> int:
    """What the kernel pays attention to from now on."""
    if room.desk.queued > 0 or not room.desk.sleeps:
        return EVERY_CLOSE
    return attend(room.state, room.params)  # type: ignore[no-any-return]


@register_jitable
def always(state: Record, params: Record) -> int:  # noqa: ARG001 - the kernel contract
    """A kernel that does not say what it pays attention to is called at every close."""
    return EVERY_CLOSE


def build(strategy: Strategy) -> Drive:
    """The driver of one strategy, compiled once and kept in the cache of compiled code.

    The kernel's functions are constants of the driver (closure), not arguments: passed as arguments they would be new
    types in every process and nothing would ever be found in the cache. `code` makes the cache notice changed kernels.

    Returns:
        drive(books, columns, first, stop) -> bar at which it halted: `stop`, or earlier because the books need room,
        the run is liquidated or `desk.status` says what went wrong.
    """
    on_bar, on_tick, on_fill, triggers = strategy.on_bar, strategy.on_tick, strategy.on_fill, strategy.triggers
    attend = strategy.attention or always
    code = fingerprint(
        on_bar, on_tick, on_fill, triggers, attend, drain, settle, walk_bar, fund, decide, next_busy, pass_over
    )

    @njit(cache=True, error_model="numpy", nogil=True)
    def drive(owned_books: Books, owned_columns: Columns, first: int, stop: int) -> int:
        books, columns = borrowed_books(owned_books), borrowed_columns(owned_columns)
        desk = books.desk[0]
        kernel = Kernel(on_bar, on_tick, on_fill, triggers)
        room = Room(
            desk, books.orders, books.reports, books.intents, books.out, books.fill[0], books.state[0], books.params[0]
        )
        most_reports = books.reports.size - ROWS_A_BAR
        most_intents = books.intents.size - ROWS_A_BAR
        desk.code = code
        i = first
        attention = EVERY_CLOSE
        while i < stop:
            if attention != EVERY_CLOSE:
                busy = next_busy(desk, columns, attention, i, stop)
                if busy > i:
                    pass_over(books, columns, i, busy, on_bar)
                    i = busy
                    if desk.status != OK or i >= stop:
                        break
            open_ms = columns.open_ms[i]
            desk.bar = i
            desk.reports_before = desk.reports
            desk.intents_before = desk.intents
            if open_ms >= desk.next_funding_ms:
                fund(desk, columns, open_ms)
                refresh(room, kernel)
            if moves(desk, columns.lows[i], columns.highs[i]):
                walk_bar(room, kernel, books, columns, i)
                if desk.status != OK:
                    break
            mark(desk, columns.close_ticks, columns.equity, i, i + 1)
            if not desk.liquidated:
                decide(room, kernel, books.bar[0], columns, i)
            i += 1
            if desk.status != OK or desk.liquidated:
                break
            if desk.reports > most_reports or desk.intents > most_intents:
                break
            attention = attention_of(room, attend)
        return i

    return drive
