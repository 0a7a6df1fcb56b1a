"""The watch over the streams."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.servers import FreshDatabase
from tests.services.exchange.stage import ACCOUNT, migrate, serving
from tests.simulator.stage import Venue, open_venue, venue

from tradingboost.core.errors import BrokenInvariant
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.runtime import Life
from tradingboost.services.exchange.service import ExchangeService
from tradingboost.services.exchange.settings import ExchangeSettings
from tradingboost.services.exchange.workers import Workers

__all__ = ["open_venue", "venue"]


@pytest.fixture
async def exchange(fresh_database: FreshDatabase, redis_url: str, venue: Venue) -> AsyncIterator[ExchangeService]:
    async with serving(await fresh_database("exchange", migrate), redis_url, venue) as service:
        await service.connect(ACCOUNT)
        yield service


async def failing(error: Exception) -> None:
    raise error


async def test_a_stream_that_broke_is_opened_again(exchange: ExchangeService) -> None:
    found = exchange.accounts.all()[0]
    await found.stream.stop()
    await found.reading
    stop = asyncio.Event()
    watching = asyncio.create_task(Workers(exchange, ExchangeSettings()).watch(Life(SystemClock(), stop)))
    async with asyncio.timeout(10):
        while not (await exchange.stream_status(ACCOUNT)).healthy:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.02)
    assert exchange.accounts.all()[0] is not found
    stop.set()
    await watching


async def test_a_broken_invariant_in_a_stream_ends_the_process(exchange: ExchangeService) -> None:
    found = exchange.accounts.all()[0]
    await found.stream.stop()
    await found.reading
    found.reading = asyncio.create_task(failing(BrokenInvariant("never", "This can never be.")))
    with pytest.raises(BrokenInvariant):
        await asyncio.wait_for(Workers(exchange, ExchangeSettings()).watch(Life(SystemClock(), asyncio.Event())), 5)
    found.reading = asyncio.create_task(asyncio.sleep(0))
