"""Two-level caches: a second in this process, then Redis, then the loader; and nothing that may decide about money.

    settings = context.caches.of(keys.USER_SETTINGS, UserSettings)       # once, in the service's build()
    found = await settings.get(load, user_id=user_id)                    # load() -> Entry(value, version) | None
    await settings.set(value, version, user_id=user_id)                  # after the commit of a write
    await settings.invalidate(user_id=user_id, version=version)          # or: the next reader loads

* One pattern of the registry is one cache. STRING patterns hold `{"v":version,"d":value}`; HASH patterns hold one
  field an attribute and `_v`, so the value must be a flat struct.
* A lower version never replaces a higher one, in either level. `invalidate` with a version leaves a mark of that
  version behind, so that a reader who loaded before the write cannot bring the old value back. Give rows a version.
* A loader that returns None is remembered for five seconds. Callers of one key at the same time share one load.
* Redis away means: the loader is asked, once a second and key at most. Losing Redis only costs latency. What could not
  be invalidated meanwhile is invalidated when it is back.
* Forbidden here: opened credentials, order state used for decisions, exposure, settings without a check of the version.

`cache_result` does the same for a module-level async function, keyed by its typed arguments.
"""

import asyncio
import hashlib
import inspect
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, get_type_hints

import msgspec
import structlog

from tradingboost.core.errors import BrokenInvariant, Unavailable
from tradingboost.kit.cache_codec import Codec, Entry, Kept, codec_of
from tradingboost.kit.clock import Clock
from tradingboost.kit.keys import CACHE, CACHE_INVALIDATED, Pattern
from tradingboost.kit.redis import Redis, mapped

if TYPE_CHECKING:
    from tradingboost.kit.runtime import Life  # its own imports are many, and every verb makes a context

