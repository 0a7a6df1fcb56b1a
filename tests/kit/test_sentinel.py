"""The master dies and another takes over: clients go on by themselves, and no fact is lost."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.kit.sentinels import watched
from tests.kit.stage import Proved, Stage, until

from tradingboost.core.errors import Unavailable
from tradingboost.kit.breaker import BreakerState
from tradingboost.kit.bus import Subscription
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.db import Database
from tradingboost.kit.keys import USER_STATUS
from tradingboost.kit.redis import Redis
from tradingboost.kit.runtime import Life
from tradingboost.shared.events.envelope import Event

DOWN_AFTER_MS = 1000
LIMIT_S = 5.0
USER = {"user_id": "00000000-0000-0000-0000-000000000001"}


class Writer:
    """Writes a counter without rest, as a service does: each write once, an error is passed over."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.written: list[float] = []
        self.errors: set[str] = set()

    async def run(self) -> None:
        loop, number = asyncio.get_running_loop(), 0
        while True:
            number += 1
            try:
                await self.redis.put(USER_STATUS, str(number), **USER)
                self.written.append(loop.time())
            except Unavailable as error:
                self.errors.add(error.code)
            await asyncio.sleep(0.02)

    def since(self, moment: float) -> list[float]:
        return [at for at in self.written if at > moment]


@pytest.mark.slow
async def test_after_the_masters_death_clients_write_again_in_seconds_and_every_fact_is_heard_once(
    kit_database: Database, tmp_path: Path
) -> None:
    heard: list[int] = []

    async def book(_: AsyncConnection, event: Event[Any]) -> None:
        heard.append(event.payload.number)

    async with watched(tmp_path, DOWN_AFTER_MS) as servers:
        settings = servers.settings()
        address = settings.address()
        assert address is not None
        redis, stop, loop = Redis(address, settings), asyncio.Event(), asyncio.get_running_loop()
        stage, writer = Stage(kit_database, redis), Writer(redis)
        following = asyncio.create_task(redis.follow(Life(SystemClock(), stop)))
        writing = asyncio.create_task(writer.run())
        async with stage.relay(), stage.bus(Subscription("positions", "books", {Proved: book}), sweep_s=0.5):
            for number in range(20):
                await stage.tell(number)
            await until(lambda: _told(heard, 20))
            await asyncio.sleep(0.6)  # the watcher has asked once who is master
            killed = loop.time()
            servers.kill_master()
            for number in range(20, 60):
                await stage.tell(number)
            await until(lambda: _some(writer.since(killed + 0.5)))
            outage_s = writer.since(killed + 0.5)[0] - killed
            await until(lambda: _told(heard, 60))
        assert outage_s < LIMIT_S, f"clients wrote again after {outage_s:.1f} s"
        assert heard == list(range(60))
        assert writer.errors == {"redis_down"}
        assert redis.breaker.state is BreakerState.CLOSED, "five failures had opened it for a minute"
        stop.set()
        await following
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await redis.close()


async def test_without_any_sentinel_redis_is_away_and_not_wrong() -> None:
    redis = Redis("sentinel://:p@127.0.0.1:1,127.0.0.1:2/mymaster/0")
    with pytest.raises(Unavailable) as caught:
        await redis.ping()
    assert caught.value.code == "redis_down"
    assert redis.pools.sentinels is not None
    assert await redis.pools.sentinels.master() is None
    await redis.close()


async def _told(heard: list[int], count: int) -> bool:
    return len(heard) >= count


async def _some(written: list[float]) -> bool:
    return bool(written)
