"""A candle channel that falls silent: a close is the venue's word and nothing else (F29)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.servers import FreshDatabase
from tests.services.exchange.stage import BTC, OKX
from tests.services.rooms import Room, room
from tests.simulator.stage import START_MS, Venue

from tradingboost.core.market import Timeframe
from tradingboost.kit.clock import FakeClock, SystemClock
from tradingboost.services.market.service import MarketService
from tradingboost.shared.events.market import CandleClosed
from tradingboost.venues.base import Endpoint
from tradingboost.venues.catalogue import Venues

M1 = Timeframe.M1
START = datetime.fromtimestamp(START_MS / 1000, UTC)


@pytest.fixture
async def stage(fresh_database: FreshDatabase, redis_url: str) -> AsyncIterator[Room]:
    async with room(fresh_database, redis_url, FakeClock(), "market") as opened:
        yield opened


@pytest.fixture
async def market(stage: Room, venue: Venue) -> AsyncIterator[MarketService]:
    """A market service that listens to the simulated exchange."""
    venues = Venues(SystemClock(), {OKX: Endpoint(rest=venue.at.rest, ws=venue.at.ws)})
    service = MarketService(stage.context(), venues.publics())
    feed = service.feeds[OKX]
    reading = asyncio.create_task(feed.run())
    yield service
    await feed.stop()
    await reading
    await venues.close()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - as somebody who looks, without a hook in the service
            await asyncio.sleep(0.01)


async def priced(market: MarketService, venue: Venue, px: str, at: timedelta) -> None:
    """A trade at a moment of market time, heard of."""
    await venue.admin.advance(START_MS + round(at.total_seconds() * 1000))
    await venue.admin.trade(BTC, px, volume="1")
    await until(lambda: (tick := market._newest.get((OKX, BTC))) is not None and f"{tick.last:f}" == px)


async def closes(stage: Room) -> list[tuple[int, str]]:
    """Minute and close of every candle that was told."""
    told = [one for one in await stage.told(CandleClosed) if isinstance(one, CandleClosed)]
    return [(round((one.open_at - START) / M1.length), f"{one.close:f}") for one in told]


async def test_f29_with_the_candle_feed_stalled_at_half_a_bar_a_close_is_fetched_and_never_concluded(
    market: MarketService, venue: Venue, stage: Room
) -> None:
    await market.watch(OKX, BTC, M1)
    await priced(market, venue, "42010", timedelta(seconds=5))
    assert await market.fetch_late() == 0
    await priced(market, venue, "42100", timedelta(seconds=61))
    await until(lambda: market._closes[OKX, BTC, M1] == START + M1.length)
    assert await closes(stage) == [(0, "42010")]

    await priced(market, venue, "42150", timedelta(seconds=90))
    await venue.admin.add_fault("candle(stall)", match={})  # half of the bar was seen, its price moves on
    await priced(market, venue, "42200", timedelta(seconds=110))
    await priced(market, venue, "42300", timedelta(seconds=125))
    assert await market.fetch_late() == 0
    assert await closes(stage) == [(0, "42010")]  # its time is over, and nobody has confirmed what it closed at

    await priced(market, venue, "42400", timedelta(seconds=131))
    assert await market.fetch_late() == 1  # asked, the venue says what it was
    assert await closes(stage) == [(0, "42010"), (1, "42200")]
    assert await market.fetch_late() == 0

    await venue.admin.heal()
    await priced(market, venue, "42500", timedelta(seconds=181))
    await until(lambda: market._closes[OKX, BTC, M1] == START + 3 * M1.length)
    assert await closes(stage) == [(0, "42010"), (1, "42200"), (2, "42400")]  # each once