__all__ = ["Cache", "Caches", "Entry", "cache_result"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Load = Callable[[], Awaitable[Entry[T] | None]]

L1_ENTRIES = 1000
L1_TTL_S = 1.0
NEGATIVE_S = 5.0
_MARK_S = 30.0
"""How long a mark of an invalidation refuses older values: longer than any load takes."""
_LISTEN_S = 1.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Near(Generic[T]):
    kept: Kept[T]
    until: float


class Cache(Generic[T]):
    """The cache of one pattern; made by `Caches.of`."""

    def __init__(self, home: "Caches", pattern: Pattern, codec: Codec[T], ttl_s: float, l1_ttl_s: float) -> None:
        self._home = home
        self._pattern = pattern
        self._codec = codec
        self._ttl_s = ttl_s
        self._l1_ttl_s = l1_ttl_s
        self._near: OrderedDict[str, _Near[T]] = OrderedDict()
        self._flights: dict[str, asyncio.Task[Kept[T]]] = {}

    async def get(self, load: Load[T], **parts: str) -> T | None:
        """The value; loaded where neither level has it. None when the loader said that there is none."""
        entry = await self.entry(load, **parts)
        return None if entry is None else entry.value

    async def entry(self, load: Load[T], **parts: str) -> Entry[T] | None:
        """The same with its version."""
        key = self._home.redis.key(self._pattern, **parts)
        near = self._near.get(key)
        if near is not None and near.until > self._home.clock.monotonic() and not near.kept.mark:
            self._count("l1", parts)
            return near.kept.entry
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fetch(key, load, parts))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return (await asyncio.shield(flight)).entry

    async def set(self, value: T, version: int = 0, **parts: str) -> None:
        """Store in both levels and tell the other processes; nothing happens where a higher version is known."""
        key = self._home.redis.key(self._pattern, **parts)
        self._flights.pop(key, None)
        kept = Kept(Entry(value, version), version)
        self._remember(key, kept)
        await self._write(key, kept, self._jittered(), tell=True)

    async def invalidate(self, version: int | None = None, **parts: str) -> None:
        """Forget in both levels and tell the other processes.

        Args:
            version: the version that made the old value wrong; older ones are refused for a while. Without it a load
                that is under way elsewhere may still store what it read, until that ends by its TTL.
        """
        key = self._home.redis.key(self._pattern, **parts)
        self._flights.pop(key, None)
        self._near.pop(key, None)
        if version is None:
            await self._home.drop(key)
            return
        mark: Kept[T] = Kept(None, version, mark=True)
        self._remember(key, mark)
        await self._write(key, mark, _MARK_S, tell=True)

    def forget(self, key: str | None) -> None:
        """Drop one key of this process's level, or all; the next reader asks Redis."""
        if key is None:
            self._near.clear()
        else:
            self._near.pop(key, None)

    async def _fetch(self, key: str, load: Load[T], parts: dict[str, str]) -> Kept[T]:
        """From Redis, else from the loader; only the newest flight of a key may store what it found."""
        mine = asyncio.current_task()
        there = await self._read(key)
        near = self._near.get(key)
        outdated = there is not None and near is not None and there.version < near.kept.version
        if there is not None and not there.mark and not outdated:
            self._count("l2", parts)
            if self._flights.get(key) is mine:
                self._remember(key, there)
            return there
        self._count("load", parts)
        loaded = await load()
        kept: Kept[T] = Kept(loaded, 0 if loaded is None else loaded.version)
        if self._flights.get(key) is mine:
            self._remember(key, kept)
            await self._write(key, kept, NEGATIVE_S if loaded is None else self._jittered(), tell=False)
        return kept

    async def _read(self, key: str) -> Kept[T] | None:
        if self._home.owes(key):
            return None
        try:
            return await self._home.redis.read(lambda client: self._codec.read(client, key))
        except Unavailable as error:
            self._missed(error)
            return None

    async def _write(self, key: str, kept: Kept[T], ttl_s: float, *, tell: bool) -> None:
        script, args = self._codec.written(kept, int(ttl_s * 1000), key if tell else "")
        try:
            await self._home.redis.guarded_script(script, [key, self._home.channel], args)
        except Unavailable as error:
            self._missed(error)
            if tell:
                self._home.owe(key)

    def _remember(self, key: str, kept: Kept[T]) -> None:
        now = self._home.clock.monotonic()
        there = self._near.get(key)
        if there is not None and there.until > now and there.kept.version > kept.version:
            return
        self._near[key] = _Near(kept, now + (_MARK_S if kept.mark else self._l1_ttl_s))
        self._near.move_to_end(key)
        while len(self._near) > L1_ENTRIES:
            self._near.popitem(last=False)

    def _landed(self, key: str, flight: "asyncio.Task[Kept[T]]") -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # told to whoever waited; nobody waiting is no reason for a warning

    def _jittered(self) -> float:
        return self._ttl_s * (random.uniform(0.9, 1.1) if self._pattern.jitter else 1.0)  # noqa: S311 - no secret

    def _count(self, level: str, parts: dict[str, str]) -> None:
        metrics = self._home.redis.metrics
        if metrics is not None:
            namespace = parts.get("namespace", self._pattern.text)
            metrics.cache_hits.labels(level=level, namespace=namespace).inc()

    def _missed(self, error: Unavailable) -> None:
        log.debug("cache_without_redis", pattern=self._pattern.text, code=error.code)


