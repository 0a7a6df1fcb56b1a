"""The simulator's fixtures for the tests of faults, and a ccxt that is in a hurry."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.simulator.faults.bench import quick_client
from tests.simulator.stage import Venue, open_venue, stepped_settings

__all__ = ["open_venue"]


@pytest.fixture
async def venue(open_venue: Any) -> Venue:
    """A stepped exchange with BTC at 42,000, without TLS."""
    made: Venue = await open_venue(stepped_settings(tls=False))
    await made.admin.trade("BTC-USDT-SWAP", "42000", volume="1")
    return made


@pytest.fixture
async def quick(venue: Venue) -> AsyncIterator[Any]:
    """ccxt that loaded its markets and waits 300 ms for an answer."""
    async with quick_client(venue) as client:
        await client.load_markets()
        client.timeout = 300
        yield client
