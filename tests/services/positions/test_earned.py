"""What an account gained since a moment: realised, fees, funding, and how far open profit has moved since then."""

from decimal import Decimal

import pytest
from sqlalchemy import insert
from tests.builders import ACCOUNT, BTC, VENUE, D, at
from tests.services.positions.test_service import book, filled
from tests.services.positions.venue import QuietVenue
from tests.services.rooms import Room

from tradingboost.core.order import Side
from tradingboost.services.positions import tables as t
from tradingboost.services.positions.module import build
from tradingboost.services.positions.service import PositionsService
from tradingboost.services.positions.settings import PositionsSettings

MIDNIGHT = at(0)


@pytest.fixture
def positions(stage: Room) -> PositionsService:
    return build(stage.context(), QuietVenue(stage.clock, cash={"USDT": D(10_000)}), PositionsSettings())[0]


async def test_what_was_booked_since_counts_with_its_fees(stage: Room, positions: PositionsService) -> None:
    yesterday = {"at": at(-60), "timestamp": at(-60)}
    await book(stage, positions, filled(Side.BUY, "20", "50000", **yesterday))
    await book(stage, positions, filled(Side.SELL, "10", "49000", **yesterday))  # lost 100 before midnight
    assert await positions.earned(ACCOUNT, MIDNIGHT) is None  # ten are held at a price nobody knows
    await book(stage, positions, filled(Side.SELL, "10", "48000", timestamp=at(5)))
    assert await positions.earned(ACCOUNT, MIDNIGHT) == D("-200.5")
    assert await positions.earned(ACCOUNT, at(-100)) == D("-301.5")
    assert await positions.earned(ACCOUNT, at(6)) == 0


async def test_open_profit_counts_from_where_it_stood(stage: Room, positions: PositionsService) -> None:
    await book(stage, positions, filled(Side.BUY, "10", "50000", timestamp=at(-90)))
    positions.marks[VENUE, BTC] = D(49_000)
    assert await positions.earned(ACCOUNT, MIDNIGHT) == -100  # nobody wrote down how it stood: all of it counts
    await stood(stage, at(-60), "-80")
    await stood(stage, at(-120), "-10")
    await stood(stage, at(60), "-95")
    assert await positions.earned(ACCOUNT, MIDNIGHT) == -20
    await book(stage, positions, filled(Side.SELL, "10", "49500", timestamp=at(5)))  # 30 better than at midnight
    assert await positions.earned(ACCOUNT, MIDNIGHT) == D("29.5")


async def test_funding_counts_by_its_day(stage: Room, positions: PositionsService) -> None:
    for number, (seconds, amount) in enumerate([(-1, "4"), (1, "0.25"), (2, "-0.1")]):
        values = {"journal_id": f"b{number}", "source_kind": "bill", "source_key": f"b{number}", "account_id": ACCOUNT}
        amounts = {"asset": "USDT", "bucket": "funding", "amount": D(amount), "at": at(seconds)}
        async with stage.db.transaction() as db:  # the bucket holds what was paid
            await db.execute(insert(t.ledger).values(**values, **amounts))
    assert await positions.earned(ACCOUNT, MIDNIGHT) == D("-0.15")


async def stood(stage: Room, when: object, unrealized: str) -> None:
    values = {"account_id": ACCOUNT, "asset": "USDT", "at": when, "cash": D(1), "unrealized": Decimal(unrealized)}
    async with stage.db.transaction() as db:
        await db.execute(insert(t.equity_snapshots).values(**values, equity=None))
