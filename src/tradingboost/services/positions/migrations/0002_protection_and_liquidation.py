"""How long legs were without a whole stop, and where the venue would liquidate them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    uncovered = sa.Column("uncovered_s", sa.Numeric(), server_default=sa.text("0"), nullable=False)
    op.add_column("positions", uncovered, schema="positions")
    op.add_column("positions", sa.Column("liquidation_price", sa.Numeric()), schema="positions")


def downgrade() -> None:
    op.drop_column("positions", "liquidation_price", schema="positions")
    op.drop_column("positions", "uncovered_s", schema="positions")
