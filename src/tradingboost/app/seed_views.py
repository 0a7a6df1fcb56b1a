"""Read-only views under the names and columns of the founding papers, so that their own queries run.

They are derived and never written; each is read with the rights of whoever asks, and ciphertext stays ciphertext.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import literal, select

from tradingboost.kit.views import View, query_of
from tradingboost.services.market import tables as market

_OKX_API_INFO: Final = """
SELECT c.id, c.user_id, c.api_key, c.api_secret, c.passphrase,
    t.value AS telegram_id, t.value IS NOT NULL AS telegram_linked,
    a.exchange_uid AS okx_uid, a.exchange_uid IS NOT NULL AS okx_linked,
    c.exchange, c.created_at, c.updated_at, c.deleted_at
FROM users.exchange_credentials c
JOIN users.exchange_accounts a ON a.id = c.account_id
LEFT JOIN users.identities t ON t.user_id = c.user_id AND t.kind = 'telegram' AND t.revoked_at IS NULL
WHERE c.kind = 'trade_key' AND (c.is_active OR c.deleted_at IS NOT NULL)
"""
_USERS: Final = """
SELECT id AS user_id, username, email, role, status, created_at, updated_at, deleted_at FROM users.app_users
"""
_USER_CREDENTIALS: Final = """
SELECT user_id, exchange, api_key AS api_key_encrypted, api_secret AS api_secret_encrypted, created_at, updated_at
FROM users.exchange_credentials WHERE kind = 'trade_key' AND is_active AND deleted_at IS NULL
"""
_USER_SETTINGS: Final = """
SELECT id, user_id, okx_uid, telegram_id, setting_type, settings, version, is_active,
    created_at, updated_at, deleted_at
FROM users.user_settings WHERE strategy = 'hyperrsi' AND scope = 'global'
"""
_TRADES: Final = """
WITH held AS (
    SELECT b.*, sum(qty) OVER leg AS held, sum(qty) OVER leg - qty AS before
    FROM positions.bookings b
    WINDOW leg AS (PARTITION BY account_id, symbol, position_side ORDER BY at, trade_id, fill_id)
), numbered AS (
    SELECT h.*, count(*) FILTER (WHERE before = 0) OVER leg AS number, abs(held) > abs(before) AS opens
    FROM held h WINDOW leg AS (PARTITION BY account_id, symbol, position_side ORDER BY at, trade_id, fill_id)
), rounds AS (
    SELECT account_id, symbol, position_side, min(fill_id) FILTER (WHERE before = 0) AS id,
        min(at) AS entry_at, max(at) AS last_at, count(*) FILTER (WHERE opens) AS entries,
        (array_agg(held ORDER BY at DESC, trade_id DESC, fill_id DESC))[1] AS rest,
        sum(abs(qty)) FILTER (WHERE opens) AS qty,
        sum(abs(qty) * price) FILTER (WHERE opens) / nullif(sum(abs(qty)) FILTER (WHERE opens), 0) AS avg_entry_price,
        sum(abs(qty) * price) FILTER (WHERE NOT opens) / nullif(sum(abs(qty)) FILTER (WHERE NOT opens), 0)
            AS avg_exit_price,
        sum(realized_quote) AS realized_quote, sum(fee) AS fee_quote
    FROM numbered GROUP BY account_id, symbol, position_side, number
)
SELECT r.id, p.user_id, r.account_id, p.run_id, p.exchange, r.symbol, r.position_side,
    CASE WHEN r.rest = 0 THEN 'closed' WHEN abs(r.rest) < r.qty THEN 'partially_closed' ELSE 'open' END AS status,
    r.entry_at, CASE WHEN r.rest = 0 THEN r.last_at END AS exit_at, r.avg_entry_price, r.avg_exit_price,
    r.qty, p.contract_size, r.entries AS dca_count, r.realized_quote, r.fee_quote,
    r.realized_quote - r.fee_quote AS net_quote
