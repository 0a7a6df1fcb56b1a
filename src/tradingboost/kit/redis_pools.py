"""The two pools of a process: one for short work, one for reads that block. With Sentinels they follow the master."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import redis.asyncio as driver
import structlog
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from tradingboost.core.errors import InvalidInput
from tradingboost.kit.redis_address import SENTINEL, Watched, watched
from tradingboost.kit.settings import RedisSettings

POOL_WAIT_S: Final = 1.0
BLOCKING_CONNECTIONS: Final = 64
_SENTINEL_ANSWERS_S: Final = 1.0

log = structlog.get_logger(__name__)


class SentinelPool(SentinelConnectionPool, driver.BlockingConnectionPool):
    """Connections to whoever is master when they are dialled; waits for a free one as our other pools do."""


class Pools:
    """Both clients of a process.

    Raises:
        InvalidInput: `url` is no address of a Redis.
    """

    def __init__(self, url: str, settings: RedisSettings) -> None:
        self._common: dict[str, Any] = {
            "socket_connect_timeout": settings.connect_timeout_s,
            "socket_keepalive": True,
            "health_check_interval": settings.health_check_interval,
            "retry": Retry(NoBackoff(), 0),  # a repeated write is not ours to decide in the driver
        }
        self.sentinels: Sentinels | None = None
        short = {"max_connections": settings.max_connections, "socket_timeout": settings.socket_timeout}
        # redis-py 8 ends a blocking read at its socket time-out and hangs over it; these reads have none,
        # every caller sets its own limit of block + 2 s.
        long = {"max_connections": BLOCKING_CONNECTIONS, "socket_timeout": None}
        if url.startswith(f"{SENTINEL}://"):
            self.sentinels = Sentinels(watched(url), settings)
            self.client = self._of_master(self.sentinels, **short)
            self.blocking = self._of_master(self.sentinels, **long)
            return
        try:
            self.client = driver.Redis(
                connection_pool=driver.BlockingConnectionPool.from_url(
                    url, timeout=POOL_WAIT_S, **short, **self._common
                )
            )
            self.blocking = driver.Redis(
                connection_pool=driver.ConnectionPool.from_url(url, **long, **self._common),
            )
        except ValueError:
            message = "TB_REDIS__URL is no Redis address; use redis://:password@host:port/0."
            raise InvalidInput("bad_redis_url", message) from None

    def usage(self) -> tuple[int, int]:
        """(connections in use, most that may be) of the pool for short work."""
        pool = self.client.connection_pool
        return len(pool._in_use_connections), int(pool.max_connections)  # the driver has no public count

    async def drop(self) -> None:
        """Cut every connection, also those in use: the next command dials anew."""
        for client in (self.client, self.blocking):
            await client.connection_pool.disconnect(inuse_connections=True)

    async def close(self) -> None:
        for client in (self.client, self.blocking):
            await client.aclose()
            await client.connection_pool.disconnect()
        if self.sentinels is not None:
            await self.sentinels.close()

    def _of_master(self, sentinels: "Sentinels", **options: Any) -> driver.Redis:
        what = sentinels.watched
        pool = SentinelPool(  # type: ignore[no-untyped-call]
            what.master,
            sentinels.group,
            timeout=POOL_WAIT_S,
            db=what.db,
            username=what.username,
            password=what.password,
            **options,
            **self._common,
        )
        return driver.Redis(connection_pool=pool)


class Sentinels:
    """Those who know which server is the master."""

    def __init__(self, what: Watched, settings: RedisSettings) -> None:
        self.watched = what
        secret = settings.sentinel_password
        options = {
            "socket_connect_timeout": _SENTINEL_ANSWERS_S,
            "socket_timeout": _SENTINEL_ANSWERS_S,
            "password": secret.get_secret_value() if secret else None,
            "retry": Retry(NoBackoff(), 0),
        }
        self.group = Sentinel(list(what.sentinels), sentinel_kwargs=options)  # type: ignore[no-untyped-call]

    async def master(self) -> tuple[str, int] | None:
        """(host, port) by the first Sentinel that answers; None while none does or none knows."""
        for one in self._asked():
            try:
                async with asyncio.timeout(_SENTINEL_ANSWERS_S * 2):
                    found = await one.sentinel_get_master_addr_by_name(self.watched.master)
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("sentinel_away", error=type(error).__name__)
                continue
            if found is not None:
                return str(found[0]), int(found[1])
        return None

    async def close(self) -> None:
        await self.group.aclose()

    def _asked(self) -> Sequence[Any]:
        return list(self.group.sentinels)
