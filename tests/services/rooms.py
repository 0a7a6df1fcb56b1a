"""A service's room for tests: its schemas on real PostgreSQL, Redis, a clock that stands still, ids that repeat."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from sqlalchemy import select
from tests.servers import FreshDatabase

from tradingboost import services
from tradingboost.kit import migrations
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.context import Context
from tradingboost.kit.db import Database
from tradingboost.kit.ids import SequentialIds
from tradingboost.kit.migrations import Schema
from tradingboost.kit.redis import Redis
from tradingboost.kit.tables import outbox
from tradingboost.shared.events.envelope import Payload, spec_of


def schema_of(service: str) -> Schema:
    """The schema of one service, as the process that runs it migrates it."""
    tables = importlib.import_module(f"tradingboost.services.{service}.tables")
    return Schema(service, Path(services.__path__[0]) / service / "migrations", tables.metadata)


class Room:
    """What a service is handed, and a look at what it told."""

    def __init__(self, database: Database, redis: Redis, clock: FakeClock) -> None:
        self.db = database
        self.redis = redis
        self.clock = clock
        self.ids = SequentialIds()

    def context(self, instance: str = "test") -> Context:
        return Context(db=self.db, redis=self.redis, clock=self.clock, ids=self.ids, instance=instance)

    async def told(self, *classes: type[Payload]) -> list[Payload]:
        """Every event of these classes (or of all), oldest first."""
        async with self.db.read() as connection:
            rows = (await connection.execute(select(outbox).order_by(outbox.c.position))).all()
        wanted = {spec_of(cls).type: cls for cls in classes}
        found = [(wanted[row.type], row.payload) for row in rows if row.type in wanted]
        return [msgspec.convert(payload, cls, strict=False) for cls, payload in found]

    async def types_told(self) -> list[str]:
        """The type of every event, oldest first."""
        async with self.db.read() as connection:
            return list((await connection.execute(select(outbox.c.type).order_by(outbox.c.position))).scalars())


@asynccontextmanager
async def room(fresh_database: FreshDatabase, redis_url: str, clock: FakeClock, *names: str) -> AsyncIterator[Room]:
    """A room with the schemas of the kit and of these services."""

    async def prepare(url: str) -> None:
        opened = Database.open(url)
        try:
            await migrations.upgrade(opened, [*migrations.kit_schemas(), *map(schema_of, names)])
        finally:
            await opened.close()

    database = Database.open(await fresh_database("+".join(names), prepare))
    redis = Redis(redis_url)
    try:
        yield Room(database, redis, clock)
    finally:
        await redis.close()
        await database.close()
