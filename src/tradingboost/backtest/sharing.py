"""Several symbols on one account: whose turn it is, and what each of them adds to what the others may use.

Every symbol keeps its own desk, as if it had the account to itself: `cash` is the balance at the start and what this
symbol alone has changed of it. The account has the start and the changes of all; what the others add is put on a desk
before it is worked on (`Desk.beside_*`) and stands still meanwhile, since no other price moves.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba.extending import register_jitable

from tradingboost.backtest import money
from tradingboost.backtest.records import NO_LEVEL, Books, Columns
from tradingboost.backtest.walking import ticks
from tradingboost.sim import rules
from tradingboost.strategies.contract import EVERY_CLOSE, Record

MOST_SYMBOLS: Final = 20

SEAT: Final = np.dtype(
    [
        ("next", np.int64),  # the bar that comes next
        ("stop", np.int64),  # bars there are
        ("asleep", np.int64),  # first of the quiet bars before it that are not made up for yet
        ("attention", np.int64),  # of the kernel
        ("here", np.int64),  # 1 = has a bar at this moment
        ("busy", np.int64),  # 1 = something may happen on it
        ("walked", np.int64),  # 1 = its way is behind it
        ("start", np.int64),  # balance of the account at the start, quanta
        ("free", np.int64),  # what this symbol adds to what the others may use, before what its orders hold
        ("buffer", np.int64),  # and to the equity above maintenance
        ("frozen", np.int64),  # what its opening orders hold
        ("legs", np.int64),  # legs it holds
    ],
    align=True,
)


class Table(NamedTuple):
    """Everything of a run: books and columns with a row a symbol, and where each symbol stands."""

    books: Books
    columns: Columns
    seats: Any


@register_jitable
def books_of(books: Books, k: int) -> Books:
    """The books of one symbol; scratch rows are everybody's."""
    return Books(
        books.desk[k : k + 1],
        books.orders[k],
        books.reports[k],
        books.intents[k],
        books.out,
        books.fill,
        books.bar,
        books.state[k : k + 1],
        books.params[k : k + 1],
        books.kept_desk,
        books.kept_orders,
        books.kept_state,
    )


@register_jitable
def columns_of(columns: Columns, k: int) -> Columns:
    """The columns of one symbol, with rows behind its end that nobody reads."""
    return Columns(
        columns.open_ms[k],
        columns.opens[k],
        columns.highs[k],
        columns.lows[k],
        columns.closes[k],
        columns.volumes[k],
        columns.indicators[k],
        columns.funding_ms[k],
        columns.funding_rates[k],
        columns.equity[k],
        columns.path_open_ms[k],
        columns.path_length_ms[k],
        columns.path_opens[k],
        columns.path_highs[k],
        columns.path_lows[k],
        columns.path_closes[k],
        columns.path_first[k],
        columns.ambiguous[k],
        columns.watch[k],
        columns.close_ticks[k],
        columns.block_lows[k],
        columns.block_highs[k],
        columns.block_marks[k],
    )


# -- what the others add ---------------------------------------------------------------------------------------------


@register_jitable
def tell_others(seat: Record, desk: Record) -> None:
    """Note what this symbol adds, valued at its last price; its orders as they were counted last."""
    changed = desk.cash - seat.start
    held = money.gross_lots(desk)
    seat.legs = (1 if desk.lots[0] != 0 else 0) + (1 if desk.lots[1] != 0 else 0)
    seat.frozen = desk.frozen
    seat.free = changed
    seat.buffer = changed
    if held == 0:
        return
    profit = money.unrealised(desk, desk.last)
    need = money.needed_at(desk, 0, desk.last) + money.needed_at(desk, 1, desk.last)
    seat.buffer = changed + profit - need
    if desk.isolated:
        seat.free = changed - money.leg_margin(desk, 0) - money.leg_margin(desk, 1)
    else:
        worth = rules.notional(desk.last, held, desk.tick_value)
        seat.free = changed + profit - -(-worth // desk.leverage)


@register_jitable
def hear_others(seats: Record, desk: Record, k: int) -> None:
    """Put on a desk what all other symbols add."""
    desk.beside_free = 0
    desk.beside_buffer = 0
    desk.beside_frozen = 0
    desk.beside_legs = 0
    for j in range(seats.size):
        if j != k:
            desk.beside_free += seats[j].free
            desk.beside_buffer += seats[j].buffer
            desk.beside_frozen += seats[j].frozen
            desk.beside_legs += seats[j].legs


@register_jitable
def in_danger(desk: Record, columns: Columns, k: int, i: int) -> bool:
    """Whether the account may be used up inside bar i of symbol k, or a level found before others moved lies in it."""
    if not desk.liquidates or desk.isolated or money.gross_lots(desk) == 0:
        return False
    low, high = ticks(desk, columns.lows[k, i]), ticks(desk, columns.highs[k, i])
    if desk.liquidation_below >= low or desk.liquidation_above <= high:
        return True
    return money.buffer_at(desk, low) <= 0 or money.buffer_at(desk, high) <= 0


# -- whose turn it is ------------------------------------------------------------------------------------------------


@register_jitable
def next_moment(columns: Columns, seats: Record) -> int:
    """The earliest open of a bar that nobody has walked yet; NO_LEVEL when there is none."""
    moment = NO_LEVEL
    for k in range(seats.size):
        if seats[k].next < seats[k].stop:
            moment = min(moment, columns.open_ms[k, seats[k].next])
    return moment


@register_jitable
def is_quiet(desk: Record, columns: Columns, seat: Record, k: int) -> bool:
    """Whether symbol k's next bar touches no price that matters, bears no mark and owes no funding.

    It asks what `quiet.next_busy` asks, of one bar and without taking its columns out of those of all.
    """
    i = seat.next
    if seat.attention == EVERY_CLOSE or columns.watch[k, i] & seat.attention:
        return False
    if columns.lows[k, i] <= max(desk.level_below, desk.trigger_below):
        return False
    if columns.highs[k, i] >= min(desk.level_above, desk.trigger_above):
        return False
    return columns.open_ms[k, i] < desk.next_funding_ms  # type: ignore[no-any-return]
