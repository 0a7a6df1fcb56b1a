"""Positions: every fill booked once, books that balance, the venue's figures compared and never traded after."""

import asyncio
import itertools
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.builders import ACCOUNT, BTC, RUN, USER, VENUE, D, a_spot_instrument, at
from tests.services.positions.venue import QuietVenue
from tests.services.rooms import Room

from tradingboost.core.errors import NotFound, Unavailable
from tradingboost.core.ids import AccountId, OrderId, Symbol
from tradingboost.core.order import PositionSide, Role, Side
from tradingboost.services.positions import tables as t
from tradingboost.services.positions.module import build
from tradingboost.services.positions.service import PositionsService
from tradingboost.services.positions.settings import PositionsSettings
from tradingboost.shared.events.orders import OrderFilled, ProtectionPlaced
from tradingboost.shared.events.positions import (
    FundingBooked,
    MismatchCleared,
    MismatchFound,
    PositionChanged,
    PositionClosed,
    PositionOpened,
)
from tradingboost.shared.interfaces.positions import PositionView

LONG = PositionSide.LONG
numbers = itertools.count(1)


@pytest.fixture
def venue(stage: Room) -> QuietVenue:
    return QuietVenue(stage.clock, cash={"USDT": D(10_000)})


@pytest.fixture
def positions(stage: Room, venue: QuietVenue) -> PositionsService:
    return build(stage.context(), venue, PositionsSettings())[0]


def filled(side: Side, qty: str, price: str, **changes: Any) -> OrderFilled:
    """One match told by `orders`."""
    n = next(numbers)
    values: dict[str, Any] = {
        "order_id": OrderId(f"o{n}"),
        "client_order_id": None,
        "user_id": USER,
        "account_id": ACCOUNT,
        "run_id": RUN,
        "exchange": VENUE,
        "symbol": BTC,
        "slot": "entry",
        "role": Role.OPENING,
        "side": side,
        "position_side": LONG,
        "qty": D(qty),
        "left": D(0),
        "at": at(n),
        "reason": "signal",
        "event_type": "order.filled",
        "fill_id": f"f{n}",
        "filled_qty": D(qty),
        "fill_price": D(price),
        "contract_size": D("0.01"),
        "commission": D("-0.5"),
        "fee_currency": "USDT",
        "liquidity": "taker",
        "cumulative_qty": D(qty),
        "last_price": None,
        "timestamp": at(n),
        "venue_order_id": f"v{n}",
        "trade_id": f"t{n}",
    }
    return OrderFilled(**{**values, **changes})


def a_stop(covered: str, order_id: str = "stop-1", price: str | None = "49000") -> ProtectionPlaced:
    return ProtectionPlaced(
        user_id=USER,
        account_id=ACCOUNT,
        exchange=VENUE,
        symbol=BTC,
        position_side=LONG,
        order_id=OrderId(order_id),
        stop_price=D(price) if price else None,
        covered_qty=D(covered),
    )


async def book(stage: Room, positions: PositionsService, *fills: OrderFilled) -> None:
    for fill in fills:
        async with stage.db.transaction() as db:
            await positions.book(db, fill)


async def cover(stage: Room, positions: PositionsService, *stops: ProtectionPlaced) -> None:
    for stop in stops:
        async with stage.db.transaction() as db:
            await positions.cover(db, stop)


async def leg(positions: PositionsService) -> PositionView:
    found = await positions.position(ACCOUNT, BTC, LONG)
    assert found is not None
    return found


async def uncovered_since(stage: Room) -> object:
    async with stage.db.read() as db:
        return (await db.execute(select(t.positions.c.uncovered_since))).scalar_one()


async def unbalanced(stage: Room) -> list[Any]:
    """Journals that do not sum to zero per asset (there may be none)."""
    g = t.ledger.c
    statement = select(g.journal_id, g.asset).group_by(g.journal_id, g.asset).having(func.sum(g.amount) != 0)
    async with stage.db.read() as db:
        return list(await db.execute(statement))


