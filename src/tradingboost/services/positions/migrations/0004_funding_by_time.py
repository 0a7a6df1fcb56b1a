"""What an account paid and got as funding since a moment, found without reading its whole ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
_NAME = "ix_ledger_funding"


def upgrade() -> None:
    funding = sa.text("bucket = 'funding'")
    columns = ["account_id", "at"]
    op.create_index(_NAME, "ledger", columns, unique=False, schema="positions", postgresql_where=funding)


def downgrade() -> None:
    op.drop_index(_NAME, table_name="ledger", schema="positions", postgresql_where=sa.text("bucket = 'funding'"))
