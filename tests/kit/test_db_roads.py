"""Which road a reading takes, and the limits every connection is opened with."""
# ruff: noqa: PT012 - the block under test is the transaction itself

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from tests.servers import Databases

from tradingboost.core.errors import Unavailable
from tradingboost.kit.db import Database
from tradingboost.kit.settings import DbSettings


async def where(database: Database, **options: bool) -> str:
    async with database.read(**options) as db:  # type: ignore[arg-type]
        return str((await db.execute(text("SELECT current_database()"))).scalar_one())


async def test_only_what_may_be_a_little_behind_is_read_from_the_replica(databases: Databases) -> None:
    urls = [await databases.create() for _ in range(2)]
    database = Database.open(urls[0], DbSettings(read_url=SecretStr(urls[1])))
    try:
        primary, replica = (url.rsplit("/", 1)[1] for url in urls)
        assert await where(database) == primary
        assert await where(database, replica=True) == replica
        async with database.transaction() as db:
            assert (await db.execute(text("SELECT current_database()"))).scalar_one() == primary
    finally:
        await database.close()
        for url in urls:
            await databases.drop(url)


async def test_a_replica_that_is_away_is_stood_in_for_by_the_primary(db_url: str) -> None:
    nowhere = SecretStr("postgresql://nobody:nothing@127.0.0.1:1/none")
    database = Database.open(db_url, DbSettings(read_url=nowhere, connect_timeout_s=1.0))
    try:
        assert await where(database, replica=True) == db_url.rsplit("/", 1)[1]
    finally:
        await database.close()


async def test_without_an_address_to_read_from_everything_is_read_from_the_primary(database: Database) -> None:
    assert await where(database, replica=True) == await where(database)


async def test_a_connection_is_opened_with_the_limits_of_the_settings(db_url: str) -> None:
    database = Database.open(db_url, DbSettings(statement_timeout_s=5, idle_in_transaction_s=10))
    asked = "SELECT current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')"
    try:
        async with database.read() as db:
            assert tuple((await db.execute(text(asked))).one()) == ("5s", "10s")
    finally:
        await database.close()


async def test_a_transaction_that_rests_too_long_is_ended_by_the_server(db_url: str) -> None:
    database = Database.open(db_url, DbSettings(idle_in_transaction_s=0.05))
    try:
        with pytest.raises(Unavailable):
            async with database.transaction() as db:
                async with database.read() as other:
                    await other.execute(text("SELECT pg_sleep(0.2)"))
                await db.execute(text("SELECT 1"))
    finally:
        await database.close()


def test_no_process_has_a_smaller_pool_than_five_and_one_with_everything_has_twenty() -> None:
    assert DbSettings().of_process(1).pool_size == 5
    assert DbSettings(pool_size=2).of_process(1).pool_size == 5
    assert DbSettings(pool_size=9).of_process(1).pool_size == 9
    assert (DbSettings().of_process(9).pool_size, DbSettings().of_process(9).max_overflow) == (20, 10)
    assert DbSettings(pool_size=7).of_process(9).pool_size == 7
    assert (DbSettings().pool_timeout, DbSettings().pool_recycle) == (30, 3600)
    assert (DbSettings().statement_timeout_s, DbSettings().idle_in_transaction_s) == (5, 10)