async def test_a_round_trip_is_booked_and_told(stage: Room, positions: PositionsService) -> None:
    await book(stage, positions, filled(Side.BUY, "10", "50000"), filled(Side.BUY, "10", "51000"))
    held = await leg(positions)
    assert (held.qty, held.average_price, held.fees_quote) == (D(20), D(50_500), D(-1))
    await book(stage, positions, filled(Side.SELL, "5", "52000"), filled(Side.SELL, "15", "50000"))
    flat = await leg(positions)
    assert flat.qty == 0
    assert flat.realized_quote == 0  # 75 earned, 75 given back
    assert await positions.positions(ACCOUNT) == []
    assert await positions.positions(ACCOUNT, open_only=False) == [flat]
    told = await stage.told(PositionOpened, PositionChanged, PositionClosed)
    assert [(type(event).__name__, event.qty, event.realized_quote) for event in told] == [  # type: ignore[attr-defined]
        ("PositionOpened", D(10), D(0)),
        ("PositionChanged", D(20), D(0)),
        ("PositionChanged", D(15), D(75)),
        ("PositionClosed", D(0), D(-75)),
    ]


async def test_the_same_fill_is_booked_once_however_often_it_comes(stage: Room, positions: PositionsService) -> None:
    fill = filled(Side.BUY, "10", "50000")
    same_trade = filled(
        Side.BUY, "10", "50000", venue_order_id=fill.venue_order_id, trade_id=fill.trade_id, fill_id="another-row"
    )
    await book(stage, positions, fill, fill, same_trade)
    assert (await leg(positions)).qty == D(10)
    assert (await positions.books(ACCOUNT)).fills == 1
    assert await stage.types_told() == ["position.opened"]


async def test_one_trade_id_at_two_orders_is_two_fills(stage: Room, positions: PositionsService) -> None:
    await book(
        stage, positions, filled(Side.BUY, "10", "50000", trade_id="7"), filled(Side.BUY, "5", "50000", trade_id="7")
    )
    assert (await leg(positions)).qty == D(15)


async def test_cash_follows_realised_money_and_fees_and_every_journal_balances(
    stage: Room, positions: PositionsService
) -> None:
    await positions.settle(ACCOUNT)
    await book(
        stage,
        positions,
        filled(Side.BUY, "10", "50000", commission=D("-2.5")),
        filled(Side.SELL, "10", "51000", commission=D("0.3"), liquidity="maker"),
    )
    books = await positions.books(ACCOUNT)
    assert books.cash == {"USDT": D("10097.8")}
    assert (books.realized_quote, books.fees_quote, books.external) == (D(100), D("-2.2"), {"USDT": D(10_000)})
    assert await unbalanced(stage) == []


async def test_coins_are_bought_with_the_fee_in_coins(
    stage: Room, positions: PositionsService, venue: QuietVenue
) -> None:
    spot = a_spot_instrument()
    venue.instruments[spot.symbol] = spot
    coins = {"symbol": spot.symbol, "contract_size": D(1), "fee_currency": "BTC", "commission": D("-0.0005")}
    await book(stage, positions, filled(Side.BUY, "0.5", "50000", **coins))
    assert (await positions.books(ACCOUNT)).cash == {"USDT": D(-25_000), "BTC": D("0.4995")}
    assert await unbalanced(stage) == []


async def test_a_fill_through_zero_turns_the_leg_around(stage: Room, positions: PositionsService) -> None:
    await book(stage, positions, filled(Side.BUY, "10", "50000"), filled(Side.SELL, "15", "51000"))
    held = await leg(positions)
    assert (held.qty, held.average_price, held.realized_quote) == (D(-5), D(51_000), D(100))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (0, 2, 1, 3), (1, 3, 0, 2)])
async def test_matches_heard_late_are_folded_in_the_venue_s_order(
    stage: Room, positions: PositionsService, order: tuple[int, ...]
) -> None:
    story = [
        filled(Side.BUY, "10", "50000", timestamp=at(1), trade_id="9"),
        filled(Side.SELL, "4", "50500", timestamp=at(1), trade_id="10"),  # the same moment: trade ids tell
        filled(Side.BUY, "4", "49000", timestamp=at(2), trade_id="11"),
        filled(Side.SELL, "5", "50100", timestamp=at(3), trade_id="12"),
    ]
    await book(stage, positions, *(story[k] for k in order))
    held = await leg(positions)
    assert (held.qty, held.realized_quote) == (D(5), D(45))  # 4 x 500 and 5 x (50100 - 49600), a contract is 0.01
    assert held.average_price == D(49_600)
    assert (await positions.books(ACCOUNT)).realized_quote == D(45)
    assert await unbalanced(stage) == []


