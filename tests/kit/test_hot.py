"""kit.hot on a real PostgreSQL."""
# ruff: noqa: PT012 - the block is what is tested

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy import Column, Integer, Table, Text, any_, bindparam, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.exc import IntegrityError

from tradingboost.core.errors import BrokenInvariant, InvalidInput, Unavailable
from tradingboost.kit.db import Database, ExactNumeric, UtcDateTime, schema_metadata, violated
from tradingboost.kit.hot import Hot

metadata = schema_metadata("hot")
rows = Table(
    "rows",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text),
    Column("amount", ExactNumeric),
    Column("at", UtcDateTime),
    Column("facts", JSONB),
)
ADD = Hot(insert(rows), "id", "name", "amount", "at", "facts")
ALL = Hot(select(rows).order_by(rows.c.id))
SOME = Hot(select(rows.c.id).where(rows.c.name == any_(bindparam("names", type_=ARRAY(Text)))).order_by(rows.c.id))
RENAME = Hot(update(rows).where(rows.c.id == bindparam("of_id")).returning(rows.c.id), "name")


@pytest.fixture
async def shop(db_url: str) -> AsyncIterator[Database]:
    database = Database.open(db_url)
    async with database.transaction() as connection:
        await connection.execute(text("CREATE SCHEMA IF NOT EXISTS hot"))
        await connection.run_sync(metadata.create_all)
        await connection.execute(text("TRUNCATE hot.rows"))
    yield database
    await database.close()


def row(number: int, **changed: object) -> dict[str, object]:
    return {"id": number, "name": f"n{number}", "amount": None, "at": None, "facts": None} | changed


async def test_values_keep_the_promises_of_their_column_types(shop: Database) -> None:
    at = datetime(2026, 1, 2, 9, 0, tzinfo=timezone(timedelta(hours=9)))
    exact = Decimal("123456789012345678901234567890.123456789")
    async with shop.transaction() as db:
        await ADD.rows(db, **row(1, amount=exact, at=at, facts={"price": Decimal("61250.10")}))
    async with shop.read() as db:
        stored = await ALL.first(db)
    assert stored is not None
    assert (stored["amount"], stored["at"], stored["facts"]) == (exact, at, {"price": "61250.10"})
    assert stored["at"].tzinfo is UTC


@pytest.mark.parametrize("wrong", [{"amount": 0.1}, {"at": datetime(2026, 1, 1)}])  # noqa: DTZ001
async def test_inexact_numbers_and_naive_times_are_refused(shop: Database, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        async with shop.transaction() as db:
            await ADD.rows(db, **row(1, **wrong))


async def test_a_forgotten_value_is_no_null(shop: Database) -> None:
    with pytest.raises(KeyError):
        async with shop.read() as db:
            await RENAME.rows(db, of_id=1)


async def test_it_shares_the_transaction_with_other_statements(shop: Database) -> None:
    with pytest.raises(RuntimeError):
        async with shop.transaction() as db:
            await ADD.rows(db, **row(1))
            await db.execute(insert(rows).values(id=2))
            assert len(await ALL.rows(db)) == 2
            raise RuntimeError
    async with shop.read() as db:
        assert await ALL.first(db) is None


async def test_lists_are_arrays_and_updates_find_their_rows(shop: Database) -> None:
    async with shop.transaction() as db:
        for number in (1, 2, 3):
            await ADD.rows(db, **row(number))
        assert [found["id"] for found in await SOME.rows(db, names=["n1", "n3"])] == [1, 3]
        assert await SOME.rows(db, names=[]) == []
        assert [found["id"] for found in await RENAME.rows(db, of_id=3, name="new")] == [3]
        assert [found["id"] for found in await SOME.rows(db, names=["new"])] == [3]


async def test_an_in_list_is_refused(shop: Database) -> None:
    with pytest.raises(BrokenInvariant, match="array"):
        async with shop.read() as db:
            await Hot(select(rows.c.id).where(rows.c.name.in_(["a"]))).rows(db)


async def test_a_violated_constraint_is_named_and_nothing_is_kept(shop: Database) -> None:
    with pytest.raises(IntegrityError) as caught:
        async with shop.transaction() as db:
            await ADD.rows(db, **row(1))
            await ADD.rows(db, **row(1))
    assert violated(caught.value) == "pk_rows"
    async with shop.read() as db:
        assert await ALL.first(db) is None


async def test_a_connection_killed_in_the_block_is_unavailable_and_the_next_block_works(shop: Database) -> None:
    with pytest.raises(Unavailable) as caught:
        async with shop.transaction() as db:
            pid = (await db.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            async with shop.read() as other:
                await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            await ADD.rows(db, **row(1))
    assert caught.value.code == "database_down"
    async with shop.read() as db:
        assert await ALL.first(db) is None


async def test_a_swallowed_error_is_not_taken_for_a_commit(shop: Database) -> None:
    with pytest.raises(BrokenInvariant) as caught:
        async with shop.transaction() as db:
            await ADD.rows(db, **row(1))
            with pytest.raises(IntegrityError):
                await ADD.rows(db, **row(1))
    assert caught.value.code == "transaction_aborted"
