"""The founding papers' own queries run on the names they use, and the indexes they name are used."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Boolean, DateTime, Integer, Numeric, SmallInteger, Table, Uuid, insert, text
from sqlalchemy.dialects.postgresql import JSONB
from tests.app.database.test_lanes import minutes
from tests.builders import BTC, T0, VENUE, D

from tradingboost.app.seed_views import seed_views
from tradingboost.app.settings import ALIASES, Settings
from tradingboost.kit import environment
from tradingboost.kit.db import Database, ExactNumeric, UtcDateTime
from tradingboost.services.market import repository as candles
from tradingboost.services.market.tables import STORED, ticks
from tradingboost.services.notifications.tables import messages
from tradingboost.services.orders.tables import fills, orders
from tradingboost.services.positions.tables import bookings, positions
from tradingboost.services.strategy.tables import runs, wishes
from tradingboost.services.users.tables import app_users, exchange_accounts, exchange_credentials, identities

ANNA, ACCOUNT = str(UUID(int=0xA)), str(UUID(int=0xA1))
OKX_UID, TELEGRAM = "518796558012178692", "1709556958"
_PLAIN: tuple[tuple[type[Any], Any], ...] = (
    (Uuid, str(UUID(int=7))),
    (Boolean, False),
    (Integer, 1),
    (SmallInteger, 1),
    (Numeric, D(1)),
    (ExactNumeric, D(1)),
    (DateTime, T0),
    (UtcDateTime, T0),
    (JSONB, {}),
)


def row(table: Table, **given: Any) -> dict[str, Any]:
    """A row in which everything that must be said is something plain, unless it is given."""
    made = dict(given)
    for column in table.columns:
        needed = not column.nullable and column.server_default is None and column.identity is None
        if needed and column.name not in made:
            made[column.name] = next((value for kind, value in _PLAIN if isinstance(column.type, kind)), "plain")
    return made


async def fill(database: Database, *rows: tuple[Table, dict[str, Any]]) -> None:
    async with database.transaction() as db:
        for table, given in rows:
            await db.execute(insert(table).values(row(table, **given)))


async def answers(database: Database, query: str, **values: Any) -> list[dict[str, Any]]:
    async with database.read() as db:
        return [dict(found) for found in (await db.execute(text(query), values)).mappings()]


@pytest.fixture
async def person(whole: Database) -> Database:
    """Somebody with an account, a key and a chat."""
    sealed = {"api_key": "tb1.k1.n.aaaaaaaaaaaa", "api_secret": "tb1.k1.n.b", "passphrase": "tb1.k1.n.c"}
    key = {"user_id": ANNA, "account_id": ACCOUNT, "exchange": "okx", "kind": "trade_key", "status": "active"}
    telegram = {"user_id": ANNA, "kind": "telegram", "value": TELEGRAM}
    account = {"id": ACCOUNT, "user_id": ANNA, "exchange": "okx", "exchange_uid": OKX_UID}
    await fill(
        whole,
        (app_users, {"id": ANNA, "username": "anna", "email": "anna@example.org"}),
        (exchange_accounts, account),
        (exchange_credentials, {**key, **sealed, "is_active": True, "version": 2, "fingerprint": "f2"}),
        (exchange_credentials, {**key, "id": str(UUID(int=8)), "version": 1, "status": "revoked", "fingerprint": "f1"}),
        (identities, telegram),
    )
    return whole


def test_the_old_variables_name_the_database_and_its_pool() -> None:
    where = {"HOST": "db.example", "PORT": "5433", "DATABASE": "trading", "USER": "anna", "PASSWORD": "only-a-test"}
    pool = {"DB_POOL_SIZE": "7", "DB_MAX_OVERFLOW": "3", "DB_POOL_TIMEOUT": "9", "DB_POOL_RECYCLE": "60"}
    old = {f"TIMESCALE_{name}": value for name, value in where.items()} | pool
    found = environment.load(Settings, old, aliases=ALIASES).db
    assert found.address() == "postgresql://anna:only-a-test@db.example:5433/trading"
    assert (found.pool_size, found.max_overflow, found.pool_timeout, found.pool_recycle) == (7, 3, 9, 60)


async def test_the_check_query_for_keys_shows_the_newest_live_ones(person: Database) -> None:
    query = """
        SELECT id, user_id, okx_uid, telegram_id, LEFT(api_key, 10) AS preview, created_at
        FROM okx_api_info WHERE deleted_at IS NULL ORDER BY updated_at DESC LIMIT 10
    """
    (found,) = await answers(person, query)
    assert (str(found["user_id"]), found["okx_uid"], found["telegram_id"]) == (ANNA, OKX_UID, TELEGRAM)
    assert found["preview"] == "tb1.k1.n.a"
    (whole_row,) = await answers(person, "SELECT * FROM okx_api_info")
    assert list(whole_row) == [
        *("id", "user_id", "api_key", "api_secret", "passphrase", "telegram_id", "telegram_linked"),
        *("okx_uid", "okx_linked", "exchange", "created_at", "updated_at", "deleted_at"),
    ]
    assert (whole_row["telegram_linked"], whole_row["okx_linked"], whole_row["exchange"]) == (True, True, "okx")


async def test_people_and_their_keys_are_found_as_the_papers_ask(person: Database) -> None:
    (by_id,) = await answers(person, "SELECT * FROM users WHERE user_id = :id", id=ANNA)
    (by_name,) = await answers(person, "SELECT user_id, username, email, created_at FROM users WHERE username = 'anna'")
    assert by_id["user_id"] == by_name["user_id"]
    assert not {"password_hash", "totp_sealed"} & set(by_id)
    (key,) = await answers(person, "SELECT api_key_encrypted FROM user_credentials WHERE user_id = :id", id=ANNA)
    assert key["api_key_encrypted"].startswith("tb1.")


async def test_settings_are_one_active_row_a_person_and_type(person: Database) -> None:
    columns = (
        "id, user_id, strategy, scope, setting_type, settings, version, is_active, changed_by, created_at, updated_at"
    )
    values = """
        (gen_random_uuid(), :id, 'hyperrsi', 'global', 'params', '{"leverage": 5}', 1, false, 'x', now(), now()),
        (gen_random_uuid(), :id, 'hyperrsi', 'global', 'params', '{"leverage": 7}', 2, true, 'x', now(), now()),
        (gen_random_uuid(), :id, 'grid', 'global', 'params', '{"leverage": 9}', 1, true, 'x', now(), now())
    """
    async with person.transaction() as db:
        await db.execute(
            text(f"INSERT INTO users.user_settings ({columns}) VALUES {values}".replace('": ', '"\\: ')), {"id": ANNA}
        )
    query = """
        SELECT settings, version FROM user_settings
        WHERE user_id = :id AND setting_type = 'params' AND is_active AND deleted_at IS NULL
    """
    assert await answers(person, query, id=ANNA) == [{"settings": {"leverage": 7}, "version": 2}]


async def test_candles_and_tickers_have_their_old_names(whole: Database) -> None:
    given = minutes(T0, 3)
    async with whole.transaction() as db:
        await candles.store_candles(db, given)
    await fill(
        whole,
        (ticks, {"exchange": VENUE, "symbol": BTC, "at": T0, "last": 1.0, "mark": 1.0}),
        (ticks, {"exchange": VENUE, "symbol": BTC, "at": T0 + timedelta(seconds=1), "last": 2.0, "mark": 2.0}),
    )
    query = "SELECT open_at, close FROM ohlcv_1m WHERE exchange = :v AND symbol = :s ORDER BY open_at DESC LIMIT 1"
    (newest,) = await answers(whole, query, v=VENUE, s=BTC)
    assert (newest["open_at"], newest["close"]) == (given[-1].open_at, float(given[-1].close))
    (ticker,) = await answers(whole, "SELECT * FROM market_tickers WHERE exchange = :v AND symbol = :s", v=VENUE, s=BTC)
    assert ticker["last"] == 2.0
    for timeframe in STORED:
        assert len(await answers(whole, f"SELECT * FROM ohlcv_{timeframe} LIMIT 5")) == (3 if timeframe == "1m" else 0)


async def test_orders_fills_states_and_levels_have_their_old_names(whole: Database) -> None:
    run = {"run_id": "r1", "user_id": ANNA, "strategy": "grid", "status": "running", "params": {"levels": 3}}
    order = {"order_id": "o1", "seq": 1, "user_id": ANNA, "symbol": BTC, "run_id": "r1", "price": D(100), "qty": D(2)}
    at = {"created_at": T0, "cum_filled": D(2), "exchange": VENUE}
    await fill(
        whole,
        (runs, run),
        (runs, {**run, "run_id": "r2", "strategy": "hyperrsi", "symbol": BTC}),
        (wishes, {"run_id": "r2", "seq": 4, "kind": "place", "slot": "entry", "side": "buy"}),
        (orders, {**order, **at, "slot": "buy:7", "status": 6, "venue_order_id": "v1", "ended_at": T0}),
        (orders, {**order, **at, "order_id": "o2", "seq": 2, "slot": "sell:3", "status": 1, "cum_filled": D(0)}),
        (fills, {"order_id": "o1", "seq": 1, "qty": D(2), "price": D(99), "fee": D("-0.1"), "trade_id": "t1"}),
        (messages, {"message_id": "m1", "user_id": ANNA, "text": "filled"}),
    )
    (found,) = await answers(whole, "SELECT * FROM oms.orders WHERE order_id = 'o1'")
    assert (found["status"], found["quantity"], found["filled_qty"], found["exchange_order_id"]) == (
        "filled",
        2,
        2,
        "v1",
    )
    (fill_row,) = await answers(whole, "SELECT * FROM oms.order_fills WHERE order_id = 'o1'")
    assert (fill_row["fill_price"], fill_row["commission"], fill_row["exchange_fill_id"]) == (99, D("-0.1"), "t1")
    levels = await answers(whole, "SELECT grid_index, status FROM grid.levels WHERE user_id = :id ORDER BY 1", id=ANNA)
    assert levels == [{"grid_index": 3, "status": "pending"}, {"grid_index": 7, "status": "filled"}]
    (state,) = await answers(whole, "SELECT * FROM hyperrsi.state WHERE user_id = :id", id=ANNA)
    assert (state["is_active"], state["settings"]) == (True, {"levels": 3})
    assert len(await answers(whole, "SELECT * FROM grid.grid_state WHERE user_id = :id", id=ANNA)) == 1
    (signal,) = await answers(whole, "SELECT * FROM hyperrsi.signals WHERE user_id = :i AND symbol = :s", i=ANNA, s=BTC)
    assert signal["signal_type"] == "buy"
    assert (await answers(whole, "SELECT message FROM notification_history"))[0]["message"] == "filled"


async def test_a_trade_lasts_from_flat_to_flat(whole: Database) -> None:
    leg = {"account_id": ACCOUNT, "symbol": BTC, "position_side": "long"}
    steps = [(1, 100, 0, 1), (1, 110, 0, 1), (-2, 120, 30, 2), (3, 90, 0, 1), (-1, 95, 5, 1)]
    told = []
    for number, (qty, price, gain, fee) in enumerate(steps):
        named = {"fill_id": f"f{number}", "fill_key": f"k{number}", "trade_id": f"t{number}"}
        at = T0 + timedelta(minutes=number)
        sums = {"qty": D(qty), "price": D(price), "realized_quote": D(gain), "fee": D(fee)}
        told.append((bookings, {**leg, **named, **sums, "at": at, "booked_at": at}))
    await fill(whole, (positions, {**leg, "user_id": ANNA, "exchange": VENUE}), *told)
    first, second = await answers(whole, "SELECT * FROM trades WHERE user_id = :id ORDER BY entry_at", id=ANNA)
    assert (first["status"], first["entry_at"], first["exit_at"]) == ("closed", T0, T0 + timedelta(minutes=2))
    assert (first["avg_entry_price"], first["avg_exit_price"], first["dca_count"]) == (105, 120, 2)
    assert (first["realized_quote"], first["fee_quote"], first["net_quote"]) == (30, 4, 26)
    assert (second["status"], second["exit_at"], second["qty"]) == ("partially_closed", None, 3)
    assert second["avg_exit_price"] == Decimal(95)


async def test_no_view_is_written_through_by_anybody_but_the_owner(whole: Database) -> None:
    asked = text("SELECT has_table_privilege('tb_platform', :name, 'INSERT, UPDATE, DELETE')")
    async with whole.read() as db:
        for view in seed_views():
            name = f"{view.schema}.{view.name}"
            assert not (await db.execute(asked, {"name": name})).scalar_one(), name


MANY = """
    INSERT INTO users.user_settings (id, user_id, okx_uid, telegram_id, setting_type, settings, version, is_active,
        changed_by, created_at, updated_at)
    SELECT gen_random_uuid(), u.id, (518796558012170000 + n)::text, (1700000000 + n)::text, kind,
        jsonb_build_object('symbol', 'S' || n), 1, true, 'test', now(), now()
    FROM users.app_users u JOIN generate_series(1, 1500) n ON u.username = 'u' || n,
        unnest(ARRAY['preferences', 'params', 'dual_side']) kind
