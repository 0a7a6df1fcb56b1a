"""What `positions` keeps: one booking a fill, double entry, and the venue's own figures for comparison."""

from datetime import timedelta
from typing import Final

from sqlalchemy import BigInteger, Column, Identity, Index, Table, Text, UniqueConstraint, text

from tradingboost.kit.db import ExactNumeric, UtcDateTime, schema_metadata
from tradingboost.kit.tiers import Series

metadata = schema_metadata("positions")

positions = Table(
    "positions",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("position_side", Text, primary_key=True),
    Column("exchange", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("run_id", Text),
    Column("qty", ExactNumeric, nullable=False),  # signed
    Column("cost", ExactNumeric, nullable=False),
    Column("realized_quote", ExactNumeric, nullable=False),
    Column("fees_quote", ExactNumeric, nullable=False),
    Column("funding_quote", ExactNumeric, nullable=False, server_default=text("0")),
    Column("lot", ExactNumeric, nullable=False),
    Column("contract_size", ExactNumeric, nullable=False),
    Column("min_qty", ExactNumeric, nullable=False, server_default=text("0")),  # what is less is dust
    Column("stop_policy", Text, nullable=False),
    Column("stop_order_id", Text),
    Column("stop_price", ExactNumeric),
    Column("covered_qty", ExactNumeric, nullable=False, server_default=text("0")),
    Column("uncovered_since", UtcDateTime),
    Column("uncovered_s", ExactNumeric, nullable=False, server_default=text("0")),  # all times without a whole stop
    Column("liquidation_price", ExactNumeric),  # as the venue said at the last complete reading
    Column("differs_since", UtcDateTime),
    Column("flat_since", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
)

bookings = Table(
    "bookings",
    metadata,
    Column("fill_id", Text, primary_key=True),
    Column("fill_key", Text, nullable=False, unique=True),  # venue:account:symbol:order:trade
    Column("account_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("position_side", Text, nullable=False),
    Column("qty", ExactNumeric, nullable=False),  # signed
    Column("price", ExactNumeric, nullable=False),
    Column("realized_quote", ExactNumeric, nullable=False),
    Column("fee", ExactNumeric, nullable=False),
    Column("at", UtcDateTime, nullable=False),  # the venue's time, which with the trade id gives the venue's order
    Column("trade_id", Text, nullable=False),
    Column("booked_at", UtcDateTime, nullable=False),
    Index("ix_bookings_leg", "account_id", "symbol", "position_side", "at"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("entry_id", BigInteger, Identity(), primary_key=True),
    Column("journal_id", Text, nullable=False),
    Column("source_kind", Text, nullable=False),  # fill, bill, opening, adjustment
    Column("source_key", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("bucket", Text, nullable=False),
    Column("amount", ExactNumeric, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("source_kind", "source_key", "asset", "bucket"),
)
Index("ix_ledger_account", ledger.c.account_id, ledger.c.asset)
Index("ix_ledger_funding", ledger.c.account_id, ledger.c.at, postgresql_where=text("bucket = 'funding'"))

venue_snapshots = Table(
    "venue_snapshots",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("position_side", Text, primary_key=True),
    Column("qty", ExactNumeric, nullable=False),
    Column("average_price", ExactNumeric, nullable=False),
    Column("taken_at", UtcDateTime, nullable=False),
)

venue_balances = Table(
    "venue_balances",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("cash", ExactNumeric, nullable=False),
    Column("taken_at", UtcDateTime, nullable=False),
)

equity_snapshots = Table(
    "equity_snapshots",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("at", UtcDateTime, primary_key=True),
    Column("cash", ExactNumeric, nullable=False),  # as the venue said last
    Column("unrealized", ExactNumeric),  # NULL where a mark is not known: never taken for nothing
    Column("equity", ExactNumeric),
    Index("brin_equity_snapshots_at", "at", postgresql_using="brin"),
)

settled = Table(
    "settled",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("opened_at", UtcDateTime, nullable=False),  # venue time of the opening balance; nothing older is booked
    Column("watermark", UtcDateTime, nullable=False),  # venue time up to which bills were read
)

mismatches = Table(
    "mismatches",
    metadata,
    Column("mismatch_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("position_side", Text, nullable=False),
    Column("ours", ExactNumeric, nullable=False),
    Column("venue", ExactNumeric, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Column("decision", Text, nullable=False, server_default=""),  # adopt, close or ignore
    Column("decided_by", Text, nullable=False, server_default=""),
    Column("decided_at", UtcDateTime),
    Column("reason", Text, nullable=False, server_default=""),
)
Index(
    "uq_mismatches_open",
    mismatches.c.account_id,
    mismatches.c.symbol,
    mismatches.c.position_side,
    unique=True,
    postgresql_where=text("closed_at IS NULL"),
)

SERIES: Final = (
    Series(
        table=equity_snapshots,
        time="at",
        chunk=timedelta(days=7),
        segment_by=("account_id", "asset"),
        compress_after=None,  # policies guard its rows
        keep=timedelta(days=730),
    ),
)
"""What is cut by time where the database can."""
