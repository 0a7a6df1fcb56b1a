"""What `market` keeps: candles, a table a length, with their corrections; ticks if wished; the rules traded under."""

from datetime import timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from tradingboost.kit.db import ExactNumeric, UtcDateTime, schema_metadata
from tradingboost.kit.tiers import Series

metadata = schema_metadata("market")

STORED: Final = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "1w")
"""Lengths that have a table; the platform decides on those of `core.market.Timeframe`, screens know all."""
SOUND: Final = "low <= open AND low <= close AND high >= open AND high >= close AND volume_base >= 0"


def _ohlcv(timeframe: str) -> Table:
    table = Table(
        f"ohlcv_{timeframe}",
        metadata,
        Column("exchange", Text, nullable=False),
        Column("symbol", Text, nullable=False),
        Column("open_at", UtcDateTime, nullable=False),
        Column("open", Double, nullable=False),
        Column("high", Double, nullable=False),
        Column("low", Double, nullable=False),
        Column("close", Double, nullable=False),
        Column("volume_base", Double, nullable=False),
        Column("volume_quote", Double),
        Column("trades", Integer),
        Column("is_closed", Boolean, nullable=False, server_default=text("true")),
        Column("source", Text, nullable=False),
        Column("received_at", UtcDateTime, nullable=False, server_default=text("now()")),
        Column("told", Boolean, nullable=False, server_default=text("false")),  # history fetched for somebody is not
        PrimaryKeyConstraint("exchange", "symbol", "open_at"),
        CheckConstraint(SOUND, name="sound"),
    )
    Index(f"brin_ohlcv_{timeframe}_open_at", table.c.open_at, postgresql_using="brin")
    return table


OHLCV: Final = {timeframe: _ohlcv(timeframe) for timeframe in STORED}
Index("brin_ohlcv_1m_received_at", OHLCV["1m"].c.received_at, postgresql_using="brin")  # what is new is rolled up

candle_corrections = Table(
    "candle_corrections",
    metadata,
    Column("correction_id", BigInteger, Identity(), primary_key=True),
    Column("exchange", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("timeframe", Text, nullable=False),
    Column("open_at", UtcDateTime, nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    Column("corrected_at", UtcDateTime, nullable=False, server_default=text("clock_timestamp()")),
    Index("ix_candle_corrections_candle", "exchange", "symbol", "timeframe", "open_at"),
)

ticks = Table(
    "ticks",
    metadata,
    Column("exchange", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("last", Double, nullable=False),
    Column("mark", Double, nullable=False),
    PrimaryKeyConstraint("exchange", "symbol", "at"),
)
Index("brin_ticks_at", ticks.c.at, postgresql_using="brin")

upkeep = Table(
    "upkeep",
    metadata,
    Column("job", Text, primary_key=True),
    Column("until", UtcDateTime, nullable=False, comment="what was received before this is done with"),
    Column("ran_at", UtcDateTime, nullable=False),
)

former_candles = Table(
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
    Column("told", Boolean, nullable=False, server_default=text("false")),
)
"""Where candles were before `ohlcv_*`; kept for one release, so that the one before it can run again."""

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


def _chunk(timeframe: str) -> timedelta:
    if timeframe in {"1m", "3m", "5m"}:
        return timedelta(days=1)
    return timedelta(days=7 if timeframe in {"15m", "30m", "1h"} else 30)


SERIES: Final = (
    *(
        Series(
            table=table,
            time="open_at",
            chunk=_chunk(timeframe),
            segment_by=("exchange", "symbol"),
            compress_after=timedelta(days=7),
            keep=timedelta(days=730) if timeframe == "1m" else None,
        )
        for timeframe, table in OHLCV.items()
    ),
    Series(
        table=ticks,
        time="at",
        chunk=timedelta(hours=6),
        segment_by=("exchange", "symbol"),
        compress_after=timedelta(days=7),
        keep=timedelta(days=14),
    ),
)
"""What is cut by time where the database can; how long it is kept everywhere."""
