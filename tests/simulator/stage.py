"""A running simulator on free loopback ports, its admin client, and unmodified clients pointed at it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ccxt.async_support
import ccxt.pro
import pytest

from tradingboost.simulator.client import AdminClient
from tradingboost.simulator.settings import AccountSettings, MarketSource, SimulatorSettings, free_ports
from tradingboost.simulator.simulator import Endpoints, Simulator

BTC = "BTC-USDT-SWAP"
SYMBOL = "BTC/USDT:USDT"
KEY, SECRET, PASSPHRASE = "demo-key", "demo-secret", "demo-pass"
START_MS = 1_767_225_600_000


@dataclass
class Venue:
    """A running simulator with its admin client."""

    simulator: Simulator
    at: Endpoints
    admin: AdminClient

    def ccxt_config(self) -> dict[str, Any]:
        return {
            "apiKey": KEY,
            "secret": SECRET,
            "password": PASSPHRASE,
            "urls": {"api": {"rest": self.at.rest, "ws": self.at.ws}},
            "options": {"defaultType": "swap"},
            "timeout": 10_000,
        }


async def listening(venue: Venue, channel: str) -> None:
    """Until some connection has subscribed to a channel."""
    for _ in range(500):
        known = [arg["channel"] for one in await venue.admin.connections() for arg in one.subscriptions]
        if channel in known:
            return
        await asyncio.sleep(0.01)  # the client subscribes in its own time
    raise AssertionError(f"nobody subscribed to {channel}")


def stepped_settings(**changes: Any) -> SimulatorSettings:
    """A stepped exchange whose takers fill at once against a flat book without slippage."""
    base: dict[str, Any] = {
        "clock": "stepped",
        "policy": {"taker_fill": "at_once", "slippage_ppm": 0},
        "accounts": (AccountSettings(balances={"USDT": Decimal(10_000), "BTC": Decimal(1)}),),
    }
    return free_ports(**{**base, **changes})


@pytest.fixture
async def open_venue() -> AsyncIterator[Callable[..., Any]]:
    """Opens a venue with given settings; closed at the end of the test."""
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:

        async def opened(settings: SimulatorSettings) -> Venue:
            simulator = Simulator(settings)
            at = await stack.enter_async_context(simulator.running())
            admin = await stack.enter_async_context(AdminClient(at.admin, at.admin_token))
            return Venue(simulator, at, admin)

        yield opened


@pytest.fixture
async def venue(open_venue: Callable[..., Any]) -> Venue:
    """A stepped exchange with BTC at 42,000."""
    made: Venue = await open_venue(stepped_settings())
    await made.admin.trade(BTC, "42000", volume="1")
    return made


@pytest.fixture
async def live_venue(open_venue: Callable[..., Any]) -> Venue:
    """An exchange whose synthetic market runs by itself, quickly."""
    markets = (MarketSource(inst=BTC, every_ms=50, history_bars=200),)
    made: Venue = await open_venue(free_ports(markets=markets))
    return made


@pytest.fixture
async def okx(venue: Venue) -> AsyncIterator[Any]:
    """An unmodified ccxt REST client of `venue`."""
    client = ccxt.async_support.okx(venue.ccxt_config())
    yield client
    await client.close()


@pytest.fixture
async def okx_pro(venue: Venue) -> AsyncIterator[Any]:
    """An unmodified ccxt.pro client of `venue`."""
    client = ccxt.pro.okx(venue.ccxt_config())
    yield client
    await client.close()
