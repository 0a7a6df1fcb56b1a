"""A room for `users`."""

from collections.abc import AsyncIterator

import pytest
from tests.servers import FreshDatabase
from tests.services.rooms import Room, room
from tests.services.users.login_desk import Desk

from tradingboost.kit.clock import FakeClock


@pytest.fixture
async def stage(fresh_database: FreshDatabase, redis_url: str, fake_clock: FakeClock) -> AsyncIterator[Room]:
    async with room(fresh_database, redis_url, fake_clock, "users") as opened:
        yield opened


@pytest.fixture
def desk(stage: Room) -> Desk:
    """People who log in."""
    return Desk(stage)
