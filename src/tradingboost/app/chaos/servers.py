"""PostgreSQL and Redis of one scenario: they die, freeze, forget and fail over, and nobody but us starts them again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from tradingboost.app.chaos.proxy import Proxy
from tradingboost.core.errors import Unavailable
from tradingboost.kit.clock import Clock, SystemClock
from tradingboost.kit.embedded import Cluster
from tradingboost.kit.embedded.directory import DataDirectory
from tradingboost.kit.embedded.process import Child
from tradingboost.kit.embedded.redis import RedisServer
from tradingboost.kit.redis import Redis

_PROC: Final = Path("/proc")
_FOLLOWS_S: Final = 20.0


class OwnServers:
    """Both servers, each behind a proxy.

    Args:
        postgres, redis: the proxies.
    """

    def __init__(self, cluster: Cluster, postgres: Proxy, redis: Proxy) -> None:
        self.cluster = cluster
        self.postgres, self.redis = postgres, redis

    @property
    def addresses(self) -> tuple[str, str]:
        """(PostgreSQL, Redis) as the platform reaches them: through the proxies."""
        found = self.cluster.servers
        return (
            make_url(found.db_url).set(port=self.postgres.port).render_as_string(hide_password=False),
            at_port(found.redis_url, self.redis.port),
        )

    @property
    def seen(self) -> tuple[str, str]:
        """The same for whoever looks on: PostgreSQL itself, and whichever Redis answers now."""
        return self.cluster.servers.db_url, self.addresses[1]

    async def start_postgres(self) -> None:
        """Start it again, at whichever port it finds."""
        await self.cluster.postgres.start()
        self._found(self.postgres, make_url(self.cluster.servers.db_url).port)

    async def start_redis(self) -> None:
        """Start it again, at whichever port it finds."""
        await self.cluster.redis.start()
        self._found(self.redis, urlsplit(self.cluster.servers.redis_url).port)

    @staticmethod
    def _found(proxy: Proxy, port: int | None) -> None:
        if port is not None and port != proxy.target_port:
            proxy.turn_to("127.0.0.1", port)

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[Redis]:
        """A client of the Redis that answers now."""
        async with client(self.seen[1]) as opened:
            yield opened


@asynccontextmanager
async def own_servers(folder: Path) -> AsyncIterator[OwnServers]:
    """Servers for one scenario, with nothing in them."""
    async with AsyncExitStack() as stack:
        cluster = await Cluster.start(folder)  # durable: what it has acknowledged it keeps when it is killed
        stack.push_async_callback(cluster.stop)
        found = cluster.servers
        ports = [make_url(found.db_url).port or 0, urlsplit(found.redis_url).port or 0]
        proxies = [await stack.enter_async_context(Proxy("127.0.0.1", port).running()) for port in ports]
        yield OwnServers(cluster, *proxies)


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Redis]:
    """A client of our own for as long as the block lasts."""
    opened = Redis(url)
    try:
        yield opened
    finally:
        await opened.close()


class Replica:
    """A second Redis that copies the first one through a proxy which can go deaf.

    A replica that is only stopped loses nothing, because what was sent waits in socket buffers; bytes have to vanish.
    """

    def __init__(self, server: RedisServer, line: Proxy) -> None:
        self.server = server
        self.line = line

    @property
    def url(self) -> str:
        """Where it answers, with the password it shares with the first."""
        return self.server.url(0)

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.url).port or 0

    async def promote(self, password: str) -> None:
        """It follows nobody any more and lets in whoever the first one let in."""
        async with client(self.url) as opened:
            await opened.transport.replicaof("NO", "ONE")
            await opened.transport.config_set("requirepass", password)


@asynccontextmanager
async def replica(folder: Path, primary_url: str, clock: Clock | None = None) -> AsyncIterator[Replica]:
    """A replica that has copied everything so far."""
    clock = clock or SystemClock()
    primary = urlsplit(primary_url)
    async with AsyncExitStack() as stack:
        directory = await DataDirectory.open(folder, clock)
        stack.callback(directory.close)
        server = RedisServer(directory, clock)
        await server.start()
        stack.push_async_callback(server.stop)
        line = await stack.enter_async_context(Proxy("127.0.0.1", primary.port or 0).running())
        made = Replica(server, line)
        async with client(made.url) as opened:
            await opened.transport.config_set("masterauth", primary.password or "")
            await opened.transport.replicaof("127.0.0.1", line.port)
            await _followed(opened, clock)
        yield made


async def _followed(opened: Redis, clock: Clock) -> None:
    """Wait for the first copy."""
    until = clock.monotonic() + _FOLLOWS_S
    while clock.monotonic() < until:
        if (await opened.transport.info("replication")).get("master_link_status") == "up":
            return
        await asyncio.sleep(0.05)
    raise Unavailable("replica_not_following", f"The replica did not follow within {_FOLLOWS_S:.0f} s; read its log.")


def at_port(url: str, port: int) -> str:
    """An address of a Redis, with another port."""
    found = urlsplit(url)
    return found._replace(netloc=f"{found.netloc.rpartition(':')[0]}:{port}").geturl()


async def kill(child: Child | None) -> None:
    """SIGKILL to a server and everything it has started, until it is gone."""
    strike(child, signal.SIGKILL)
    while child is not None and child.running:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.01)


def strike(child: Child | None, number: signal.Signals) -> None:
    """Send a signal to a server and to everything it has started: a frozen postmaster alone freezes nobody."""
    if child is None:
        raise Unavailable("server_not_started", "The server does not run, so nothing can happen to it; start it first.")
    for pid in family(child.pid):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def family(pid: int) -> list[int]:
    """A process and its descendants, parents first; itself alone where the system cannot tell."""
    children: dict[int, list[int]] = {}
    for stat in _PROC.glob("[0-9]*/stat"):
        try:
            words = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        children.setdefault(int(words[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found
