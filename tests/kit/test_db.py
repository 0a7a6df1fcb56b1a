"""kit.db on a real server."""
# ruff: noqa: PT012 - the block under test is the transaction itself

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy import Column, Integer, Table, insert, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError, ProgrammingError

from tradingboost.core.errors import Conflict, InvalidInput, OutcomeUnknown, Unavailable
from tradingboost.kit.db import Database, ExactNumeric, UtcDateTime, after_commit, schema_metadata, violated
from tradingboost.kit.db_pool import driver_of
from tradingboost.kit.settings import DbSettings

metadata = schema_metadata("shop")
rows = Table(
    "rows",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("amount", ExactNumeric),
    Column("at", UtcDateTime),
    Column("facts", JSONB),
)


@pytest.fixture
async def shop(database: Database) -> Database:
    async with database.transaction() as connection:
        await connection.execute(text("CREATE SCHEMA shop"))
        await connection.run_sync(metadata.create_all)
    return database


async def count(database: Database) -> int:
    async with database.read() as connection:
        return len((await connection.execute(select(rows.c.id))).all())


async def test_a_block_that_ends_well_is_committed(shop: Database) -> None:
    async with shop.transaction() as connection:
        await connection.execute(insert(rows).values(id=1))
    assert await count(shop) == 1


async def test_a_block_that_raises_leaves_nothing(shop: Database) -> None:
    with pytest.raises(RuntimeError):
        async with shop.transaction() as connection:
            await connection.execute(insert(rows).values(id=1))
            raise RuntimeError
    assert await count(shop) == 0


async def test_a_cancelled_block_leaves_nothing_and_gives_its_connection_back(shop: Database) -> None:
    async def slow() -> None:
        async with shop.transaction() as connection:
            await connection.execute(insert(rows).values(id=1))
            await connection.execute(text("SELECT pg_sleep(30)"))

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert await count(shop) == 0


async def _pid(database: Database) -> int:
    async with database.read() as connection:
        return int(driver_of(connection).get_server_pid())


async def test_a_connection_is_handed_from_block_to_block(database: Database) -> None:
    assert await _pid(database) == await _pid(database)


async def test_a_connection_left_in_the_middle_of_a_transaction_is_handed_to_nobody(shop: Database) -> None:
    async with shop.read() as connection:
        left = int(driver_of(connection).get_server_pid())
        await driver_of(connection).execute("BEGIN")
        await driver_of(connection).execute("INSERT INTO shop.rows (id) VALUES (1)")
    assert await _pid(shop) != left
    assert await count(shop) == 0


@pytest.mark.parametrize("amount", ["0.1", "123456789012345678901234567890.123456789", "1E-18", "-0.30"])
async def test_numbers_come_back_digit_for_digit(shop: Database, amount: str) -> None:
    async with shop.transaction() as connection:
        await connection.execute(insert(rows).values(id=1, amount=Decimal(amount)))
    async with shop.read() as connection:
        stored = (await connection.execute(select(rows.c.amount))).scalar_one()
    assert isinstance(stored, Decimal)
    assert stored == Decimal(amount)


@pytest.mark.parametrize("wrong", [0.1, True, Decimal("NaN"), Decimal("Infinity"), "1"])
async def test_inexact_numbers_are_refused(shop: Database, wrong: object) -> None:
    with pytest.raises(InvalidInput, match="Money"):
        async with shop.transaction() as connection:
            await connection.execute(insert(rows).values(id=1, amount=wrong))


