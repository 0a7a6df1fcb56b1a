"""Stores that cannot be written: what a dry run is given, so that nothing it calls can change anything.

The wall is not a promise of the caller's. Every connection to PostgreSQL is READ ONLY from its first statement on, and
the Redis client knows a list of commands that read; any other command is refused before it is sent.
"""

from typing import Any, Final

import redis.asyncio as driver
from redis.asyncio.client import Pipeline
from sqlalchemy import event

from tradingboost.core.errors import Unavailable
from tradingboost.kit.db import Database
from tradingboost.kit.redis import Redis
from tradingboost.kit.settings import DbSettings, RedisSettings

_WORDS: Final = """
    PING ECHO INFO DBSIZE TIME TYPE TTL PTTL EXISTS EXPIRETIME PEXPIRETIME SCAN DUMP STRLEN GET MGET GETRANGE
    HGET HMGET HGETALL HLEN HEXISTS HKEYS HVALS HSCAN SMEMBERS SISMEMBER SMISMEMBER SCARD SSCAN
    LLEN LRANGE LINDEX ZCARD ZSCORE ZRANGE ZRANGEBYSCORE ZCOUNT XLEN XRANGE XREVRANGE XINFO
"""
READING: Final = frozenset(_WORDS.split())


class _ReadingClient(driver.Redis):
    """Sends the commands that read and no other."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        _only_reading(args)
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> "Pipeline":
        return _ReadingPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _ReadingPipeline(Pipeline):
    """The same for commands that are sent together."""

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        _only_reading(args)
        return super().execute_command(*args, **kwargs)


class ReadOnlyRedis(Redis):
    """A way to Redis on which every command that writes is Unavailable `dry_run_writes`, scripts included.

    To a cache that is the same as Redis being away, so services that are only asked go on without theirs.
    """

    def __init__(self, url: str, settings: RedisSettings | None = None) -> None:
        super().__init__(url, settings)
        self._client = _ReadingClient(connection_pool=self._client.connection_pool)
        self._blocking = _ReadingClient(connection_pool=self._blocking.connection_pool)


def read_only_database(url: str, settings: DbSettings | None = None, *, role: str = "") -> Database:
    """A database on which every transaction is READ ONLY; the server refuses what writes.

    Args:
        role: see `Database.open`.
    """
    primary_alone = (settings or DbSettings()).model_copy(update={"read_url": None})
    database = Database.open(url, primary_alone, role=role)

    def forbid(connection: Any, _: object) -> None:
        connection.run_async(_forbid)

    event.listen(database.engine.sync_engine, "connect", forbid)
    return database


async def _forbid(connection: Any) -> None:
    await connection.execute("SET default_transaction_read_only = on")


def _only_reading(args: tuple[Any, ...]) -> None:
    word = args[0].decode() if isinstance(args[0], bytes) else str(args[0])
    if word.split()[0].upper() not in READING:
        message = f"A dry run does not write, and {word.split()[0].upper()} does; this is a defect of ours: report it."
        raise Unavailable("dry_run_writes", message, command=word)