class Caches:
    """All caches of one process."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self.redis = redis
        self.clock = clock
        self.channel = redis.key(CACHE_INVALIDATED)
        self._caches: dict[str, Cache[Any]] = {}
        self._owed: OrderedDict[str, None] = OrderedDict()

    def of(
        self, pattern: Pattern, type_: type[T], *, ttl_s: float | None = None, l1_ttl_s: float = L1_TTL_S
    ) -> Cache[T]:
        """The cache of a pattern; the same pattern gives the same cache.

        Args:
            type_: class of the values; for HASH patterns a struct of plain fields.
            ttl_s: in Redis, at most (and unless given) what the registry allows.
            l1_ttl_s: in this process; 0 for what has to be as fresh as Redis.
        """
        return self._of(pattern.text, pattern, type_, ttl_s, l1_ttl_s)

    def _of(self, name: str, pattern: Pattern, type_: Any, ttl_s: float | None, l1_ttl_s: float = L1_TTL_S) -> Cache[T]:
        if pattern.ttl_s is None or (ttl_s or 0) > pattern.ttl_s:
            message = (
                f"The registry allows {pattern.text} {pattern.ttl_s or 'no'} s in Redis; choose a TTL within that."
            )
            raise BrokenInvariant("cache_ttl_too_long", message)
        found = self._caches.get(name)
        if found is None:
            codec: Codec[T] = codec_of(pattern, type_)
            found = self._caches[name] = Cache(self, pattern, codec, ttl_s or pattern.ttl_s, l1_ttl_s)
        return found

    async def drop(self, key: str) -> None:
        """Delete a key in Redis and tell the other processes; later, where Redis is away."""
        try:
            async with self.redis.context("fast") as client, client.pipeline(transaction=True) as pipe:
                pipe.delete(key)
                pipe.publish(self.channel, key)
                await pipe.execute()
        except Unavailable as error:
            log.debug("cache_without_redis", key=key, code=error.code)
            self.owe(key)
        else:
            self._owed.pop(key, None)

    def owe(self, key: str) -> None:
        """Redis may hold something old under this key: do not believe it, and drop it when Redis is back."""
        self._owed[key] = None
        while len(self._owed) > L1_ENTRIES:
            self._owed.popitem(last=False)  # its TTL ends what nobody remembers

    def owes(self, key: str) -> bool:
        return key in self._owed

    async def run(self, life: "Life") -> None:
        """Hear what other processes invalidated, until the process drains; a worker of the runtime."""
        while not life.stopping:
            with mapped():
                async with self.redis.transport.pubsub() as heard:
                    async with asyncio.timeout(_LISTEN_S * 5):
                        await heard.subscribe(self.channel)
                    self._forget(None)  # whatever was told before is missed
                    while not life.stopping:
                        life.beat()
                        for key in list(self._owed):
                            await self.drop(key)
                        said = await heard.get_message(ignore_subscribe_messages=True, timeout=_LISTEN_S)
                        if said is not None:
                            self._forget(cast(bytes, said["data"]).decode())

    def _forget(self, key: str | None) -> None:
        for cache in self._caches.values():
            cache.forget(key)


def cache_result(
    caches: Caches, *, namespace: str, ttl: float = 60
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Cache what an async function of plain values returns, by its typed arguments.

    Args:
        namespace: one word, the function's own; `{namespace}` of the key.
        ttl: seconds in Redis, at most 300.

    Raises:
        BrokenInvariant: no async function, a method (its object may hold connections), or no annotated result.
    """

    def decorate(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        signature = inspect.signature(function)
        result = get_type_hints(function).get("return")
        if not inspect.iscoroutinefunction(function) or {"self", "cls"} & set(signature.parameters) or result is None:
            name = getattr(function, "__qualname__", repr(function))
            message = f"{name} cannot be cached: it must be an async function, no method, with an annotated result."
            raise BrokenInvariant("cannot_cache", message)
        cache: Cache[R] = caches._of(f"{CACHE.text} {namespace}", CACHE, result, ttl)

        @wraps(function)
        async def cached(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()

            async def load() -> Entry[R]:
                return Entry(await function(*args, **kwargs))

            given = _digest(list(bound.arguments.items()))
            found = await cache.entry(load, namespace=namespace, hash=given)
            assert found is not None, "this loader never says that there is nothing"
            return found.value

        return cached

    return decorate


def _digest(arguments: Sequence[tuple[str, Any]]) -> str:
    """A stable hash of typed arguments: 1, True, "1" and Decimal(1) are four different ones."""
    typed = [(name, type(value).__qualname__, value) for name, value in arguments]
    return hashlib.sha256(msgspec.json.encode(typed, order="deterministic")).hexdigest()[:32]
