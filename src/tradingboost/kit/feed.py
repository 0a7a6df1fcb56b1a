"""Feeds: ticks and books, where only the newest matters. They skip the outbox, may drop and never wait."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import structlog

from tradingboost.core.errors import Unavailable
from tradingboost.kit.keys import MARKET_TICKS
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

    @property
    def name(self) -> str:
        """One word for it, as progress reports name it."""
        return f"{self.venue}:{self.symbol}"


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
        type_: the class of the values.
    """

    def __init__(self, redis: Redis, type_: type[T], sources: Sequence[Source]) -> None:
        self._redis = redis
        self._client: Any = redis.transport
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(type_)
        self._sources = {_key(redis, source).encode(): source for source in sources}
        self._read_to: dict[bytes, str] = {}
        self._done_to: dict[Source, str] = {}

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
        self._finished()
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

    def _finished(self) -> None:
        for key, source in self._sources.items():
            self._done_to[source] = self._read_to[key]


async def newest(redis: Redis, sources: Sequence[Source]) -> dict[Source, str]:
    """The newest entry Redis holds of each feed; one that is empty (or was lost) is left out."""
    with mapped():
        async with asyncio.timeout(_TIMEOUT_S), redis.transport.pipeline(transaction=False) as pipe:
            for source in sources:
                pipe.execute_command("XREVRANGE", _key(redis, source), "+", "-", "COUNT", 1)
            found = await pipe.execute()
    return {source: entries[0][0].decode() for source, entries in zip(sources, found, strict=True) if entries}


def _key(redis: Redis, source: Source) -> str:
    return redis.key(MARKET_TICKS, exchange=source.venue, symbol=source.symbol)
