"""First tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("subject_id", "kind", name=op.f("uq_alerts_subject_id_kind")),
        schema="orders",
    )
    op.create_table(
        "facts",
        sa.Column("fact_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("cl_ord_id", sa.Text(), nullable=True),
        sa.Column("id_tag_valid", sa.Boolean(), nullable=False),
        sa.Column("venue_order_id", sa.Text(), nullable=True),
        sa.Column("is_algo", sa.Boolean(), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("fact_id", name=op.f("pk_facts")),
        sa.UniqueConstraint("account_id", "digest", name=op.f("uq_facts_account_id_digest")),
        schema="orders",
    )
    op.create_table(
        "fills",
        sa.Column("fill_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("venue_order_id", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), nullable=False),
        sa.Column("qty", sa.Numeric(), nullable=False),
        sa.Column("signed_qty", sa.Numeric(), nullable=False),
        sa.Column("price", sa.Numeric(), nullable=False),
        sa.Column("fee", sa.Numeric(), nullable=False),
        sa.Column("fee_currency", sa.Text(), nullable=False),
        sa.Column("is_maker", sa.Boolean(), nullable=False),
        sa.Column("last_price", sa.Numeric(), nullable=True),
        sa.Column("venue_pnl", sa.Numeric(), nullable=False),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("fill_id", name=op.f("pk_fills")),
        sa.UniqueConstraint(
            "exchange",
            "account_id",
            "symbol",
            "venue_order_id",
            "trade_id",
            name=op.f("uq_fills_exchange_account_id_symbol_venue_order_id_trade_id"),
        ),
        schema="orders",
    )
    op.create_index(op.f("ix_fills_order_id"), "fills", ["order_id"], unique=False, schema="orders")
    op.create_table(
        "intents",
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("intent_key", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("deny_code", sa.Text(), server_default="", nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=True),
        sa.Column("settings_version", sa.Integer(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("fresh_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("intent_id", name=op.f("pk_intents")),
        sa.UniqueConstraint("intent_key", name=op.f("uq_intents_intent_key")),
        schema="orders",
    )
    op.create_table(
        "kill_switches",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_kill_switches")),
        schema="orders",
    )
    op.create_table(
        "leg_claims",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "symbol", "position_side", name=op.f("pk_leg_claims")),
        schema="orders",
    )
    op.create_table(
        "mode_causes",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "symbol", "cause", name=op.f("pk_mode_causes")),
        schema="orders",
    )
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("parent_order_id", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("is_algo", sa.Boolean(), nullable=False),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("qty", sa.Numeric(), nullable=False),
        sa.Column("lot", sa.Numeric(), nullable=False),
        sa.Column("contract_size", sa.Numeric(), nullable=False),
        sa.Column("price", sa.Numeric(), nullable=True),
        sa.Column("trigger", sa.Numeric(), nullable=True),
        sa.Column("attached_stop", sa.Numeric(), nullable=True),
        sa.Column("reference_price", sa.Numeric(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cl_ord_id", sa.Text(), nullable=True),
        sa.Column("id_tag_valid", sa.Boolean(), nullable=False),
        sa.Column("venue_order_id", sa.Text(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("cum_filled", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("avg_price", sa.Numeric(), nullable=True),
        sa.Column("venue_values", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("parked_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("venue_created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_fill_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
        sa.UniqueConstraint(
            "exchange", "account_id", "venue_order_id", name=op.f("uq_orders_exchange_account_id_venue_order_id")
        ),
        sa.UniqueConstraint("exchange", "cl_ord_id", name=op.f("uq_orders_exchange_cl_ord_id")),
        sa.UniqueConstraint("intent_id", name=op.f("uq_orders_intent_id")),
        schema="orders",
    )
    op.create_index("ix_orders_account", "orders", ["account_id", "seq"], unique=False, schema="orders")
    op.create_index(
        "ix_orders_live",
        "orders",
        ["account_id", "symbol"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("status < 2"),
    )
    op.create_index("ix_orders_slot", "orders", ["run_id", "slot", "seq"], unique=False, schema="orders")
    op.create_table(
        "reconciled",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("watermark", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_reconciled")),
        schema="orders",
    )
    op.create_table(
        "requests",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("resolution", sa.SmallInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("wish", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("fence_token", sa.BigInteger(), nullable=False),
        sa.Column("emergency", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rounds", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_look_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_requests")),
        schema="orders",
    )
    op.create_index(
        "ix_requests_open",
        "requests",
        ["account_id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("resolution < 2"),
    )
    op.create_index(
        "uq_requests_one_submit",
        "requests",
        ["order_id"],
        unique=True,
        schema="orders",
        postgresql_where=sa.text("kind = 'submit'"),
    )
    op.create_table(
        "saga_steps",
        sa.Column("saga_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("saga_id", "step", name=op.f("pk_saga_steps")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_saga_steps_idempotency_key")),
        schema="orders",
    )
    op.create_table(
        "sagas",
        sa.Column("saga_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("business_key", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("fence_token", sa.BigInteger(), nullable=False),
        sa.Column("context", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("saga_id", name=op.f("pk_sagas")),
        sa.UniqueConstraint("business_key", name=op.f("uq_sagas_business_key")),
        schema="orders",
    )
    op.create_index(
        "ix_sagas_active",
        "sagas",
        ["account_id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("state IN ('RUNNING','WAITING','COMPENSATING')"),
    )
    op.create_table(
        "unknown_periods",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_unknown_periods")),
        schema="orders",
    )


def downgrade() -> None:
    op.drop_table("unknown_periods", schema="orders")
    op.drop_index(
        "ix_sagas_active",
        table_name="sagas",
        schema="orders",
        postgresql_where=sa.text("state IN ('RUNNING','WAITING','COMPENSATING')"),
    )
    op.drop_table("sagas", schema="orders")
    op.drop_table("saga_steps", schema="orders")
    op.drop_index(
        "uq_requests_one_submit", table_name="requests", schema="orders", postgresql_where=sa.text("kind = 'submit'")
    )
    op.drop_index(
        "ix_requests_open", table_name="requests", schema="orders", postgresql_where=sa.text("resolution < 2")
    )
    op.drop_table("requests", schema="orders")
    op.drop_table("reconciled", schema="orders")
    op.drop_index("ix_orders_slot", table_name="orders", schema="orders")
    op.drop_index("ix_orders_live", table_name="orders", schema="orders", postgresql_where=sa.text("status < 2"))
    op.drop_index("ix_orders_account", table_name="orders", schema="orders")
    op.drop_table("orders", schema="orders")
    op.drop_table("mode_causes", schema="orders")
    op.drop_table("leg_claims", schema="orders")
    op.drop_table("kill_switches", schema="orders")
    op.drop_table("intents", schema="orders")
    op.drop_index(op.f("ix_fills_order_id"), table_name="fills", schema="orders")
    op.drop_table("fills", schema="orders")
    op.drop_table("facts", schema="orders")
    op.drop_table("alerts", schema="orders")
