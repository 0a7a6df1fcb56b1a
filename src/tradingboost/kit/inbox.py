"""One consumer's memory in PostgreSQL: what it has handled, what it missed, what it gave up on.

`UNIQUE(consumer, event_id)` written in the effect's transaction makes every effect happen once, however often the
event arrives.
"""

from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, any_, bindparam, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import NotFound
from tradingboost.kit.crash import crash_point
from tradingboost.kit.db import Database
from tradingboost.kit.events import Cause, Entry, caused_by, from_row
from tradingboost.kit.hot import Hot
from tradingboost.kit.logging import redact
from tradingboost.kit.outbox import ROW
from tradingboost.kit.tables import cursors, dead_letters, inbox, outbox
from tradingboost.shared.events.envelope import Event

Handler = Callable[[AsyncConnection, Event[Any]], Awaitable[None]]


class Together:
    """A handler that takes events that follow one another in one call; it has to name the cause of what it tells."""

    def __init__(self, handle: Callable[[AsyncConnection, Sequence[Event[Any]]], Awaitable[None]]) -> None:
        self.handle = handle

    async def __call__(self, connection: AsyncConnection, event: Event[Any]) -> None:
        """As for a handler of single events."""
        await self.handle(connection, [event])


_PAGE = 500
# A position is drawn before its transaction commits; nobody's transaction takes this long.
_SETTLED_AFTER = text("interval '10 minutes'")
_CLAIM = Hot(
    text(
        """
        INSERT INTO bus.inbox (consumer, event_id)
        SELECT CAST(:consumer AS text), i FROM unnest(CAST(:ids AS uuid[])) AS i
        ON CONFLICT DO NOTHING RETURNING event_id
        """
    )
)


