"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "bookings",
        sa.Column("fill_id", sa.Text(), nullable=False),
        sa.Column("fill_key", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), nullable=False),
        sa.Column("qty", sa.Numeric(), nullable=False),
        sa.Column("price", sa.Numeric(), nullable=False),
        sa.Column("realized_quote", sa.Numeric(), nullable=False),
        sa.Column("fee", sa.Numeric(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("fill_id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("fill_key", name=op.f("uq_bookings_fill_key")),
        schema="positions",
    )
    op.create_index(
        "ix_bookings_leg",
        "bookings",
        ["account_id", "symbol", "position_side", "at"],
        unique=False,
        schema="positions",
    )
    op.create_table(
        "ledger",
        sa.Column("entry_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("journal_id", sa.Text(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_ledger")),
        sa.UniqueConstraint(
            "source_kind", "source_key", "asset", "bucket", name=op.f("uq_ledger_source_kind_source_key_asset_bucket")
        ),
        schema="positions",
    )
    op.create_index("ix_ledger_account", "ledger", ["account_id", "asset"], unique=False, schema="positions")
    op.create_table(
        "mismatches",
        sa.Column("mismatch_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), nullable=False),
        sa.Column("ours", sa.Numeric(), nullable=False),
        sa.Column("venue", sa.Numeric(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("mismatch_id", name=op.f("pk_mismatches")),
        schema="positions",
    )
    op.create_index(
        "uq_mismatches_open",
        "mismatches",
        ["account_id", "symbol", "position_side"],
        unique=True,
        schema="positions",
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "positions",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("qty", sa.Numeric(), nullable=False),
        sa.Column("cost", sa.Numeric(), nullable=False),
        sa.Column("realized_quote", sa.Numeric(), nullable=False),
        sa.Column("fees_quote", sa.Numeric(), nullable=False),
        sa.Column("funding_quote", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("lot", sa.Numeric(), nullable=False),
        sa.Column("contract_size", sa.Numeric(), nullable=False),
        sa.Column("stop_policy", sa.Text(), nullable=False),
        sa.Column("stop_order_id", sa.Text(), nullable=True),
        sa.Column("stop_price", sa.Numeric(), nullable=True),
        sa.Column("covered_qty", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("uncovered_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("differs_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("flat_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "symbol", "position_side", name=op.f("pk_positions")),
        schema="positions",
    )
    op.create_table(
        "settled",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("watermark", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_settled")),
        schema="positions",
    )
    op.create_table(
        "venue_balances",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("cash", sa.Numeric(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "asset", name=op.f("pk_venue_balances")),
        schema="positions",
    )
    op.create_table(
        "venue_snapshots",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), nullable=False),
        sa.Column("qty", sa.Numeric(), nullable=False),
        sa.Column("average_price", sa.Numeric(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "symbol", "position_side", name=op.f("pk_venue_snapshots")),
        schema="positions",
    )


def downgrade() -> None:
    op.drop_table("venue_snapshots", schema="positions")
    op.drop_table("venue_balances", schema="positions")
    op.drop_table("settled", schema="positions")
    op.drop_table("positions", schema="positions")
    op.drop_index(
        "uq_mismatches_open", table_name="mismatches", schema="positions", postgresql_where=sa.text("closed_at IS NULL")
    )
    op.drop_table("mismatches", schema="positions")
    op.drop_index("ix_ledger_account", table_name="ledger", schema="positions")
    op.drop_table("ledger", schema="positions")
    op.drop_index("ix_bookings_leg", table_name="bookings", schema="positions")
    op.drop_table("bookings", schema="positions")
