"""A run decides with merged settings, so it remembers what its own start said and which preset it carries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    overrides = sa.Column(
        "overrides", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
    )
    op.add_column("runs", overrides, schema="strategy")
    op.add_column("runs", sa.Column("preset_id", sa.Text(), nullable=True), schema="strategy")
    op.execute("UPDATE strategy.runs SET overrides = params")  # until now a start said everything


def downgrade() -> None:
    op.drop_column("runs", "preset_id", schema="strategy")
    op.drop_column("runs", "overrides", schema="strategy")
