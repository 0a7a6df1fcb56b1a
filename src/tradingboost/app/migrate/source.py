"""Reading the old system's Redis: SCAN, TYPE and reads; nothing here writes."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import islice
from typing import Any, Final

import msgspec

from tradingboost.core.errors import Refused
from tradingboost.kit.keys import RedisType
from tradingboost.kit.keys_legacy import OKX_UID_OF_TELEGRAM, TELEGRAM_OF_OKX_UID, Legacy, legacy_of
from tradingboost.kit.redis import Redis

Content = str | dict[str, str] | list[str] | None
_MOST_KEYS: Final = 1_000_000
_PIPELINE: Final = 200


class OldKey(msgspec.Struct, frozen=True):
    """A key of the old system and the pattern it belongs to."""

    key: str
    row: Legacy

    @property
    def parts(self) -> dict[str, str]:
        """What stands in the places of the pattern."""
        return self.row.parse(self.key) or {}

    @property
    def owner(self) -> str:
        """The old id in it, "" = nobody's."""
        parts = self.parts
        return parts.get("id") or parts.get("telegram") or parts.get("okx_uid") or ""


class Value(msgspec.Struct, frozen=True):
    """What stands under a key.

    Args:
        type: as TYPE answers; "none" where the key is gone.
        content: text, fields, or members; None for other types.
        digest: of type and content, the same for the same content in any order.
    """

    type: str
    content: Content
    digest: str


async def old_keys(redis: Redis, wanted: Callable[[Legacy], bool], batch: int = 500) -> list[OldKey]:
    """Every key of the old system whose pattern is wanted, sorted.

    Raises:
        Refused: `too_many_keys`; there are more than a million of them.
    """
    found: set[str] = set()
    rows: dict[str, Legacy] = {}
    async for key in scanned(redis, batch):
        row = legacy_of(key)
        if row is None or not wanted(row):
            continue
        found.add(key)
        rows[key] = row
        if len(found) > _MOST_KEYS:
            raise Refused("too_many_keys", "There are more than a million keys; take them in parts with --user.")
    return [OldKey(key, rows[key]) for key in sorted(found)]


async def scanned(redis: Redis, batch: int = 500) -> AsyncIterator[str]:
    """Every key, some perhaps twice; keys that are no text are told as they look."""
    cursor = 0
    while True:
        async with redis.context("slow") as client:
            cursor, page = await client.scan(cursor, count=batch)
        for key in page:
            yield _text(key)
        if cursor == 0:
            return


async def values(redis: Redis, keys: Sequence[str]) -> dict[str, Value]:
    """What stands under each key."""
    found: dict[str, Value] = {}
    waiting = iter(keys)
    while page := list(islice(waiting, _PIPELINE)):
        async with redis.context("pipeline") as client:
            async with client.pipeline(transaction=False) as pipe:
                for key in page:
                    pipe.type(key)
                types = [_text(kind) for kind in await pipe.execute()]
            async with client.pipeline(transaction=False) as pipe:
                for key, kind in zip(page, types, strict=True):
                    _ask(pipe, key, kind)
                answers = await pipe.execute(raise_on_error=False)
        for key, kind, answer in zip(page, types, answers, strict=True):
            found[key] = _value(kind, answer)
    return found


async def value(redis: Redis, key: str) -> Value:
    """What stands under one key."""
    return (await values(redis, [key]))[key]


async def tables(redis: Redis, batch: int = 500) -> tuple[dict[str, str], dict[str, str]]:
    """OKX UID by old id, and Telegram id by OKX UID, as the old system stored them."""
    keys = await old_keys(redis, lambda row: row in (OKX_UID_OF_TELEGRAM, TELEGRAM_OF_OKX_UID), batch)
    read = await values(redis, [one.key for one in keys])
    okx_of: dict[str, str] = {}
    telegram_of: dict[str, str] = {}
    for one in keys:
        content = read[one.key].content
        if isinstance(content, str):
            (okx_of if one.row is OKX_UID_OF_TELEGRAM else telegram_of)[one.owner] = content.strip()
    return okx_of, telegram_of


def _ask(pipe: Any, key: str, kind: str) -> None:
    if kind == RedisType.STRING:
        pipe.get(key)
    elif kind == RedisType.HASH:
        pipe.hgetall(key)
    elif kind == RedisType.SET:
        pipe.smembers(key)
    elif kind == RedisType.LIST:
        pipe.lrange(key, 0, 999)
    else:
        pipe.exists(key)


def _value(kind: str, answer: Any) -> Value:
    content: Content = None
    if isinstance(answer, bytes):
        content = _text(answer)
    elif isinstance(answer, dict):
        content = {_text(field): _text(each) for field, each in answer.items()}
    elif isinstance(answer, set):
        content = sorted(_text(each) for each in answer)
    elif isinstance(answer, list):
        content = [_text(each) for each in answer]
    return Value(kind, content, digest(kind, content))


def digest(kind: str, content: Content) -> str:
    """A hash of a value; equal for equal content."""
    ordered = dict(sorted(content.items())) if isinstance(content, dict) else content
    return hashlib.sha256(msgspec.json.encode([kind, ordered])).hexdigest()


def _text(raw: bytes | str) -> str:
    return raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw
