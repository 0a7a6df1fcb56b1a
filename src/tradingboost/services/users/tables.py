"""What `users` keeps: people, who they are elsewhere, their logins, accounts, sealed keys and settings.

Ids are UUIDs; secrets are there as ciphertext or as a hash only. Rows of a person carry `user_id`, which is what row
level security looks at.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB

from tradingboost.kit.db import ExactNumeric, UtcDateTime, schema_metadata

metadata = schema_metadata("users")

_LIVE = sql("deleted_at IS NULL")


def _id(name: str = "id") -> "Column[str]":
    return Column(name, Uuid(as_uuid=False), primary_key=True)


def _user_id(**options: Any) -> "Column[str]":
    return Column("user_id", Uuid(as_uuid=False), ForeignKey("users.app_users.id"), **options)


def _time(name: str, *, required: bool = False) -> "Column[Any]":
    return Column(name, UtcDateTime, nullable=not required)


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _text(name: str, default: str | None = None) -> "Column[str]":
    return Column(name, Text, nullable=False, server_default=default)


def _flag(name: str, *, default: bool = False) -> "Column[bool]":
    return Column(name, Boolean, nullable=False, server_default=sql(str(default).lower()))


app_users = Table(
    "app_users",
    metadata,
    _id(),
    _text("username"),
    Column("email", Text),
    Column("password_hash", Text, comment="Argon2id; NULL = no login by password"),
    _text("role", "user"),
    _text("status", "active"),
    _text("locale", "ko"),
    _text("timezone", "Asia/Seoul"),
    Column("totp_sealed", Text, comment="wrap token and field token of the authenticator's secret"),
    _time("totp_confirmed_at"),
    Column("totp_last_step", BigInteger, comment="the newest time step whose code was taken"),
    Column("token_epoch", Integer, nullable=False, server_default=sql("0"), comment="older access tokens are void"),
    _time("support_until"),
    _time("created_at", required=True),
    _time("updated_at", required=True),
    _time("deleted_at"),
    _one_of("role", "user", "support", "admin"),
    _one_of("status", "pending", "active", "locked", "disabled", "deleted"),
    _one_of("locale", "ko", "en"),
    Index("uq_app_users_username", sql("lower(username)"), unique=True, postgresql_where=_LIVE),
    Index("uq_app_users_email", sql("lower(email)"), unique=True, postgresql_where=_LIVE),
)

identities = Table(
    "identities",
    metadata,
    _id(),
    _user_id(nullable=False),
    _text("kind"),
    _text("value"),
    _time("verified_at"),
    _text("source"),
    _time("created_at", required=True),
    _time("revoked_at"),
    _one_of("kind", "okx", "binance", "bybit", "bitget", "upbit", "telegram", "legacy"),
    CheckConstraint("kind <> 'okx' OR value ~ '^[0-9]{18,19}$'", name="okx_shape"),
    CheckConstraint("kind <> 'telegram' OR value ~ '^[0-9]{5,15}$'", name="telegram_shape"),
    Index("uq_identities_live", "kind", "value", unique=True, postgresql_where=sql("revoked_at IS NULL")),
    Index("ix_identities_user", "user_id"),
)

invites = Table(
    "invites",
    metadata,
    _id(),
    _text("code_hash"),
    _text("role", "user"),
    Column("invited_by", Uuid(as_uuid=False)),
    Column("used_by", Uuid(as_uuid=False)),
    _time("created_at", required=True),
    _time("expires_at", required=True),
    _time("used_at"),
    _one_of("role", "user", "support", "admin"),
    UniqueConstraint("code_hash"),
)

sessions = Table(
    "sessions",
    metadata,
    _id(),
    _user_id(nullable=False, index=True),
    _text("user_agent", ""),
    _text("address", ""),
    _time("stepped_up_at"),
    _time("created_at", required=True),
    _time("used_at", required=True),
    _time("expires_at", required=True),
    _time("revoked_at"),
    _text("revoked_why", ""),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", Text, primary_key=True, comment="SHA-256; a token works once, its family is the session"),
    Column("session_id", Uuid(as_uuid=False), ForeignKey("users.sessions.id"), nullable=False, index=True),
    _user_id(nullable=False),
    _time("created_at", required=True),
    _time("used_at"),
)

personal_tokens = Table(
    "personal_tokens",
    metadata,
    _id(),
    _user_id(nullable=False, index=True),
    _text("token_hash"),
    _text("label"),
    Column("scopes", JSONB, nullable=False),
    Column("addresses", JSONB, nullable=False),
    _time("created_at", required=True),
    _time("expires_at", required=True),
    _time("used_at"),
    _time("revoked_at"),
    UniqueConstraint("token_hash"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    _id(),
    _user_id(nullable=False, index=True),
    _text("code_hash"),
    _time("created_at", required=True),
    _time("used_at"),
)

telegram_link_codes = Table(
    "telegram_link_codes",
    metadata,
    Column("code_hash", Text, primary_key=True),
    _user_id(nullable=False, index=True),
    Column("telegram_id", Text, comment="who showed the code; the person confirms it while logged in"),
    _time("created_at", required=True),
    _time("expires_at", required=True),
    _time("used_at"),
    _time("confirmed_at"),
)

login_throttle = Table(
    "login_throttle",
    metadata,
    Column("scope", Text, primary_key=True, comment="account, address or all"),
    Column("key_hash", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    _time("since", required=True),
    _time("locked_until"),
)

proposals = Table(
    "proposals",
    metadata,
    _id(),
    _text("action"),
    _text("subject"),
    _text("proposed_by"),
    _text("reason"),
    Column("approved_by", Text, comment="somebody else than who proposed"),
    _time("created_at", required=True),
    _time("expires_at", required=True),
    _time("approved_at"),
    _time("used_at"),
    CheckConstraint("approved_by <> proposed_by", name="four_eyes"),
)

exchange_accounts = Table(
    "exchange_accounts",
    metadata,
    _id(),
    _user_id(nullable=False, index=True),
    _text("exchange"),
    _text("environment", "live"),
    Column("exchange_uid", Text, comment="the venue's own user id, as the venue told it"),
    _text("label"),
    _text("endpoint_rest", ""),
    _text("endpoint_ws", ""),
    Column("max_notional_quote", ExactNumeric, nullable=False),
    _time("linked_at", required=True),
    _time("deleted_at"),
    _one_of("environment", "live", "demo", "paper", "simulated"),
    UniqueConstraint("id", "user_id"),
    Index(
        "uq_accounts_uid",
        "exchange",
        "environment",
        "exchange_uid",
        unique=True,
        postgresql_where=sql("exchange_uid IS NOT NULL AND deleted_at IS NULL"),
    ),
)

exchange_credentials = Table(
    "exchange_credentials",
    metadata,
    _id(),
    _user_id(nullable=False, index=True),
    Column("account_id", Uuid(as_uuid=False), nullable=False),
    _text("exchange"),
    _text("kind", "trade_key"),
    Column("api_key", Text, comment="sealed, like the next two; NULL only after shredding"),
    Column("api_secret", Text),
    Column("passphrase", Text),
    Column("dek_wrapped", Text),
    Column("kid", Text, comment="the key-encryption key that wraps"),
    _text("fingerprint"),
    _text("key_hint"),
    _text("status"),
    _flag("is_active"),
    Column("version", Integer, nullable=False),
    Column("permissions", JSONB, nullable=False, server_default=sql("'{}'")),
    Column("ip_bound", Boolean),
    _flag("exposed"),
    _text("code", ""),
    _time("acknowledged_at"),
    Column("reminded_days", Integer, comment="of the last reminder that its end is near"),
    _time("verified_at"),
    _time("last_used_at"),
    _time("expires_at"),
    _time("created_at", required=True),
    _time("updated_at", required=True),
    _time("deleted_at"),
    Column("deleted_reason", Text),
    ForeignKeyConstraint(["account_id", "user_id"], ["users.exchange_accounts.id", "users.exchange_accounts.user_id"]),
    UniqueConstraint("account_id", "kind", "version"),
    _one_of("kind", "trade_key", "signal_bot"),
    _one_of(
        "status",
        *("pending", "active", "read_only", "retiring", "refused", "expired", "revoked", "broken", "unverified"),
    ),
    CheckConstraint("version > 0", name="version"),
    Index(
        "uq_cred_active",
        "account_id",
        "kind",
        unique=True,
        postgresql_where=sql("is_active AND deleted_at IS NULL"),
    ),
    Index(
        "uq_cred_key",
        "exchange",
        "fingerprint",
        unique=True,
        postgresql_where=sql("deleted_at IS NULL AND status NOT IN ('refused', 'revoked')"),
    ),
)

user_settings = Table(
    "user_settings",
    metadata,
    _id(),
    _user_id(nullable=False),
    Column("okx_uid", Text, comment="as known when written, like the next; history, never used to authorise"),
    Column("telegram_id", Text),
    _text("strategy", "hyperrsi"),
    _text("scope", "global"),
    _text("setting_type"),
    Column("settings", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
    _flag("is_active", default=True),
    _text("changed_by"),
    Column("change_note", Text),
    _time("created_at", required=True),
    _time("updated_at", required=True),
    _time("deleted_at"),
    _one_of("setting_type", "preferences", "params", "dual_side"),
    CheckConstraint("jsonb_typeof(settings) = 'object'", name="settings"),
    CheckConstraint("version > 0", name="version"),
    UniqueConstraint("user_id", "strategy", "scope", "setting_type", "version"),
    Index("idx_user_settings_user_id", "user_id"),
    Index("idx_user_settings_okx_uid", "okx_uid"),
    Index("idx_user_settings_telegram_id", "telegram_id"),
    Index("idx_user_settings_type", "setting_type"),
    Index(
        "idx_user_settings_jsonb",
        "settings",
        postgresql_using="gin",
        postgresql_ops={"settings": "jsonb_path_ops"},
    ),
    Index(
        "idx_user_settings_unique_active",
        "user_id",
        "strategy",
        "scope",
        "setting_type",
        unique=True,
        postgresql_where=sql("is_active AND deleted_at IS NULL"),
    ),
)

presets = Table(
    "presets",
    metadata,
    _id(),
    _user_id(nullable=True, index=True),
    _text("strategy"),
    _text("name"),
    Column("description", Text),
    Column("settings", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
    Column("based_on", Uuid(as_uuid=False)),
    _flag("is_template"),
    _flag("is_default"),
    _time("created_at", required=True),
    _time("updated_at", required=True),
    _time("deleted_at"),
    CheckConstraint("length(name) <= 50", name="name"),
    CheckConstraint("length(description) <= 200", name="description"),
    CheckConstraint("is_template = (user_id IS NULL)", name="template"),
    Index(
        "uq_presets_name",
        "user_id",
        "strategy",
        sql("lower(name)"),
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=_LIVE,
    ),
    Index(
        "uq_presets_default",
        "user_id",
        "strategy",
        unique=True,
        postgresql_where=sql("is_default AND deleted_at IS NULL"),
    ),
)

queued_settings = Table(
    "queued_settings",
    metadata,
    _id(),
    _user_id(nullable=False),
    _text("strategy"),
    _text("scope"),
    _text("setting_type"),
    Column("changes", JSONB, nullable=False, comment="locked keys that change as soon as no position is open"),
    _text("changed_by"),
    _time("created_at", required=True),
    UniqueConstraint("user_id", "strategy", "scope", "setting_type"),
)

open_legs = Table(
    "open_legs",
    metadata,
    Column("account_id", Uuid(as_uuid=False), primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("position_side", Text, primary_key=True),
    Column("user_id", Uuid(as_uuid=False), nullable=False, index=True),
    _text("exchange"),
    _time("opened_at", required=True),
)

run_presets = Table(
    "run_presets",
    metadata,
    Column("run_id", Uuid(as_uuid=False), primary_key=True),
    Column("preset_id", Uuid(as_uuid=False), nullable=False, index=True),
    Column("user_id", Uuid(as_uuid=False), nullable=False),
    _text("scope"),
)
