"""Settings, each version a row, and presets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "user_settings",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "okx_uid",
            sa.Text(),
            nullable=True,
            comment="as known when written, like the next; history, never used to authorise",
        ),
        sa.Column("telegram_id", sa.Text(), nullable=True),
        sa.Column("strategy", sa.Text(), server_default="hyperrsi", nullable=False),
        sa.Column("scope", sa.Text(), server_default="global", nullable=False),
        sa.Column("setting_type", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("change_note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("jsonb_typeof(settings) = 'object'", name=op.f("ck_user_settings_settings")),
        sa.CheckConstraint(
            "setting_type IN ('preferences', 'params', 'dual_side')", name=op.f("ck_user_settings_setting_type")
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_user_settings_version")),
        sa.ForeignKeyConstraint(["user_id"], ["users.app_users.id"], name=op.f("fk_user_settings_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_settings")),
        sa.UniqueConstraint(
            "user_id",
            "strategy",
            "scope",
            "setting_type",
            "version",
            name=op.f("uq_user_settings_user_id_strategy_scope_setting_type_version"),
        ),
        schema="users",
    )
    op.create_index(
        "idx_user_settings_jsonb",
        "user_settings",
        ["settings"],
        unique=False,
        schema="users",
        postgresql_using="gin",
        postgresql_ops={"settings": "jsonb_path_ops"},
    )
    op.create_index("idx_user_settings_okx_uid", "user_settings", ["okx_uid"], unique=False, schema="users")
    op.create_index("idx_user_settings_telegram_id", "user_settings", ["telegram_id"], unique=False, schema="users")
    op.create_index("idx_user_settings_type", "user_settings", ["setting_type"], unique=False, schema="users")
    op.create_index(
        "idx_user_settings_unique_active",
        "user_settings",
        ["user_id", "strategy", "scope", "setting_type"],
        unique=True,
        schema="users",
        postgresql_where=sa.text("is_active AND deleted_at IS NULL"),
    )
    op.create_index("idx_user_settings_user_id", "user_settings", ["user_id"], unique=False, schema="users")
    op.create_table(
        "presets",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("based_on", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("is_template", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("is_template = (user_id IS NULL)", name=op.f("ck_presets_template")),
        sa.CheckConstraint("length(description) <= 200", name=op.f("ck_presets_description")),
        sa.CheckConstraint("length(name) <= 50", name=op.f("ck_presets_name")),
        sa.ForeignKeyConstraint(["user_id"], ["users.app_users.id"], name=op.f("fk_presets_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presets")),
        schema="users",
    )
    op.create_index(op.f("ix_presets_user_id"), "presets", ["user_id"], unique=False, schema="users")
    op.create_index(
        "uq_presets_name",
        "presets",
        ["user_id", "strategy", sa.literal_column("lower(name)")],
        unique=True,
        schema="users",
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_presets_default",
        "presets",
        ["user_id", "strategy"],
        unique=True,
        schema="users",
        postgresql_where=sa.text("is_default AND deleted_at IS NULL"),
    )
    _what_holds_changes_back()


def _what_holds_changes_back() -> None:
    op.create_table(
        "queued_settings",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("setting_type", sa.Text(), nullable=False),
        sa.Column(
            "changes",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="locked keys that change as soon as no position is open",
        ),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.app_users.id"], name=op.f("fk_queued_settings_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queued_settings")),
        sa.UniqueConstraint(
            "user_id",
            "strategy",
            "scope",
            "setting_type",
            name=op.f("uq_queued_settings_user_id_strategy_scope_setting_type"),
        ),
        schema="users",
    )
    op.create_table(
        "open_legs",
        sa.Column("account_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "symbol", "position_side", name=op.f("pk_open_legs")),
        schema="users",
    )
    op.create_index(op.f("ix_open_legs_user_id"), "open_legs", ["user_id"], unique=False, schema="users")
    op.create_table(
        "run_presets",
        sa.Column("run_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("preset_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run_presets")),
        schema="users",
    )
    op.create_index(op.f("ix_run_presets_preset_id"), "run_presets", ["preset_id"], unique=False, schema="users")


def downgrade() -> None:
    for name in ("run_presets", "open_legs", "queued_settings"):
        op.drop_table(name, schema="users")
    op.drop_table("presets", schema="users")
    op.drop_table("user_settings", schema="users")
