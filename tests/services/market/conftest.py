"""A room for `market`."""

from collections.abc import AsyncIterator

import pytest
from tests.builders import VENUE
from tests.servers import FreshDatabase
from tests.services.market.venue import FakeFeed, FakeVenue
from tests.services.rooms import Room, room

from tradingboost.kit.clock import FakeClock
from tradingboost.services.market.service import MarketService


@pytest.fixture
async def stage(fresh_database: FreshDatabase, redis_url: str, fake_clock: FakeClock) -> AsyncIterator[Room]:
    async with room(fresh_database, redis_url, fake_clock, "market") as opened:
        yield opened


@pytest.fixture
def venue() -> FakeVenue:
    return FakeVenue()


@pytest.fixture
def market(stage: Room, venue: FakeVenue) -> MarketService:
    return MarketService(stage.context(), {VENUE: venue})


@pytest.fixture
def feed(market: MarketService, venue: FakeVenue) -> FakeFeed:
    """The stream `market` listens to."""
    return venue.feeds[0]
