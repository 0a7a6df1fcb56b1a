"""A consumer that takes five seconds an event: orders are as quick as without it, and none of them is merged (F43)."""

import asyncio
import statistics
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from tests.builders import BTC, D
from tests.faults.floor import Floor

from tradingboost.core.ids import Venue
from tradingboost.kit.bus import Bus, Subscription
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.feed import FeedReader, FeedWriter, Source
from tradingboost.kit.outbox import Relay
from tradingboost.shared.events.envelope import Event
from tradingboost.shared.events.market import Ticked
from tradingboost.shared.events.orders import OrderAccepted

OKX = Venue("okx")
FEW = 8
AN_EVENT_S = 5.0


async def latencies_s(floor: Floor, slots: str) -> list[float]:
    """How long orders take from the wish to the stored answer."""
    clock, taken = SystemClock(), []
    for number in range(FEW):
        begun = clock.monotonic()
        assert (await floor.submit(f"{slots}:{number}", price=D(40_000 - number))).state == "OPEN"
        taken.append(clock.monotonic() - begun)
    return taken


class Slow:
    """Takes its time with each event, until it is let go."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.busy = asyncio.Event()
        self.let_go = asyncio.Event()

    async def hear(self, db: AsyncConnection, event: Event[Any]) -> None:
        self.busy.set()
        try:
            async with asyncio.timeout(AN_EVENT_S):
                await self.let_go.wait()
        except TimeoutError:
            return
        finally:
            self.seen.append(event.payload.slot)


async def test_f43_a_consumer_of_five_seconds_an_event_slows_no_order_and_misses_none(floor: Floor) -> None:
    slow, room = Slow(), floor.room
    relay = Relay(room.db, room.redis)
    bus = Bus(room.db, room.redis, [Subscription("orders", "analytics", {OrderAccepted: slow.hear})], instance="slow")
    without = await latencies_s(floor, "buy")
    running = [asyncio.create_task(relay.run()), asyncio.create_task(bus.run())]
    await asyncio.wait_for(slow.busy.wait(), 10)
    beside = await latencies_s(floor, "add")
    assert statistics.median(beside) < 2 * statistics.median(without) + 0.05
    assert len(slow.seen) <= 1  # all that while it worked on its first events
    slow.let_go.set()
    async with asyncio.timeout(20):
        while len(slow.seen) < 2 * FEW:  # noqa: ASYNC110 - the bus has no event to wait for
            await asyncio.sleep(0.01)
    assert slow.seen == [f"{slots}:{number}" for slots in ("buy", "add") for number in range(FEW)]
    relay.stop()
    bus.stop()
    await asyncio.gather(*running)


async def test_f43_a_slow_reader_of_prices_gets_the_newest_and_no_queue(floor: Floor) -> None:
    redis, source = floor.room.redis, Source(OKX, BTC)
    writer, reader = FeedWriter(redis), FeedReader(redis, Ticked, [source])
    await reader.start()

    async def publish(first: int, last: int) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        ticks = [Ticked(venue=OKX, symbol=BTC, at=at, last=D(px), mark=D(px)) for px in range(first, last)]
        await writer.publish([(source, tick) for tick in ticks])

    await publish(1, 2)
    assert (await reader.read())[source].last == D(1)
    await publish(2, 500)  # while it is busy with the first
    assert (await reader.read())[source].last == D(499)
    assert await reader.read() == {}
