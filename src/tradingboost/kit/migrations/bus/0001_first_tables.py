"""First tables."""
# ruff: noqa: N999 - versions are numbered

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "aggregates",
        sa.Column("aggregate", sa.Text(), nullable=False),
        sa.Column(
            "seq",
            sa.BigInteger(),
            nullable=False,
            comment="the newest number given; its row lock makes numbers gap-free",
        ),
        sa.PrimaryKeyConstraint("aggregate", name=op.f("pk_aggregates")),
        schema="bus",
    )
    op.create_table(
        "cursors",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column(
            "position", sa.BigInteger(), nullable=False, comment="outbox rows up to here are settled for this consumer"
        ),
        sa.Column(
            "recovering",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="1 while lost entries are reread",
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("consumer", "stream", name=op.f("pk_cursors")),
        schema="bus",
    )
    op.create_table(
        "dead_letters",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("aggregate", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_dead_letters")),
        schema="bus",
    )
    op.create_index(
        "ix_dead_letters_open",
        "dead_letters",
        ["consumer", "aggregate"],
        unique=False,
        schema="bus",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column(
            "handled_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_inbox")),
        schema="bus",
    )
    op.create_index("ix_inbox_handled_at", "inbox", ["handled_at"], unique=False, schema="bus")
    op.create_table(
        "outbox",
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="order of insertion"),
        sa.Column("aggregate", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("causation_id", sa.Text(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("aggregate", "seq", name=op.f("uq_outbox_aggregate_seq")),
        sa.UniqueConstraint("position", name=op.f("uq_outbox_position")),
        schema="bus",
    )
    op.create_index("ix_outbox_stream_position", "outbox", ["stream", "position"], unique=False, schema="bus")
    op.create_index(
        "ix_outbox_unpublished",
        "outbox",
        ["position"],
        unique=False,
        schema="bus",
        postgresql_where=sa.text("published_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_outbox_unpublished", table_name="outbox", schema="bus", postgresql_where=sa.text("published_at IS NULL")
    )
    op.drop_index("ix_outbox_stream_position", table_name="outbox", schema="bus")
    op.drop_table("outbox", schema="bus")
    op.drop_index("ix_inbox_handled_at", table_name="inbox", schema="bus")
    op.drop_table("inbox", schema="bus")
    op.drop_index(
        "ix_dead_letters_open", table_name="dead_letters", schema="bus", postgresql_where=sa.text("resolved_at IS NULL")
    )
    op.drop_table("dead_letters", schema="bus")
    op.drop_table("cursors", schema="bus")
    op.drop_table("aggregates", schema="bus")
