"""PostgreSQL and Redis as child processes, so that nothing has to be installed or started by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from tradingboost.core.errors import TradingBoostError
from tradingboost.kit.clock import Clock, SystemClock
from tradingboost.kit.embedded.directory import DataDirectory, default_data_dir
from tradingboost.kit.embedded.forgetting import forget
from tradingboost.kit.embedded.postgres import PostgresServer
from tradingboost.kit.embedded.redis import RedisServer
from tradingboost.kit.embedded.running import running

__all__ = ["Cluster", "Servers", "default_data_dir", "forget", "running", "servers"]

_log = structlog.get_logger(__name__)
_WATCH_S = 0.2
_RESTART_PAUSES_S = (0.0, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers listen; the addresses hold passwords, so they are not part of the repr."""

    db_url: str
    redis_url: str
    jobs_redis_url: str
    postgres_pid: int
    redis_pid: int

    def __repr__(self) -> str:
        return f"Servers(postgres_pid={self.postgres_pid}, redis_pid={self.redis_pid})"


class Cluster:
    """Both servers in one locked data directory, without supervision; `servers` is what programs use."""

    def __init__(self, directory: DataDirectory, postgres: PostgresServer, redis: RedisServer, clock: Clock) -> None:
        self.directory = directory
        self.postgres = postgres
        self.redis = redis
        self._clock = clock

    @classmethod
    async def start(
        cls, data_dir: Path, *, durable: bool = True, namespaces: bool | None = None, clock: Clock | None = None
    ) -> "Cluster":
        """Start both servers.

        Raises:
            InvalidInput: the directory cannot be written or belongs to another PostgreSQL version.
            Conflict: another launcher uses the directory.
            Unavailable: a program is missing or a server does not start.
        """
        clock = clock or SystemClock()
        directory = await DataDirectory.open(data_dir, clock)
        try:
            postgres = PostgresServer(directory, clock, durable=durable, namespaces=namespaces)
            cluster = cls(directory, postgres, RedisServer(directory, clock), clock)
        except BaseException:
            directory.close()
            raise
        try:
            await postgres.start()
            await cluster.redis.start()
        except BaseException:
            await cluster.stop()
            raise
        return cluster

    @property
    def servers(self) -> Servers:
        """The present addresses; they stay the same over restarts unless a port was taken meanwhile."""
        pids = [server.child.pid if server.child else 0 for server in (self.postgres, self.redis)]
        return Servers(self.postgres.url, self.redis.url(0), self.redis.url(1), *pids)

    async def stop(self) -> None:
        """Stop Redis, then PostgreSQL, and give the directory back."""
        try:
            await self.redis.stop()
        finally:
            try:
                await self.postgres.stop()
            finally:
                self.directory.close()

    async def supervise(self) -> None:
        """Start a server again when it dies, for as long as the block lasts; pauses grow while it fails."""
        failures = 0
        while True:
            await self._clock.sleep(_WATCH_S)
            for server in (self.postgres, self.redis):
                if server.child is None or server.child.running:
                    continue
                _log.warning("embedded_server_died", server=server.child.name, pid=server.child.pid)
                await self._clock.sleep(_RESTART_PAUSES_S[min(failures, len(_RESTART_PAUSES_S) - 1)])
                try:
                    await server.start()
                    failures = 0
                except TradingBoostError as error:
                    failures += 1
                    _log.error("embedded_server_restart_failed", code=error.code, attempt=failures)


@asynccontextmanager
async def servers(data_dir: Path, *, durable: bool = True, clock: Clock | None = None) -> AsyncIterator[Servers]:
    """Run PostgreSQL and Redis in `data_dir` for the length of the block.

    A server that dies is started again on the same port with the same data. Raises as `Cluster.start` does.
    """
    cluster = await Cluster.start(data_dir, durable=durable, clock=clock)
    try:
        watcher = asyncio.create_task(cluster.supervise(), name="embedded-servers")
        try:
            yield cluster.servers
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
    finally:
        await cluster.stop()
