"""Schema `audit`: what was done, by whom, in chains that nobody can change without being noticed."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text

from tradingboost.kit.db import UtcDateTime, schema_metadata

metadata = schema_metadata("audit")

events = Table(
    "events",
    metadata,
    Column("stream", Text, nullable=False, comment="`user:{id}` or `platform`"),
    Column("seq", BigInteger, nullable=False, comment="from 1, without gaps"),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("content", Text, nullable=False, comment="canonical JSON of all of it: what the hash is taken of"),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream", "seq"),
    Index("ix_events_at", "at"),
    Index("ix_events_action", "action", "at"),
)

heads = Table(
    "heads",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False, comment="of the newest event; its row lock keeps the chain single"),
)
