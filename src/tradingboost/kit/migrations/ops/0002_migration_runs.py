"""Migration runs."""
# ruff: noqa: N999 - versions are numbered

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "migration_runs",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "source", sa.Text(), nullable=False, comment="which Redis was read: host, port and database, no password"
        ),
        sa.Column(
            "status",
            sa.Text(),
            nullable=False,
            comment="running, done, stopped (by a person), failed or cut (by a crash)",
        ),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("cursor", sa.Text(), server_default="", nullable=False, comment="the newest item that was finished"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'done', 'stopped', 'failed', 'cut')", name=op.f("ck_migration_runs_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migration_runs")),
        schema="ops",
    )
    op.create_index("ix_migration_runs_verb", "migration_runs", ["verb", "started_at"], unique=False, schema="ops")
    op.create_table(
        "migration_items",
        sa.Column("run_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="the key of the old system"),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, comment="done, equal, merged, refused, left"),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "value_hash", sa.Text(), nullable=False, comment="of what stood there; a changed value is a new item"
        ),
        sa.Column("notes", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('done', 'equal', 'merged', 'refused', 'left')", name=op.f("ck_migration_items_status")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["ops.migration_runs.id"], name=op.f("fk_migration_items_run_id")),
        sa.PrimaryKeyConstraint("run_id", "key", name=op.f("pk_migration_items")),
        schema="ops",
    )
    op.create_index("ix_migration_items_key", "migration_items", ["verb", "key", "at"], unique=False, schema="ops")


def downgrade() -> None:
    op.drop_index("ix_migration_items_key", table_name="migration_items", schema="ops")
    op.drop_table("migration_items", schema="ops")
    op.drop_index("ix_migration_runs_verb", table_name="migration_runs", schema="ops")
    op.drop_table("migration_runs", schema="ops")
