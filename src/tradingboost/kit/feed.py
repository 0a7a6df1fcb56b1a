"""Feeds: ticks and books, where only the newest matters. They skip the outbox, may drop and never wait."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import structlog

from tradingboost.core.errors import Unavailable
from tradingboost.kit.keys import FEED_POSITIONS, MARKET_TICKS
from tradingboost.kit.redis import Redis, mapped

MAX_ENTRIES = 10_000
_BLOCK_MS = 1000
_TIMEOUT_S = 2.0
_COUNT = 1000

T = TypeVar("T", bound=msgspec.Struct)
log = structlog.get_logger(__name__)


class Source(NamedTuple):
    """What a feed is about."""

    venue: str
    symbol: str


class FeedWriter:
    """Publishes the ticks of any number of instruments."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._encode = msgspec.json.Encoder(decimal_format="string").encode

    async def publish(self, news: Sequence[tuple[Source, msgspec.Struct]]) -> list[str]:
        """Append in one round trip; returns the entry ids.

        Raises:
            Unavailable: `redis_down`; the next tick will do.
        """
        with mapped():
            async with asyncio.timeout(_TIMEOUT_S), self._redis.transport.pipeline(transaction=False) as pipe:
                for source, value in news:
                    pipe.execute_command(
                        "XADD", _key(self._redis, source), "MAXLEN", "~", MAX_ENTRIES, "*", "data", self._encode(value)
                    )
                return [entry_id.decode() for entry_id in await pipe.execute()]


class FeedReader(Generic[T]):
    """Reads several instruments' ticks from now on, always the newest of each.

    Args:
        name: tells this reader from others, `strategy-0` for example.
        type_: the class of the values.
        share_position: let other processes see how far this reader is (a stepped replay waits for it).
    """

    def __init__(
        self, redis: Redis, name: str, type_: type[T], sources: Sequence[Source], *, share_position: bool = False
    ) -> None:
        self._redis = redis
        self._client: Any = redis.transport
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(type_)
        self._sources = {_key(redis, source).encode(): source for source in sources}
        self._read_to: dict[bytes, str] = {}
        self._done_to: dict[Source, str] = {}
        self._positions = redis.key(FEED_POSITIONS, reader=name) if share_position else None

    async def start(self) -> None:
        """Fix the starting points, so that nothing published afterwards is missed; `read` does it where needed."""
        with mapped():
            async with asyncio.timeout(_TIMEOUT_S), self._client.pipeline(transaction=False) as pipe:
                for key in self._sources:
                    pipe.execute_command("XREVRANGE", key, "+", "-", "COUNT", 1)
                newest = await pipe.execute()
        for key, entries in zip(self._sources, newest, strict=True):
            self._read_to[key] = entries[0][0].decode() if entries else "0-0"

    def position(self) -> dict[Source, str]:
        """The newest entry of each source whose handling has ended: `read` was called again after it was given."""
        return dict(self._done_to)

    async def read(self) -> dict[Source, T]:
        """The newest value of every source that has news; empty after a second without any.

        Asking again says that the values given before are handled.

        Raises:
            Unavailable: `redis_down`; call again after a pause, it goes on from the newest.
        """
        if not self._read_to:
            await self.start()
        await self._finished()
        with mapped():
            async with asyncio.timeout(_BLOCK_MS / 1000 + _TIMEOUT_S):
                answer = await self._client.xread(self._read_to, count=_COUNT, block=_BLOCK_MS)
        news: dict[Source, T] = {}
        for key, entries in answer or ():
            entry_id, fields = entries[-1]
            self._read_to[key] = entry_id.decode()
            news[self._sources[key]] = self._decoder.decode(fields[b"data"])
        return news

    async def __aiter__(self) -> AsyncIterator[tuple[Source, T]]:
        """Values as they come, newest first served; waits while Redis is away."""
        while True:
            try:
                news = await self.read()
            except Unavailable as error:
                log.warning("feed_waits", code=error.code)
                self._read_to.clear()  # after a flush the old ids may never be reached again
                await asyncio.sleep(0.2)
                continue
            for source, value in news.items():
                yield source, value

    async def _finished(self) -> None:
        fresh = {
            source: self._read_to[key]
            for key, source in self._sources.items()
            if self._done_to.get(source) != self._read_to[key]
        }
        if not fresh:
            return
        self._done_to.update(fresh)
        if self._positions is not None:
            shared = {_key(self._redis, source): entry_id for source, entry_id in fresh.items()}
            with mapped():
                async with asyncio.timeout(_TIMEOUT_S), self._client.pipeline(transaction=False) as pipe:
                    pipe.hset(self._positions, mapping=shared)
                    pipe.expire(self._positions, FEED_POSITIONS.ttl_s)
                    await pipe.execute()


async def consumed(redis: Redis, reader: str, sources: Sequence[Source]) -> bool:
    """Whether a reader with a shared position has handled everything published so far."""
    client: Any = redis.transport
    keys = [_key(redis, source) for source in sources]
    with mapped():
        async with asyncio.timeout(_TIMEOUT_S), client.pipeline(transaction=False) as pipe:
            pipe.hmget(redis.key(FEED_POSITIONS, reader=reader), keys)
            for key in keys:
                pipe.execute_command("XREVRANGE", key, "+", "-", "COUNT", 1)
            positions, *newest = await pipe.execute()
    return all(not entries or entries[0][0] == position for entries, position in zip(newest, positions, strict=True))


def _key(redis: Redis, source: Source) -> str:
    return redis.key(MARKET_TICKS, exchange=source.venue, symbol=source.symbol)
