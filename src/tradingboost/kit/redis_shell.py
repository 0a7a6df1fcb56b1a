"""Commands a person types at Redis: what reads runs, what writes asks, what destroys is forced, the rest is refused."""

import asyncio
import difflib
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import Any, Final

from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.kit.keys import ORDER_PLACED, SYMBOL_STATUS, TRADING_STATUS, Pattern, pattern_of
from tradingboost.kit.redis import Redis, mapped
from tradingboost.kit.redis_masks import is_secret, shown

SCAN_COUNT: Final = 500
LIMIT: Final = 1000
_TIMEOUT_S: Final = 10.0
_READ_WORDS: Final = """
    PING ECHO TIME DBSIZE INFO LASTSAVE EXISTS TYPE TTL PTTL STRLEN GET MGET GETRANGE HGET HMGET HGETALL HKEYS HLEN
    HEXISTS LLEN LRANGE LINDEX SMEMBERS SCARD SISMEMBER ZRANGE ZREVRANGE ZRANGEBYSCORE ZCARD ZSCORE ZCOUNT XLEN XRANGE
    XREVRANGE XINFO XPENDING OBJECT MEMORY SLOWLOG CLIENT PUBSUB
"""
_READ: Final = frozenset(_READ_WORDS.split())
_WRITE_WORDS: Final = """
    SET SETEX PSETEX DEL UNLINK HSET HDEL EXPIRE PEXPIRE PERSIST LPUSH RPUSH LPOP RPOP LREM LTRIM SADD SREM ZADD ZREM
    XADD XACK XDEL XTRIM XGROUP INCR INCRBY DECR DECRBY RENAME APPEND
"""
_WRITE: Final = frozenset(_WRITE_WORDS.split())
_DANGEROUS: Final = frozenset(("FLUSHALL", "FLUSHDB", "CONFIG", "DEBUG", "SHUTDOWN"))
_SAID: Final = {"PING": "PONG", **dict.fromkeys(("SET", "SETEX", "RENAME", "LTRIM", "FLUSHDB", "FLUSHALL"), "OK")}
_CLIENT_READS: Final = frozenset(("LIST", "INFO", "GETNAME", "ID"))
_MIRRORS: Final[dict[str, str]] = {
    TRADING_STATUS.text: "starts and stops nothing; use tradingboost start and stop",
    SYMBOL_STATUS.text: "starts and stops nothing; use tradingboost start and stop",
    ORDER_PLACED.text: "places and cancels no order; intents in PostgreSQL decide",
}


class Danger(StrEnum):
    """What a command may do."""

    READS = "reads"
    WRITES = "writes"
    DESTROYS = "destroys"


def danger_of(words: Sequence[str]) -> Danger:
    """What a command may do.

    Raises:
        InvalidInput: a command this shell does not run, with the reason or the nearest known one.
    """
    name = words[0].upper()
    second = words[1].upper() if len(words) > 1 else ""
    if name == "SELECT":
        raise InvalidInput(
            "shell_stays_here",
            "This shell stays in its database: tradingboost redis app is the application's, tradingboost redis jobs "
            "the job queue's; other databases hold nothing of the platform.",
        )
    if name in ("KEYS", "SCAN") or (name == "CONFIG" and second == "GET"):
        return Danger.READS
    if name == "CLIENT" and second not in _CLIENT_READS:
        raise _unknown(name, f"CLIENT runs only with {', '.join(sorted(_CLIENT_READS))}.")
    if name in _READ:
        return Danger.READS
    if name in _WRITE:
        return Danger.WRITES
    if name in _DANGEROUS:
        return Danger.DESTROYS
    near = difflib.get_close_matches(name, _READ | _WRITE, n=1)
    raise _unknown(name, f"Did you mean {near[0]}?" if near else "Blocking, listening and scripting commands do not.")


def notes_on(words: Sequence[str]) -> list[str]:
    """What writing these keys does not do."""
    notes = []
    for key in _keys_of(words):
        pattern = pattern_of(key)
        if pattern is None:
            notes.append(f"{key} is no key of the platform; nobody reads it.")
        elif pattern.text in _MIRRORS:
            notes.append(f"{key} {_MIRRORS[pattern.text]}.")
        else:
            notes.append(f"{key} is a copy that {pattern.owner} writes; it will be overwritten from PostgreSQL.")
    return notes


