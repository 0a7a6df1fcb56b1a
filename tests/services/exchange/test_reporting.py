"""What is heard becomes a fact, whatever the database does meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.servers import FreshDatabase
from tests.services.exchange.stage import ACCOUNT, Linked, migrate, told
from tests.venues.test_okx_rows import ORDER

from tradingboost.core.errors import OutcomeUnknown, Unavailable
from tradingboost.core.ids import AccountId, Venue
from tradingboost.core.order import VenueReport
from tradingboost.kit.db import Database
from tradingboost.kit.tables import outbox
from tradingboost.services.exchange.service import reporting
from tradingboost.services.exchange.service.reporting import Reporter
from tradingboost.shared.events.exchange import VenueReported
from tradingboost.venues import okx_rows
from tradingboost.venues.base import Endpoint, Owner


class Failing:
    """The database, away for the first few statements."""

    def __init__(self, database: Database, *failures: Exception) -> None:
        self._database = database
        self._failures = list(failures)

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[AsyncConnection]:
        if self._failures:
            raise self._failures.pop(0)
        async with self._database.statement() as connection:
            yield connection


def report(symbol: str = "BTC-USDT-SWAP") -> VenueReport:
    owner = Owner(account_id=AccountId(ACCOUNT), venue=Venue("okx"))
    return okx_rows.order_report({**ORDER, "instId": symbol}, owner)


@pytest.fixture
async def url(fresh_database: FreshDatabase) -> str:
    return await fresh_database("exchange", migrate)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database.open(url)
    yield opened
    await opened.close()


async def reporter(database: Any) -> Reporter:
    return Reporter(database, await Linked(Endpoint()).account(ACCOUNT))


async def numbers(database: Database) -> list[int]:
    """The number of each fact within its aggregate, in the order of the outbox."""
    async with database.read() as db:
        return list((await db.execute(select(outbox.c.seq).order_by(outbox.c.position))).scalars())


async def test_a_frame_about_two_symbols_is_two_facts_of_one_transaction(url: str, database: Database) -> None:
    both = [report("ETH-USDT-SWAP"), report("BTC-USDT-SWAP")]
    await (await reporter(database)).reported((both, []))
    facts = await told(url)
    assert [aggregate for _, aggregate, _ in facts] == [
        f"venue:{ACCOUNT}:BTC-USDT-SWAP",
        f"venue:{ACCOUNT}:ETH-USDT-SWAP",
    ]


async def test_frames_that_waited_together_are_facts_in_their_order_numbered_without_a_gap(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    points: list[str] = []
    monkeypatch.setattr(reporting, "crash_point", points.append)
    told_to = await reporter(database)
    await told_to.reported(([report()], []))
    eth, btc = report("ETH-USDT-SWAP"), report("BTC-USDT-SWAP")
    await told_to.reported(([btc], []), ([eth, btc], []), ([eth], []))
    await told_to.reported(([btc], []))
    facts = await told(url)
    assert [aggregate.rpartition(":")[2][:3] for _, aggregate, _ in facts] == ["BTC", "BTC", "BTC", "ETH", "ETH", "BTC"]
    assert await numbers(database) == [1, 2, 3, 1, 2, 4]
    assert [payload.reports for _, _, payload in facts if isinstance(payload, VenueReported)] == [
        *([[btc]] * 3),
        *([[eth]] * 2),
        [btc],
    ]
    before, after = "exchange.report.before_commit", "exchange.report.after_commit"
    assert points == [before, after, *[before] * 3, *[after] * 3, before, after]  # a frame each


async def test_a_fact_outlives_a_database_that_is_away(url: str, database: Database) -> None:
    away = Failing(
        database,
        Unavailable("database_down", "away"),
        OutcomeUnknown("database_commit_unknown", "away during COMMIT"),
        Unavailable("database_down", "away"),
    )
    await asyncio.wait_for((await reporter(away)).reported(([report()], [])), 10)
    ((_, _, payload),) = await told(url)
    assert isinstance(payload, VenueReported)
    assert payload.reports == [report()]


async def test_a_bug_is_not_waited_out(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await (await reporter(Failing(database, ZeroDivisionError()))).reported(([report()], []))
