"""The keys an order was decided under, and which ones each account trades with as far as has been told."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "account_keys",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account_keys")),
        schema="orders",
    )
    told = "of the keys it was decided under, as far as had been told"
    op.add_column("intents", sa.Column("credential_id", sa.Text(), comment=told), schema="orders")
    op.add_column("intents", sa.Column("credential_version", sa.Integer()), schema="orders")


def downgrade() -> None:
    op.drop_column("intents", "credential_version", schema="orders")
    op.drop_column("intents", "credential_id", schema="orders")
    op.drop_table("account_keys", schema="orders")
