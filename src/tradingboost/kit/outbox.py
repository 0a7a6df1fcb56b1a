"""The outbox: events are stored in the transaction of the state they tell of, and copied to Redis Streams afterwards.

The row is the truth, the stream entry a copy; a copy may come twice and may get lost with Redis, the row cannot.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec
import structlog
from sqlalchemy import Text, cast, literal, select
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import BrokenInvariant, Conflict, OutcomeUnknown, TradingBoostError, Unavailable
from tradingboost.kit.clock import Clock, SystemClock
from tradingboost.kit.crash import crash_point
from tradingboost.kit.db import Database, after_commit
from tradingboost.kit.driver import raw_connection
from tradingboost.kit.emissions import emissions, events_of
from tradingboost.kit.events import Cause, current_cause, to_fields
from tradingboost.kit.hot import Hot
from tradingboost.kit.ids import uuid7
from tradingboost.kit.in_hand import shown
from tradingboost.kit.keys import EVENTS
from tradingboost.kit.redis import Redis, mapped
from tradingboost.kit.tables import outbox
from tradingboost.kit.trimming import purge, trim_streams
from tradingboost.shared.events.envelope import Payload, encode, spec_of

log = structlog.get_logger(__name__)

BATCH = 500
_XADD_TIMEOUT_S = 5.0
_BACKOFF_S = (0.05, 0.1, 0.25, 0.5, 1.0)
_HOUSEKEEPING_S = 60.0

_EMIT = Hot(select(literal(1)).add_cte(emissions()))
ROW = (
    outbox.c.event_id,
    outbox.c.position,
    outbox.c.aggregate,
    outbox.c.seq,
    outbox.c.type,
    outbox.c.schema_version,
    outbox.c.stream,
    outbox.c.key,
    outbox.c.user_id,
    outbox.c.correlation_id,
    outbox.c.causation_id,
    outbox.c.occurred_at,
    cast(outbox.c.payload, Text).label("data"),
)
# The relay runs after every commit, so it talks to the driver directly: half the processor time a batch.
# Two statements in one message, as a text without parameters may hold; the number is one for all relays of a database.
_BEGIN = "BEGIN; SELECT pg_advisory_xact_lock(8386388006371749752)"
_UNPUBLISHED = """
    SELECT event_id, aggregate, seq, type, schema_version, stream, key, user_id, correlation_id, causation_id,
           occurred_at, payload::text AS data
    FROM bus.outbox WHERE published_at IS NULL ORDER BY position LIMIT $1
"""
_ANY_UNPUBLISHED = "SELECT EXISTS (SELECT 1 FROM bus.outbox WHERE published_at IS NULL)"
_PUBLISHED = "UPDATE bus.outbox SET published_at = clock_timestamp() WHERE event_id = ANY($1::uuid[])"

# Relays of this process, by the dialect object that all views of an engine share: who commits an event wakes them.
_relays: WeakKeyDictionary[Dialect, list[Callable[[], None]]] = WeakKeyDictionary()


async def emit(
    connection: AsyncConnection,
    payload: Payload,
    *,
    key: str,
    aggregate: str,
    user_id: str | None = None,
    at: datetime | None = None,
    cause: Cause | None = None,
) -> UUID:
    """Store an event with the state it tells of; it is published after the commit, and never if that fails.

    Emit late in the transaction: the aggregate's counter stays locked until the commit, so an aggregate has one
    writer at a time. Who emits for several aggregates does it in sorted order, or risks Conflict `database_race`.

    Args:
        key: what keeps its order while it is handled, `user:venue:symbol` as a rule.
        aggregate: the thing the event is about; its events are numbered without gaps.
        at: when it happened, if that is not now.
        cause: replaces the cause of the running handler or request.

    Returns:
        The event's id.
    """
    event = event_values(payload, key=key, aggregate=aggregate, user_id=user_id, at=at, cause=cause)
    await store(connection, event)
    event_id: UUID = event["event_id"]
    return event_id


async def store(connection: AsyncConnection, *events: dict[str, Any]) -> None:
    """The second half of `emit`, for events that `event_values` has made, by one statement."""
    await _EMIT.rows(connection, events=events_of(("", event) for event in events))
    announce(connection)


def event_values(
    payload: Payload,
    *,
    key: str,
    aggregate: str,
    user_id: str | None = None,
    at: datetime | None = None,
    cause: Cause | None = None,
) -> dict[str, Any]:
    """An event as a row of the outbox; arguments as for `emit`."""
    spec = spec_of(type(payload))
    if spec.lossy:
        raise BrokenInvariant("feed_in_outbox", f"{spec.type} is a feed; publish it with kit.feed.")
    event_id = uuid7()
    cause = cause or current_cause() or Cause(str(event_id))
    return {
        "event_id": event_id,
        "aggregate": aggregate,
        "type": spec.type,
        "schema_version": spec.version,
        "stream": spec.stream,
        "key": key,
        "user_id": user_id,
        "correlation_id": cause.correlation_id,
        "causation_id": cause.causation_id,
        "payload": msgspec.Raw(encode(payload)),
        "occurred_at": at,
    }


def announce(connection: AsyncConnection) -> None:
    """Wake this process's relay once the open transaction is committed."""
    for wake in _relays.get(connection.dialect, ()):
        after_commit(connection, wake)


