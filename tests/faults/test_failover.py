"""A replica that missed what Redis had acknowledged takes over: the outbox fills the gap (F34)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.kit.stage import Proved, Stage, until

from tradingboost.app.chaos.proxy import Proxy, Way
from tradingboost.app.chaos.servers import Replica, at_port, client, replica
from tradingboost.kit.bus import Subscription
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.db import Database
from tradingboost.kit.embedded.directory import DataDirectory
from tradingboost.kit.embedded.redis import RedisServer
from tradingboost.kit.keys import EVENTS
from tradingboost.kit.redis import Redis
from tradingboost.kit.tables import outbox
from tradingboost.shared.events.envelope import Event

BEFORE, LOST, AFTER = 20, 30, 10
OBJECTIVE_S = 10.0


class Pair:
    """Two Redis, the second a copy of the first, and one door to whichever is the server now."""

    def __init__(self, first: RedisServer, second: Replica, door: Proxy) -> None:
        self.first, self.second, self.door = first, second, door

    async def fail_over(self) -> None:
        """The first dies, and the second knows only what it had heard."""
        await self.first.stop()
        await self.second.promote(urlsplit(self.first.url(0)).password or "")
        self.door.turn_to("127.0.0.1", self.second.port)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    clock = SystemClock()
    directory = await DataDirectory.open(tmp_path / "first", clock)
    server = RedisServer(directory, clock)
    await server.start()
    door = Proxy("127.0.0.1", urlsplit(server.url(0)).port or 0)
    async with replica(tmp_path / "second", server.url(0)) as second, door.running():
        yield Pair(server, second, door)
    await server.stop()
    directory.close()


async def test_f34_events_that_a_failover_lost_are_heard_once_each_from_the_outbox(
    kit_database: Database, pair: Pair
) -> None:
    heard: list[int] = []
    slow = asyncio.Event()
    slow.set()

    async def book(_: AsyncConnection, event: Event[Any]) -> None:
        await slow.wait()
        heard.append(event.payload.number)

    redis = Redis(at_port(pair.first.url(0), pair.door.port))
    stage = Stage(kit_database, redis)
    async with stage.relay(), stage.bus(Subscription("positions", "books", {Proved: book})):
        for number in range(BEFORE):
            await stage.tell(number)
        await stage.quiet()
        pair.second.line.blackhole(Way.BACK)
        slow.clear()
        for number in range(BEFORE, BEFORE + LOST):
            await stage.tell(number)
        await until(lambda: _all_published(kit_database))
        stream = redis.key(EVENTS, context="positions")
        assert await _entries(pair.first.url(0), stream) == BEFORE + LOST, "Redis had acknowledged every one"
        await pair.fail_over()
        kept = await _entries(at_port(pair.first.url(0), pair.second.port), stream)
        assert kept < BEFORE + LOST, "nothing was lost, so nothing is shown"
        slow.set()
        began = asyncio.get_running_loop().time()
        await until(lambda: _is(heard, BEFORE + LOST), within_s=OBJECTIVE_S)
        assert asyncio.get_running_loop().time() - began < OBJECTIVE_S
        for number in range(BEFORE + LOST, BEFORE + LOST + AFTER):
            await stage.tell(number)
        await until(lambda: _is(heard, BEFORE + LOST + AFTER))  # who asks Redis now may meet a line that is still cut
    await redis.close()
    assert heard == list(range(BEFORE + LOST + AFTER))


async def _entries(url: str, stream: str) -> int:
    async with client(url) as opened:
        return int(await opened.transport.xlen(stream))


async def _is(heard: list[int], count: int) -> bool:
    return len(heard) >= count


async def _all_published(database: Database) -> bool:
    async with database.read() as connection:
        statement = select(func.count()).select_from(outbox).where(outbox.c.published_at.is_(None))
        return (await connection.execute(statement)).scalar_one() == 0
