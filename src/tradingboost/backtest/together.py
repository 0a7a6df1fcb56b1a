"""The driver of several symbols on one account: the same bars by the same rules, moment by moment.

One moment, each step for the symbols that have a bar there, in their order: funding due since their bar before · the
way of the bar, whole, symbol by symbol · the candles close: `on_bar`. So a decision at a close sees the account with
every symbol at that close. While one symbol's bar is walked the others stand at the last price they had: at the close
of this moment's bar those before it in the list, at the close of the bar before those behind it.
"""

from collections.abc import Callable
from typing import Any

from numba import njit
from numba.extending import register_jitable

from tradingboost.backtest import liquidation
from tradingboost.backtest.book import ENDED, end
from tradingboost.backtest.borrowed import borrowed, borrowed_books, borrowed_columns
from tradingboost.backtest.both_ways import walk_bar
from tradingboost.backtest.dense import always, attention_of, decide, fund, moves
from tradingboost.backtest.fingerprint import fingerprint
from tradingboost.backtest.quiet import mark, next_busy, pass_over
from tradingboost.backtest.records import NO_LEVEL, OK, ROWS_A_BAR, Books, Columns, Kernel, Room
from tradingboost.backtest.sharing import (
    Table,
    books_of,
    columns_of,
    hear_others,
    in_danger,
    is_quiet,
    next_moment,
    tell_others,
)
from tradingboost.backtest.walking import drain, refresh, settle
from tradingboost.strategies.contract import Record, Strategy

DriveTogether = Callable[[Books, Columns, Any], bool]


@register_jitable
def rouse(books: Books, columns: Columns, seat: Record, on_bar: Any) -> None:
    """Make up for the quiet bars before the next one, which is not quiet."""
    desk = books.desk[0]
    if seat.asleep < seat.next:
        pass_over(books, columns, seat.asleep, seat.next, on_bar)
        if desk.status != OK:
            return
    seat.asleep = seat.next + 1
    seat.busy = 1
    desk.bar = seat.next
    desk.reports_before = desk.reports
    desk.intents_before = desk.intents


@register_jitable
def begin(table: Table, kernel: Kernel, k: int, moment: int) -> None:
    """Whether symbol k has a bar at this moment and anything may happen on it; funding due at its open."""
    seat = table.seats[k]
    seat.here, seat.busy, seat.walked = 0, 0, 0
    if seat.next >= seat.stop or table.columns.open_ms[k, seat.next] != moment:
        return
    seat.here = 1
    if is_quiet(table.books.desk[k], table.columns, seat, k):
        return
    books, columns = books_of(table.books, k), columns_of(table.columns, k)
    desk = books.desk[0]
    rouse(books, columns, seat, kernel.on_bar)
    if moment >= desk.next_funding_ms:
        hear_others(table.seats, desk, k)
        fund(desk, columns, moment)
        room = Room(
            desk, books.orders, books.reports, books.intents, books.out, books.fill[0], books.state[0], books.params[0]
        )
        refresh(room, kernel)
        tell_others(seat, desk)


@register_jitable
def walk(table: Table, kernel: Kernel, k: int) -> None:
    """The way of symbol k's bar."""
    seat, desk = table.seats[k], table.books.desk[k]
    hear_others(table.seats, desk, k)
    danger = table.seats.size > 1 and in_danger(desk, table.columns, k, seat.next)
    seat.walked = 1
    if seat.busy or danger:
        walk_busy(table, kernel, k, danger)
    elif seat.legs > 0:
        desk.last = table.columns.close_ticks[k, seat.next]
        tell_others(seat, desk)


@register_jitable
def walk_busy(table: Table, kernel: Kernel, k: int, danger: bool) -> None:
    """The same where something may happen."""
    seat = table.seats[k]
    books, columns = books_of(table.books, k), columns_of(table.columns, k)
    desk, i = books.desk[0], seat.next
    room = Room(
        desk, books.orders, books.reports, books.intents, books.out, books.fill[0], books.state[0], books.params[0]
    )
    if not seat.busy:
        rouse(books, columns, seat, kernel.on_bar)
    if danger:
        desk.dirty = 1
        refresh(room, kernel)
    if moves(desk, columns.lows[i], columns.highs[i]):
        walk_bar(room, kernel, books, columns, i)
        if desk.status != OK:
            return
    mark(desk, columns.close_ticks, columns.equity, i, i + 1)
    tell_others(seat, desk)


@register_jitable
def close(table: Table, kernel: Kernel, attend: Any, k: int) -> None:
    """The candle of symbol k closes: it decides, if this close is any of its concern."""
    seat = table.seats[k]
    if seat.busy:
        books, columns = books_of(table.books, k), columns_of(table.columns, k)
        desk = books.desk[0]
        hear_others(table.seats, desk, k)
        room = Room(
            desk, books.orders, books.reports, books.intents, books.out, books.fill[0], books.state[0], books.params[0]
        )
        decide(room, kernel, books.bar[0], columns, seat.next)
        tell_others(seat, desk)
        seat.attention = attention_of(room, attend)
    seat.next += 1


# -- when one symbol's price uses up what all share ------------------------------------------------------------------


@register_jitable
def interrupt(books: Books, columns: Columns, seat: Record, now_ms: int, on_bar: Any) -> None:
    """Bring a symbol to where it stands, so that something can happen to it between its own bars."""
    desk = books.desk[0]
    if seat.here and not seat.busy:
        rouse(books, columns, seat, on_bar)
        if seat.walked:
            mark(desk, columns.close_ticks, columns.equity, seat.next, seat.next + 1)
    elif not seat.here:
        if seat.asleep < seat.next:
            pass_over(books, columns, seat.asleep, seat.next, on_bar)
            seat.asleep = seat.next
        desk.bar = seat.next - 1
        desk.reports_before = desk.reports
        desk.intents_before = desk.intents
    seen = seat.next if seat.walked else seat.next - 1
    if seen >= 0:
        desk.last = columns.close_ticks[seen]
    desk.now_ms = max(desk.now_ms, now_ms)


