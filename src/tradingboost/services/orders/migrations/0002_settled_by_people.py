"""What people settle: switches with their history, alerts with who took note; and what an absence proof needs."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _text(name: str, **options: Any) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=False, **options)


def upgrade() -> None:
    op.create_table(
        "kill_switch_history",
        sa.Column("change_id", sa.BigInteger(), sa.Identity(), nullable=False),
        *(_text(name) for name in ("scope", "key", "level", "change", "reason", "changed_by")),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_kill_switch_history")),
        schema="orders",
    )
    op.add_column("requests", sa.Column("proof_began_at", sa.DateTime(timezone=True)), schema="orders")
    op.add_column("leg_claims", sa.Column("leverage", sa.Integer()), schema="orders")
    op.add_column("alerts", _text("account_id", server_default=sa.text("''")), schema="orders")
    op.add_column("alerts", _text("acknowledged_by", server_default=sa.text("''")), schema="orders")


def downgrade() -> None:
    op.drop_column("alerts", "acknowledged_by", schema="orders")
    op.drop_column("alerts", "account_id", schema="orders")
    op.drop_column("leg_claims", "leverage", schema="orders")
    op.drop_column("requests", "proof_began_at", schema="orders")
    op.drop_table("kill_switch_history", schema="orders")