class Relay:
    """Copies committed events to their streams, in order per aggregate, at least once.

    Every process that emits runs one; an advisory lock lets one of them publish at a time, because two working side
    by side (SKIP LOCKED) could publish an aggregate's events out of order. A commit in this process wakes it at
    once; rows of a process that died are found by polling.
    """

    def __init__(
        self,
        database: Database,
        redis: Redis,
        *,
        poll_s: float = 0.25,
        keep_stream: timedelta = timedelta(hours=1),
        keep_rows: timedelta = timedelta(days=7),
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._redis = redis
        self._poll_s = poll_s
        self._keep_stream = keep_stream
        self._keep_rows = keep_rows
        self._clock = clock or SystemClock()
        self._awake = asyncio.Event()
        self._publishing = False
        self._stopping = False
        self._failures = 0

    def wake(self) -> None:
        """There may be something to publish."""
        self._awake.set()

    def busy(self) -> bool:
        """Whether a commit of this process may still be unpublished."""
        return self._publishing or self._awake.is_set()

    async def run(self) -> None:
        """Publish until stopped; while a server is away, wait and lose nothing."""
        wakes = _relays.setdefault(self._database.engine.dialect, [])
        wakes.append(self.wake)
        try:
            with shown(self._database, self.busy):
                await self._run()
        finally:
            wakes.remove(self.wake)

    async def _run(self) -> None:
        housekeeping_at = self._clock.monotonic() + _HOUSEKEEPING_S
        while not self._stopping:
            try:
                if await self._rows_wait():
                    await self.publish()
                if self._clock.monotonic() >= housekeeping_at:
                    housekeeping_at = self._clock.monotonic() + _HOUSEKEEPING_S
                    await self.tidy()
                self._failures = 0
            except (Unavailable, Conflict, OutcomeUnknown) as error:
                pause_s = _BACKOFF_S[min(self._failures, len(_BACKOFF_S) - 1)]
                self._failures += 1
                log.warning("relay_waits", code=error.code, attempt=self._failures, pause_s=pause_s)
                await asyncio.sleep(pause_s)
        try:
            await self.publish()
        except (Unavailable, Conflict, OutcomeUnknown) as error:
            log.warning("relay_leaves_rows", code=error.code)  # the next relay finds them

    def stop(self) -> None:
        """Let `run` publish what is committed and return."""
        self._stopping = True
        self._awake.set()

    async def publish(self) -> int:
        """Publish everything committed so far; returns how many rows."""
        total, count = 0, BATCH
        self._publishing = True
        try:
            while count == BATCH:
                self._awake.clear()
                count = await self._publish_batch()
                total += count
        finally:
            self._publishing = False
        return total

    async def tidy(self) -> None:
        """Trim streams below every group's acknowledgement and delete rows older than the retention."""
        await trim_streams(self._database, self._redis, self._keep_stream)
        await purge(self._database, self._keep_rows)

    async def _rows_wait(self) -> bool:
        """Sleep until a commit in this process, at most `poll_s`; then see whether somebody else left a row."""
        try:
            async with asyncio.timeout(self._poll_s):
                await self._awake.wait()
                return True
        except TimeoutError:
            async with raw_connection(self._database) as connection:
                return bool(await connection.fetchval(_ANY_UNPUBLISHED))

    async def _publish_batch(self) -> int:
        async with raw_connection(self._database) as connection:
            await connection.execute(_BEGIN)
            try:
                # A statement of its own: its snapshot must be younger than the lock.
                rows = await connection.fetch(_UNPUBLISHED, BATCH)
                if rows:
                    await self._append(rows)
                    crash_point("bus.relay.after_publish")
                    await connection.execute(_PUBLISHED, [row["event_id"] for row in rows])
            except TradingBoostError:
                await connection.execute("ROLLBACK")
                raise
            await connection.execute("COMMIT")  # a connection left before that is not handed on: it is closed
        if rows:
            crash_point("bus.relay.after_mark")
        return len(rows)

    async def _append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        names = {row["stream"]: self._redis.key(EVENTS, context=row["stream"]) for row in rows}
        # As one, so that who waits for news wakes once for all of them and not after the first.
        several, client = len(rows) > 1, self._redis.transport
        with mapped():
            async with asyncio.timeout(_XADD_TIMEOUT_S), client.pipeline(transaction=several) as pipe:
                for row in rows:
                    fields: list[Any] = [part for pair in to_fields(row).items() for part in pair]
                    pipe.execute_command("XADD", names[row["stream"]], "*", *fields)
                await pipe.execute()
