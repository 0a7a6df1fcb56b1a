"""How events cross borders: the cause they inherit, and their form as a stream entry or an outbox row."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping

from tradingboost.core.errors import InvalidInput
from tradingboost.shared.events.envelope import Event, Payload, decode


class Cause(msgspec.Struct, frozen=True):
    """Why something happens: the story it belongs to and the event or request right before it."""

    correlation_id: str
    causation_id: str | None = None


_cause: ContextVar[Cause | None] = ContextVar("tradingboost_cause", default=None)


def current_cause() -> Cause | None:
    """The cause of what runs now, if anybody told."""
    return _cause.get()


@contextmanager
def caused_by(cause: Cause) -> Iterator[None]:
    """Let every event emitted inside the block carry this cause."""
    token = _cause.set(cause)
    try:
        yield
    finally:
        _cause.reset(token)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An event whose payload is not decoded yet, as it lies in a stream or in the outbox."""

    event_id: UUID
    type: str
    version: int
    aggregate: str
    seq: int
    key: str
    occurred_at: datetime
    correlation_id: str
    causation_id: str | None
    user_id: str | None
    data: bytes | str

    def event(self) -> Event[Payload]:
        """The event with its payload.

        Raises:
            InvalidInput: unknown type or version, or malformed data.
        """
        return Event(
            id=self.event_id,
            type=self.type,
            version=self.version,
            occurred_at=self.occurred_at,
            key=self.key,
            aggregate=self.aggregate,
            seq=self.seq,
            payload=decode(self.type, self.version, self.data),
            correlation_id=self.correlation_id,
            causation_id=self.causation_id,
            user_id=self.user_id,
        )

    def cause(self) -> Cause:
        """What a handler of this event passes on."""
        return Cause(self.correlation_id, str(self.event_id))


def to_fields(row: Mapping[str, Any]) -> dict[str, str | int]:
    """An outbox row as the fields of a stream entry; absent parts are left out."""
    fields: dict[str, str | int] = {
        "id": str(row["event_id"]),
        "type": row["type"],
        "v": row["schema_version"],
        "key": row["key"],
        "agg": row["aggregate"],
        "seq": row["seq"],
        "at": row["occurred_at"].isoformat(),
        "cid": row["correlation_id"],
        "data": row["data"],
    }
    if row["user_id"] is not None:
        fields["user"] = row["user_id"]
    if row["causation_id"] is not None:
        fields["cause"] = row["causation_id"]
    return fields


def from_fields(fields: Mapping[bytes, bytes]) -> Entry:
    """A stream entry read back.

    Raises:
        InvalidInput: a field is missing or malformed; somebody else wrote to the stream.
    """
    try:
        cause, user = fields.get(b"cause"), fields.get(b"user")
        return Entry(
            event_id=UUID(fields[b"id"].decode()),
            type=fields[b"type"].decode(),
            version=int(fields[b"v"]),
            aggregate=fields[b"agg"].decode(),
            seq=int(fields[b"seq"]),
            key=fields[b"key"].decode(),
            occurred_at=datetime.fromisoformat(fields[b"at"].decode()),
            correlation_id=fields[b"cid"].decode(),
            causation_id=None if cause is None else cause.decode(),
            user_id=None if user is None else user.decode(),
            data=fields[b"data"],
        )
    except (KeyError, ValueError) as error:
        message = "A stream entry is no event of ours; look at who else writes to this stream."
        raise InvalidInput("entry_malformed", message, error=repr(error)) from error


def from_row(row: RowMapping) -> Entry:
    """An outbox row read back."""
    return Entry(
        event_id=row["event_id"],
        type=row["type"],
        version=row["schema_version"],
        aggregate=row["aggregate"],
        seq=row["seq"],
        key=row["key"],
        occurred_at=row["occurred_at"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
        user_id=row["user_id"],
        data=row["data"],
    )
