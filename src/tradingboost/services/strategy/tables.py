"""What `strategy` keeps: runs with their kernel state, one decision a bar, and every wish before it is handed on."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB

from tradingboost.kit.db import ExactNumeric, UtcDateTime, schema_metadata

metadata = schema_metadata("strategy")

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("venue", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("timeframe", Text, nullable=False),
    Column("status", Text, nullable=False),  # running stopping stopped failed
    Column("reason", Text, nullable=False, server_default=""),
    Column("params", JSONB, nullable=False),  # what it decides with: every key, merged from all layers
    Column("overrides", JSONB, nullable=False, server_default=text("'{}'")),  # what its start said
    Column("preset_id", Text),
    Column("facts", JSONB, nullable=False),  # what the parameters were compiled with, besides instrument and schema
    Column("settings_version", Integer, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("state", Text, nullable=False),  # the kernel's record as JSON of its fields
    Column("fold", Text, nullable=False),
    Column("version", BigInteger, nullable=False),  # grows with every step; a cached copy is valid only at this version
    Column("seq", BigInteger, nullable=False),  # wishes uttered so far
    Column("last_bar_at", UtcDateTime),  # close of the newest candle taken in
    Column("history_from", UtcDateTime),  # opening of the first candle taken in
    Column("stop_asked_at", UtcDateTime),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
)
Index(
    "uq_runs_active",
    runs.c.account_id,
    runs.c.symbol,
    unique=True,
    postgresql_where=text("status IN ('running', 'stopping')"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("timeframe", Text, nullable=False),
    Column("bar_close_at", UtcDateTime, nullable=False),
    Column("bar_confirmed", Boolean, nullable=False),
    Column("settings_version", Integer, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("wishes", Integer, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    UniqueConstraint("run_id", "symbol", "timeframe", "bar_close_at"),
)

wishes = Table(
    "wishes",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("decision_id", Text),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("slot", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("position_side", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("qty", ExactNumeric, nullable=False),
    Column("price", ExactNumeric),
    Column("trigger", ExactNumeric),
    Column("reduce_only", Boolean, nullable=False),
    Column("reference_price", ExactNumeric),
    Column("reason", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("fresh_until", UtcDateTime),
    Column("done_at", UtcDateTime),
    Column("result", Text, nullable=False, server_default=""),
)
Index("ix_wishes_waiting", wishes.c.run_id, wishes.c.seq, postgresql_where=text("done_at IS NULL"))
