"""What `market` keeps: closed candles and the instrument rules they were traded under."""

from sqlalchemy import Boolean, Column, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from tradingboost.kit.db import ExactNumeric, UtcDateTime, schema_metadata

metadata = schema_metadata("market")

candles = Table(
    "candles",
    metadata,
    Column("venue", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("timeframe", Text, primary_key=True),
    Column("open_at", UtcDateTime, primary_key=True),
    Column("open", ExactNumeric, nullable=False),
    Column("high", ExactNumeric, nullable=False),
    Column("low", ExactNumeric, nullable=False),
    Column("close", ExactNumeric, nullable=False),
    Column("volume", ExactNumeric, nullable=False),
    Column("told", Boolean, nullable=False, server_default=text("false")),  # history fetched for somebody is not
)

instruments = Table(
    "instruments",
    metadata,
    Column("venue", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("rules", JSONB, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)

watches = Table(
    "watches",
    metadata,
    Column("venue", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("timeframe", Text, primary_key=True),
    Column("since", UtcDateTime, nullable=False),
)
