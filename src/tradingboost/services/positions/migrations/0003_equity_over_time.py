"""Equity over time."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "equity_snapshots",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cash", sa.Numeric(), nullable=False),
        sa.Column("unrealized", sa.Numeric(), nullable=True),
        sa.Column("equity", sa.Numeric(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "asset", "at", name=op.f("pk_equity_snapshots")),
        schema="positions",
    )
    op.create_index("brin_equity_snapshots_at", "equity_snapshots", ["at"], schema="positions", postgresql_using="brin")


def downgrade() -> None:
    op.drop_table("equity_snapshots", schema="positions")
