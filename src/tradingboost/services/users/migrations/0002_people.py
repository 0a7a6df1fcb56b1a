"""People: names, roles and states; who they are elsewhere; invitations. People of the first table are taken over."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "app_users",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True, comment="Argon2id; NULL = no login by password"),
        sa.Column("role", sa.Text(), server_default="user", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("locale", sa.Text(), server_default="ko", nullable=False),
        sa.Column("timezone", sa.Text(), server_default="Asia/Seoul", nullable=False),
        sa.Column(
            "totp_sealed",
            sa.Text(),
            nullable=True,
            comment="wrap token and field token of the authenticator's secret",
        ),
        sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "totp_last_step", sa.BigInteger(), nullable=True, comment="the newest time step whose code was taken"
        ),
        sa.Column(
            "token_epoch",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="older access tokens are void",
        ),
        sa.Column("support_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("locale IN ('ko', 'en')", name=op.f("ck_app_users_locale")),
        sa.CheckConstraint("role IN ('user', 'support', 'admin')", name=op.f("ck_app_users_role")),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'locked', 'disabled', 'deleted')", name=op.f("ck_app_users_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_users")),
        schema="users",
    )
    op.create_index(
        "uq_app_users_email",
        "app_users",
        [sa.literal_column("lower(email)")],
        unique=True,
        schema="users",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_app_users_username",
        "app_users",
        [sa.literal_column("lower(username)")],
        unique=True,
        schema="users",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "identities",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind <> 'okx' OR value ~ '^[0-9]{18,19}$'", name=op.f("ck_identities_okx_shape")),
        sa.CheckConstraint("kind <> 'telegram' OR value ~ '^[0-9]{5,15}$'", name=op.f("ck_identities_telegram_shape")),
        sa.CheckConstraint(
            "kind IN ('okx', 'binance', 'bybit', 'bitget', 'upbit', 'telegram', 'legacy')",
            name=op.f("ck_identities_kind"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.app_users.id"], name=op.f("fk_identities_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        schema="users",
    )
    op.create_index("ix_identities_user", "identities", ["user_id"], unique=False, schema="users")
    op.create_index(
        "uq_identities_live",
        "identities",
        ["kind", "value"],
        unique=True,
        schema="users",
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "invites",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), server_default="user", nullable=False),
        sa.Column("invited_by", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("used_by", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('user', 'support', 'admin')", name=op.f("ck_invites_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invites")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_invites_code_hash")),
        schema="users",
    )
    op.execute(
        sa.text(
            """
    INSERT INTO users.app_users (id, username, created_at, updated_at)
    SELECT user_id::uuid, name, created_at, created_at FROM users.users
    """
        )
    )
    op.drop_table("users", schema="users")


def downgrade() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
        schema="users",
    )
    op.execute(
        sa.text(
            """
    INSERT INTO users.users (user_id, name, created_at)
    SELECT id::text, username, created_at FROM users.app_users
    """
        )
    )
    op.drop_table("invites", schema="users")
    op.drop_table("identities", schema="users")
    op.drop_table("app_users", schema="users")
