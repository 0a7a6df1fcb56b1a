"""A room for `orders`."""

from collections.abc import AsyncIterator

import pytest
from tests.servers import FreshDatabase
from tests.services.orders.desk import Desk
from tests.services.rooms import Room, room

from tradingboost.kit.clock import FakeClock


@pytest.fixture
async def stage(fresh_database: FreshDatabase, redis_url: str, fake_clock: FakeClock) -> AsyncIterator[Room]:
    async with room(fresh_database, redis_url, fake_clock, "orders") as opened:
        yield opened


@pytest.fixture
async def desk(stage: Room) -> Desk:
    """The money path, compared with the venue and with its symbol claimed."""
    return await Desk(stage).open()
