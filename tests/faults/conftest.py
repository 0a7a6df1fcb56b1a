"""A venue that fails by rule, a money path that trades there, and a client that does not wait long."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.faults.floor import Floor, floor_at
from tests.servers import FreshDatabase
from tests.simulator.stage import Venue, open_venue, stepped_settings

from tradingboost.venues import okx_ccxt

__all__ = ["open_venue"]
BTC = "BTC-USDT-SWAP"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply that does not come within a second and a half does not come."""
    monkeypatch.setattr(okx_ccxt, "_TIMEOUT_MS", 1_500)


@pytest.fixture
async def venue(open_venue: Any) -> Venue:
    """A stepped exchange with BTC at 42,000, without TLS."""
    made: Venue = await open_venue(stepped_settings(tls=False))
    await made.admin.trade(BTC, "42000", volume="1")
    return made


@pytest.fixture
async def floor(impatient: None, venue: Venue, fresh_database: FreshDatabase, redis_url: str) -> AsyncIterator[Floor]:
    async with floor_at(venue, fresh_database, redis_url) as made:
        yield made
