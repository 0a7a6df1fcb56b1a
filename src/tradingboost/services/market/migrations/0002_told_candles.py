"""Which candles were told of, which is not which ones are stored."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    told: sa.Column[bool] = sa.Column("told", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    op.add_column("candles", told, schema="market")


def downgrade() -> None:
    op.drop_column("candles", "told", schema="market")