async def test_the_mark_values_what_is_held(stage: Room, positions: PositionsService) -> None:
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    assert (await leg(positions)).unrealized_quote is None  # no price yet, which is not a price of zero
    positions.marks[VENUE, BTC] = D(50_500)
    held = await leg(positions)
    assert (held.mark, held.unrealized_quote) == (D(50_500), D(50))
    assert await positions.held_symbols() == [(VENUE, BTC)]


async def test_a_leg_is_uncovered_until_a_stop_covers_its_whole_size(stage: Room, positions: PositionsService) -> None:
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    first = stage.clock.now()
    assert await uncovered_since(stage) == first
    stage.clock.advance(1)
    await cover(stage, positions, a_stop("10"))
    assert await uncovered_since(stage) is None
    held = await leg(positions)
    assert (held.covered_qty, held.stop_price) == (D(10), D(49_000))
    await book(stage, positions, filled(Side.BUY, "5", "50000"))
    grown = stage.clock.now()
    assert await uncovered_since(stage) == grown
    stage.clock.advance(1)
    await cover(stage, positions, a_stop("12"))
    assert await uncovered_since(stage) == grown
    await cover(stage, positions, a_stop("15"))
    assert await uncovered_since(stage) is None


async def test_the_seconds_without_a_whole_stop_add_up_over_the_life_of_a_leg(
    stage: Room, positions: PositionsService
) -> None:
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    stage.clock.advance(1.5)
    assert (await leg(positions)).uncovered_s == D("1.5")  # the present one counts while it lasts
    await cover(stage, positions, a_stop("10"))
    stage.clock.advance(60)
    assert (await leg(positions)).uncovered_s == D("1.5")
    await book(stage, positions, filled(Side.BUY, "5", "50000"))
    stage.clock.advance(2)
    await cover(stage, positions, a_stop("15"))
    assert (await leg(positions)).uncovered_s == D("3.5")
    await cover(stage, positions, a_stop("0"))
    stage.clock.advance(1)
    await book(stage, positions, filled(Side.SELL, "15", "50000"))
    stage.clock.advance(60)
    assert (await leg(positions)).uncovered_s == D("4.5")


async def test_the_way_to_liquidation_is_what_the_venue_says_and_the_mark_is(
    stage: Room, positions: PositionsService, venue: QuietVenue
) -> None:
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    assert (await leg(positions)).liquidation_distance_ratio is None
    venue.held[BTC, LONG] = D(10)
    venue.liquidation_price = D(45_000)
    await positions.settle(ACCOUNT)
    positions.marks[VENUE, BTC] = D(50_000)
    found = await leg(positions)
    assert (found.liquidation_price, found.liquidation_distance_ratio) == (D(45_000), D("0.1"))
    venue.held.clear()
    await positions.settle(ACCOUNT)
    assert (await leg(positions)).liquidation_price is None


async def test_a_stop_may_be_heard_of_before_its_fill(stage: Room, positions: PositionsService) -> None:
    await cover(stage, positions, a_stop("10"))
    assert await positions.positions(ACCOUNT) == []
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    assert await uncovered_since(stage) is None
    assert (await leg(positions)).covered_qty == D(10)
    assert (await stage.told(PositionOpened)) != []


async def test_the_end_of_an_older_stop_does_not_uncover_the_leg(stage: Room, positions: PositionsService) -> None:
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    await cover(stage, positions, a_stop("10", "stop-1"), a_stop("10", "stop-2"), a_stop("0", "stop-1", None))
    assert await uncovered_since(stage) is None
    await cover(stage, positions, a_stop("0", "stop-2", None))
    assert await uncovered_since(stage) == stage.clock.now()


async def test_the_ledger_opens_with_what_the_venue_holds(positions: PositionsService, venue: QuietVenue) -> None:
    assert await positions.known_accounts() == []
    venue.cash["BTC"] = D("0.25")
    await positions.settle(ACCOUNT)
    await positions.settle(ACCOUNT)
    books = await positions.books(ACCOUNT)
    assert books.cash == books.external == {"USDT": D(10_000), "BTC": D("0.25")}
    assert await positions.known_accounts() == [ACCOUNT]


