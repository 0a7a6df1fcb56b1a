"""Whose the rows of each table are, for row level security. No person sees a table that nobody thought of."""

from typing import Final

from tradingboost.kit.tenancy import Tenancy

_NAMED: Final = "NULLIF(current_setting('app.user_id', true), '')"
_SERVICES: Final = ("users", "config", "market", "exchange", "positions", "orders", "strategy", "notifications")
_NOBODYS: Final = (
    *("market.*", "ops.*", "config.*"),
    *("bus.aggregates", "bus.inbox", "bus.cursors", "bus.dead_letters"),
    *("exchange.instruments", "orders.kill_switches", "orders.kill_switch_history"),
)

TENANCY: Final = Tenancy(
    schemas=_SERVICES,
    shared=frozenset(_NOBODYS),
    mine={
        "users.app_users": f"id = {_NAMED}::uuid",
        "audit.events": f"stream = 'user:' || {_NAMED}",
        "audit.heads": f"stream = 'user:' || {_NAMED}",
        "users.invites": "false",
        "users.login_throttle": "false",
        "users.proposals": "false",
        "orders.saga_steps": "saga_id IN (SELECT saga_id FROM orders.sagas)",
    },
    also_read={"users.presets": "is_template"},
    own_writes=frozenset({"users"}),
    sealed={"users.exchange_credentials": ("tb_exchange", ("api_key", "api_secret", "passphrase", "dek_wrapped"))},
)
