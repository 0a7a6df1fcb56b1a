"""Every schema on a database of its own, on PostgreSQL alone and, where there is one, on TimescaleDB."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import text
from tests.servers import Databases, FreshDatabase

from tradingboost.app.schemas import SERIES, bring_up
from tradingboost.kit.db import Database
from tradingboost.kit.settings import DbSettings
from tradingboost.kit.tiers import Tier, Timescale
from tradingboost.services.market.tables import candle_corrections, upkeep

UNHURRIED = DbSettings().unhurried()
LANES = ("plain", "timescale", pytest.param("timescale", marks=pytest.mark.long, id="timescale_fetched"))


async def brought_up(url: str, timescale: Timescale = "auto") -> None:
    opened = Database.open(url, UNHURRIED)
    try:
        await bring_up(opened, timescale=timescale)
    finally:
        await opened.close()


@pytest.fixture
async def whole_url(fresh_database: FreshDatabase) -> str:
    """The address of a database with everything in it, opened as its owner."""
    return await fresh_database("brought_up", brought_up)


@pytest.fixture
async def whole(whole_url: str) -> AsyncIterator[Database]:
    opened = Database.open(whole_url)
    yield opened
    await opened.close()


@dataclass(frozen=True)
class Lane:
    """An empty database and the tier it must turn out to be."""

    url: str
    tier: Tier
    database: Database

    @property
    def wish(self) -> Timescale:
        return "auto" if self.tier == "plain" else "require"


@pytest.fixture(scope="session")
def timescale_whole(timescale: Databases) -> Iterator[str]:
    """The one database with everything in it on TimescaleDB; made in a loop of its own."""
    url = asyncio.run(timescale.create())
    asyncio.run(brought_up(url, "require"))
    yield url
    asyncio.run(timescale.drop(url))


@pytest.fixture(params=LANES)
def standing(request: pytest.FixtureRequest) -> str:
    """The address of the database that stands already; empty where one is made by the test."""
    return "" if request.param == "plain" else str(request.getfixturevalue("timescale_whole"))


@pytest.fixture
async def laid(standing: str, databases: Databases) -> AsyncIterator[Database]:
    """A lane that is brought up and without candles."""
    if not standing:
        url = await databases.prepared("brought_up", brought_up)
        opened = Database.open(url, UNHURRIED)
        yield opened
        await opened.close()
        await databases.drop(url)
        return
    opened = Database.open(standing, UNHURRIED)
    async with opened.transaction() as db:
        tables = [*(series.table for series in SERIES), candle_corrections, upkeep]
        await db.execute(text(f"TRUNCATE {', '.join(f'{table.schema}.{table.name}' for table in tables)}"))
    yield opened
    await opened.close()


@pytest.fixture(params=LANES)
def server(request: pytest.FixtureRequest) -> tuple[Tier, Databases]:
    """Where empty databases are made. Not asynchronous: a server is waited for in a loop of its own."""
    if request.param == "plain":
        return "plain", request.getfixturevalue("databases")
    return "apache", request.getfixturevalue("timescale")


@pytest.fixture
async def lane(server: tuple[Tier, Databases]) -> AsyncIterator[Lane]:
    """An empty database."""
    tier, on = server
    url = await on.create()
    opened = Database.open(url, UNHURRIED)
    yield Lane(url, tier, opened)
    await opened.close()
    await on.drop(url)