async def test_what_is_older_than_the_opening_balance_is_not_booked_again(
    stage: Room, positions: PositionsService, venue: QuietVenue
) -> None:
    venue.funding("b1", D(-3), stage.clock.now())
    stage.clock.advance(60)
    await positions.settle(ACCOUNT)
    stage.clock.advance(60)
    await positions.settle(ACCOUNT)
    assert (await positions.books(ACCOUNT)).cash == venue.cash
    assert await stage.told(FundingBooked) == []


async def test_funding_is_booked_once_although_every_look_overlaps_the_last(
    stage: Room, positions: PositionsService, venue: QuietVenue
) -> None:
    await positions.settle(ACCOUNT)
    await book(stage, positions, filled(Side.BUY, "10", "50000", commission=D(0)))
    for n in range(3):
        stage.clock.advance(60)
        venue.funding(f"b{n}", D("-1.25"), stage.clock.now())
        for _ in range(3):
            await positions.settle(ACCOUNT)
    books = await positions.books(ACCOUNT)
    assert books.cash == venue.cash == {"USDT": D("9996.25")}
    assert books.funding_quote == D("-3.75")
    assert (await leg(positions)).funding_quote == D("-3.75")
    told = [event for event in await stage.told(FundingBooked) if isinstance(event, FundingBooked)]
    assert [event.bill_id for event in told] == ["b0", "b1", "b2"]
    assert await unbalanced(stage) == []


async def test_a_bill_id_is_unique_inside_its_account_only(
    stage: Room, positions: PositionsService, venue: QuietVenue
) -> None:
    other = AccountId("another account")
    await positions.settle(ACCOUNT)
    await positions.settle(other)
    stage.clock.advance(60)
    venue.funding("1", D(-3), stage.clock.now())
    for account_id in (ACCOUNT, other):
        await positions.settle(account_id)
        assert (await positions.books(account_id)).funding_quote == D(-3)


async def test_a_bill_of_nothing_is_not_told_again_and_again(
    stage: Room, positions: PositionsService, venue: QuietVenue
) -> None:
    await positions.settle(ACCOUNT)
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    stage.clock.advance(1)
    venue.funding("b0", D(0), stage.clock.now())
    await positions.settle(ACCOUNT)
    await positions.settle(ACCOUNT)
    assert await stage.told(FundingBooked) == []


async def test_a_failed_reading_is_no_information(stage: Room, positions: PositionsService, venue: QuietVenue) -> None:
    await positions.settle(ACCOUNT)
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    venue.held[BTC, LONG] = D(10)
    stage.clock.advance(60)
    await positions.settle(ACCOUNT)
    venue.away = True
    for _ in range(3):
        stage.clock.advance(60)
        with pytest.raises(Unavailable):
            await positions.settle(ACCOUNT)
    assert await stage.told(MismatchFound) == []
    assert (await leg(positions)).qty == D(10)


async def test_a_difference_counts_after_two_looks_and_is_told_once_until_both_agree(
    stage: Room, positions: PositionsService, venue: QuietVenue
) -> None:
    await positions.settle(ACCOUNT)
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    venue.held[BTC, LONG] = D(7)
    stage.clock.advance(30)
    await positions.settle(ACCOUNT)
    assert await stage.told(MismatchFound) == []
    for _ in range(3):
        stage.clock.advance(30)
        await positions.settle(ACCOUNT)
    (found,) = await stage.told(MismatchFound)
    assert isinstance(found, MismatchFound)
    assert (found.ours, found.venue) == (D(10), D(7))
    assert (await leg(positions)).qty == D(10)  # shown to a person, never repaired by the books or by a trade
    venue.held[BTC, LONG] = D(10)
    stage.clock.advance(30)
    await positions.settle(ACCOUNT)
    await positions.settle(ACCOUNT)
    assert len(await stage.told(MismatchCleared)) == 1


