"""What the tests of `app` share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import delete
from tests.app.planting import PLANTED
from tests.servers import Databases

from tradingboost.app.process import opened
from tradingboost.app.settings import Settings
from tradingboost.kit.db import Database
from tradingboost.kit.embedded import Servers


@pytest.fixture(scope="session")
def kept() -> dict[str, str]:
    """Databases that are filled once and emptied after each test."""
    return {}


@pytest.fixture
async def record(databases: Databases, kept: dict[str, str], embedded_servers: Servers) -> AsyncIterator[Database]:
    """A database with every schema of the platform and not one row."""

    async def migrate(url: str) -> None:
        async with opened(Settings(), (url, embedded_servers.redis_url)):
            return

    if "record" not in kept:
        kept["record"] = await databases.prepared("platform", migrate)
    database = Database.open(kept["record"])
    yield database
    async with database.transaction() as db:
        for table in sorted(PLANTED, key=lambda one: one.name == "app_users"):  # people last: others point to them
            await db.execute(delete(table))
    PLANTED.clear()
    await database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory that does not exist yet."""
    return tmp_path / "data"
