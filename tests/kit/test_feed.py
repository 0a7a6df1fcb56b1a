"""kit.feed on a real Redis."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from tests.kit.stage import Stage, stage, until

from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import Symbol, Venue
from tradingboost.kit.feed import FeedReader, FeedWriter, Source, newest
from tradingboost.kit.keys import MARKET_TICKS
from tradingboost.kit.redis import Redis
from tradingboost.shared.events.market import Ticked

__all__ = ["stage"]

BTC, ETH = Source("okx", "BTC-USDT-SWAP"), Source("okx", "ETH-USDT-SWAP")


def tick(source: Source, last: int) -> tuple[Source, Ticked]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    price = Decimal(last)
    return source, Ticked(venue=Venue(source.venue), symbol=Symbol(source.symbol), at=at, last=price, mark=price)


def reader(stage: Stage) -> FeedReader[Ticked]:
    return FeedReader(stage.redis, Ticked, [BTC, ETH])


async def test_a_reader_gets_the_newest_of_each_and_skips_what_is_older(stage: Stage) -> None:
    read = reader(stage)
    await read.start()
    await FeedWriter(stage.redis).publish([tick(BTC, 1), tick(ETH, 5), tick(BTC, 2), tick(BTC, 3)])
    news = await read.read()
    assert {source: value.last for source, value in news.items()} == {BTC: Decimal(3), ETH: Decimal(5)}


async def test_what_was_published_before_the_reader_came_is_past(stage: Stage) -> None:
    writer, read = FeedWriter(stage.redis), reader(stage)
    await writer.publish([tick(BTC, 1)])
    await read.start()
    await writer.publish([tick(ETH, 2)])
    assert set(await read.read()) == {ETH}


async def test_the_position_is_that_of_handled_values(stage: Stage) -> None:
    writer, read = FeedWriter(stage.redis), reader(stage)
    await read.start()
    (first,) = await writer.publish([tick(BTC, 1)])
    await read.read()
    assert read.position().get(BTC) != first

    async def handled() -> bool:
        return read.position().get(BTC) == first

    waiting = asyncio.create_task(read.read())
    await until(handled)
    (second,) = await writer.publish([tick(BTC, 2)])
    await waiting
    assert read.position()[BTC] == first != second
    assert await newest(stage.redis, [BTC, ETH]) == {BTC: second}


async def test_iterating_goes_on_after_redis_lost_everything(stage: Stage) -> None:
    writer, got = FeedWriter(stage.redis), []

    async def collect() -> None:
        async for _, value in reader(stage):
            got.append(int(value.last))

    async def reached(number: int) -> bool:
        await writer.publish([tick(BTC, number)])
        return number in got

    task = asyncio.create_task(collect())
    await until(lambda: reached(1))
    async with stage.redis.context() as client:
        await client.flushall()
    await until(lambda: reached(2))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_feed_stays_short(stage: Stage) -> None:
    writer = FeedWriter(stage.redis)
    for start in range(0, 12_000, 1000):
        await writer.publish([tick(BTC, start + n) for n in range(1000)])
    async with stage.redis.context() as client:
        length = await client.xlen(MARKET_TICKS.build(exchange=BTC.venue, symbol=BTC.symbol))
    assert 10_000 <= length < 10_200


async def test_a_feed_without_redis_says_so() -> None:
    away = Redis("redis://127.0.0.1:1/0")
    with pytest.raises(Unavailable) as caught:
        await FeedWriter(away).publish([tick(BTC, 1)])
    assert caught.value.code == "redis_down"
    await away.close()