async def test_a_leg_the_venue_no_longer_lists_is_zero_there(
    stage: Room, positions: PositionsService, venue: QuietVenue
) -> None:
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    venue.held[BTC, LONG] = D(10)
    stage.clock.advance(30)
    await positions.settle(ACCOUNT)
    venue.held.clear()
    for _ in range(2):
        stage.clock.advance(30)
        await positions.settle(ACCOUNT)
    (found,) = await stage.told(MismatchFound)
    assert isinstance(found, MismatchFound)
    assert found.venue == 0


@pytest.mark.parametrize("pause_s", [4, 30])
async def test_a_fill_that_is_on_its_way_at_every_look_is_no_mismatch(
    stage: Room, positions: PositionsService, venue: QuietVenue, pause_s: float
) -> None:
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    venue.held[BTC, LONG] = D(10)
    for _ in range(6):
        venue.held[BTC, LONG] += 1
        stage.clock.advance(pause_s)
        await positions.settle(ACCOUNT)
        await book(stage, positions, filled(Side.BUY, "1", "50000"))
    assert await stage.told(MismatchFound) == []


async def test_funding_is_not_counted_twice_after_a_partial_exit(
    stage: Room, positions: PositionsService, venue: QuietVenue
) -> None:
    await positions.settle(ACCOUNT)
    await book(stage, positions, filled(Side.BUY, "10", "50000", commission=D(0)))
    stage.clock.advance(60)
    venue.funding("b1", D(-2), stage.clock.now())
    await positions.settle(ACCOUNT)
    await book(stage, positions, filled(Side.SELL, "4", "50000", commission=D(0)))
    await positions.settle(ACCOUNT)
    await book(stage, positions, filled(Side.SELL, "6", "50000", commission=D(0)))
    await positions.settle(ACCOUNT)
    assert (await leg(positions)).funding_quote == D(-2)
    assert (await positions.books(ACCOUNT)).cash == {"USDT": D(9_998)}


async def test_a_comparison_never_overwrites_a_fill_booked_meanwhile(
    stage: Room, positions: PositionsService, venue: QuietVenue
) -> None:
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    for n in range(12):
        venue.held[BTC, LONG] = D(1000 + n)
        stage.clock.advance(6)
        await asyncio.gather(positions.settle(ACCOUNT), book(stage, positions, filled(Side.BUY, "1", "50000")))
    assert (await leg(positions)).qty == D(22)


async def test_an_instrument_nobody_lists_is_refused_and_nothing_is_booked(
    stage: Room, positions: PositionsService
) -> None:
    with pytest.raises(NotFound):
        await book(stage, positions, filled(Side.BUY, "1", "1", symbol=Symbol("NOPE")))
    assert (await positions.books(ACCOUNT)).fills == 0


async def test_two_legs_of_a_symbol_are_booked_covered_and_compared_apart(
    stage: Room, positions: PositionsService, venue: QuietVenue
) -> None:
    short = {"position_side": PositionSide.SHORT}
    await book(stage, positions, filled(Side.BUY, "10", "50000"))
    await book(stage, positions, filled(Side.SELL, "4", "50100", slot="hedge:entry:1", **short))
    await book(stage, positions, filled(Side.BUY, "1", "50000", slot="hedge:tp", **short))
    legs = {leg.position_side: leg for leg in await positions.positions(ACCOUNT)}
    assert {side: (leg.qty, leg.average_price, leg.realized_quote) for side, leg in legs.items()} == {
        PositionSide.LONG: (D(10), D(50_000), D(0)),
        PositionSide.SHORT: (D(-3), D(50_100), D(1)),
    }
    await cover(stage, positions, a_stop("10"))
    covered = {leg.position_side: leg.covered_qty for leg in await positions.positions(ACCOUNT)}
    assert covered == {PositionSide.LONG: D(10), PositionSide.SHORT: D(0)}
    venue.held |= {(BTC, LONG): D(9), (BTC, PositionSide.SHORT): D(-2)}  # the same net position, and both legs wrong
    for _ in range(3):
        stage.clock.advance(30)
        await positions.settle(ACCOUNT)
    found = {one.position_side: one.venue for one in await stage.told(MismatchFound) if isinstance(one, MismatchFound)}
    assert found == {PositionSide.LONG: D(9), PositionSide.SHORT: D(-2)}