class Inbox:
    """What one consumer group knows about one stream.

    Args:
        consumer: the group's name.
        stream: the publishing context.
        types: the event types it handles; the others are no business of its inbox.
    """

    def __init__(self, database: Database, consumer: str, stream: str, types: Sequence[str]) -> None:
        self._database = database
        self._consumer = consumer
        self._stream = stream
        self._types = list(types)

    async def handle(self, batch: Sequence[tuple[Event[Any], Handler]]) -> None:
        """Run the handlers of those events that were not handled before, all in one transaction."""
        async with self._database.transaction() as connection:
            ids = [event.id for event, _ in batch]
            claimed = await _CLAIM.rows(connection, consumer=self._consumer, ids=ids)
            fresh = {row["event_id"] for row in claimed}
            # The same event may be in the batch twice.
            due = {event.id: (event, handler) for event, handler in batch if event.id in fresh}
            for handler, same in groupby(due.values(), itemgetter(1)):
                events = [event for event, _ in same]
                if isinstance(handler, Together):
                    await handler.handle(connection, events)
                    continue
                for event in events:
                    with caused_by(Cause(event.correlation_id, str(event.id))):
                        await handler(connection, event)
            crash_point("bus.consumer.after_effect")
        crash_point("bus.consumer.after_commit")

    async def start_recovery(self) -> None:
        """Note that entries may be lost, so nobody takes an empty stream for a finished one."""
        row = {"consumer": self._consumer, "stream": self._stream, "position": 0, "recovering": 1}
        statement = insert(cursors).values(row)
        statement = statement.on_conflict_do_update(index_elements=["consumer", "stream"], set_={"recovering": 1})
        async with self._database.transaction() as connection:
            await connection.execute(statement)

    async def end_recovery(self) -> None:
        """All that was lost is handled."""
        await self._set_cursor(recovering=0)

    async def missed(self, *, after: int = 0, settled_for_s: float = 0.0) -> tuple[list[Entry], int | None]:
        """Events of the outbox this consumer has not handled, oldest first, one page.

        Args:
            after: position of the page before.
            settled_for_s: leave out rows published less than this ago; they are on their way through Redis.

        Returns:
            The events and the position to continue after; None after the last page.
        """
        due: ColumnElement[bool] = outbox.c.position > after
        if settled_for_s:
            age = func.make_interval(0, 0, 0, 0, 0, 0, settled_for_s)
            due = and_(due, outbox.c.published_at < func.clock_timestamp() - age)
        statement = select(*ROW).where(due, self._unhandled(), ~self._held()).order_by(outbox.c.position).limit(_PAGE)
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [from_row(row) for row in rows], rows[-1]["position"] if len(rows) == _PAGE else None

    async def between(self, aggregate: str, after: int, before: int) -> list[Entry]:
        """Unhandled events of one aggregate with `after < seq < before`: what a hole in the stream has hidden."""
        in_hole = and_(outbox.c.aggregate == aggregate, outbox.c.seq > after, outbox.c.seq < before)
        statement = select(*ROW).where(in_hole, self._unhandled()).order_by(outbox.c.seq).limit(_PAGE)
        async with self._database.read() as connection:
            return [from_row(row) for row in (await connection.execute(statement)).mappings()]

    async def settle(self) -> None:
        """Move the cursor up to the first event that is still unhandled."""
        first_open = select(func.min(outbox.c.position) - 1).where(self._unhandled())
        old = outbox.c.created_at < func.clock_timestamp() - _SETTLED_AFTER
        newest_old = select(func.max(outbox.c.position)).where(old)
        limit = func.least(first_open.scalar_subquery(), newest_old.scalar_subquery())
        # least() ignores NULL, so without any open row the cursor rests at the newest settled one.
        has_old = newest_old.scalar_subquery().is_not(None)
        await self._set_cursor(has_old, position=func.greatest(cursors.c.position, limit))

    async def held(self) -> set[str]:
        """Aggregates that wait for an operator."""
        statement = select(dead_letters.c.aggregate).where(self._open_letters())
        async with self._database.read() as connection:
            return set((await connection.execute(statement)).scalars())

    async def park(self, entry: Entry, error: str, deliveries: int, *, hold: bool) -> None:
        """Give up on an event; with `hold` its aggregate is held back until somebody releases it."""
        row = {
            "consumer": self._consumer,
            "event_id": entry.event_id,
            "stream": self._stream,
            "aggregate": entry.aggregate,
            "seq": entry.seq,
            "type": entry.type,
            "deliveries": deliveries,
            "error": redact(error)[:2000],  # a handler may have failed with anything in its message
            "resolved_at": None if hold else func.clock_timestamp(),
        }
        again = {name: row[name] for name in ("deliveries", "error", "resolved_at")}
        statement = insert(dead_letters).values(row)
        statement = statement.on_conflict_do_update(index_elements=["consumer", "event_id"], set_=again)
        async with self._database.transaction() as connection:
            await connection.execute(statement)

    def _unhandled(self) -> ColumnElement[bool]:
        """Of this stream, of a handled type, past the cursor and without an inbox row."""
        cursor = select(cursors.c.position).where(self._own_cursor()).scalar_subquery()
        handled = exists().where(inbox.c.consumer == self._consumer, inbox.c.event_id == outbox.c.event_id)
        types = any_(bindparam(None, self._types, type_=ARRAY(Text)))
        ours = and_(outbox.c.stream == self._stream, outbox.c.type == types)
        return and_(ours, outbox.c.position > func.coalesce(cursor, 0), ~handled)

    def _held(self) -> ColumnElement[bool]:
        return exists().where(self._open_letters(), dead_letters.c.aggregate == outbox.c.aggregate)

    def _open_letters(self) -> ColumnElement[bool]:
        return and_(dead_letters.c.consumer == self._consumer, dead_letters.c.resolved_at.is_(None))

    def _own_cursor(self) -> ColumnElement[bool]:
        return and_(cursors.c.consumer == self._consumer, cursors.c.stream == self._stream)

    async def _set_cursor(self, *only: ColumnElement[bool], **values: Any) -> None:
        statement = update(cursors).where(self._own_cursor(), *only)
        async with self._database.transaction() as connection:
            await connection.execute(statement.values(updated_at=func.clock_timestamp(), **values))


async def release(database: Database, consumer: str, event_id: UUID, *, skip: bool) -> None:
    """Let a held aggregate go on: `skip` counts the event as handled, otherwise it is tried again.

    Raises:
        NotFound: no such open dead letter.
    """
    letter = and_(dead_letters.c.consumer == consumer, dead_letters.c.event_id == event_id)
    async with database.transaction() as connection:
        if skip:
            await _CLAIM.rows(connection, consumer=consumer, ids=[event_id])
        statement = update(dead_letters).where(letter, dead_letters.c.resolved_at.is_(None))
        done = await connection.execute(statement.values(resolved_at=func.clock_timestamp()))
        if done.rowcount == 0:
            message = "There is no open dead letter with this event id for this consumer; list them first."
            raise NotFound("dead_letter_not_found", message, consumer=consumer, event_id=str(event_id))
