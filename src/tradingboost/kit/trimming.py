"""What keeps streams and outbox small: nothing goes that somebody may still need."""

import asyncio
from datetime import timedelta
from typing import Any

import structlog
from redis.asyncio import Redis as Client
from redis.exceptions import ResponseError
from sqlalchemy import select, text

from tradingboost.kit.db import Database
from tradingboost.kit.keys import EVENTS
from tradingboost.kit.redis import Redis, mapped
from tradingboost.kit.tables import cursors
from tradingboost.shared.events.envelope import STREAMS

log = structlog.get_logger(__name__)

ALARM_LENGTH = 1_000_000
_PURGE_BATCH = 1000
_PURGE_ROUNDS = 20
_TIMEOUT_S = 10.0

# Rows leave at the low end of each aggregate, so the numbers that stay are still without gaps.
_PURGE_OUTBOX = text(
    """
    DELETE FROM bus.outbox WHERE event_id IN (
        SELECT o.event_id FROM bus.outbox o
        WHERE o.published_at < clock_timestamp() - CAST(:keep AS interval)
          AND o.position <= coalesce((SELECT min(c.position) FROM bus.cursors c WHERE c.stream = o.stream), o.position)
          AND NOT EXISTS (SELECT 1 FROM bus.dead_letters d WHERE d.aggregate = o.aggregate AND d.resolved_at IS NULL)
        ORDER BY o.position LIMIT :batch)
    """
)
_PURGE_INBOX = text(
    """
    DELETE FROM bus.inbox WHERE (consumer, event_id) IN (
        SELECT i.consumer, i.event_id FROM bus.inbox i
        WHERE i.handled_at < clock_timestamp() - CAST(:keep AS interval)
          AND NOT EXISTS (SELECT 1 FROM bus.outbox o WHERE o.event_id = i.event_id)
        LIMIT :batch)
    """
)


async def purge(database: Database, keep: timedelta) -> int:
    """Delete published and settled outbox rows older than `keep`, and inbox rows whose event is gone.

    Returns:
        How many rows went; the work of one call is bounded.
    """
    total = 0
    for statement in (_PURGE_OUTBOX, _PURGE_INBOX):
        for _ in range(_PURGE_ROUNDS):
            async with database.transaction() as connection:
                gone = (await connection.execute(statement, {"keep": keep, "batch": _PURGE_BATCH})).rowcount
            total += gone
            if gone < _PURGE_BATCH:
                break
    return total


async def trim_streams(database: Database, redis: Redis, keep: timedelta) -> int:
    """Drop entries that every group has acknowledged and that are older than `keep`; returns how many."""
    async with database.read() as connection:
        rows = (await connection.execute(select(cursors.c.stream, cursors.c.consumer))).all()
    expected: dict[str, set[str]] = {}
    for stream, consumer in rows:
        expected.setdefault(stream, set()).add(consumer)
    dropped = 0
    with mapped():
        async with asyncio.timeout(_TIMEOUT_S):
            for context in STREAMS:
                key = redis.key(EVENTS, context=context)
                dropped += await _trim(redis.transport, key, expected.get(context, set()), keep)
    return dropped


async def _trim(client: Client, key: str, expected: set[str], keep: timedelta) -> int:
    try:
        groups: list[dict[str, Any]] = await client.xinfo_groups(key)
    except ResponseError:  # no such stream
        return 0
    if not expected <= {group["name"].decode() for group in groups}:
        return 0  # a group has to be made again first, and reads from the start
    seconds, micros = await client.time()
    limits = [_split(f"{(int(seconds) * 1000 + int(micros) // 1000) - int(keep.total_seconds() * 1000)}-0")]
    for group in groups:
        pending = await client.xpending(key, group["name"])
        oldest = pending["min"] if pending["pending"] else group["last-delivered-id"]
        limits.append(_split(oldest.decode()))
    limit = min(limits)
    dropped = int(await client.xtrim(key, minid=f"{limit[0]}-{limit[1]}", approximate=True))
    length = int(await client.xlen(key))
    if length > ALARM_LENGTH:
        log.error("stream_too_long", stream=key, length=length)
    return dropped


def _split(entry_id: str) -> tuple[int, int]:
    stamp, _, number = entry_id.partition("-")
    return int(stamp), int(number or 0)
