"""Rules of instruments, and the terms accounts trade under."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "instruments",
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column(
            "rules",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="as last listed, so that a symbol that is gone can still be booked",
        ),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("venue", "symbol", name=op.f("pk_instruments")),
        schema="exchange",
    )
    op.create_table(
        "traded",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column(
            "terms",
            sa.Text(),
            nullable=False,
            comment="contract size and steps the sizes of the account's runs are made for",
        ),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "symbol", name=op.f("pk_traded")),
        schema="exchange",
    )


def downgrade() -> None:
    op.drop_table("traded", schema="exchange")
    op.drop_table("instruments", schema="exchange")
