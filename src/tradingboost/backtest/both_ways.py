"""Which way a bar went: by its colour, stop before profit, or both ways walked and one of them kept.

A candle tells four prices and not their order. Where the two orders of its extremes give different fills the bar is
*ambiguous*; `finds` marks those bars, and the pessimistic and optimistic rules keep the way that ends with less or
more equity at the close. Only bars with a live level or trigger inside [low, high] are walked twice.
"""

from typing import Any, Final, NamedTuple

from numba.extending import register_jitable

from tradingboost.backtest import money
from tradingboost.backtest.book import FILLED, STOP
from tradingboost.backtest.records import (
    HEADLINE,
    OK,
    OPTIMISTIC,
    PESSIMISTIC,
    RESTING,
    Books,
    Columns,
    Kernel,
    Room,
)
from tradingboost.backtest.walking import jump, price_of, ticks, walk_on
from tradingboost.strategies.contract import SLOT_BASE, Family, Record

_HEDGE_ENTRY_SLOT: Final = int(Family.HEDGE_ENTRY) * SLOT_BASE

Way = tuple[int, int, int, int]
"""Open, low, high and close of a bar in ticks."""


class Kept(NamedTuple):
    """Rows of account and strategy, and where they and the orders are kept to go back to."""

    desk: Any
    state: Any
    kept_desk: Any
    kept_state: Any
    kept_orders: Any


@register_jitable(inline="always")  # handing over every array of books and columns takes longer than a quiet bar
def walk_bar(room: Room, kernel: Kernel, books: Books, columns: Columns, i: int) -> None:
    """The whole way of bar i, or of the finer bars it consists of."""
    desk = room.desk
    kept = Kept(books.desk, books.state, books.kept_desk, books.kept_state, books.kept_orders)
    first, stop = i, i + 1
    if desk.detailed:
        first, stop = columns.path_first[i], columns.path_first[i + 1]
    for j in range(first, stop):
        way = (
            ticks(desk, columns.path_opens[j]),
            ticks(desk, columns.path_lows[j]),
            ticks(desk, columns.path_highs[j]),
            ticks(desk, columns.path_closes[j]),
        )
        length_ms = columns.path_length_ms[j] if desk.detailed else desk.timeframe_ms
        if walk_one(room, kernel, kept, (columns.path_open_ms[j], length_ms), way):
            found_ambiguous(columns.ambiguous, i)
        if desk.status != OK or desk.liquidated:
            break


@register_jitable  # a function of its own, as `quiet.mark`
def found_ambiguous(ambiguous: Any, i: int) -> None:
    """Mark a bar whose two ways give different fills."""
    ambiguous[i] = True


@register_jitable
def walk_one(room: Room, kernel: Kernel, kept: Kept, times: tuple[int, int], way: Way) -> bool:
    """Jump to the open, then go on by the run's rule; whether both ways were found to give different fills.

    The other way is walked first and undone, so that the kept way is as a rule the last one walked.
    """
    desk = room.desk
    opened, low, high, close = way
    desk.now_ms = times[0]
    jump(room, kernel, opened)
    if desk.status != OK or desk.liquidated:
        return False
    low_first = close >= opened
    if desk.path_rule == HEADLINE:
        low_first = adverse_first(room, low, high, low_first)
    picks = desk.path_rule in (PESSIMISTIC, OPTIMISTIC)
    attempts = 1
    if (picks or desk.finds) and has_level_inside(desk, low, high):
        attempts = 2
        save(room, kept)
    here = desk.reports
    other_fills, other_equity = 0, 0
    attempt = 0
    while attempt < attempts:
        last = attempt == attempts - 1
        down = low_first if last or attempt == 1 else not low_first
        if attempts == 3 and last:
            down = not low_first
        walk_on(room, kernel, times[0], times[1], (low, high, close) if down else (high, low, close))
        attempt += 1
        if attempts == 1:
            return False
        if attempt == 1:
            other_fills, other_equity = digest(room, here), equity(desk)
            restore(room, kept)
        elif attempt == 2:
            if digest(room, here) == other_fills:
                return False
            own = equity(desk)
            lower, higher = other_equity < own, other_equity > own
            if (desk.path_rule == PESSIMISTIC and lower) or (desk.path_rule == OPTIMISTIC and higher):
                restore(room, kept)
                attempts = 3
    return True


@register_jitable
def has_level_inside(desk: Record, low: int, high: int) -> bool:
    """Whether an order, the liquidation or a trigger of the kernel lies on the way."""
    bottom, top = price_of(desk, low), price_of(desk, high)
    below = bottom <= desk.level_below or bottom <= desk.trigger_below
    return below or top >= desk.level_above or top >= desk.trigger_above  # type: ignore[no-any-return]


@register_jitable
def adverse_first(room: Room, low: int, high: int, low_first: bool) -> bool:
    """The way that meets the stop first when stop and profit of one leg both lie inside the bar, else by colour."""
    desk = room.desk
    for leg in range(2):
        if desk.lots[leg] != 0 and both_inside(room, leg, low, high):
            main = leg
            if desk.lots[1 - leg] != 0:
                main = 0 if desk.opener[0] < _HEDGE_ENTRY_SLOT else 1
            return desk.lots[main] > 0  # type: ignore[no-any-return]
    return low_first


@register_jitable
def both_inside(room: Room, leg: int, low: int, high: int) -> bool:
    """Whether a stop (or the liquidation) and a take-profit of a leg both lie within [low, high]."""
    desk = room.desk
    long = desk.lots[leg] > 0
    stop = low <= desk.liquidation_below if long else high >= desk.liquidation_above
    profit = False
    for index in range(desk.count):
        order = room.orders[index]
        if order.status == RESTING and order.closes and money.leg_of(desk, order.position_side) == leg:
            price = order.trigger if order.type == STOP else order.price
            inside = low <= price <= high
            stops = order.type == STOP and not order.takes
            stop = stop or (inside and stops)
            profit = profit or (inside and not stops)
    return stop and profit


# -- walking twice ---------------------------------------------------------------------------------------------------


@register_jitable
def save(room: Room, kept: Kept) -> None:
    """Keep account, orders and strategy as they stand."""
    kept.kept_desk[0] = kept.desk[0]
    kept.kept_state[0] = kept.state[0]
    for index in range(room.desk.count):
        kept.kept_orders[index] = room.orders[index]


@register_jitable
def restore(room: Room, kept: Kept) -> None:
    """Go back to what was kept; reports and wishes written since are behind the counters and count no more."""
    kept.desk[0] = kept.kept_desk[0]
    kept.state[0] = kept.kept_state[0]
    for index in range(room.desk.count):
        room.orders[index] = kept.kept_orders[index]


@register_jitable
def equity(desk: Record) -> int:
    """Cash and open profit at last, which is the close after a whole way."""
    return desk.cash + money.unrealised(desk, desk.last)  # type: ignore[no-any-return]


@register_jitable
def digest(room: Room, first: int) -> int:
    """A number equal for equal sets of fills, whatever their order."""
    total = 0
    for index in range(first, room.desk.reports):
        row = room.reports[index]
        if row.kind == FILLED:
            mixed = (row.slot + 2) * 1_000_003 + row.lots
            mixed = mixed * 1_000_003 + row.price
            mixed = mixed * 1_000_003 + row.side
            total += mixed * mixed
    return total