@register_jitable
def withdraw_others(table: Table, kernel: Kernel, attend: Any, k: int) -> None:
    """What all other symbols wanted to open is withdrawn as well, and their kernels are told."""
    now_ms = table.books.desk[k].now_ms
    table.books.desk[k].withdrew = 0
    for j in range(table.seats.size):
        seat = table.seats[j]
        if j != k and seat.frozen > 0:
            books, columns = books_of(table.books, j), columns_of(table.columns, j)
            desk = books.desk[0]
            room = Room(
                desk,
                books.orders,
                books.reports,
                books.intents,
                books.out,
                books.fill[0],
                books.state[0],
                books.params[0],
            )
            interrupt(books, columns, seat, now_ms, kernel.on_bar)
            liquidation.withdraw_openings(room)
            hear_others(table.seats, desk, j)
            drain(room, kernel)
            desk.withdrew = 0
            refresh(room, kernel)
            tell_others(seat, desk)
            seat.attention = attention_of(room, attend)


@register_jitable
def liquidate_others(table: Table, kernel: Kernel, k: int) -> None:
    """The account is gone by symbol k's price: the others close at the last price they had, and the run is over."""
    ruined = table.books.desk[k]
    left = ruined.cash
    for j in range(table.seats.size):
        if j != k:
            books, columns = books_of(table.books, j), columns_of(table.columns, j)
            desk = books.desk[0]
            room = Room(
                desk,
                books.orders,
                books.reports,
                books.intents,
                books.out,
                books.fill[0],
                books.state[0],
                books.params[0],
            )
            interrupt(books, columns, table.seats[j], ruined.now_ms, kernel.on_bar)
            while desk.count > 0:
                end(room, 0, ENDED)
            for leg in range(2):
                if desk.lots[leg] != 0:
                    liquidation.close_leg(room, leg, max(desk.last, 1))
            desk.liquidated = 1
            desk.liquidation_below, desk.liquidation_above = -NO_LEVEL, NO_LEVEL
            left += desk.cash - table.seats[j].start
    liquidation.cover(ruined, left)


# -- the driver ------------------------------------------------------------------------------------------------------


@register_jitable
def halted(books: Books) -> bool:
    """Whether any symbol's kernel broke its contract."""
    return stopped_by(books) >= 0


@register_jitable
def stopped_by(books: Books) -> int:
    """The symbol that cannot go on, -1 = none."""
    for k in range(books.desk.size):
        if books.desk[k].status != OK:
            return k
    return -1


@register_jitable
def pass_moment(table: Table, kernel: Kernel, attend: Any, moment: int) -> bool:
    """Everything of one moment; False when the account is gone or a kernel broke its contract."""
    for k in range(table.seats.size):
        begin(table, kernel, k, moment)
    for k in range(table.seats.size):
        if table.seats[k].here:
            walk(table, kernel, k)
            if halted(table.books):
                return False
            if table.books.desk[k].liquidated:
                liquidate_others(table, kernel, k)
                return False
            if table.books.desk[k].withdrew:
                withdraw_others(table, kernel, attend, k)
    for k in range(table.seats.size):
        if table.seats[k].here:
            close(table, kernel, attend, k)
    return not halted(table.books)


@register_jitable
def short_of_room(books: Books) -> bool:
    """Whether the logs of a symbol may not hold another bar."""
    for k in range(books.desk.size):
        desk = books.desk[k]
        if desk.reports > books.reports.shape[1] - ROWS_A_BAR or desk.intents > books.intents.shape[1] - ROWS_A_BAR:
            return True
    return False


@register_jitable
def make_up(table: Table, kernel: Kernel) -> None:
    """The quiet bars at the end of every symbol."""
    for k in range(table.seats.size):
        seat = table.seats[k]
        if seat.asleep < seat.next:
            pass_over(books_of(table.books, k), columns_of(table.columns, k), seat.asleep, seat.next, kernel.on_bar)
            seat.asleep = seat.next


def build(strategy: Strategy) -> DriveTogether:
    """The driver of one strategy for any number of symbols, compiled once; see `dense.build`.

    Returns:
        drive(books, columns, seats) -> whether the run is over: every bar is walked, the account is liquidated, or
        `desk.status` of a symbol says what went wrong; else the books need room.
    """
    on_bar, on_tick, on_fill, triggers = strategy.on_bar, strategy.on_tick, strategy.on_fill, strategy.triggers
    attend = strategy.attention or always
    code = fingerprint(
        on_bar, on_tick, on_fill, triggers, attend, drain, settle, walk_bar, fund, decide, next_busy, pass_over,
        pass_moment, make_up, short_of_room,
    )  # fmt: skip

    @njit(cache=True, error_model="numpy", nogil=True)
    def drive(owned_books: Books, owned_columns: Columns, owned_seats: Any) -> bool:
        table = Table(borrowed_books(owned_books), borrowed_columns(owned_columns), borrowed(owned_seats))
        kernel = Kernel(on_bar, on_tick, on_fill, triggers)
        for k in range(table.seats.size):
            table.books.desk[k].code = code
        moment = next_moment(table.columns, table.seats)
        while moment != NO_LEVEL:
            if not pass_moment(table, kernel, attend, moment):
                return True
            if short_of_room(table.books):
                return False
            moment = next_moment(table.columns, table.seats)
        make_up(table, kernel)
        return True

    return drive
