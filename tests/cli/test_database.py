"""`db` and what `doctor` says about the database, as they are typed."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text
from tests.app.database.test_lanes import minutes
from tests.builders import T0
from tests.cli.conftest import Ended, Run

from tradingboost.kit.db import Database
from tradingboost.services.market import repository as store
from tradingboost.services.market.tables import OHLCV, former_candles

Ask = Callable[..., Ended]


@pytest.fixture
def ask(tb: Run, db_url: str, redis_url: str) -> Ask:
    def asked(*words: str, **variables: str) -> Ended:
        return tb(*words, TB_DB__URL=db_url, TB_REDIS__URL=redis_url, **variables)

    return asked


def said(ended: Ended, check: str) -> dict[str, Any]:
    """What `doctor` found at one check."""
    (found,) = [one for one in ended.envelope["data"]["checks"] if one["name"] == check]
    return dict(found)


def on(url: str, work: Callable[[Database], Any]) -> Any:
    async def run() -> Any:
        database = Database.open(url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


def test_an_upgrade_tells_what_the_database_can_do_and_doctor_tells_it_again(ask: Ask) -> None:
    assert said(ask("doctor", "--json"), "database")["state"] == "warn"
    done = ask("db", "upgrade", "--json").envelope["data"]
    assert (done["tier"], done["cut"], done["row_security"]) == ("plain", [], True)
    assert ask("db", "upgrade", "--timescale", "off", "--json").envelope["data"]["changed"] == []
    looked = ask("doctor", "--json")
    assert said(looked, "time series") == {"name": "time series", "state": "ok", "text": "plain", "fix": ""}
    assert said(looked, "row security")["text"] == "rows are guarded by roles and policies"
    assert "plain" in ask("db", "upgrade").out


def test_what_cannot_be_is_refused_with_the_remedy(ask: Ask) -> None:
    assert ask("db", "upgrade", "--json").code == 0
    assert "has no TimescaleDB" in ask("db", "upgrade", "--timescale", "require").sentence
    assert ask("db", "upgrade", "--timescale", "require").code == 6
    assert "none of auto, off and require" in ask("db", "upgrade", "--timescale", "perhaps").sentence
    assert ask("db", "downgrade", "markt", "base", "--yes").code == 2
    assert "choose one of 0001, 0002, 0003" in ask("db", "downgrade", "market", "0009", "--yes").sentence
    assert ask("db", "downgrade", "market", "0002", "--json").code == 5


def test_a_schema_that_is_taken_back_gives_its_candles_to_the_release_before(ask: Ask, db_url: str) -> None:
    ask("db", "upgrade")

    async def keep(database: Database) -> None:
        async with database.transaction() as db:
            await store.store_candles(db, minutes(T0, 3))
            assert await store.tell_candle(db, minutes(T0, 4)[3])

    async def former(database: Database) -> Any:
        async with database.read() as db:
            return (await db.execute(select(former_candles.c.told).order_by(former_candles.c.open_at))).scalars().all()

    async def now(database: Database) -> Any:
        async with database.read() as db:
            await db.execute(text("SELECT count(*) FROM ohlcv_1m"))
            return (await db.execute(select(OHLCV["1m"].c.told).order_by(OHLCV["1m"].c.open_at))).scalars().all()

    on(db_url, keep)
    assert ask("db", "downgrade", "market", "0002", "--yes", "--json").code == 0
    assert on(db_url, former) == [False, False, False, True]
    assert said(ask("doctor", "--json"), "database")["state"] == "warn"
    assert ask("db", "upgrade", "--json").envelope["data"]["changed"] == ["market"]
    assert on(db_url, now) == [False, False, False, True]
    assert ask("db", "check", "--json").envelope["data"] == {"differences": []}
