"""What it takes to decide a run again: where its history begins, and from when on it only wanted to end."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("runs", sa.Column("history_from", sa.DateTime(timezone=True), nullable=True), schema="strategy")
    op.add_column("runs", sa.Column("stop_asked_at", sa.DateTime(timezone=True), nullable=True), schema="strategy")


def downgrade() -> None:
    op.drop_column("runs", "stop_asked_at", schema="strategy")
    op.drop_column("runs", "history_from", schema="strategy")
