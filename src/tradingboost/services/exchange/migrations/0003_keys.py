"""Which keys signed what was sent, and below which version keys sign no opening."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column(
        "sent",
        sa.Column(
            "credential_id",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="whose keys signed it, and which version",
        ),
        schema="exchange",
    )
    op.add_column(
        "sent",
        sa.Column("credential_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="exchange",
    )
    op.create_table(
        "key_floors",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="older keys sign nothing that opens"),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_key_floors")),
        schema="exchange",
    )


def downgrade() -> None:
    op.drop_table("key_floors", schema="exchange")
    op.drop_column("sent", "credential_version", schema="exchange")
    op.drop_column("sent", "credential_id", schema="exchange")
