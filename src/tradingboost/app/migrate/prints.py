"""What stands in both stores, as hashes: to prove that something changed nothing."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Final

from sqlalchemy import Table, select

from tradingboost.app.migrate import source
from tradingboost.app.schemas import all_schemas
from tradingboost.kit.db import Database
from tradingboost.kit.redis import Redis

_PAGE: Final = 500


async def redis_print(redis: Redis, wanted: Callable[[str], bool] = lambda _: True) -> dict[str, str]:
    """A hash of type, value and whether it ends, by key."""
    names = sorted({name async for name in source.scanned(redis) if wanted(name)})
    found: dict[str, str] = {}
    for start in range(0, len(names), _PAGE):
        page = names[start : start + _PAGE]
        async with redis.context("pipeline") as client, client.pipeline(transaction=False) as pipe:
            for name in page:
                pipe.dump(name)
                pipe.pttl(name)
            answers = await pipe.execute()
        for number, name in enumerate(page):
            value, left_ms = answers[2 * number], answers[2 * number + 1]
            found[name] = hashlib.sha256((value or b"") + (b"ends" if left_ms >= 0 else b"")).hexdigest()
    return found


async def database_print(database: Database, schemas: Iterable[str] = ()) -> dict[str, str]:
    """A hash of all rows, by table; of all tables, or of those of some schemas."""
    chosen = frozenset(schemas)
    found: dict[str, str] = {}
    for table in _tables():
        if not chosen or table.schema in chosen:
            found[str(table)] = hashlib.sha256("\n".join(await rows_of(database, table)).encode()).hexdigest()
    return found


async def holding(database: Database, redis: Redis, mark: str, but: frozenset[str]) -> list[str]:
    """Tables and keys in which a text stands.

    Args:
        but: keys that hold it by right: those the old system stored unencrypted.
    """
    found = []
    for table in _tables():
        if any(mark in row for row in await rows_of(database, table)):
            found.append(str(table))
    names = [name async for name in source.scanned(redis) if name not in but]
    read = await source.values(redis, names)
    found += [name for name in names if mark in str(read[name].content)]
    return sorted(found)


async def rows_of(database: Database, table: Table) -> list[str]:
    """Every row as text, in an order of their own."""
    async with database.read() as db:
        return sorted(str(tuple(row)) for row in await db.execute(select(table)))


def _tables() -> list[Table]:
    return [table for schema in all_schemas() for table in schema.metadata.sorted_tables]
