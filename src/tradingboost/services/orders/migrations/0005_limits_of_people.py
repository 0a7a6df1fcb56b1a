"""What a person may trade, and lose on one day, set by themselves for an account or for all of theirs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    reached = "the newest UTC day on which the loss was reached: nothing opens on it"
    op.create_table(
        "limits",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("symbols", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("max_daily_loss_quote", sa.Numeric(), nullable=True),
        sa.Column("reached_on", sa.Date(), nullable=True, comment=reached),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_limits")),
        schema="orders",
    )


def downgrade() -> None:
    op.drop_table("limits", schema="orders")
