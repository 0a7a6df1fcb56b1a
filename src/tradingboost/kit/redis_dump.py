"""A typed dump of chosen keys as JSON lines, and its way back. Exchange keys and sessions are never part of it.

It is for looking at and for moving copies between machines; what must not be lost is in PostgreSQL.
"""

import asyncio
import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from tradingboost.core.errors import InvalidInput, Unavailable
from tradingboost.kit.redis import Redis, mapped
from tradingboost.kit.redis_masks import is_sealed, is_secret

Type = Literal["string", "hash", "list", "set", "zset"]
_TYPES: Final = ("string", "hash", "list", "set", "zset")
_TIMEOUT_S: Final = 15.0
_SCAN: Final = 500


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One key.

    Args:
        ttl_ms: -1 = none.
        value: text, or base64 behind `b64:` where it is none; a list of them, or pairs, for the other types.
    """

    key: str
    type: Type
    ttl_ms: int
    value: Any


class Dumped(msgspec.Struct, kw_only=True):
    """What was written: keys by type, and those left out."""

    keys: dict[str, int] = {}
    secret: int = 0
    streams: int = 0


class Restored(msgspec.Struct, kw_only=True):
    """What was brought back, or would be."""

    restored: int = 0
    existing: int = 0
    expired: int = 0


async def dump(redis: Redis, file: Path, pattern: str = "*") -> Dumped:
    """Write the keys that match; the file is readable only by its owner and none is overwritten.

    Raises:
        InvalidInput: the file exists or cannot be written.
        Unavailable: `redis_down`.
    """
    client: Any = redis.transport
    found, cursor = Dumped(), 0
    try:
        out = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        message = f"{file} cannot be written ({error.strerror}); name a new file in a folder of yours."
        raise InvalidInput("dump_file_bad", message) from None
    with out:
        while True:
            with mapped():
                async with asyncio.timeout(_TIMEOUT_S):
                    cursor, keys = await client.scan(cursor, match=pattern, count=_SCAN)
                    lines = [line for key in keys if (line := await _line(client, key, found)) is not None]
            out.writelines(msgspec.json.encode(line) + b"\n" for line in lines)
            if not cursor:
                return found


async def restore(redis: Redis, file: Path, *, dry_run: bool) -> Restored:
    """Bring back what is not there; what is there stays as it is.

    Raises:
        InvalidInput: the file cannot be read as a dump.
        Unavailable: `redis_down`.
    """
    client: Any = redis.transport
    done = Restored()
    for line in _lines(file):
        if line.ttl_ms == 0:
            done.expired += 1
            continue
        with mapped():
            async with asyncio.timeout(_TIMEOUT_S):
                if await client.exists(line.key):
                    done.existing += 1
                    continue
                if not dry_run:
                    await _write(client, line)
        done.restored += 1
    return done


async def _line(client: Any, key: bytes, found: Dumped) -> Line | None:
    name, type_ = key.decode("utf-8", "backslashreplace"), (await client.type(key)).decode()
    if type_ not in _TYPES:
        found.streams += type_ == "stream"
        return None
    value = await _value(client, key, type_)
    if is_secret(name) or _sealed_in(value):
        found.secret += 1
        return None
    found.keys[type_] = found.keys.get(type_, 0) + 1
    return Line(key=name, type=type_, ttl_ms=int(await client.pttl(key)), value=value)


async def _value(client: Any, key: bytes, type_: str) -> Any:
    match type_:
        case "string":
            return _text(await client.get(key) or b"")
        case "hash":
            return {_text(name): _text(value) for name, value in (await client.hgetall(key)).items()}
        case "list":
            return [_text(one) for one in await client.lrange(key, 0, -1)]
        case "set":
            return sorted(_text(one) for one in await client.smembers(key))
    return [[_text(name), score] for name, score in await client.zrange(key, 0, -1, withscores=True)]


async def _write(client: Any, line: Line) -> None:
    async with client.pipeline(transaction=True) as pipe:
        match line.type:
            case "string":
                pipe.set(line.key, _raw(line.value))
            case "hash":
                pipe.hset(line.key, mapping={_raw(name): _raw(value) for name, value in line.value.items()})
            case "list":
                pipe.rpush(line.key, *map(_raw, line.value))
            case "set":
                pipe.sadd(line.key, *map(_raw, line.value))
            case "zset":
                pipe.zadd(line.key, {_raw(name): score for name, score in line.value})
        if line.ttl_ms > 0:
            pipe.pexpire(line.key, line.ttl_ms)
        await pipe.execute()


def _lines(file: Path) -> Iterator[Line]:
    decoder = msgspec.json.Decoder(Line)
    try:
        with file.open("rb") as source:
            for number, line in enumerate(source, 1):
                try:
                    yield decoder.decode(line)
                except msgspec.MsgspecError:
                    message = (
                        f"Line {number} of {file.name} is no line of a Redis dump; take the file as it was written."
                    )
                    raise InvalidInput("dump_file_bad", message) from None
    except OSError as error:
        raise Unavailable("dump_file_unreadable", f"{file} cannot be read ({error.strerror}).") from None


def _sealed_in(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_sealed_in, value.values()))
    return any(map(_sealed_in, value)) if isinstance(value, list) else isinstance(value, str) and is_sealed(value)


def _text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return "b64:" + base64.b64encode(raw).decode()
    return "b64:" + base64.b64encode(raw).decode() if text.startswith("b64:") else text


def _raw(text: str) -> bytes:
    return base64.b64decode(text[4:]) if text.startswith("b64:") else text.encode()
