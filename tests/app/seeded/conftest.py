"""A database for seeds."""

from collections.abc import AsyncIterator

import pytest
from tests.servers import FreshDatabase
from tests.services.rooms import schema_of

from tradingboost.kit import migrations
from tradingboost.kit.db import Database


@pytest.fixture
async def ground(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    async def prepare(url: str) -> None:
        opened = Database.open(url)
        try:
            await migrations.upgrade(opened, [*migrations.kit_schemas(), schema_of("orders")])
        finally:
            await opened.close()

    database = Database.open(await fresh_database("orders", prepare))
    yield database
    await database.close()
