"""The new layout of positions in Redis, and the backups of the old one: keys, backups, and three atomic steps."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from tradingboost.app.migrate.positions import Place
from tradingboost.core.errors import Conflict, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit import keys
from tradingboost.kit.redis import Redis

_STAMP: Final = "%Y%m%d_%H%M%S"
KEPT_S: Final = keys.POSITIONS_BACKUP.ttl_s or 0
_TRIES: Final = 60


class Leg(msgspec.Struct, frozen=True):
    """One hash of the new layout and how the index names it."""

    key: str
    member: str


class Backup(msgspec.Struct, frozen=True, order=True):
    """One kept array. Sorted by source and age."""

    source: str
    stamp: str
    key: str

    @property
    def made_at(self) -> datetime:
        """When, in UTC."""
        return datetime.strptime(self.stamp, _STAMP).replace(tzinfo=UTC)


class Mirror:
    """The positions of one person on one venue."""

    def __init__(self, redis: Redis, user_id: UserId, venue: str) -> None:
        self._redis = redis
        self._user_id = user_id
        self._venue = venue
        self.index = redis.key(keys.POSITIONS_INDEX, user_id=user_id, exchange=venue)

    def leg(self, place: Place) -> Leg:
        """The hash of a position."""
        parts = {"user_id": self._user_id, "exchange": self._venue, "symbol": place.symbol, "side": place.side}
        return Leg(self._redis.key(keys.POSITIONS, **parts), place.member)

    async def fields(self, place: Place) -> dict[str, str]:
        """What a hash says; empty where there is none."""
        async with self._redis.context() as client:
            found = await client.hgetall(self.leg(place).key)
        return {_text(name): _text(value) for name, value in found.items()}

    async def members(self) -> set[str]:
        """What the index names."""
        async with self._redis.context() as client:
            return {_text(one) for one in await client.smembers(self.index)}

    async def move(
        self,
        source: str,
        raw: bytes | None,
        made: Mapping[Place, Mapping[str, str]],
        at: datetime,
        *,
        force: bool = False,
    ) -> str:
        """Hashes and index in, source out, all at once: `moved`, `changed`, `occupied` or `unequal`.

        Args:
            raw: what the source has to say still; None = it is on another server and stays.
        """
        marks = {"migrated_at": at.isoformat(), "migrated_from": source}
        legs = [self.leg(place) for place in made]
        expected = "" if raw is None else _sha(raw)
        args: list[str | int | bytes] = [expected, _ttl_ms(), _flag(force), source]
        for leg, fields in zip(legs, made.values(), strict=True):
            words = [word for pair in {**fields, **marks}.items() for word in pair]
            args += [leg.member, len(words), *words]
        return await self._script("positions_move", [source, self.index, *(leg.key for leg in legs)], args)

    async def put_back(
        self, source: str, backup: tuple[str, bytes] | None, places: Sequence[Place], *, force: bool = False
    ) -> str:
        """Hashes out and, from a backup, the source back in: `back`, `changed` or `source_exists`."""
        legs = [self.leg(place) for place in places]
        kept_key, digest = (backup[0], _sha(backup[1])) if backup else (source, "")
        args: list[str | int | bytes] = [digest, _flag(force), *(leg.member for leg in legs)]
        return await self._script("positions_back", [source, kept_key, self.index, *(leg.key for leg in legs)], args)

    async def mend(self, places: Sequence[Place]) -> tuple[int, int]:
        """Have the index say which of these hashes there are: how many were added and removed."""
        legs = [self.leg(place) for place in places]
        args: list[str | int | bytes] = [_ttl_ms(), *(leg.member for leg in legs)]
        added, removed = await self._redis.guarded_script(
            "positions_mend", [self.index, *(leg.key for leg in legs)], args
        )
        return int(added), int(removed)

    async def _script(self, name: str, names: list[str], args: list[str | int | bytes]) -> str:
        return _text(await self._redis.guarded_script(name, names, args))


async def raw_of(redis: Redis, key: str) -> bytes | None:
    """The bytes of a string key; None where there is none."""
    async with redis.context() as client:
        kind = await client.type(key)
        if _text(kind) not in ("string", "none"):
            raise Refused("wrong_type", "This key holds no text, so it is no array of positions.")
        found = await client.get(key)
    return found.encode() if isinstance(found, str) else found


async def backed_up(redis: Redis, parts: Mapping[str, str], source: str, raw: bytes, now: datetime) -> str:
    """Keep an array for 7 days and read it back; a second that is taken by another backup is passed over.

    Args:
        parts: exchange and legacy_id of the source.

    Raises:
        Conflict: `positions_changed`; no backup is left then.
    """
    for seconds in range(_TRIES):
        stamp = (now + timedelta(seconds=seconds)).strftime(_STAMP)
        key = redis.key(keys.POSITIONS_BACKUP, **parts, stamp=stamp)
        async with redis.context("pipeline") as client, client.pipeline(transaction=True) as pipe:
            pipe.copy(source, key)  # bytes for bytes, and nothing where there is a backup of this second already
            pipe.expire(key, KEPT_S)
            made, _ = await pipe.execute()
        if await raw_of(redis, key) == raw:
            return key
        if made:
            async with redis.context() as client:
                await client.delete(key)
        if await raw_of(redis, source) != raw:
            message = "These positions changed meanwhile, so somebody writes them; stop it first."
            raise Conflict("positions_changed", message)
    raise Conflict("backups_in_the_way", "There is a backup of every second of this minute; try again in a minute.")


async def backups(redis: Redis, names: Sequence[str]) -> list[Backup]:
    """The backups among these keys, oldest first a source."""
    found = []
    prefix = prefix_of(redis)
    for name in names:
        bare = name.removeprefix(prefix)
        if keys.POSITIONS_BACKUP.matches(bare):
            parts = keys.POSITIONS_BACKUP.parse(bare)
            source = bare.removesuffix(f":backup:{parts['stamp']}")
            found.append(Backup(source, parts["stamp"], name))
    return sorted(found)


def prefix_of(redis: Redis) -> str:
    """What this deployment puts in front of its own keys."""
    return redis.key(keys.CACHE_INVALIDATED).removesuffix(keys.CACHE_INVALIDATED.text)


def place_of(member: str) -> Place | None:
    """The position an index names; None for what is no such name."""
    symbol, _, side = member.rpartition(":")
    return Place(symbol, side) if symbol and side in ("long", "short", "net") else None


def _sha(raw: bytes) -> str:
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()  # what a script can compute, too


def _ttl_ms() -> int:
    return (keys.POSITIONS.ttl_s or 0) * 1000


def _flag(value: bool) -> str:
    return "1" if value else "0"


def _text(raw: bytes | str) -> str:
    return raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw
