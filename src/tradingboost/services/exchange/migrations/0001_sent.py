"""Sent."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "sent",
        sa.Column("cl_ord_id", sa.Text(), nullable=False, comment="the key is the promise: an id is sent at most once"),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("cl_ord_id", name=op.f("pk_sent")),
        schema="exchange",
    )


def downgrade() -> None:
    op.drop_table("sent", schema="exchange")
