"""Schemas are migrated together, once, and equal the tables in the code."""

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, Table, Text, text
from tests.servers import Databases

from tradingboost.core.errors import Conflict
from tradingboost.kit import migrations
from tradingboost.kit.db import Database, ExactNumeric, UtcDateTime, schema_metadata
from tradingboost.kit.migrations import Schema


@pytest.fixture
def shop(tmp_path: Path) -> Schema:
    metadata = schema_metadata("shop")
    Table(
        "sales",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("amount", ExactNumeric, nullable=False),
        Column("at", UtcDateTime, nullable=False),
    )
    (tmp_path / "versions").mkdir()
    return Schema("shop", tmp_path / "versions", metadata)


async def test_the_kits_schemas_equal_their_tables(database: Database) -> None:
    schemas = migrations.kit_schemas()
    assert await migrations.pending(database, schemas) == ["bus", "ops", "audit", "jobs"]
    assert await migrations.upgrade(database, schemas) == ["bus", "ops", "audit", "jobs"]
    assert await migrations.check(database, schemas) == []
    assert await migrations.pending(database, schemas) == []
    assert await migrations.upgrade(database, schemas) == []


async def test_several_databases_are_changed_by_one_process_at_once(databases: Databases) -> None:
    urls = [await databases.create() for _ in range(3)]
    opened = [Database.open(url) for url in urls]
    try:
        schemas = migrations.kit_schemas()
        await asyncio.gather(*(migrations.upgrade(one, schemas) for one in opened))
        assert [await migrations.check(one, schemas) for one in opened] == [[], [], []]
    finally:
        for one, url in zip(opened, urls, strict=True):
            await one.close()
            await databases.drop(url)


async def test_the_kits_schemas_can_be_taken_back(database: Database) -> None:
    schemas = migrations.kit_schemas()
    await migrations.upgrade(database, schemas)
    for schema in schemas:
        await migrations.downgrade(database, schema, "base")
    assert await migrations.current(database, schemas) == {"bus": None, "ops": None, "audit": None, "jobs": None}
    assert await migrations.upgrade(database, schemas) == ["bus", "ops", "audit", "jobs"]


async def test_a_draft_makes_the_database_equal_to_the_code(database: Database, shop: Schema) -> None:
    first = await migrations.draft(database, shop, "first_tables")
    assert first.name == "0001_first_tables.py"
    assert await migrations.upgrade(database, [shop]) == ["shop"]
    assert await migrations.check(database, [shop]) == []
    Table("refunds", shop.metadata, Column("id", Integer, primary_key=True), Column("why", Text))
    assert "refunds" in "".join(await migrations.check(database, [shop]))
    second = await migrations.draft(database, shop, "refunds")
    assert second.name == "0002_refunds.py"
    assert await migrations.upgrade(database, [shop]) == ["shop"]
    assert await migrations.check(database, [shop]) == []
    assert await migrations.current(database, [shop]) == {"shop": "0002"}


async def test_processes_that_start_together_migrate_once(database: Database, shop: Schema) -> None:
    await migrations.draft(database, shop, "first_tables")
    changed = await asyncio.gather(*(migrations.upgrade(database, [shop]) for _ in range(4)))
    assert sorted(changed) == [[], [], [], ["shop"]]


async def test_a_failing_step_leaves_the_database_as_it_was(database: Database, shop: Schema) -> None:
    await migrations.draft(database, shop, "first_tables")
    broken = shop.versions / "0002_broken.py"
    broken.write_text(
        'from alembic import op\nrevision = "0002"\ndown_revision = "0001"\n'
        'def upgrade():\n    op.execute("CREATE TABLE shop.half (id int)")\n    raise RuntimeError("broken")\n'
    )
    with pytest.raises(RuntimeError, match="broken"):
        await migrations.upgrade(database, [shop])
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT to_regclass('shop.sales')"))).scalar_one() is None
    assert await migrations.current(database, [shop]) == {"shop": None}


async def test_an_older_program_refuses_a_newer_database(database: Database, shop: Schema) -> None:
    await migrations.draft(database, shop, "first_tables")
    await migrations.upgrade(database, [shop])
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE shop.alembic_version SET version_num = '0009'"))
    with pytest.raises(Conflict, match="newer than this program"):
        await migrations.upgrade(database, [shop])


async def test_many_schemas_are_migrated_quickly(database: Database, tmp_path: Path) -> None:
    schemas = []
    for number in range(12):
        metadata = schema_metadata(f"s{number}")
        for table in range(4):
            Table(f"t{table}", metadata, Column("id", Integer, primary_key=True), Column("at", UtcDateTime))
        (tmp_path / f"s{number}").mkdir()
        schemas.append(Schema(f"s{number}", tmp_path / f"s{number}", metadata))
        await migrations.draft(database, schemas[-1], "first_tables")
    started = time.perf_counter()
    assert len(await migrations.upgrade(database, schemas)) == 12
    assert time.perf_counter() - started < 5.0  # 0.6 s on an idle machine
