"""Schema `jobs`: one row a job."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
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

metadata = schema_metadata("jobs")

_NOW = sql("clock_timestamp()")
_OPEN = sql("state IN ('queued', 'running')")

jobs = Table(
    "jobs",
    metadata,
    Column("id", UUID(as_uuid=True), nullable=False),
    Column("kind", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("user_id", Text),
    Column("key", Text, comment="the same key is the same job: asked twice, made once"),
    Column("args", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default=sql("'queued'")),
    Column("cursor", JSONB, comment="how far it is, as its kind understands it"),
    Column("done", BigInteger, nullable=False, server_default=sql("0")),
    Column("total", BigInteger),
    Column("note", Text, nullable=False, server_default=sql("''")),
    Column("result", JSONB),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("attempts", Integer, nullable=False, server_default=sql("0"), comment="begun since it last came further"),
    Column("cancel_asked", Boolean, nullable=False, server_default=sql("false")),
    Column("owner", Text),
    Column("token", BigInteger, nullable=False, server_default=sql("0"), comment="grows with every claim"),
    Column("held_until", UtcDateTime, comment="silent for longer, its worker is dead"),
    Column("run_after", UtcDateTime, nullable=False, server_default=_NOW),
    Column("woken_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False, server_default=_NOW),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("key"),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state_known"),
    CheckConstraint("(state IN ('queued', 'running')) = (finished_at IS NULL)", name="finished_has_a_time"),
    Index("ix_jobs_open", "created_at", postgresql_where=_OPEN),
    Index("ix_jobs_of_user", "user_id", "created_at"),
    Index("ix_jobs_finished_at", "finished_at"),
)
