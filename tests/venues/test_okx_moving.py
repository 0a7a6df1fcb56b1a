"""A service upgrade (notice 64008): the next connection is complete before the first one is let go."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tests.simulator.stage import BTC, Venue, open_venue, stepped_settings
from tests.venues.stage import OWNER, Heard, placing, soon

from tradingboost.kit.clock import SystemClock
from tradingboost.venues.base import Endpoint, Keys, PrivateStream, TradingVenue
from tradingboost.venues.catalogue import Venues

__all__ = ["open_venue"]
KEYS = Keys(api_key="demo-key", secret="demo-secret", passphrase="demo-pass")


@pytest.fixture
async def venue(open_venue: Callable[..., Any]) -> Venue:
    made: Venue = await open_venue(stepped_settings(tls=False))
    await made.admin.trade(BTC, "42000", volume="1")
    return made


@pytest.fixture
async def account(venue: Venue) -> AsyncIterator[TradingVenue]:
    venues = Venues(SystemClock(), {OWNER.venue: Endpoint(rest=venue.at.rest, ws=venue.at.ws)})
    made = venues.account(OWNER, KEYS, Endpoint(), "last")
    await made.open()
    yield made
    await made.close()
    await venues.close()


async def watched(stream: PrivateStream, until: Callable[[], bool]) -> bool:
    """Whether the stream was healthy all the time until something came true."""
    always = stream.healthy
    async with asyncio.timeout(10):
        while not until():
            await asyncio.sleep(0.002)
            always = always and stream.healthy
    return always


async def test_a_stream_moves_to_another_connection_without_a_moment_of_deafness(
    venue: Venue, account: TradingVenue
) -> None:
    heard = Heard()
    stream = account.stream(heard)
    reading = asyncio.create_task(stream.run())
    await stream.ready()
    first = set(stream.frames())
    await venue.admin.add_fault({"name": "ws", "x": "notice", "ms": 60_000}, match={})
    await account.place(placing("SAONE"), soon())
    assert await watched(stream, lambda: bool(heard.resyncs) and not first & set(stream.frames()))
    assert heard.resyncs == ["the venue moved the connection"]
    await account.place(placing("SATWO"), soon())
    assert await watched(stream, lambda: any(one.client_order_id == "SATWO" for one in heard.fills))
    assert {one.client_order_id for one in heard.fills} == {"SAONE", "SATWO"}
    live = {one.conn_id for one in await venue.admin.connections()}
    assert live == set(stream.frames())  # the first one is closed
    await stream.stop()
    await reading


async def test_a_move_that_fails_ends_as_any_lost_stream(venue: Venue, account: TradingVenue) -> None:
    heard = Heard()
    stream = account.stream(heard)
    reading = asyncio.create_task(stream.run())
    await stream.ready()
    await venue.admin.add_fault({"name": "ws", "x": "refuse_login", "code": "60011"}, match={}, when={"count": 1})
    await venue.admin.add_fault({"name": "ws", "x": "notice", "ms": 100}, match={})
    async with asyncio.timeout(20):
        while not heard.resyncs or not stream.healthy:  # noqa: ASYNC110 - as somebody who looks
            await asyncio.sleep(0.01)
    await account.place(placing("SAONE"), soon())
    await heard.until(lambda: bool(heard.fills))
    await stream.stop()
    await reading
