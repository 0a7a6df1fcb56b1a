"""What the scenarios of this folder share."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.servers import FreshDatabase

from tradingboost.app.chaos import campaign
from tradingboost.app.chaos.plans import Plan
from tradingboost.app.chaos.scenario import Outcome
from tradingboost.app.process import opened
from tradingboost.app.settings import Settings
from tradingboost.kit.clock import SystemClock

Play = Callable[[Plan], Awaitable[Outcome]]


@pytest.fixture
async def play(fresh_database: FreshDatabase, redis_url: str, tmp_path: Path) -> Play:
    """Play one plan on a database and keys of its own."""

    async def migrate(url: str) -> None:
        async with opened(Settings(), (url, redis_url)):
            return

    database = await fresh_database("platform", migrate)

    async def play(plan: Plan) -> Outcome:
        return await campaign.one(((database, redis_url), tmp_path, "chaos:"), plan, SystemClock())

    return play
