"""An installation beside a generated old Redis, and its verbs as an operator runs them."""

import asyncio
import base64
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from redis.asyncio import Redis as Driver
from sqlalchemy import text
from tests.servers import Databases

from tradingboost.app.migrate.generated import Made, Old
from tradingboost.app.migrate.outcome import Line, Report
from tradingboost.app.migrate.planting import planted
from tradingboost.app.migrate.tools import tools
from tradingboost.app.migrate.work import Options, Tools, Verb, carried_out, mapping_of
from tradingboost.app.schemas import all_schemas, bring_up
from tradingboost.app.settings import Settings
from tradingboost.kit.db import Database
from tradingboost.kit.redis import Redis

FERNET = base64.urlsafe_b64encode(bytes(range(32))).decode()
OTHER = base64.urlsafe_b64encode(bytes(range(32, 64))).decode()


class World:
    """One installation and the old Redis on the same server."""

    def __init__(self, settings: Settings, redis_url: str, stack: AsyncExitStack) -> None:
        self.settings = settings
        self.redis_url = redis_url
        self._stack = stack
        self._opened: tuple[Settings, Tools] | None = None

    async def plant(self, made: Iterable[Made]) -> list[Made]:
        """Write generated keys."""
        redis = Redis(self.redis_url)
        kept = list(made)
        await planted(redis, kept)
        await redis.close()
        return kept

    async def people(self, users: int, *kinds: int) -> list[Made]:
        """Generated people; only those of some kinds, where kinds are named."""
        old = Old(users, 7, FERNET, OTHER)
        return await self.plant(old if not kinds else old.of_kinds(*kinds))

    async def tools(self, step: Callable[[str], None] = lambda _: None, **options: Any) -> Tools:
        """Tools that are opened once a test, as nothing but options and the old tables changes between two runs."""
        if self._opened is None or self._opened[0] is not self.settings:
            self._opened = (self.settings, await self._stack.enter_async_context(tools(self.settings, Options())))
        kept = self._opened[1]
        chosen, mapping = Options(**options), await mapping_of(kept.old, 500)
        return msgspec.structs.replace(kept, step=step, options=chosen, mapping=mapping)

    async def run(self, verb: Verb, step: Callable[[str], None] = lambda _: None, **options: Any) -> Report:
        """One verb from beginning to end; a dry run on tools of its own that cannot write."""
        if options.get("dry_run"):
            async with tools(self.settings, Options(**options), step=step) as reading:
                return await carried_out(reading, verb, asyncio.Event(), lambda *_: None)
        return await carried_out(await self.tools(step, **options), verb, asyncio.Event(), lambda *_: None)

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


@pytest.fixture(scope="session")
def migrated_url(databases: Databases) -> str:
    """One database with all schemas for every test here; each begins by emptying it."""

    async def prepare(url: str) -> None:
        database = Database.open(url)
        await bring_up(database)
        await database.close()

    made: list[str] = []

    async def make() -> None:
        made.append(await databases.prepared("whole", prepare))

    thread = threading.Thread(target=lambda: asyncio.run(make()))
    thread.start()
    thread.join(120)
    return made[0]


@pytest.fixture
async def world(migrated_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[World]:
    await _emptied(migrated_url)
    settings = Settings.model_validate(
        {
            "env": "test",
            "db": {"url": migrated_url},
            "redis": {"url": redis_url},
            "embedded": {"data_dir": tmp_path},
            "crypto": {"legacy_fernet_keys": FERNET},
        }
    )
    async with AsyncExitStack() as stack:
        yield World(settings, redis_url, stack)


async def _emptied(url: str) -> None:
    """DELETE, because TRUNCATE makes every table's files anew, which takes ten times as long for a few rows."""
    emptied = [one for one in all_schemas() if one.name in ("users", "ops", "bus")]
    names = [name for one in emptied for name in one.metadata.tables]
    connection = await asyncpg.connect(url)
    try:
        statements = "; ".join(f"DELETE FROM {name}" for name in names)
        await connection.execute(f"BEGIN; SET LOCAL session_replication_role = replica; {statements}; COMMIT")
    finally:
        await connection.close()
