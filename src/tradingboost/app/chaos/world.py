"""A world in which anything between two processes can break: own servers, and a proxy before every one of them."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tradingboost.app.chaos.processes import Process
from tradingboost.app.chaos.proxy import Proxy
from tradingboost.app.chaos.servers import OwnServers, own_servers
from tradingboost.app.chaos.town import Town
from tradingboost.app.process import opened
from tradingboost.app.replay.bars import Bars
from tradingboost.app.replay.stage import exchange_for
from tradingboost.app.settings import Settings
from tradingboost.core.errors import NotFound

PREFIX = "chaos:"


class World:
    """Everything a fault may take hold of.

    Args:
        rest, ws: the proxies before the exchange.
        stack: what lasts until the scenario ends.
        chance: of this scenario; the same seed gives the same draws.
    """

    def __init__(
        self,
        town: Town,
        servers: OwnServers,
        exchange: tuple[Proxy, Proxy],
        stack: AsyncExitStack,
        chance: random.Random,
    ) -> None:
        self.town = town
        self.servers = servers
        self.rest, self.ws = exchange
        self.stack = stack
        self.chance = chance
        self.processes: dict[str, Process] = {}

    @asynccontextmanager
    async def alive(self, names: Sequence[str]) -> AsyncIterator[None]:
        """The installation runs while the block does: `up`, or one process a service."""
        try:
            for name in names:
                self.processes[name] = await self.town.start(name=name)
            await self.ready()
            yield
        finally:
            for process in self.processes.values():
                process.thaw()
                await process.kill()

    async def ready(self) -> None:
        """Wait until every process may get work."""
        for process in self.processes.values():
            await process.ready()

    async def revive(self, name: str) -> None:
        """Start a process again, as a supervisor would."""
        self.processes[name] = await self.town.start(name=name)

    def process(self, name: str) -> Process:
        """One of the processes that run."""
        found = self.processes.get(name)
        if found is None:
            raise NotFound("process_not_running", f"No process {name!r} runs; there are {', '.join(self.processes)}.")
        return found

    async def stop(self) -> dict[str, int]:
        """Ask every process to stop, those first who ask others; how each of them ended."""
        return {name: await process.stop() for name, process in reversed(self.processes.items())}


@asynccontextmanager
async def world(bars: Bars, folder: Path, chance: random.Random) -> AsyncIterator[World]:
    """Found a world: exchange, servers and proxies run, nothing of ours yet."""
    async with AsyncExitStack() as stack:
        admin, endpoints = await stack.enter_async_context(exchange_for(bars))
        rest, ws = [
            await stack.enter_async_context(Proxy(where.hostname or "", where.port or 0).running())
            for where in (urlsplit(endpoints.rest), urlsplit(endpoints.ws))
        ]
        near = msgspec.structs.replace(
            endpoints, rest=f"http://127.0.0.1:{rest.port}", ws=f"ws://127.0.0.1:{ws.port}/ws/v5"
        )
        servers = await stack.enter_async_context(own_servers(folder / "servers"))
        async with opened(Settings(), servers.seen):  # migrated once, so that a split installation starts at once
            place = folder / "installation"
            place.mkdir()
        town = Town(bars, (admin, near), servers.addresses, place, PREFIX, seen=servers.seen)
        made = World(town, servers, (rest, ws), stack, chance)
        yield made
