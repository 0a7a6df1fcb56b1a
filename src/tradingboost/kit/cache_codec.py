"""How a cached value lies in Redis: one JSON string, or one hash with a field an attribute. Both carry a version."""

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import redis.asyncio as driver

from tradingboost.core.errors import BrokenInvariant, InvalidInput
from tradingboost.kit.keys import MAX_VALUE_BYTES, Pattern, RedisType

T = TypeVar("T")
VERSION = "_v"
_NONE = "_none"
_MARK = "_mark"


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """A value and the version of the row it was made from."""

    value: T
    version: int = 0


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """What a cache holds: a value, the knowledge that there is none, or the mark of an invalidation."""

    entry: Entry[T] | None
    version: int
    mark: bool = False


class Codec(Protocol[T]):
    """One way to store values."""

    async def read(self, client: driver.Redis, key: str) -> Kept[T] | None:
        """What is there; None for nothing, and for what an older or newer release wrote in another form."""
        ...

    def written(self, kept: Kept[T], ttl_ms: int, tell: str) -> tuple[str, list[str | int | bytes]]:
        """The script that stores it, and its arguments."""
        ...


class _Document(msgspec.Struct, frozen=True):
    v: int
    d: msgspec.Raw = msgspec.Raw(b"")
    mark: bool = False


class JsonCodec(Generic[T]):
    """`{"v":3,"d":...}`; `d` is missing where there is no value."""

    def __init__(self, type_: Any) -> None:
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(type_)
        self._document = msgspec.json.Decoder(_Document)
        self._encode = msgspec.json.Encoder(decimal_format="string").encode

    async def read(self, client: driver.Redis, key: str) -> Kept[T] | None:
        raw = await client.get(key)
        if raw is None:
            return None
        try:
            found = self._document.decode(raw)
            entry = Entry(self._decoder.decode(found.d), found.v) if bytes(found.d) else None
        except msgspec.MsgspecError:
            return None
        return Kept(entry, found.v, found.mark)

    def written(self, kept: Kept[T], ttl_ms: int, tell: str) -> tuple[str, list[str | int | bytes]]:
        head = b'{"v":%d' % kept.version
        if kept.entry is not None:
            body = head + b',"d":' + self._encode(kept.entry.value) + b"}"
        else:
            body = head + (b',"mark":true}' if kept.mark else b"}")
        return "cache_put", [kept.version, ttl_ms, _checked(body), tell]


class HashCodec(Generic[T]):
    """One field an attribute, as text; fields that are None are left out."""

    def __init__(self, type_: Any) -> None:
        self._type = type_

    async def read(self, client: driver.Redis, key: str) -> Kept[T] | None:
        found: dict[Any, Any] = await client.hgetall(key)
        if not found:
            return None
        try:
            fields = {name.decode(): value.decode() for name, value in found.items()}
            version = int(fields.pop(VERSION))
            if _NONE in fields or _MARK in fields:
                return Kept(None, version, _MARK in fields)
            return Kept(Entry(msgspec.convert(fields, self._type, strict=False), version), version)
        except (KeyError, ValueError, msgspec.MsgspecError):
            return None

    def written(self, kept: Kept[T], ttl_ms: int, tell: str) -> tuple[str, list[str | int | bytes]]:
        if kept.entry is None:
            fields = {_MARK if kept.mark else _NONE: "1"}
        else:
            plain: dict[str, Any] = msgspec.to_builtins(kept.entry.value)
            fields = {name: _text(name, value) for name, value in plain.items() if value is not None}
        flat = [part for field in fields.items() for part in field]
        _checked("".join(flat).encode())
        return "cache_put_hash", [kept.version, ttl_ms, tell, *flat]


def codec_of(pattern: Pattern, type_: Any) -> Codec[Any]:
    """The codec of a pattern by its type in Redis."""
    if pattern.type is RedisType.STRING:
        return JsonCodec(type_)
    if pattern.type is RedisType.HASH:
        return HashCodec(type_)
    raise BrokenInvariant("no_cache_type", f"{pattern.text} is a {pattern.type.value}; caches are strings and hashes.")


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        raise BrokenInvariant("cache_hash_not_flat", f"{name} is no plain value; cache it in a STRING pattern.")
    return str(value)


def _checked(body: bytes) -> bytes:
    if len(body) > MAX_VALUE_BYTES:
        raise InvalidInput("redis_value_too_large", "A cached value is limited to 256 KiB; store a reference.")
    return body
