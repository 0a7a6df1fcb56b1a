"""An installation beside a generated old Redis, and its verbs as an operator runs them."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis as Driver
from sqlalchemy import text
from tests.servers import FreshDatabase

from tradingboost.app.migrate.generated import Made, Old
from tradingboost.app.migrate.outcome import Line, Report
from tradingboost.app.migrate.planting import planted
from tradingboost.app.migrate.tools import tools
from tradingboost.app.migrate.work import Options, Tools, Verb, carried_out
from tradingboost.app.schemas import all_schemas
from tradingboost.app.settings import Settings
from tradingboost.kit.db import Database
from tradingboost.kit.migrations import upgrade
from tradingboost.kit.redis import Redis

FERNET = base64.urlsafe_b64encode(bytes(range(32))).decode()
OTHER = base64.urlsafe_b64encode(bytes(range(32, 64))).decode()


class World:
    """One installation and the old Redis on the same server."""

    def __init__(self, settings: Settings, redis_url: str) -> None:
        self.settings = settings
        self.redis_url = redis_url
        self.made: list[Made] = []

    async def plant(self, made: Iterable[Made]) -> list[Made]:
        """Write generated keys."""
        redis = Redis(self.redis_url)
        self.made = list(made)
        await planted(redis, self.made)
        await redis.close()
        return self.made

    async def people(self, users: int, *kinds: int) -> list[Made]:
        """Generated people; only those of some kinds, where kinds are named."""
        old = Old(users, 7, FERNET, OTHER)
        return await self.plant(old if not kinds else old.of_kinds(*kinds))

    @asynccontextmanager
    async def tools(self, step: Callable[[str], None] = lambda _: None, **options: Any) -> AsyncIterator[Tools]:
        async with tools(self.settings, Options(**options), step=step) as opened:
            yield opened

    async def run(self, verb: Verb, step: Callable[[str], None] = lambda _: None, **options: Any) -> Report:
        """One verb from beginning to end."""
        async with self.tools(step, **options) as opened:
            return await carried_out(opened, verb, asyncio.Event(), lambda *_: None)

    async def redis(self) -> dict[bytes, tuple[bytes, int]]:
        """Every key with the bytes of its value, and whether it ends."""
        async with Driver.from_url(self.redis_url) as client:
            names = sorted([name async for name in client.scan_iter(count=500)])
            return {name: (await client.dump(name) or b"", min(0, await client.pttl(name))) for name in names}

    async def rows(self, *tables: str) -> dict[str, list[str]]:
        """Every row of these tables, or of all, as text."""
        database = Database.open(str(self.settings.db.address()))
        async with database.read() as db:
            if not tables:
                named = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information)'"
                tables = tuple((await db.execute(text(named))).scalars())
            found = {}
            for table in sorted(tables):
                lines = await db.execute(text(f"SELECT CAST(t AS text) FROM {table} AS t"))
                found[table] = sorted(lines.scalars())
        await database.close()
        return found


def line_of(report: Report, key: str) -> Line:
    """The line of a key, by its end: reports mask the rest."""
    found = [line for line in report.lines if line.key.endswith(key)]
    assert len(found) == 1, (key, [line.key for line in report.lines])
    return found[0]


@pytest.fixture
async def world(fresh_database: FreshDatabase, redis_url: str, tmp_path: Path) -> World:
    async def prepare(url: str) -> None:
        database = Database.open(url)
        await upgrade(database, all_schemas())
        await database.close()

    settings = Settings.model_validate(
        {
            "env": "test",
            "db": {"url": await fresh_database("whole", prepare)},
            "redis": {"url": redis_url},
            "embedded": {"data_dir": tmp_path},
            "crypto": {"legacy_fernet_keys": FERNET},
        }
    )
    return World(settings, redis_url)
