"""The least the venue trades of a leg: less than that can neither be closed nor protected."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    least = sa.Column("min_qty", sa.Numeric(), server_default=sa.text("0"), nullable=False)
    op.add_column("positions", least, schema="positions")


def downgrade() -> None:
    op.drop_column("positions", "min_qty", schema="positions")