FROM rounds r JOIN positions.positions p USING (account_id, symbol, position_side)
"""
_TICKERS: Final = """
SELECT DISTINCT ON (exchange, symbol) exchange, symbol, last, mark, at AS updated_at
FROM market.ticks ORDER BY exchange, symbol, at DESC
"""
_NOTIFICATIONS: Final = """
SELECT message_id AS id, user_id, category, text AS message, created_at FROM notifications.messages
"""
_SIGNALS: Final = """
SELECT w.run_id || ':' || w.seq AS id, r.user_id, r.symbol, r.timeframe, w.side AS signal_type,
    NULL::numeric AS rsi_value, NULL::text AS trend_direction, w.at AS created_at
FROM strategy.wishes w JOIN strategy.runs r USING (run_id)
WHERE r.strategy = 'hyperrsi' AND w.kind = 'place' AND w.slot = 'entry'
"""
_STATE: Final = """
SELECT user_id, symbol, status IN ('running', 'stopping') AS is_active, last_bar_at AS last_execution,
    params AS settings, run_id
FROM strategy.runs WHERE strategy = 'hyperrsi'
"""
_GRID_STATE: Final = """
SELECT user_id, symbol, status IN ('running', 'stopping') AS is_active, last_bar_at AS last_execution,
    params AS settings, run_id
FROM strategy.runs WHERE strategy = 'grid'
"""
_LEVELS: Final = """
SELECT DISTINCT ON (o.run_id, o.slot) o.seq AS id, o.user_id, o.symbol, split_part(o.slot, ':', 2)::int AS grid_index,
    o.price, o.order_id, CASE WHEN o.status < 2 THEN 'pending' WHEN o.status = 6 THEN 'filled' ELSE 'cancelled' END
        AS status,
    o.created_at, o.run_id
FROM orders.orders o JOIN strategy.runs r USING (run_id)
WHERE r.strategy = 'grid' AND o.slot ~ '^[a-z]+:[0-9]+$' ORDER BY o.run_id, o.slot, o.seq DESC
"""
_ORDERS: Final = """
SELECT order_id, user_id, symbol, side, type AS order_type, qty AS quantity, price, cum_filled AS filled_qty,
    CASE WHEN status = 6 THEN 'filled' WHEN status < 2 THEN 'pending' WHEN status IN (3, 4) THEN 'cancelled'
        WHEN status = 5 THEN 'filled' ELSE 'failed' END AS status,
    exchange, venue_order_id AS exchange_order_id, created_at,
    coalesce(ended_at, first_fill_at, venue_created_at, created_at) AS updated_at
FROM orders.orders
"""
_ORDER_FILLS: Final = """
SELECT seq AS id, order_id, qty AS fill_qty, price AS fill_price, fee AS commission, filled_at AS fill_time,
    trade_id AS exchange_fill_id
FROM orders.fills
"""
_NAMED: Final = {
    ("public", "okx_api_info"): _OKX_API_INFO,
    ("public", "users"): _USERS,
    ("public", "user_credentials"): _USER_CREDENTIALS,
    ("public", "user_settings"): _USER_SETTINGS,
    ("public", "trades"): _TRADES,
    ("public", "position_history"): _TRADES,
    ("public", "market_tickers"): _TICKERS,
    ("public", "notification_history"): _NOTIFICATIONS,
    ("hyperrsi", "signals"): _SIGNALS,
    ("hyperrsi", "state"): _STATE,
    ("grid", "levels"): _LEVELS,
    ("grid", "grid_state"): _GRID_STATE,
    ("oms", "orders"): _ORDERS,
    ("oms", "order_fills"): _ORDER_FILLS,
}


def seed_views() -> Iterator[View]:
    """Every view."""
    for (schema, name), query in _NAMED.items():
        yield View(schema, name, query.strip(), "a name of the founding papers, derived")
    for timeframe, table in market.OHLCV.items():
        shown = [column for column in table.columns if column.name != "told"]
        query = query_of(select(literal(timeframe).label("timeframe"), *shown))
        yield View("public", f"ohlcv_{timeframe}", query, f"candles of {timeframe}")
