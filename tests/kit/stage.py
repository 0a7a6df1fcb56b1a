"""A migrated database, Redis, and events of this suite's own: what the tests of outbox, bus and feeds stand on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from tests.servers import FreshDatabase

from tradingboost.kit.bus import Bus, Listener, Subscription
from tradingboost.kit.db import Database
from tradingboost.kit.drained import drained, unfinished
from tradingboost.kit.migrations import kit_schemas, upgrade
from tradingboost.kit.outbox import Relay, emit
from tradingboost.kit.redis import Redis
from tradingboost.shared.events.envelope import Payload, event


@event("trade.tested")
class Proved(Payload, frozen=True, kw_only=True):
    number: int
    amount: Decimal = Decimal("0.10")


@event("trade.ignored")
class Ignored(Payload, frozen=True, kw_only=True):
    number: int


async def prepare(url: str) -> None:
    opened = Database.open(url)
    try:
        await upgrade(opened, kit_schemas())
    finally:
        await opened.close()


class Stage:
    """One database, one Redis."""

    def __init__(self, database: Database, redis: Redis) -> None:
        self.database = database
        self.redis = redis

    async def tell(self, number: int, *, aggregate: str = "a", key: str = "k") -> None:
        async with self.database.transaction() as connection:
            await emit(connection, Proved(number=number), key=key, aggregate=aggregate)

    @asynccontextmanager
    async def relay(self) -> AsyncIterator[Relay]:
        relay = Relay(self.database, self.redis)
        task = asyncio.create_task(relay.run())
        try:
            yield relay
        finally:
            relay.stop()
            await task

    @asynccontextmanager
    async def bus(self, *subscriptions: Subscription | Listener, **options: float) -> AsyncIterator[Bus]:
        bus = Bus(self.database, self.redis, subscriptions, **options)  # type: ignore[arg-type]
        task = asyncio.create_task(bus.run())
        try:
            yield bus
        finally:
            bus.stop()
            await task

    async def quiet(self) -> None:
        """Wait until nothing is on its way."""
        await until(lambda: drained(self.database, self.redis), lambda: unfinished(self.database, self.redis))


async def until(
    holds: Callable[[], Awaitable[bool]], why_not: Callable[[], Awaitable[object]] | None = None, within_s: float = 15.0
) -> None:
    """Wait for a condition that comes true by itself."""
    try:
        async with asyncio.timeout(within_s):
            while not await holds():  # noqa: ASYNC110 - the servers have no event to wait for
                await asyncio.sleep(0.005)
    except TimeoutError:
        reason = await why_not() if why_not else "the condition"
        raise AssertionError(f"still waiting after {within_s} s for {reason}") from None


@pytest.fixture
async def stage(fresh_database: FreshDatabase, redis_url: str) -> AsyncIterator[Stage]:
    """Everything the bus needs, empty."""
    database = Database.open(await fresh_database("kit", prepare))
    redis = Redis(redis_url)
    yield Stage(database, redis)
    await redis.close()
    await database.close()
