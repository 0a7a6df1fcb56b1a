"""Metrics over time."""
# ruff: noqa: N999 - versions are numbered

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "metric_points",
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False, comment="name=value, in the order of the names"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("instance", "name", "labels", "at", name=op.f("pk_metric_points")),
        schema="ops",
    )
    op.create_index("brin_metric_points_at", "metric_points", ["at"], schema="ops", postgresql_using="brin")


def downgrade() -> None:
    op.drop_table("metric_points", schema="ops")
