"""What people decided about differences between our books and the venue."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
_WORDS = ("decision", "decided_by", "reason")


def upgrade() -> None:
    for name in _WORDS:
        column = sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False)
        op.add_column("mismatches", column, schema="positions")
    op.add_column("mismatches", sa.Column("decided_at", sa.DateTime(timezone=True)), schema="positions")


def downgrade() -> None:
    for name in ("decided_at", *_WORDS):
        op.drop_column("mismatches", name, schema="positions")
