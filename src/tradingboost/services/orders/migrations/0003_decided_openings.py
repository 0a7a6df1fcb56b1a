"""How many openings of a claim were decided, so that the next one knows whether it was outrun."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    decided = sa.Column("decided", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    op.add_column("leg_claims", decided, schema="orders")


def downgrade() -> None:
    op.drop_column("leg_claims", "decided", schema="orders")
