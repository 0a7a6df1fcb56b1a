"""Bars on which nothing can happen: no price that matters is touched and the kernel pays no attention to the close.

What it pays attention to it says after every call (`Strategy.attention`), in marks that were put on the closes before
(`Strategy.watch`). Bars between are passed without calling it; before it is called again it is shown the last two of
them: all it may remember of them.

Functions of the driver's innermost loop are put into it whole: a call with `columns` counts the references of all its
arrays, which takes longer than the work.
"""

from typing import Any

from numba.extending import register_jitable

from tradingboost.backtest import money
from tradingboost.backtest.outline import BLOCK
from tradingboost.backtest.records import WOKE, Books, Columns
from tradingboost.strategies.contract import Record

REMEMBERED = 2
"""Closed bars a kernel may compare (the pair of an RSI rule)."""


@register_jitable(inline="always")
def next_busy(desk: Record, columns: Columns, attention: int, first: int, stop: int) -> int:
    """The first bar from `first` on that touches a price, bears a mark or owes funding; `stop` when there is none."""
    below = max(desk.level_below, desk.trigger_below)
    above = min(desk.level_above, desk.trigger_above)
    funding_ms = desk.next_funding_ms
    block_lows, block_highs, block_marks = columns.block_lows, columns.block_highs, columns.block_marks
    lows, highs, watch, open_ms = columns.lows, columns.highs, columns.watch, columns.open_ms
    i = max(first, 0)  # never below, and the compiler may know it
    while i < stop:
        block = i // BLOCK
        end = (block + 1) * BLOCK
        touched = block_lows[block] <= below or block_highs[block] >= above or block_marks[block] & attention
        if touched or end > stop or open_ms[end - 1] >= funding_ms:
            end = min(end, stop)
            for j in range(i, end):
                if lows[j] <= below or highs[j] >= above or watch[j] & attention or open_ms[j] >= funding_ms:
                    return j
        i = end
    return stop


@register_jitable(inline="always")
def pass_over(books: Books, columns: Columns, first: int, stop: int, on_bar: Any) -> None:
    """Value the account over quiet bars and let the kernel see the last of them."""
    desk = books.desk[0]
    mark(desk, columns.close_ticks, columns.equity, first, stop)
    for i in range(max(first, stop - REMEMBERED), stop):
        show(books.bar[0], columns, i, desk.timeframe_ms)
        if on_bar(books.state[0], books.params[0], books.bar[0], columns.indicators[i], books.out) != 0:
            desk.bar = i
            desk.status = WOKE
            return


@register_jitable  # a function of its own: put into the driver, what is stored in an array nobody reads is left out
def mark(desk: Record, close_ticks: Any, equity: Any, first: int, stop: int) -> None:
    """Equity at the closes of bars between which cash and position stay what they are."""
    first = max(first, 0)  # never below, and the compiler may know it
    if desk.lots[0] == 0 and desk.lots[1] == 0:
        for i in range(first, stop):
            equity[i] = desk.cash
        return
    desk.exposed_bars += stop - first
    a_tick, still = money.slope(desk), desk.cash + money.unrealised(desk, 0)
    for i in range(first, stop):
        equity[i] = still + a_tick * close_ticks[i]
    desk.last = close_ticks[stop - 1]


@register_jitable(inline="always")
def show(bar: Record, columns: Columns, i: int, timeframe_ms: int) -> None:
    """Fill the kernel's record of a closed bar."""
    bar.close_ms = columns.open_ms[i] + timeframe_ms
    bar.open = columns.opens[i]
    bar.high = columns.highs[i]
    bar.low = columns.lows[i]
    bar.close = columns.closes[i]
    bar.volume = columns.volumes[i]
