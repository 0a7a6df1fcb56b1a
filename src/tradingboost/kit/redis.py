"""Redis: two pools a process, a time-out per class of command, one breaker, and our errors instead of the driver's."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import redis.asyncio as driver
import structlog
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import TimeoutError as ReplyLate

from tradingboost.core.errors import BrokenInvariant, InvalidInput, TradingBoostError, Unavailable
from tradingboost.kit.breaker import Breaker, BreakerState
from tradingboost.kit.keys import MAX_VALUE_BYTES, Pattern
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.redis_pools import Pools
from tradingboost.kit.settings import RedisSettings

if TYPE_CHECKING:
    from tradingboost.kit.runtime import Life

Op = Literal["fast", "normal", "slow", "pipeline", "health"]
T = TypeVar("T")

_TIMEOUT_S: dict[Op, float] = {"fast": 2.0, "normal": 5.0, "slow": 10.0, "pipeline": 15.0, "health": 3.0}
_AWAY = (ConnectionLost, ReplyLate, ReadOnlyError, BusyLoadingError, OSError, TimeoutError)
_RETRY_AFTER_S = 0.05
_ASK_SENTINELS_S = 0.5

log = structlog.get_logger(__name__)


class Redis:
    """The process's way to Redis. Make it at start-up, `close()` it at the end; nothing is dialled before use."""

    def __init__(self, url: str, settings: RedisSettings | None = None, breaker: Breaker | None = None) -> None:
        settings = settings or RedisSettings()
        self.prefix = settings.key_prefix
        self.metrics: Metrics | None = None
        self.breaker = breaker or Breaker("redis", on_change=_tell)
        self.pools = Pools(url, settings)
        self._client, self._blocking = self.pools.client, self.pools.blocking

    def key(self, pattern: Pattern, **parts: str) -> str:
        """The key of a pattern, with this deployment's prefix."""
        return self.prefix + _built(pattern, tuple(parts.items()))

    @asynccontextmanager
    async def context(self, op: Op = "normal") -> AsyncIterator[driver.Redis]:
        """A client for one short piece of work of this class.

        Raises:
            Unavailable: `redis_down`; a write may or may not have arrived, the next refresh repairs the copy.
        """
        self.breaker.admit()
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(_TIMEOUT_S[op]):
                yield self._client
        except _AWAY as error:
            self.breaker.failed()
            self._failed(error)
            raise _down(error) from error
        except RedisError as error:
            self.breaker.succeeded()
            self._failed(error)
            raise _refused(error) from error
        except Exception:
            self.breaker.succeeded()
            raise
        except BaseException:
            self.breaker.abandoned()
            raise
        self.breaker.succeeded()
        if self.metrics is not None:
            self.metrics.redis_op.labels(**{"class": op}).observe(asyncio.get_running_loop().time() - began)

    def _failed(self, error: BaseException) -> None:
        if self.metrics is not None:
            self.metrics.redis_errors.labels(kind=type(error).__name__).inc()

    async def read(self, command: Callable[[driver.Redis], Awaitable[T]], op: Op = "fast") -> T:
        """Run a read, and once more after a pause when the first answer was lost. Never pass a write."""
        try:
            async with self.context(op) as client:
                return await command(client)
        except Unavailable:
            if self.breaker.state is not BreakerState.CLOSED:
                raise
        await asyncio.sleep(_RETRY_AFTER_S * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret
        async with self.context(op) as client:
            return await command(client)

    async def put(self, pattern: Pattern, value: bytes | str, **parts: str) -> None:
        """SET a cached value with its pattern's TTL; values over 256 KiB are refused."""
        if len(value) > MAX_VALUE_BYTES:
            raise InvalidInput("redis_value_too_large", "A cached value is limited to 256 KiB; store a reference.")
        if pattern.ttl_s is None:
            raise BrokenInvariant("cache_without_ttl", f"{pattern.text} is no cache; it has no TTL.")
        ttl_ms = pattern.ttl_s * 1000
        if pattern.jitter:
            ttl_ms = int(ttl_ms * random.uniform(0.9, 1.1))  # noqa: S311 - jitter, not a secret
        async with self.context("fast") as client:
            await client.set(self.key(pattern, **parts), value, px=ttl_ms)

    async def ping(self) -> None:
        """Raise Unavailable unless the server answers; asks even while the breaker is open."""
        with mapped():
            async with asyncio.timeout(_TIMEOUT_S["health"]):
                await self._client.ping()

    @property
    def transport(self) -> driver.Redis:
        """The client of the bus and the feeds: no time-out of its own and no breaker, since these loops wait by
        themselves and have to notice at once that Redis is back. Wrap each use in `asyncio.timeout` and `mapped`.
        """
        return self._blocking

    async def script(self, name: str, keys: list[str], args: list[str | int]) -> Any:
        """Run `redis_scripts/{name}.lua` by its SHA, loading it where the server does not know it."""
        with mapped():
            async with asyncio.timeout(_TIMEOUT_S["normal"]):
                return await _evaluated(self._blocking, name, keys, args)

    async def guarded_script(self, name: str, keys: list[str], args: Sequence[str | int | bytes]) -> Any:
        """The same as one piece of work of class normal: while the breaker is open it fails at once."""
        async with self.context("normal") as client:
            return await _evaluated(client, name, keys, args)

    async def follow(self, life: "Life") -> None:
        """Watch who is master, until the process drains; a worker of the runtime where there are Sentinels.

        After a change every connection is cut, because one to the old master may accept writes that nobody will ever
        see, and the breaker is closed, because whoever was away is now somebody else.
        """
        sentinels, known = self.pools.sentinels, None
        while sentinels is not None and await life.sleep(_ASK_SENTINELS_S):
            found = await sentinels.master()
            if found is None or found == known:
                continue
            if known is not None:
                log.warning("redis_switched", host=found[0], port=found[1])
                await self.pools.drop()
                self.breaker.reset()
            known = found

    async def close(self) -> None:
        await self.pools.close()


class mapped:  # noqa: N801 - reads as a word in a with statement
    """Turn the driver's errors into the taxonomy."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _AWAY):
            raise _down(error) from error
        if isinstance(error, RedisError):
            raise _refused(error) from error


@lru_cache(maxsize=4096)
def _built(pattern: Pattern, parts: tuple[tuple[str, str], ...]) -> str:
    return pattern.build(**dict(parts))


def _down(error: BaseException) -> Unavailable:
    if isinstance(error, AuthenticationError):
        return Unavailable("redis_login_failed", "Redis refused the password; check TB_REDIS__URL.")
    return Unavailable("redis_down", "Redis does not answer; start it or check TB_REDIS__URL, then try again.")


def _refused(error: RedisError) -> TradingBoostError:
    if isinstance(error, OutOfMemoryError):
        return Unavailable("redis_full", "Redis is out of memory; raise its maxmemory or look for what grows.")
    if isinstance(error, ResponseError):
        return BrokenInvariant("redis_command_refused", f"Redis refused a command: {error}.")
    return BrokenInvariant("redis_misused", f"The Redis driver was misused: {error}.")


def _tell(state: BreakerState) -> None:
    log.warning("breaker_changed", breaker="redis", state=state.value)


async def _evaluated(client: driver.Redis, name: str, keys: list[str], args: Sequence[str | int | bytes]) -> Any:
    source, sha = _script(name)
    try:
        return await client.evalsha(sha, len(keys), *keys, *args)
    except NoScriptError:
        return await client.eval(source, len(keys), *keys, *args)


@cache
def _script(name: str) -> tuple[str, str]:
    source = resources.files(__package__).joinpath("redis_scripts", f"{name}.lua").read_text("utf-8")
    return source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
