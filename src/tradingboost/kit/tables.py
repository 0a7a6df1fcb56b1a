"""Tables of the kit: schemas `bus` (outbox, inbox, cursors, dead letters) and `ops` (leases, migrations, metrics)."""

from datetime import timedelta

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB, UUID

from tradingboost.kit.db import UtcDateTime, schema_metadata
from tradingboost.kit.tiers import Series

bus_metadata = schema_metadata("bus")
ops_metadata = schema_metadata("ops")

_NOW = sql("clock_timestamp()")

aggregates = Table(
    "aggregates",
    bus_metadata,
    Column("aggregate", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False, comment="the newest number given; its row lock makes numbers gap-free"),
)

outbox = Table(
    "outbox",
    bus_metadata,
    Column("event_id", UUID(as_uuid=True), primary_key=True),
    Column("position", BigInteger, Identity(always=True), nullable=False, comment="order of insertion"),
    Column("aggregate", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("stream", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("user_id", Text),
    Column("correlation_id", Text, nullable=False),
    Column("causation_id", Text),
    Column("payload", JSONB, nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, server_default=_NOW),
    Column("published_at", UtcDateTime),
    UniqueConstraint("aggregate", "seq"),
    UniqueConstraint("position"),
    Index("ix_outbox_unpublished", "position", postgresql_where=sql("published_at IS NULL")),
    Index("ix_outbox_stream_position", "stream", "position"),
)

inbox = Table(
    "inbox",
    bus_metadata,
    Column("consumer", Text, nullable=False),
    Column("event_id", UUID(as_uuid=True), nullable=False),
    Column("handled_at", UtcDateTime, nullable=False, server_default=_NOW),
    PrimaryKeyConstraint("consumer", "event_id"),
    Index("ix_inbox_handled_at", "handled_at"),
)

cursors = Table(
    "cursors",
    bus_metadata,
    Column("consumer", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("position", BigInteger, nullable=False, comment="outbox rows up to here are settled for this consumer"),
    Column("recovering", Integer, nullable=False, server_default=sql("0"), comment="1 while lost entries are reread"),
    Column("updated_at", UtcDateTime, nullable=False, server_default=_NOW),
    PrimaryKeyConstraint("consumer", "stream"),
)

dead_letters = Table(
    "dead_letters",
    bus_metadata,
    Column("consumer", Text, nullable=False),
    Column("event_id", UUID(as_uuid=True), nullable=False),
    Column("stream", Text, nullable=False),
    Column("aggregate", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("deliveries", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("parked_at", UtcDateTime, nullable=False, server_default=_NOW),
    Column("resolved_at", UtcDateTime),
    PrimaryKeyConstraint("consumer", "event_id"),
    Index("ix_dead_letters_open", "consumer", "aggregate", postgresql_where=sql("resolved_at IS NULL")),
)

leases = Table(
    "leases",
    ops_metadata,
    Column("resource", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

lease_history = Table(
    "lease_history",
    ops_metadata,
    Column("resource", Text, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("acquired_at", UtcDateTime, nullable=False, server_default=_NOW),
    PrimaryKeyConstraint("resource", "token"),
)

migration_runs = Table(
    "migration_runs",
    ops_metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("verb", Text, nullable=False),
    Column("options", JSONB, nullable=False),
    Column("source", Text, nullable=False, comment="which Redis was read: host, port and database, no password"),
    Column("status", Text, nullable=False, comment="running, done, stopped (by a person), failed or cut (by a crash)"),
    Column("counts", JSONB, nullable=False, server_default=sql("'{}'")),
    Column("cursor", Text, nullable=False, server_default="", comment="the newest item that was finished"),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    CheckConstraint("status IN ('running', 'done', 'stopped', 'failed', 'cut')", name="status"),
    Index("ix_migration_runs_verb", "verb", "started_at"),
)

migration_items = Table(
    "migration_items",
    ops_metadata,
    Column("run_id", UUID(as_uuid=False), ForeignKey("ops.migration_runs.id"), nullable=False),
    Column("verb", Text, nullable=False),
    Column("key", Text, nullable=False, comment="the key of the old system"),
    Column("action", Text, nullable=False),
    Column("status", Text, nullable=False, comment="done, equal, merged, refused, left"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("value_hash", Text, nullable=False, comment="of what stood there; a changed value is a new item"),
    Column("notes", JSONB, nullable=False, server_default=sql("'[]'")),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("run_id", "key"),
    CheckConstraint("status IN ('done', 'equal', 'merged', 'refused', 'left')", name="status"),
    Index("ix_migration_items_key", "verb", "key", "at"),
)

metric_points = Table(
    "metric_points",
    ops_metadata,
    Column("instance", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("labels", Text, primary_key=True, comment="name=value, in the order of the names"),
    Column("at", UtcDateTime, primary_key=True),
    Column("value", Double, nullable=False),
    Index("brin_metric_points_at", "at", postgresql_using="brin"),
)

SERIES = (
    Series(
        table=metric_points,
        time="at",
        chunk=timedelta(days=1),
        segment_by=("instance", "name", "labels"),
        compress_after=timedelta(days=7),
        keep=timedelta(days=30),
    ),
)
"""What the kit keeps by time."""
