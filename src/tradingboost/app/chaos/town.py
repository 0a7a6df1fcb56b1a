"""A town: an exchange that outlives everything, and an installation that is started on it again and again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy.engine import make_url

from tradingboost.app.chaos.processes import Process, reached, variables
from tradingboost.app.chaos.proxy import Proxy
from tradingboost.app.replay.bars import Bars
from tradingboost.app.replay.driver import VENUE, Driver, Moved
from tradingboost.app.replay.quiet import Quiet
from tradingboost.app.replay.stage import exchange_for, open_part
from tradingboost.app.wiring import Platform
from tradingboost.core.errors import TradingBoostError, Unavailable
from tradingboost.kit.feed import Source
from tradingboost.shared.interfaces.users import Account
from tradingboost.simulator.client import AdminClient
from tradingboost.simulator.simulator import Endpoints
from tradingboost.simulator.stepping import Step

_DYING_S: Final = 5.0
_BREATH_S: Final = 0.3


class Town:
    """One scenario's world.

    Args:
        exchange: how to command it, and where the installation finds it.
        servers: (PostgreSQL, Redis) of its own, migrated.
        folder: where the installation keeps its secrets and its log.
        prefix: in front of its keys in Redis.
        seen: the same servers for us who look on, where the installation has something in between.
    """

    def __init__(
        self,
        bars: Bars,
        exchange: tuple[AdminClient, Endpoints],
        servers: tuple[str, str],
        folder: Path,
        prefix: str,
        *,
        seen: tuple[str, str] | None = None,
    ) -> None:
        self.bars = bars
        self.admin, self.endpoints = exchange
        self._seen = seen or servers
        self._folder = folder
        self._settings = variables(folder, self.endpoints, servers) | {"TB_REDIS__KEY_PREFIX": prefix}
        self.accounts: list[Account] = []
        self.done = 0
        """Bars that were replayed."""

    async def start(self, crash_point: str = "", name: str = "up") -> Process:
        """Start the installation, armed at `name:nth` or not at all; or one process of a split one."""
        armed = {"TB_OPS__CRASH_POINT": crash_point} if crash_point else {}
        words = [name] if name == "up" else ["serve", name]
        return await Process.start(words, self._settings | armed, self._folder)

    @asynccontextmanager
    async def life(self, crash_point: str = "") -> AsyncIterator[tuple[Process, Platform]]:
        """The installation runs while the block does, and is ready at its begin."""
        process = await self.start(crash_point)
        try:
            await process.ready()
            async with self.watched() as platform:
                yield process, platform
        finally:
            await process.kill()

    @asynccontextmanager
    async def behind_a_door(self) -> AsyncIterator[Proxy]:
        """What is started in the block reaches PostgreSQL through a proxy that can be shut; we who look on do not."""
        straight = self._settings
        url = make_url(straight["TB_DB__URL"])
        async with Proxy(url.host or "127.0.0.1", url.port or 5432).running() as door:
            through = url.set(host="127.0.0.1", port=door.port).render_as_string(hide_password=False)
            self._settings = straight | {"TB_DB__URL": through}
            try:
                yield door
            finally:
                self._settings = straight

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[Platform]:
        """The installation as one who looks on and asks reaches it."""
        async with reached(self._settings, self._seen) as platform:
            yield platform

    async def settle_in(self, platform: Platform, wanted: list[tuple[str, dict[str, object]]]) -> None:
        """A user, an account and a run for each of the strategies."""
        for one in wanted:
            part = await open_part(platform, self.admin, self.endpoints, self.bars, one)
            self.accounts.append(part.account)

    def _quiet(self, platform: Platform) -> Quiet:
        source = Source(VENUE, self.bars.instrument.inst_id)
        return Quiet(platform, self.admin, [account.account_id for account in self.accounts], [source])

    async def quiet(self, platform: Platform) -> None:
        """Wait until everything the exchange said has been heard."""
        await self._quiet(platform).wait({one.conn_id: one.sent for one in await self.admin.connections()})

    async def drive(self, platform: Platform, bars: int) -> None:
        """Replay so many bars more (or all there are); the bar that was interrupted is walked again."""

        def moved(_: Moved) -> None:
            self.done += 1
            if self.done >= until:
                stop.set()

        until = self.done + bars
        stop = asyncio.Event()
        rest = msgspec.structs.replace(self.bars, warmup=self.bars.warmup + self.done)
        await Driver(platform, self.admin, self._quiet(platform), rest).run(moved, stop)

    async def walk_alone(self) -> None:
        """The market moves while nobody of ours is there: down and up again by one percent."""
        last = int(self.bars.series.close[self.bars.warmup + max(self.done - 1, 0)])
        for goal in (last * 99 // 100, last * 101 // 100, last):
            step = Step(action="travel", inst=self.bars.instrument.inst_id, px=self.bars.price(goal))
            while (await self.admin.step(step)).stopped:
                continue

    async def wander(self, seconds: float) -> None:
        """The market moves on its own for so long, whoever listens."""
        ends = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < ends:
            await self.walk_alone()
            await asyncio.sleep(_BREATH_S)

    async def print_price(self, px: Decimal) -> None:
        """One trade at the exchange."""
        await self.admin.trade(self.bars.instrument.inst_id, str(px))


@asynccontextmanager
async def town(bars: Bars, servers: tuple[str, str], folder: Path, prefix: str) -> AsyncIterator[Town]:
    """Found a town: the exchange opens, nothing of ours runs yet."""
    async with AsyncExitStack() as stack:
        exchange = await stack.enter_async_context(exchange_for(bars))
        yield Town(bars, exchange, servers, folder, prefix)


async def died_of(process: Process, work: asyncio.Task[None]) -> int | None:
    """Wait until the process dies in the middle of the work; None when the work came to its end and it lives.

    Raises:
        TradingBoostError: the work failed although the process lives.
    """
    dying = asyncio.ensure_future(process.gone())
    try:
        await asyncio.wait({dying, work}, return_when=asyncio.FIRST_COMPLETED)
        if work.done() and not dying.done():  # a call may fail a moment before the death is seen
            await asyncio.wait({dying}, timeout=_DYING_S if work.exception() else 0)
        if dying.done():
            return dying.result()
        failure = work.exception()
        if isinstance(failure, TradingBoostError):
            raise failure
        if failure is not None:
            raise Unavailable("scenario_failed", f"The scenario broke off: {failure!r}; {process.tail()}") from failure
        return None
    finally:
        for task in (work, dying):
            task.cancel()
        await asyncio.gather(work, dying, return_exceptions=True)
