"""Where the history of a run begins: who decides it again needs the same first candle."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("runs", sa.Column("history_from", sa.DateTime(timezone=True), nullable=True), schema="strategy")


def downgrade() -> None:
    op.drop_column("runs", "history_from", schema="strategy")
