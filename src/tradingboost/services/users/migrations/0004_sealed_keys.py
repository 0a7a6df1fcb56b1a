"""Accounts and sealed keys with their life. What stood before is taken over as it was sealed.

A field was sealed under the name that is its column now, so ciphertext moves unchanged; a key that nobody opened has
its own id as fingerprint.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(sa.text("CREATE TEMP TABLE old_accounts ON COMMIT DROP AS TABLE users.exchange_accounts"))
    op.execute(sa.text("CREATE TEMP TABLE old_credentials ON COMMIT DROP AS TABLE users.credentials"))
    op.drop_table("credentials", schema="users")
    op.drop_table("exchange_accounts", schema="users")
    op.create_table(
        "exchange_accounts",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), server_default="live", nullable=False),
        sa.Column("exchange_uid", sa.Text(), nullable=True, comment="the venue's own user id, as the venue told it"),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("endpoint_rest", sa.Text(), server_default="", nullable=False),
        sa.Column("endpoint_ws", sa.Text(), server_default="", nullable=False),
        sa.Column("max_notional_quote", sa.Numeric(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "environment IN ('live', 'demo', 'paper', 'simulated')", name=op.f("ck_exchange_accounts_environment")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.app_users.id"], name=op.f("fk_exchange_accounts_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_accounts")),
        sa.UniqueConstraint("id", "user_id", name=op.f("uq_exchange_accounts_id_user_id")),
        schema="users",
    )
    op.create_index(
        op.f("ix_exchange_accounts_user_id"), "exchange_accounts", ["user_id"], unique=False, schema="users"
    )
    op.create_index(
        "uq_accounts_uid",
        "exchange_accounts",
        ["exchange", "environment", "exchange_uid"],
        unique=True,
        schema="users",
        postgresql_where=sa.text("exchange_uid IS NOT NULL AND deleted_at IS NULL"),
    )
    op.create_table(
        "exchange_credentials",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("account_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="trade_key", nullable=False),
        sa.Column("api_key", sa.Text(), nullable=True, comment="sealed, like the next two; NULL only after shredding"),
        sa.Column("api_secret", sa.Text(), nullable=True),
        sa.Column("passphrase", sa.Text(), nullable=True),
        sa.Column("dek_wrapped", sa.Text(), nullable=True),
        sa.Column("kid", sa.Text(), nullable=True, comment="the key-encryption key that wraps"),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("key_hint", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "permissions", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("ip_bound", sa.Boolean(), nullable=True),
        sa.Column("exposed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_days", sa.Integer(), nullable=True, comment="of the last reminder that its end is near"),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('trade_key', 'signal_bot')", name=op.f("ck_exchange_credentials_kind")),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'read_only', 'retiring', 'refused', 'expired', 'revoked', 'broken', "
            "'unverified')",
            name=op.f("ck_exchange_credentials_status"),
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_exchange_credentials_version")),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["users.exchange_accounts.id", "users.exchange_accounts.user_id"],
            name=op.f("fk_exchange_credentials_account_id_user_id"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.app_users.id"], name=op.f("fk_exchange_credentials_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_credentials")),
        sa.UniqueConstraint(
            "account_id", "kind", "version", name=op.f("uq_exchange_credentials_account_id_kind_version")
        ),
        schema="users",
    )
    op.create_index(
        op.f("ix_exchange_credentials_user_id"), "exchange_credentials", ["user_id"], unique=False, schema="users"
    )
    op.create_index(
        "uq_cred_active",
        "exchange_credentials",
        ["account_id", "kind"],
        unique=True,
        schema="users",
        postgresql_where=sa.text("is_active AND deleted_at IS NULL"),
    )
    op.create_index(
        "uq_cred_key",
        "exchange_credentials",
        ["exchange", "fingerprint"],
        unique=True,
        schema="users",
        postgresql_where=sa.text("deleted_at IS NULL AND status NOT IN ('refused', 'revoked')"),
    )
    op.execute(
        sa.text(
            """
    INSERT INTO users.exchange_accounts (id, user_id, exchange, environment, exchange_uid, label, endpoint_rest,
                                         endpoint_ws, max_notional_quote, linked_at)
    SELECT id::uuid, user_id::uuid, exchange, environment, exchange_uid, label, endpoint_rest, endpoint_ws,
           max_notional_quote, linked_at
    FROM old_accounts
    """
        )
    )
    op.execute(
        sa.text(
            """
    INSERT INTO users.exchange_credentials (id, user_id, account_id, exchange, api_key, api_secret, passphrase,
                                            dek_wrapped, kid, fingerprint, key_hint, status, is_active, version,
                                            created_at, updated_at, acknowledged_at)
    SELECT c.credential_id::uuid, a.user_id::uuid, a.id::uuid, a.exchange, c.fields ->> 'api_key',
           c.fields ->> 'api_secret', c.fields ->> 'passphrase', c.data_key, split_part(c.data_key, '.', 2),
           'unknown:' || c.credential_id, '', CASE WHEN newest THEN 'active' ELSE 'revoked' END, newest, c.version,
           c.created_at, c.created_at, c.created_at
    FROM (SELECT *, version = max(version) OVER (PARTITION BY account_id) AS newest FROM old_credentials) AS c
    JOIN old_accounts AS a ON a.id = c.account_id
    """
        )
    )


def downgrade() -> None:
    op.execute(
        sa.text(
            """
    CREATE TEMP TABLE old_accounts ON COMMIT DROP AS
    SELECT id::text, user_id::text, exchange, environment, coalesce(exchange_uid, '') AS exchange_uid, label,
           endpoint_rest, endpoint_ws, max_notional_quote, linked_at
    FROM users.exchange_accounts WHERE deleted_at IS NULL
    """
        )
    )
    op.execute(
        sa.text(
            """
    CREATE TEMP TABLE old_credentials ON COMMIT DROP AS
    SELECT id::text AS credential_id, account_id::text, version, dek_wrapped AS data_key,
           jsonb_strip_nulls(jsonb_build_object('api_key', api_key, 'api_secret', api_secret,
                                                'passphrase', passphrase)) AS fields, created_at
    FROM users.exchange_credentials WHERE kind = 'trade_key' AND dek_wrapped IS NOT NULL
    """
        )
    )
    op.drop_table("exchange_credentials", schema="users")
    op.drop_table("exchange_accounts", schema="users")
    op.create_table(
        "credentials",
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("data_key", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("account_id", "version", name=op.f("uq_credentials_account_id_version")),
        schema="users",
    )
    op.create_table(
        "exchange_accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("exchange_uid", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("endpoint_rest", sa.Text(), server_default="", nullable=False),
        sa.Column("endpoint_ws", sa.Text(), server_default="", nullable=False),
        sa.Column("max_notional_quote", sa.Numeric(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_accounts")),
        sa.UniqueConstraint(
            "exchange",
            "environment",
            "exchange_uid",
            name=op.f("uq_exchange_accounts_exchange_environment_exchange_uid"),
        ),
        schema="users",
    )
    op.create_index(
        op.f("ix_exchange_accounts_user_id"), "exchange_accounts", ["user_id"], unique=False, schema="users"
    )
    op.execute(sa.text("INSERT INTO users.exchange_accounts TABLE old_accounts"))
    op.execute(sa.text("INSERT INTO users.credentials TABLE old_credentials"))
