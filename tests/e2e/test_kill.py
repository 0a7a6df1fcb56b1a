"""`up` dies in the middle of things and comes back on the same data directory; the exchange lives on."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
from tests.e2e import story

from tradingboost.app.chaos.processes import Process, reached, started, variables
from tradingboost.app.chaos.proxy import Moment, Proxy, placing
from tradingboost.app.replay.bars import Bars
from tradingboost.app.replay.driver import Moved
from tradingboost.app.replay.stage import Part, Stage, exchange_for, open_part
from tradingboost.app.wiring import Platform
from tradingboost.kit import embedded
from tradingboost.simulator.client import AdminClient
from tradingboost.simulator.stepping import Step

BARS = 100
READING = {"/api/v5/account/positions", "/api/v5/trade/orders-pending", "/api/v5/trade/fills"}


class Town:
    """An exchange that outlives everything, and an installation that is started on it again and again."""

    def __init__(self, bars: Bars, admin: AdminClient, proxy: Proxy, settings: dict[str, str], folder: Path) -> None:
        self.bars = bars
        self.admin = admin
        self.proxy = proxy
        self.settings = settings
        self.folder = folder
        self.parts: list[Part] = []
        self.done = 0

    @asynccontextmanager
    async def life(self) -> AsyncIterator[tuple[Process, Platform]]:
        """The installation runs while the block does."""
        async with started(["up"], self.settings, self.folder) as (process,):
            servers = await embedded.running(self.folder)
            assert servers is not None, f"up is ready, and its servers are not: {process.tail()}"
            async with reached(self.settings, servers) as platform:
                yield process, platform

    async def drive(self, platform: Platform, until: int) -> None:
        """Replay on to bar `until`; the bar that was interrupted is walked again."""

        def moved(at: Moved) -> None:
            self.done += 1
            if self.done >= until:
                stop.set()

        stop = asyncio.Event()
        rest = msgspec.structs.replace(self.bars, warmup=self.bars.warmup + self.done)
        stage = Stage(platform=platform, admin=self.admin, bars=rest, parts=self.parts)
        await stage.driver().run(moved, stop)

    async def quiet(self, platform: Platform) -> None:
        """Wait until everything the exchange said has been heard."""
        here = Stage(platform=platform, admin=self.admin, bars=self.bars, parts=self.parts)
        await here.quiet().wait({one.conn_id: one.sent for one in await self.admin.connections()})

    async def check(self, platform: Platform) -> None:
        """Come to rest, then hold everything against the exchange."""
        await self.quiet(platform)
        await story.check_sound(platform, self.admin, self.parts)

    async def walk_alone(self) -> None:
        """The market moves while nobody of ours is there: down and up again by one percent."""
        last = int(self.bars.series.close[self.bars.warmup + self.done - 1])
        for goal in (last * 99 // 100, last * 101 // 100, last):
            step = Step(action="travel", inst=self.bars.instrument.inst_id, px=self.bars.price(goal))
            while (await self.admin.step(step)).stopped:
                continue


@asynccontextmanager
async def town(folder: Path) -> AsyncIterator[Town]:
    bars = story.market(BARS)
    async with AsyncExitStack() as stack:
        admin, endpoints = await stack.enter_async_context(exchange_for(bars))
        address = urlsplit(endpoints.rest)
        proxy = Proxy(address.hostname or "", address.port or 0)
        await stack.enter_async_context(proxy.running())
        near = msgspec.structs.replace(endpoints, rest=f"http://127.0.0.1:{proxy.port}")
        made = Town(bars, admin, proxy, variables(folder, near), folder)
        async with made.life() as (process, platform):
            made.parts = [await open_part(platform, admin, near, bars, one) for one in story.wanted(bars)]
            await made.drive(platform, 18)
            assert await process.stop() == 0, process.tail()
        yield made


async def killed_while_driving(
    made: Town, process: Process, platform: Platform, arm: Callable[[Callable[[], Awaitable[None]]], Awaitable[Any]]
) -> None:
    """Drive until what `arm` waits for has killed the process."""
    driving = asyncio.create_task(made.drive(platform, BARS))
    killing = asyncio.ensure_future(arm(process.kill))
    async with asyncio.timeout(60):
        await asyncio.wait({driving, killing}, return_when=asyncio.FIRST_COMPLETED)
    assert not driving.done(), f"the drive ended before the kill: {driving!r}"
    await killing
    driving.cancel()
    await asyncio.gather(driving, return_exceptions=True)


async def requests_since(admin: AdminClient, total: int) -> list[tuple[str, str]]:
    found = await admin.requests(limit=5000)
    rows = found["requests"][-(found["total"] - total) :]
    return [(row["method"], row["target"].partition("?")[0]) for row in rows]


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_killed_platform_comes_back_compares_and_goes_on(tmp_path: Path) -> None:
    chance = random.Random(20261121)

    async def at_any_time(kill: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(chance.uniform(0.5, 1.5))
        await kill()

    def at(moment: Moment) -> Callable[[Callable[[], Awaitable[None]]], Awaitable[Any]]:
        nth = chance.randint(1, 4)
        return lambda kill: made.proxy.catch(placing(kill, nth=nth, moment=moment)).sprung.wait()

    async with town(tmp_path) as made:
        before: int | None = None
        for arm in (at(Moment.UNSENT), at(Moment.UNANSWERED), at_any_time, None):
            async with made.life() as (process, platform):
                if before is not None:
                    await check_read_first(made.admin, before)
                await made.check(platform)
                if arm is None:
                    await made.drive(platform, made.done + 10)
                    await made.check(platform)
                    assert await process.stop() == 0, process.tail()
                else:
                    await killed_while_driving(made, process, platform, arm)
            before = (await made.admin.requests(limit=1))["total"]
            await made.walk_alone()
        await check_left_in_order(tmp_path)


async def check_read_first(admin: AdminClient, before: int) -> None:
    """A new life reads the venue before it sends it anything."""
    asked = await requests_since(admin, before)
    sending = next((k for k, (method, path) in enumerate(asked) if method == "POST" and "/trade/" in path), None)
    assert {path for _, path in asked[:sending]} >= READING, "something was sent before the venue had been read"


async def check_left_in_order(folder: Path) -> None:
    """After a graceful end nothing waits in the database, and nobody holds a lease."""
    async with embedded.servers(folder) as left:
        connection = await asyncpg.connect(left.db_url)
        try:
            assert await connection.fetch("SELECT resource FROM ops.leases WHERE expires_at > clock_timestamp()") == []
            assert await connection.fetch("SELECT event_id FROM bus.outbox WHERE published_at IS NULL") == []
            assert await connection.fetch("SELECT run_id FROM strategy.wishes WHERE done_at IS NULL") == []
            assert await connection.fetch("SELECT saga_id FROM orders.sagas WHERE state = 'PARKED'") == []
        finally:
            await connection.close()