async def test_times_come_back_in_utc(shop: Database) -> None:
    seoul = datetime(2026, 1, 2, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    async with shop.transaction() as connection:
        await connection.execute(insert(rows).values(id=1, at=seoul))
    async with shop.read() as connection:
        stored = (await connection.execute(select(rows.c.at))).scalar_one()
    assert stored == seoul
    assert stored.tzinfo is UTC


async def test_naive_times_are_refused(shop: Database) -> None:
    with pytest.raises(InvalidInput, match="aware"):
        async with shop.transaction() as connection:
            await connection.execute(insert(rows).values(id=1, at=datetime(2026, 1, 1)))  # noqa: DTZ001


async def test_decimals_inside_json_stay_exact_as_text(shop: Database) -> None:
    async with shop.transaction() as connection:
        await connection.execute(insert(rows).values(id=1, facts={"price": Decimal("61250.10")}))
    async with shop.read() as connection:
        assert (await connection.execute(select(rows.c.facts))).scalar_one() == {"price": "61250.10"}


async def test_a_violated_constraint_is_named(shop: Database) -> None:
    with pytest.raises(IntegrityError) as caught:
        async with shop.transaction() as connection:
            await connection.execute(insert(rows), [{"id": 1}, {"id": 1}])
    assert violated(caught.value) == "pk_rows"
    assert await count(shop) == 0


async def test_callbacks_run_after_the_commit_and_not_after_a_rollback(shop: Database) -> None:
    heard: list[str] = []
    async with shop.transaction() as connection:
        after_commit(connection, lambda: heard.append("stored"))
        assert heard == []
    with pytest.raises(RuntimeError):
        async with shop.transaction() as connection:
            after_commit(connection, lambda: heard.append("lost"))
            raise RuntimeError
    assert heard == ["stored"]


async def test_a_connection_killed_in_the_block_is_unavailable_and_the_next_block_works(shop: Database) -> None:
    with pytest.raises(Unavailable) as caught:
        async with shop.transaction() as connection:
            await connection.execute(insert(rows).values(id=1))
            pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            async with shop.read() as other:
                await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            await connection.execute(insert(rows).values(id=2))
    assert caught.value.code == "database_down"
    assert await count(shop) == 0


async def test_a_connection_lost_at_commit_is_an_unknown_outcome(shop: Database) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        async with shop.transaction() as connection:
            pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            async with shop.read() as other:
                await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            await asyncio.sleep(0.2)
    assert caught.value.code == "database_commit_unknown"


async def test_a_constraint_checked_at_commit_is_no_unknown_outcome(shop: Database) -> None:
    async with shop.transaction() as connection:
        await connection.execute(
            text("CREATE TABLE shop.late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)"),
        )
    with pytest.raises(IntegrityError):
        async with shop.transaction() as connection:
            await connection.execute(text("INSERT INTO shop.late VALUES (1), (1)"))


async def test_a_deadlock_is_a_conflict_for_exactly_one_side(shop: Database) -> None:
    async with shop.transaction() as connection:
        await connection.execute(insert(rows), [{"id": 1}, {"id": 2}])

    async def lock(first: int, second: int) -> None:
        async with shop.transaction() as connection:
            await connection.execute(select(rows).where(rows.c.id == first).with_for_update())
            await asyncio.sleep(0.2)
            await connection.execute(select(rows).where(rows.c.id == second).with_for_update())

    results = await asyncio.gather(lock(1, 2), lock(2, 1), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [Conflict]


async def test_a_statement_that_takes_too_long_is_stopped(db_url: str) -> None:
    database = Database.open(db_url, DbSettings(statement_timeout_s=0.2))
    with pytest.raises(Unavailable) as caught:
        async with database.read() as connection:
            await connection.execute(text("SELECT pg_sleep(10)"))
    await database.close()
    assert caught.value.code == "database_slow"


async def test_an_exhausted_pool_is_unavailable(db_url: str) -> None:
    database = Database.open(db_url, DbSettings(pool_size=1, max_overflow=0, pool_timeout=0.1))
    async with database.transaction() as connection:
        await connection.execute(text("SELECT 1"))
        with pytest.raises(Unavailable) as caught:
            await database.ping()
    await database.close()
    assert caught.value.code == "database_pool_exhausted"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://nobody:wrong@127.0.0.1:1/none", "database_down"),
        ("mysql://localhost/x", "bad_database_url"),
        ("not an address", "bad_database_url"),
    ],
)
async def test_a_wrong_address_is_one_plain_sentence(url: str, code: str) -> None:
    with pytest.raises((Unavailable, InvalidInput), match="TB_DB__URL") as caught:
        await Database.open(url).ping()
    assert caught.value.code == code
    assert "wrong" not in str(caught.value)


async def test_a_wrong_password_says_so(db_url: str) -> None:
    head, tail = db_url.split("@")
    with pytest.raises(Unavailable) as caught:
        await Database.open(f"{head}x@{tail}").ping()
    assert caught.value.code == "database_login_failed"


async def test_a_faulty_statement_stays_a_programming_error(database: Database) -> None:
    with pytest.raises(ProgrammingError):
        async with database.read() as connection:
            await connection.execute(text("SELECT * FROM nowhere"))


async def test_a_time_out_of_the_callers_own_code_is_not_blamed_on_the_database(database: Database) -> None:
    with pytest.raises(TimeoutError):
        async with database.transaction() as connection:
            await connection.execute(text("SELECT 1"))
            async with asyncio.timeout(0.05):
                await connection.execute(text("SELECT pg_sleep(30)"))
    await database.ping()


async def test_a_statement_alone_is_stored_before_anybody_is_told(shop: Database) -> None:
    heard: list[int] = []
    async with shop.statement() as connection:
        after_commit(connection, lambda: heard.append(1))
        await connection.execute(insert(rows).values(id=1))
        assert (await count(shop), heard) == (1, [])
    assert heard == [1]


async def test_a_statement_alone_that_fails_stores_nothing_and_tells_nobody(shop: Database) -> None:
    heard: list[int] = []
    with pytest.raises(IntegrityError):
        async with shop.statement() as connection:
            after_commit(connection, lambda: heard.append(1))
            await connection.execute(insert(rows).values([{"id": 1}, {"id": 1}]))
    assert (await count(shop), heard) == (0, [])


async def test_a_statement_alone_whose_connection_breaks_may_have_taken_effect(shop: Database) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        async with shop.statement() as connection:
            pid = (await driver_of(connection).fetchrow("SELECT pg_backend_pid()"))[0]
            async with shop.read() as other:
                await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            await driver_of(connection).execute("INSERT INTO shop.rows (id) VALUES (1)")
    assert caught.value.code == "database_commit_unknown"
    assert await count(shop) == 0
