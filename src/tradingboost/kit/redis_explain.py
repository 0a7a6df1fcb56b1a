"""What a key is: pattern, owner, TTL policy, where it comes from, and what becomes of it."""

import asyncio
from typing import Any, Final

import msgspec

from tradingboost.kit import keys
from tradingboost.kit.keys import Pattern, RedisType, pattern_of
from tradingboost.kit.keys_jobs import jobs_pattern_of
from tradingboost.kit.keys_legacy import legacy_of
from tradingboost.kit.redis import Redis, mapped
from tradingboost.kit.redis_shell import notes_on, policy_of

_TIMEOUT_S: Final = 10.0
_BY_OWNER: Final = {
    "users": "PostgreSQL, schema users, by the next reader",
    "exchange": "PostgreSQL or the venue, by the next call",
    "strategy": "PostgreSQL, schema strategy, at the next step of the run",
    "orders": "PostgreSQL, schema orders, at the next event",
    "positions": "PostgreSQL, schema positions, at the next event",
    "analytics": "the ledger, by the next reader",
    "market": "the venue, with the next message",
    "notifications": "PostgreSQL, schema notifications; this is only a wake-up",
    "config": "PostgreSQL, schema config, by the next reader",
    "kit": "whoever asked for it, by the next call",
    "migration": "nowhere: it is the backup itself; tradingboost migrate backups lists them",
    "jobs": "PostgreSQL, schema jobs: the sweep wakes workers again",
    "celery": "Celery, with the next message",
}
_BY_PATTERN: Final = {
    keys.EVENTS.text: "bus.outbox: consumers read what is missing from there",
    keys.API_KEYS.text: "users.exchange_credentials, still sealed, by the next call",
    keys.API_KEYS_ACCOUNT.text: "users.exchange_credentials, still sealed, by the next call",
    keys.SESSION.text: "users.sessions, at the next request",
    keys.AUTH_DENY.text: "users.sessions says the same; a token lives 15 minutes at most",
    keys.AUTH_THROTTLE.text: "nowhere; lockouts themselves are in PostgreSQL",
    keys.RATE_BUCKET.text: "nowhere; it begins empty again",
    keys.HYPERRSI_LOCK.text: "nowhere; leases in PostgreSQL keep a run to one process",
}
_NOT_REBUILT: Final = frozenset(
    (
        keys.EVENTS.text,
        keys.MARKET_TICKS.text,
        keys.AUTH_DENY.text,
        keys.AUTH_THROTTLE.text,
        keys.SESSION.text,
        keys.RATE_BUCKET.text,
        keys.HYPERRSI_LOCK.text,
        keys.TASK_RUNNING.text,
        keys.NOTIFICATION_QUEUE.text,
        keys.NOTIFICATION_DEDUP.text,
        keys.NOTIFICATION_THROTTLE.text,
        keys.POSITIONS_BACKUP.text,
    )
)


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One key.

    Args:
        kind: valid, legacy or unknown.
        ttl_s: -1 = none, -2 = the key does not exist.
        rebuilt_from: where its content comes from when it is lost.
        notes: what writing it does not do.
    """

    key: str
    kind: str
    pattern: str
    owner: str
    wanted_type: str
    type: str
    policy: str
    ttl_s: int
    rebuilt_from: str
    notes: list[str]


def rebuilt_from(pattern: Pattern) -> str:
    """Where the content of such keys comes from when it is lost."""
    return _BY_PATTERN.get(pattern.text) or _BY_OWNER[pattern.owner]


def refilled() -> list[Pattern]:
    """Patterns whose keys may be dropped at any time, because their owner fills them again by itself."""
    return [
        pattern
        for pattern in keys.registry()
        if pattern.text not in _NOT_REBUILT and pattern.type is not RedisType.CHANNEL
    ]


async def explain(redis: Redis, key: str, db: str = "app") -> Explained:
    """Everything known about a key.

    Raises:
        Unavailable: `redis_down`.
    """
    client: Any = redis.transport
    with mapped():
        async with asyncio.timeout(_TIMEOUT_S):
            type_, ttl_s = (await client.type(key)).decode(), int(await client.ttl(key))
    there = {"key": key, "type": type_, "ttl_s": ttl_s}
    plain = key.removeprefix(redis.prefix)
    pattern = jobs_pattern_of(key) if db == "jobs" else pattern_of(plain)
    if pattern is not None:
        return Explained(
            **there,
            kind="valid",
            pattern=pattern.text,
            owner=pattern.owner,
            wanted_type=pattern.type.value,
            policy=policy_of(pattern),
            rebuilt_from=rebuilt_from(pattern),
            notes=notes_on(["SET", plain]) if db == "app" else [],
        )
    legacy = legacy_of(key) if db == "app" else None
    if legacy is not None:
        return Explained(
            **there,
            kind="legacy",
            pattern=legacy.text,
            owner="the old system",
            wanted_type=legacy.type.value if legacy.type else "any",
            policy="none; nothing writes it any more",
            rebuilt_from=legacy.note,
            notes=[f"Taken over by: tradingboost {legacy.verb}"],
        )
    unknown = "nobody knows it; find out who writes it"
    return Explained(
        **there, kind="unknown", pattern="-", owner="-", wanted_type="-", policy="-", rebuilt_from=unknown, notes=[]
    )


async def rebuild(redis: Redis, pattern: str = "") -> dict[str, int]:
    """Drop copies, so that their owners fill them again from PostgreSQL; how many of each pattern were dropped.

    Args:
        pattern: only keys that match it (`user:*:settings`), "" = all copies.
    """
    client: Any = redis.transport
    wanted, dropped, cursor = {one.text for one in refilled()}, dict[str, int](), 0
    while True:
        with mapped():
            async with asyncio.timeout(_TIMEOUT_S):
                cursor, found = await client.scan(cursor, match=redis.prefix + (pattern or "*"), count=500)
        doomed = {}
        for key in found:
            one = pattern_of(key.decode("utf-8", "backslashreplace").removeprefix(redis.prefix))
            if one is not None and one.text in wanted:
                doomed[key] = one.text
        if doomed:
            with mapped():
                async with asyncio.timeout(_TIMEOUT_S):
                    await client.unlink(*doomed)
        for text in doomed.values():
            dropped[text] = dropped.get(text, 0) + 1
        if not cursor:
            return dict(sorted(dropped.items()))
