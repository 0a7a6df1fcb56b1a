"""What `orders` keeps. The constraints carry the safety: "this cannot happen twice" is proved here by keys."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from tradingboost.kit.db import ExactNumeric, UtcDateTime, schema_metadata

metadata = schema_metadata("orders")

intents = Table(
    "intents",
    metadata,
    Column("intent_id", Text, primary_key=True),
    Column("intent_key", Text, nullable=False, unique=True),
    Column("user_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("run_id", Text),
    Column("symbol", Text, nullable=False),
    Column("slot", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("reduce_only", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),  # RECORDED or DENIED
    Column("deny_code", Text, nullable=False, server_default=""),
    Column("decision_id", Text),
    Column("settings_version", Integer, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("fresh_until", UtcDateTime),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("credential_id", Text, comment="of the keys it was decided under, as far as had been told"),
    Column("credential_version", Integer),
)

account_keys = Table(
    "account_keys",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("credential_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("seq", BigInteger, Identity(), nullable=False),
    Column("intent_id", Text, unique=True),
    Column("origin", Text, nullable=False),  # INTENT, ATTACHED (the entry's stop), CHILD (made by a stop), EXTERNAL
    Column("parent_order_id", Text),
    Column("user_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("run_id", Text),
    Column("exchange", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("slot", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("position_side", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("is_algo", Boolean, nullable=False),
    Column("reduce_only", Boolean, nullable=False),
    Column("qty", ExactNumeric, nullable=False),
    Column("lot", ExactNumeric, nullable=False),
    Column("contract_size", ExactNumeric, nullable=False),
    Column("price", ExactNumeric),
    Column("trigger", ExactNumeric),
    Column("attached_stop", ExactNumeric),
    Column("reference_price", ExactNumeric),
    Column("reason", Text, nullable=False),
    Column("cl_ord_id", Text),
    Column("id_tag_valid", Boolean, nullable=False),
    Column("venue_order_id", Text),
    Column("status", SmallInteger, nullable=False),
    Column("cum_filled", ExactNumeric, nullable=False, server_default=text("0")),
    Column("avg_price", ExactNumeric),
    Column("venue_values", JSONB),
    Column("parked_reason", Text, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("venue_created_at", UtcDateTime),
    Column("first_fill_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    UniqueConstraint("exchange", "cl_ord_id"),
    UniqueConstraint("exchange", "account_id", "venue_order_id"),
)
Index("ix_orders_slot", orders.c.run_id, orders.c.slot, orders.c.seq)
Index("ix_orders_account", orders.c.account_id, orders.c.seq)
Index("ix_orders_live", orders.c.account_id, orders.c.symbol, postgresql_where=text("status < 2"))

requests = Table(
    "requests",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("resolution", SmallInteger, nullable=False),
    Column("outcome", Text, nullable=False, server_default=""),
    Column("code", Text, nullable=False, server_default=""),
    Column("message", Text, nullable=False, server_default=""),
    Column("wish", JSONB),
    Column("fence_token", BigInteger, nullable=False),
    Column("emergency", Boolean, nullable=False, server_default=text("false")),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime),
    Column("rounds", Integer, nullable=False, server_default=text("0")),  # healthy look-ups that did not find it
    Column("proof_began_at", UtcDateTime),  # of the first of those rounds; a gap of the stream begins the proof anew
    Column("next_look_at", UtcDateTime),
)
Index("uq_requests_one_submit", requests.c.order_id, unique=True, postgresql_where=text("kind = 'submit'"))
Index("ix_requests_open", requests.c.account_id, postgresql_where=text("resolution < 2"))

facts = Table(
    "facts",
    metadata,
    Column("fact_id", BigInteger, Identity(), primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("cl_ord_id", Text),
    Column("id_tag_valid", Boolean, nullable=False),
    Column("venue_order_id", Text),
    Column("is_algo", Boolean, nullable=False),
    Column("report", JSONB, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    UniqueConstraint("account_id", "digest"),
)

fills = Table(
    "fills",
    metadata,
    Column("fill_id", Text, primary_key=True),
    Column("seq", BigInteger, Identity(), nullable=False),
    Column("order_id", Text, nullable=False, index=True),
    Column("user_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("run_id", Text),
    Column("exchange", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("venue_order_id", Text, nullable=False),
    Column("trade_id", Text, nullable=False),
    Column("slot", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("position_side", Text, nullable=False),
    Column("qty", ExactNumeric, nullable=False),
    Column("signed_qty", ExactNumeric, nullable=False),
    Column("price", ExactNumeric, nullable=False),
    Column("fee", ExactNumeric, nullable=False),
    Column("fee_currency", Text, nullable=False),
    Column("is_maker", Boolean, nullable=False),
    Column("last_price", ExactNumeric),
    Column("venue_pnl", ExactNumeric, nullable=False),
    Column("filled_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    UniqueConstraint("exchange", "account_id", "symbol", "venue_order_id", "trade_id"),
)

leg_claims = Table(
    "leg_claims",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("position_side", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("leverage", Integer),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("decided", BigInteger, nullable=False, server_default=text("0")),  # openings so far, one after another
)

sagas = Table(
    "sagas",
    metadata,
    Column("saga_id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("business_key", Text, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),  # RUNNING WAITING COMPENSATING COMPLETED COMPENSATED PARKED
    Column("step", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("order_id", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("fence_token", BigInteger, nullable=False),
    Column("context", JSONB, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("deadline_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
)
Index("ix_sagas_active", sagas.c.account_id, postgresql_where=text("state IN ('RUNNING','WAITING','COMPENSATING')"))

saga_steps = Table(
    "saga_steps",
    metadata,
    Column("saga_id", Text, primary_key=True),
    Column("step", Text, primary_key=True),
    Column("idempotency_key", Text, nullable=False, unique=True),
    Column("result", JSONB, nullable=False),
    Column("done_at", UtcDateTime, nullable=False),
)

unknown_periods = Table(
    "unknown_periods",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("parked_at", UtcDateTime),
)

mode_causes = Table(
    "mode_causes",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),  # empty = the whole account
    Column("cause", Text, primary_key=True),
    Column("mode", Text, nullable=False),  # NO_ENTRIES PROTECT_ONLY AUTH_BROKEN FROZEN
    Column("since", UtcDateTime, nullable=False),
)

kill_switches = Table(
    "kill_switches",
    metadata,
    Column("scope", Text, primary_key=True),  # platform venue user account run symbol
    Column("key", Text, primary_key=True),
    Column("level", Text, nullable=False),  # NO_ENTRIES FROZEN
    Column("reason", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
)

kill_switch_history = Table(
    "kill_switch_history",
    metadata,
    Column("change_id", BigInteger, Identity(), primary_key=True),
    Column("scope", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("change", Text, nullable=False),  # set or cleared
    Column("reason", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("subject_id", Text, nullable=False),
    Column("account_id", Text, nullable=False, server_default=""),
    Column("kind", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", Text, nullable=False, server_default=""),
    UniqueConstraint("subject_id", "kind"),
)

limits = Table(
    "limits",
    metadata,
    Column("scope", Text, primary_key=True),  # account, or user: all accounts of a person together
    Column("key", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("symbols", JSONB),  # what may be opened; NULL = anything
    Column("max_daily_loss_quote", ExactNumeric),
    Column("reached_on", Date, comment="the newest UTC day on which the loss was reached: nothing opens on it"),
    Column("set_by", Text, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
)

reconciled = Table(
    "reconciled",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("opened_at", UtcDateTime, nullable=False),  # venue time of the first reading; older history is not ours
    Column("watermark", UtcDateTime, nullable=False),  # venue time up to which fills were read completely
    Column("finished_at", UtcDateTime, nullable=False),
)
