"""What the stories share."""

import pytest
from tests.servers import FreshDatabase

from tradingboost.app.process import opened
from tradingboost.app.settings import Settings


@pytest.fixture
async def installed(fresh_database: FreshDatabase, redis_url: str) -> tuple[str, str]:
    """(PostgreSQL, Redis) of an installation that was migrated and never used."""

    async def migrate(url: str) -> None:
        async with opened(Settings(), (url, redis_url)):
            return

    return await fresh_database("platform", migrate), redis_url
