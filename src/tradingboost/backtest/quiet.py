"""Bars on which nothing can happen: no price that matters is touched and the kernel pays no attention to the close.

What it pays attention to it says after every call (`Strategy.attention`), in marks that were put on the closes before
(`Strategy.watch`). Bars between are passed without calling it; before it is called again it is shown the last two of
them: all it may remember of them.

Functions of the driver's innermost loop are put into it whole: a call with `columns` counts the references of all its
arrays, which takes longer than the work.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from tradingboost.backtest import money
from tradingboost.backtest.records import WOKE, Books, Columns
from tradingboost.backtest.walking import ticks
from tradingboost.strategies.contract import Record

REMEMBERED = 2
"""Closed bars a kernel may compare (the pair of an RSI rule)."""


@register_jitable(inline="always")
def next_busy(desk: Record, columns: Columns, attention: int, first: int, stop: int) -> int:
    """The first bar from `first` on that touches a price, bears a mark or owes funding; `stop` when there is none."""
    lows, highs, watch, open_ms = columns.lows, columns.highs, columns.watch, columns.open_ms
    below = max(desk.level_below, desk.trigger_below)
    above = min(desk.level_above, desk.trigger_above)
    funding_ms = desk.next_funding_ms
    i = first
    while i < stop and lows[i] > below and highs[i] < above and not watch[i] & attention and open_ms[i] < funding_ms:
        i += 1
    return i


@register_jitable(inline="always")
def pass_over(books: Books, columns: Columns, first: int, stop: int, on_bar: Any) -> None:
    """Value the account over quiet bars and let the kernel see the last of them."""
    desk = books.desk[0]
    mark(desk, columns.closes, columns.equity, first, stop)
    for i in range(max(first, stop - REMEMBERED), stop):
        show(books.bar[0], columns, i, desk.timeframe_ms)
        if on_bar(books.state[0], books.params[0], books.bar[0], columns.indicators[i], books.out) != 0:
            desk.bar = i
            desk.status = WOKE
            return


@register_jitable  # a function of its own: put into the driver, what is stored in an array nobody reads is left out
def mark(desk: Record, closes: Any, equity: Any, first: int, stop: int) -> None:
    """Equity at the closes of bars between which cash and position stay what they are."""
    if desk.lots[0] == 0 and desk.lots[1] == 0:
        equity[first:stop] = desk.cash
        return
    desk.exposed_bars += stop - first
    a_tick, a_price = money.slope(desk), desk.tick_den / desk.tick_num
    still = desk.cash + money.unrealised(desk, 0)
    for i in range(first, stop):  # on the grid, so that a product is as good as a quotient
        equity[i] = still + a_tick * int(np.floor(closes[i] * a_price + 0.5))
    desk.last = ticks(desk, closes[stop - 1])


@register_jitable(inline="always")
def show(bar: Record, columns: Columns, i: int, timeframe_ms: int) -> None:
    """Fill the kernel's record of a closed bar."""
    bar.close_ms = columns.open_ms[i] + timeframe_ms
    bar.open = columns.opens[i]
    bar.high = columns.highs[i]
    bar.low = columns.lows[i]
    bar.close = columns.closes[i]
    bar.volume = columns.volumes[i]
