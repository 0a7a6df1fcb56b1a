"""The dense driver: bar by bar, in the order in which the stepped simulated exchange and the live platform go.

One bar i: funding due since the bar before, at the last price · the price jumps to the open: queued takers fill, stops
that are reached fire at the open, limits that are reached fill at their own price · it travels on to the two extremes
and the close (`both_ways` says in which order), stopping at every price where something is due (`walking`) · the candle
closes: `on_bar`.
"""

from collections.abc import Callable

from numba import njit
from numba.extending import register_jitable

from tradingboost.backtest import levels, money, wishes
from tradingboost.backtest.both_ways import walk_bar
from tradingboost.backtest.fingerprint import fingerprint
from tradingboost.backtest.records import NO_LEVEL, OK, ROWS_A_BAR, Books, Columns, Kernel, Room
from tradingboost.backtest.walking import drain, refresh, settle, ticks
from tradingboost.strategies.contract import Record, Strategy

Drive = Callable[[Books, Columns, int, int], int]


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
    code = fingerprint(on_bar, on_tick, on_fill, triggers, drain, settle, walk_bar, fund)

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
                walk_bar(room, kernel, books, columns, i)
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