class Shell:
    """One Redis, asked by a person.

    Args:
        prefix: of this deployment's keys; patterns and typed keys are taken as they are.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._client: Any = redis.transport

    async def run(self, words: Sequence[str], *, write: bool = False, force: bool = False, limit: int = LIMIT) -> Any:
        """The reply of one command, with what is secret in it masked.

        Raises:
            InvalidInput: a command this shell does not run.
            Refused: it writes or destroys, and that was not allowed.
            Unavailable: Redis does not answer.
        """
        danger = danger_of(words)
        name = words[0].upper()
        if danger is Danger.WRITES and not write:
            raise Refused("shell_reads_only", f"{name} writes; say --write (in the prompt: :write on) if you mean it.")
        if danger is Danger.DESTROYS and not force:
            raise Refused("shell_needs_force", f"{name} can destroy or stop this Redis; say --force if you mean it.")
        if name == "KEYS":
            pattern = words[1] if len(words) > 1 else "*"
            return [key async for key in self.scan(pattern, limit)]
        if name == "SCAN":
            return [key async for key in self.scan(_match_of(words), limit)]
        return await self._one(name, words)

    async def scan(self, pattern: str, limit: int = LIMIT) -> AsyncIterator[str]:
        """Keys that match, found with SCAN; at most `limit`."""
        cursor, found = 0, 0
        while True:
            with mapped():
                async with asyncio.timeout(_TIMEOUT_S):
                    cursor, keys = await self._client.scan(cursor, match=pattern, count=SCAN_COUNT)
            for key in keys:
                if found >= limit:
                    return
                found += 1
                yield key.decode("utf-8", "backslashreplace")
            if not cursor:
                return

    async def values(self, keys: Sequence[str]) -> list[str | None]:
        """Values of strings, five hundred at a time."""
        found: list[str | None] = []
        for first in range(0, len(keys), SCAN_COUNT):
            with mapped():
                async with asyncio.timeout(_TIMEOUT_S):
                    some = await self._client.mget(keys[first : first + SCAN_COUNT])
            found += [None if one is None else one.decode("utf-8", "backslashreplace") for one in some]
        return found

    async def _one(self, name: str, words: Sequence[str]) -> Any:
        with mapped():
            async with asyncio.timeout(_TIMEOUT_S):
                reply = await self._client.execute_command(*words)
        if reply is True and name in _SAID:
            return _SAID[name]  # the driver makes a bool of it
        keys = _keys_of(words)
        if name in ("HGET", "HMGET") and keys:
            fields = words[2:]
            replies = reply if isinstance(reply, list) else [reply]
            told = [shown(keys[0], one, field) for one, field in zip(replies, fields, strict=False)]
            return told if isinstance(reply, list) else told[0]
        if name == "MGET":
            return [shown(key, one) for key, one in zip(keys, reply, strict=True)]
        return shown(keys[0] if keys else None, reply)


def secret_in(words: Sequence[str]) -> bool:
    """Whether a typed command names a key whose value must not stand in a history or a log."""
    return any(is_secret(key) for key in _keys_of(words))


def _keys_of(words: Sequence[str]) -> list[str]:
    name = words[0].upper()
    if name in ("DEL", "UNLINK", "MGET", "EXISTS"):
        return list(words[1:])
    if name in ("OBJECT", "MEMORY", "XINFO", "XGROUP"):
        return list(words[2:3])
    without = ("PING", "ECHO", "INFO", "TIME", "DBSIZE", "LASTSAVE", "CONFIG", "CLIENT", "SLOWLOG", "PUBSUB", "KEYS")
    return [] if name in without or name in _DANGEROUS else list(words[1:2])


def _match_of(words: Sequence[str]) -> str:
    upper = [word.upper() for word in words]
    at = upper.index("MATCH") if "MATCH" in upper else -1
    return words[at + 1] if 0 <= at < len(words) - 1 else "*"


def _unknown(name: str, why: str) -> InvalidInput:
    return InvalidInput("shell_unknown_command", f"{name} does not run in this shell. {why}")


def policy_of(pattern: Pattern) -> str:
    """The TTL policy of a pattern in words."""
    if pattern.ttl_s is None:
        return "no TTL"
    return f"{pattern.ttl_s} s" + (" ± 10 %" if pattern.jitter else "")