"""


@pytest.fixture
async def crowd(whole: Database) -> Database:
    """Fifteen hundred people with three settings each."""
    async with whole.transaction() as db:
        people = "SELECT gen_random_uuid(), 'u' || n, now(), now() FROM generate_series(1, 1500) n"
        await db.execute(text(f"INSERT INTO users.app_users (id, username, created_at, updated_at) {people}"))
        known = "SELECT gen_random_uuid(), id, 'telegram', (1700000000 + row_number() OVER ())::text, 'test', now()"
        names = "id, user_id, kind, value, source, created_at"
        await db.execute(text(f"INSERT INTO users.identities ({names}) {known} FROM users.app_users"))
        await db.execute(text(MANY))
        await db.execute(text("ANALYZE users.user_settings, users.identities, users.app_users"))
    return whole


async def test_every_index_the_papers_name_is_used(crowd: Database) -> None:
    one = "(SELECT user_id FROM users.user_settings OFFSET 700 LIMIT 1)"
    wanted = {
        "idx_user_settings_user_id": f"SELECT settings FROM users.user_settings WHERE user_id = {one}",
        "idx_user_settings_okx_uid": "SELECT settings FROM users.user_settings WHERE okx_uid = '518796558012170007'",
        "idx_user_settings_telegram_id": "SELECT settings FROM users.user_settings WHERE telegram_id = '1700000007'",
        "idx_user_settings_type": "SELECT count(*) FROM users.user_settings WHERE setting_type = 'params'",
        "idx_user_settings_jsonb": """SELECT id FROM users.user_settings WHERE settings @> '{"symbol"\\: "S77"}'""",
        "idx_user_settings_unique_active": f"""
            SELECT settings FROM users.user_settings WHERE user_id = {one} AND strategy = 'hyperrsi'
            AND scope = 'global' AND setting_type = 'params' AND is_active AND deleted_at IS NULL""",
        "uq_identities_live": """
            SELECT user_id FROM users.identities
            WHERE kind = 'telegram' AND value = '1700000007' AND revoked_at IS NULL""",
        "uq_app_users_username": "SELECT id FROM users.app_users WHERE lower(username) = 'u9' AND deleted_at IS NULL",
    }
    async with crowd.read() as db:
        for index, query in wanted.items():
            plan = "\n".join((await db.execute(text(f"EXPLAIN {query}"))).scalars())
            assert index in plan, plan


async def test_candles_are_read_through_their_key_and_old_ones_found_by_their_range(whole: Database) -> None:
    async with whole.transaction() as db:
        for first in range(0, 20_000, 5_000):
            await candles.store_candles(db, minutes(T0 + timedelta(minutes=first), 5_000))
        await db.execute(text("ANALYZE market.ohlcv_1m"))
        newest = "SELECT * FROM market.ohlcv_1m WHERE exchange = 'okx' AND symbol = :s ORDER BY open_at DESC LIMIT 300"
        plan = "\n".join((await db.execute(text(f"EXPLAIN {newest}"), {"s": BTC})).scalars())
        assert "pk_ohlcv_1m" in plan
        assert "Sort" not in plan
        old = "SELECT exchange, symbol, open_at FROM market.ohlcv_1m WHERE open_at < '2026-01-01 01:00+00'"
        plan = "\n".join((await db.execute(text(f"EXPLAIN {old}"))).scalars())
        assert "Seq Scan" not in plan  # the BRIN index, or the key where the server skips over its first columns
