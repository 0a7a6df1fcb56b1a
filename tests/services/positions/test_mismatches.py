"""What stands open between our books and the venue, and what a person's decision does to the books."""

from typing import Any

import pytest
from sqlalchemy import select
from tests.builders import ACCOUNT, BTC, D, an_instrument
from tests.services.positions.test_service import LONG, book, filled, unbalanced
from tests.services.positions.venue import QuietVenue
from tests.services.rooms import Room

from tradingboost.core.errors import NotFound
from tradingboost.core.order import Side
from tradingboost.services.positions import tables as t
from tradingboost.services.positions.module import build
from tradingboost.services.positions.service import PositionsService
from tradingboost.services.positions.settings import PositionsSettings
from tradingboost.shared.events.positions import DustLeft, MismatchCleared, MismatchFound
from tradingboost.shared.interfaces.positions import DecideMismatch, MismatchView


@pytest.fixture
def venue(stage: Room) -> QuietVenue:
    return QuietVenue(stage.clock, cash={"USDT": D(10_000)})


@pytest.fixture
async def positions(stage: Room, venue: QuietVenue) -> PositionsService:
    """Ten are booked; the venue says seven, and has 140 more cash than our books."""
    service = build(stage.context(), venue, PositionsSettings())[0]
    await service.settle(ACCOUNT)
    await book(stage, service, filled(Side.BUY, "10", "50000", commission=D(0)))
    venue.held[BTC, LONG] = D(7)
    venue.cash["USDT"] = D(10_140)
    await look(stage, service, 2)
    return service


async def look(stage: Room, positions: PositionsService, times: int = 1) -> None:
    for _ in range(times):
        stage.clock.advance(30)
        await positions.settle(ACCOUNT)


async def decide(positions: PositionsService, one: MismatchView, decision: str) -> MismatchView:
    wish = DecideMismatch(mismatch_id=one.mismatch_id, decision=decision, by="alice", reason="looked")
    return await positions.decide_mismatch(wish)


async def adjusted(stage: Room) -> list[Any]:
    g = t.ledger.c
    async with stage.db.read() as db:
        rows = await db.execute(select(g.bucket, g.amount).where(g.source_kind == "adjustment").order_by(g.bucket))
        return [(row.bucket, row.amount) for row in rows]


async def test_an_open_difference_is_listed_with_both_figures_and_the_decision(
    stage: Room, positions: PositionsService, venue: QuietVenue
) -> None:
    (one,) = await positions.mismatches(ACCOUNT)
    assert (one.symbol, one.position_side, one.ours, one.held, one.decision) == (BTC, LONG, D(10), D(7), "")
    decided = await decide(positions, one, "ignore")
    assert (decided.decision, decided.decided_by, decided.reason) == ("ignore", "alice", "looked")
    assert decided.decided_at == stage.clock.now()
    venue.held[BTC, LONG] = D(10)
    await look(stage, positions)
    assert await positions.mismatches(ACCOUNT) == []
    (past,) = await positions.mismatches(ACCOUNT, every=True)
    assert (past.decision, past.closed_at is not None) == ("ignore", True)
    with pytest.raises(NotFound, match="mismatch_not_found"):
        await decide(positions, one, "adopt")
    assert await adjusted(stage) == []


async def test_an_ignored_difference_is_told_again_only_when_it_changes(
    stage: Room, positions: PositionsService, venue: QuietVenue
) -> None:
    (one,) = await positions.mismatches(ACCOUNT)
    await decide(positions, one, "ignore")
    await book(stage, positions, filled(Side.BUY, "5", "50000"))
    venue.held[BTC, LONG] = D(12)  # both moved by five
    await look(stage, positions, 3)
    assert len(await stage.told(MismatchFound)) == 1
    venue.held[BTC, LONG] = D(11)
    await look(stage, positions, 3)
    assert [(told.ours, told.venue) for told in await stage.told(MismatchFound)] == [  # type: ignore[attr-defined]
        (D(10), D(7)),
        (D(15), D(11)),
    ]
    (again,) = await positions.mismatches(ACCOUNT)
    assert (again.mismatch_id, again.decision, again.held) == (one.mismatch_id, "", D(11))


async def test_what_was_adopted_takes_its_cash_from_the_venues_balance(
    stage: Room, positions: PositionsService
) -> None:
    (one,) = await positions.mismatches(ACCOUNT)
    await decide(positions, one, "adopt")
    await book(stage, positions, filled(Side.SELL, "3", "51000", commission=D(0)))  # what orders tells: +30
    await positions.settle(ACCOUNT)
    assert len(await positions.mismatches(ACCOUNT)) == 1  # something may be on its way still
    await look(stage, positions)
    assert await positions.mismatches(ACCOUNT) == []
    assert await adjusted(stage) == [("adjustment", D(-110)), ("cash", D(110))]
    assert (await positions.books(ACCOUNT)).cash == {"USDT": D(10_140)}
    assert await unbalanced(stage) == []
    assert len(await stage.told(MismatchCleared)) == 1
    await look(stage, positions)
    assert len(await adjusted(stage)) == 2


async def test_what_neither_side_could_trade_is_no_difference(stage: Room) -> None:
    venue = QuietVenue(stage.clock, cash={"USDT": D(10_000)})
    venue.instruments[BTC] = an_instrument(min_qty=D(1))
    positions = build(stage.context(), venue, PositionsSettings())[0]
    await book(stage, positions, filled(Side.BUY, "10", "50000"), filled(Side.SELL, "9.5", "50000"))
    venue.held[BTC, LONG] = D("0.7")
    await look(stage, positions, 4)
    assert await positions.mismatches(ACCOUNT) == []
    venue.held[BTC, LONG] = D(1)  # one could be traded
    await look(stage, positions, 2)
    assert [one.held for one in await positions.mismatches(ACCOUNT)] == [D(1)]


async def test_what_an_exit_left_is_told_as_dust_once_and_needs_no_stop(stage: Room) -> None:
    venue = QuietVenue(stage.clock)
    venue.instruments[BTC] = an_instrument(min_qty=D(1))
    positions = build(stage.context(), venue, PositionsSettings())[0]
    await book(stage, positions, filled(Side.BUY, "0.5", "50000"))
    assert await stage.told(DustLeft) == []  # it is only beginning to fill
    await book(stage, positions, filled(Side.BUY, "9.5", "50000"))
    stage.clock.advance(2)
    (leg,) = await positions.positions(ACCOUNT)
    assert (leg.dust, leg.uncovered_s) == (False, D(2))
    await book(stage, positions, filled(Side.SELL, "9.4", "50000"))
    (told,) = await stage.told(DustLeft)
    assert isinstance(told, DustLeft)
    assert (told.symbol, told.qty, told.min_qty) == (BTC, D("0.6"), D(1))
    stage.clock.advance(60)
    (leg,) = await positions.positions(ACCOUNT)
    assert (leg.dust, leg.uncovered_s) == (True, D(2))
    await book(stage, positions, filled(Side.BUY, "1", "50000"))
    stage.clock.advance(3)
    (leg,) = await positions.positions(ACCOUNT)
    assert (leg.dust, leg.uncovered_s) == (False, D(5))  # it can be protected again, so it should be
