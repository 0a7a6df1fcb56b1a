"""Schemas, candles, roll-up and forgetting, the same on PostgreSQL alone and on a real TimescaleDB."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from sqlalchemy import func, insert, select, text
from tests.app.database.conftest import LANES, Lane
from tests.builders import BTC, VENUE

from tradingboost.app.schemas import SERIES, Overlay, all_schemas, bring_up, state_of
from tradingboost.core.market import Candle, Timeframe, fold
from tradingboost.kit import migrations, tiers
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.db import Database
from tradingboost.kit.forgetting import Forgetter, take_turn
from tradingboost.services.market import repository as store
from tradingboost.services.market import tables as t
from tradingboost.services.market.repository.upkeep import PARENTS
from tradingboost.services.market.service.upkeep import Upkeep
from tradingboost.services.market.settings import MarketSettings
from tradingboost.services.positions.tables import SERIES as EQUITY
from tradingboost.services.positions.tables import equity_snapshots

M1 = Timeframe.M1
LONGER = [Timeframe(name) for name in PARENTS if name in set(Timeframe)]


@pytest.fixture
async def as_market(laid: Database) -> AsyncIterator[Database]:
    """The same database as the process of `market` sees it, which owns no table of it."""
    opened = Database.open(laid.engine.url.render_as_string(hide_password=False), role="tb_market")
    yield opened
    await opened.close()


class Calm:
    """Somebody who lets the work go on."""

    stopping = False

    def beat(self) -> None:
        """Nothing to count."""


def minutes(start: datetime, count: int) -> list[Candle]:
    """Prices that wander; volumes that add up exactly as floats."""
    made = []
    for number in range(count):
        base = Decimal(50_000 + (number * 7919) % 401 - 200)
        made.append(
            Candle(
                venue=VENUE,
                symbol=BTC,
                timeframe=M1,
                open_at=start + number * M1.length,
                open=base,
                high=base + 9,
                low=base - 11,
                close=base + Decimal((number * 31) % 17 - 8),
                volume=Decimal(number % 8) / 4,
            )
        )
    return made


async def stored(database: Database, timeframe: Timeframe) -> list[Candle]:
    async with database.read() as db:
        return await store.candles(db, VENUE, BTC, timeframe, (100_000, None))


async def keep(database: Database, candles: Sequence[Candle]) -> int:
    async with database.transaction() as db:
        return await store.store_candles(db, candles)


def today() -> datetime:
    return Timeframe.D1.open_of(SystemClock().now())


async def test_every_version_goes_up_and_down_and_the_tables_are_as_the_code_says(lane: Lane) -> None:
    schemas = all_schemas()
    done = await bring_up(lane.database, timescale=lane.wish)
    assert (done.tier.tier, len(done.changed)) == (lane.tier, len(schemas))
    assert len(done.cut) == (0 if lane.tier == "plain" else len(SERIES))
    assert await migrations.check(lane.database, schemas) == []
    state = await state_of(lane.database)
    assert (state.behind, state.uncut, state.secured) == ([], [], True)
    again = await bring_up(lane.database)
    assert (again.changed, again.cut) == ([], [])
    for schema in reversed(schemas):
        await migrations.downgrade(lane.database, schema, "base", Overlay(schemas, "auto"))
    assert set((await migrations.current(lane.database, schemas)).values()) == {None}
    assert len((await bring_up(lane.database)).changed) == len(schemas)
    assert await migrations.check(lane.database, schemas) == []


@pytest.mark.parametrize("server", LANES[1:], indirect=True)
async def test_a_table_that_holds_rows_is_cut_only_by_an_upgrade_that_was_asked_for(lane: Lane) -> None:
    await bring_up(lane.database, timescale="off")
    await keep(lane.database, minutes(today(), 30))
    started = await bring_up(lane.database, timescale="require")
    assert "market.ohlcv_1m" not in started.cut
    assert (await state_of(lane.database)).uncut == ["market.ohlcv_1m"]
    assert (await bring_up(lane.database, move_rows=True)).cut == ["market.ohlcv_1m"]
    assert len(await stored(lane.database, M1)) == 30


async def test_candles_are_rolled_up_kept_closed_and_corrected(laid: Database) -> None:
    upkeep = Upkeep(laid, MarketSettings())
    start = today() - timedelta(days=2)
    given = minutes(start, 2 * 1440 - 1)  # the last minute of the second day is not there yet
    assert await keep(laid, given) == len(given)
    assert await keep(laid, given) == 0
    assert await upkeep.roll_up(Calm()) > 0
    for timeframe in LONGER:
        assert await stored(laid, timeframe) == list(fold(given, timeframe)), timeframe
    assert await upkeep.roll_up(Calm()) == 0

    changed = msgspec.structs.replace(given[100], high=Decimal(60_000))
    assert await keep(laid, [changed]) == 1
    assert await keep(laid, minutes(start, 2 * 1440)[-1:]) == 1
    await upkeep.roll_up(Calm())
    now = [*given[:100], changed, *given[101:], *minutes(start, 2 * 1440)[-1:]]
    for timeframe in LONGER:
        assert await stored(laid, timeframe) == list(fold(now, timeframe)), timeframe
    async with laid.read() as db:
        first = (await db.execute(select(t.candle_corrections).order_by("correction_id"))).first()
        shown = await db.execute(text("SELECT timeframe, count(*) AS number FROM market.market_candles GROUP BY 1"))
    assert first is not None
    assert (first.timeframe, first.before["high"], first.after["high"]) == ("1m", float(given[100].high), 60_000)
    assert {row.timeframe: row.number for row in shown}["1h"] == 48


async def test_trap_a_closed_candle_is_opened_again(laid: Database) -> None:
    (candle,) = minutes(today(), 1)
    await keep(laid, [candle])
    async with laid.transaction() as db:
        await db.execute(text("UPDATE market.ohlcv_1m SET is_closed = false, close = open, high = high + 1"))
    assert await stored(laid, M1) == [candle]
    async with laid.read() as db:
        assert (await db.execute(select(func.count()).select_from(t.candle_corrections))).scalar_one() == 0


async def test_a_candle_the_venue_told_is_not_replaced_by_one_of_ours(laid: Database) -> None:
    given = minutes(today(), 5)
    (ours,) = fold(given, Timeframe.M5)
    theirs = msgspec.structs.replace(ours, volume=ours.volume + 1)
    await keep(laid, [theirs])
    await keep(laid, given)
    await Upkeep(laid, MarketSettings()).roll_up(Calm())
    assert await stored(laid, Timeframe.M5) == [theirs]


async def test_what_is_too_old_is_forgotten_and_nothing_else(laid: Database, as_market: Database) -> None:
    old, young = minutes(today() - timedelta(days=40), 60), minutes(today() - timedelta(days=5), 60)
    await keep(as_market, old)
    await keep(as_market, young)
    await keep(as_market, list(fold(old, Timeframe.H1)))
    hours = [today() - timedelta(days=days) for days in (20, 1)]
    async with laid.transaction() as db:
        rows = [{"exchange": VENUE, "symbol": BTC, "at": at, "last": 1.0, "mark": 1.0} for at in hours]
        await db.execute(insert(t.ticks), rows)
    upkeep = Upkeep(as_market, MarketSettings(keep_minutes_days=30))
    assert await upkeep.forget(Calm()) > 0
    assert await stored(laid, M1) == young
    assert len(await stored(laid, Timeframe.H1)) == 1
    async with laid.read() as db:
        assert (await db.execute(select(t.ticks.c.at))).scalars().all() == hours[1:]
    assert await upkeep.forget(Calm()) == 0


async def test_two_processes_do_not_keep_house_at_once(laid: Database) -> None:
    await keep(laid, minutes(today(), 10))
    upkeep = Upkeep(laid, MarketSettings())
    async with laid.transaction() as db:
        assert await take_turn(db, "market.roll_up")
        assert await upkeep.roll_up(Calm()) == 0
    assert await upkeep.roll_up(Calm()) > 0


async def test_equity_is_cut_by_time_guarded_and_forgotten(laid: Database) -> None:
    days = [today() - timedelta(days=number) for number in (800, 1)]
    async with laid.transaction() as db:
        rows = [{"account_id": "a1", "asset": "USDT", "at": at, "cash": 1, "equity": 1, "unrealized": 0} for at in days]
        await db.execute(insert(equity_snapshots), rows)
    (series,) = EQUITY
    assert series.keep is not None
    assert await Forgetter(laid, {series: series.keep}).run(Calm()) > 0
    async with laid.read() as db:
        assert (await db.execute(select(equity_snapshots.c.at))).scalars().all() == days[1:]
    somebody = Database.open(laid.engine.url.render_as_string(hide_password=False), role="tb_platform")
    async with somebody.read("0190b3a4-0000-7000-8000-0000000000c1") as db:
        assert (await db.execute(select(equity_snapshots.c.at))).all() == []
    await somebody.close()


def test_what_the_paid_tier_is_sent_is_this_text() -> None:
    minute = next(one for one in t.SERIES if one.table.name == "ohlcv_1m")
    assert [str(one) for one in tiers.statements(minute, "tsl")] == [
        "SELECT create_hypertable('market.ohlcv_1m', by_range('open_at', INTERVAL '1 days'),"
        " create_default_indexes => false, migrate_data => true)",
        "ALTER TABLE market.ohlcv_1m SET (timescaledb.compress, timescaledb.compress_segmentby = 'exchange, symbol',"
        " timescaledb.compress_orderby = 'open_at DESC')",
        "SELECT add_compression_policy('market.ohlcv_1m', INTERVAL '7 days', if_not_exists => true)",
        "SELECT add_retention_policy('market.ohlcv_1m', INTERVAL '730 days', if_not_exists => true)",
    ]
    assert len(list(tiers.statements(minute, "apache"))) == 1
    assert list(tiers.statements(minute, "plain")) == []
    (equity,) = EQUITY  # its rows are guarded, which pieces that are compressed cannot be
    assert [str(one).split()[:2] for one in tiers.statements(equity, "tsl")] == [
        ["SELECT", "create_hypertable('positions.equity_snapshots',"],
        ["SELECT", "add_retention_policy('positions.equity_snapshots',"],
    ]
    assert {one.table.name: str(one.chunk) for one in t.SERIES}["ticks"] == "6:00:00"


@pytest.mark.parametrize(("timeframe", "days"), [("1m", 1), ("5m", 1), ("15m", 7), ("1h", 7), ("2h", 30), ("1w", 30)])
def test_longer_candles_lie_in_longer_pieces(timeframe: str, days: int) -> None:
    (series,) = [one for one in t.SERIES if one.table.name == f"ohlcv_{timeframe}"]
    assert series.chunk == timedelta(days=days)
    assert (series.keep is not None) == (timeframe == "1m")
