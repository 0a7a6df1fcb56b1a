"""Chains of what was done. Rows of `events` are added and read; a trigger refuses everything else."""
# ruff: noqa: N999 - versions are numbered

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_REFUSE = """
    CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'audit.events takes new rows only' USING ERRCODE = 'insufficient_privilege';
    END
    $$
"""
_ROWS = """
    CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE ON audit.events
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change()
"""
_ALL = """
    CREATE TRIGGER events_stay_all BEFORE TRUNCATE ON audit.events
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()
"""


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("stream", sa.Text(), nullable=False, comment="`user:{id}` or `platform`"),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="from 1, without gaps"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column(
            "content", sa.Text(), nullable=False, comment="canonical JSON of all of it: what the hash is taken of"
        ),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "seq", name=op.f("pk_events")),
        schema="audit",
    )
    op.create_index(op.f("ix_events_at"), "events", ["at"], schema="audit")
    op.create_index(op.f("ix_events_action"), "events", ["action", "at"], schema="audit")
    op.create_table(
        "heads",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "hash",
            sa.LargeBinary(),
            nullable=False,
            comment="of the newest event; its row lock keeps the chain single",
        ),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_heads")),
        schema="audit",
    )
    for statement in (_REFUSE, _ROWS, _ALL):
        op.execute(sa.text(statement))


def downgrade() -> None:
    op.drop_table("heads", schema="audit")
    op.drop_table("events", schema="audit")
    op.execute(sa.text("DROP FUNCTION audit.refuse_change()"))
