"""What accounts are worth over time, and metrics beside it."""

from datetime import timedelta

from sqlalchemy import insert, select
from tests.builders import BTC, T0, VENUE, D
from tests.services.positions.venue import QuietVenue
from tests.services.rooms import Room

from tradingboost.core.ids import Symbol
from tradingboost.kit.copying import copy_new_rows
from tradingboost.kit.metric_points import MetricKeeper
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.tables import metric_points
from tradingboost.services.positions.service import PositionsService
from tradingboost.services.positions.settings import PositionsSettings
from tradingboost.services.positions.tables import equity_snapshots, positions, venue_balances
from tradingboost.services.positions.workers.equity import EquityKeeper

ETH = Symbol("ETH-USDT-SWAP")


def held(account: str, symbol: Symbol, qty: str, cost: str) -> dict[str, object]:
    sums = dict.fromkeys(("realized_quote", "fees_quote", "funding_quote", "uncovered_s", "covered_qty"), D(0))
    leg = {"account_id": account, "symbol": symbol, "position_side": "long", "exchange": VENUE, "user_id": "u"}
    steps = {"qty": D(qty), "cost": D(cost), "lot": D(1), "contract_size": D(1), "stop_policy": "NONE"}
    return leg | steps | sums | {"updated_at": T0}


async def test_an_account_is_worth_its_cash_and_what_is_open_and_nothing_is_guessed(stage: Room) -> None:
    service = PositionsService(stage.context(), QuietVenue(stage.clock), PositionsSettings())
    service.marks[VENUE, BTC] = D(110)
    cash = [("a1", "USDT", 1000), ("a1", "BTC", 2), ("a2", "USDT", 500), ("a3", "USDT", 7)]
    async with stage.db.transaction() as db:
        rows = [{"account_id": a, "asset": asset, "cash": D(much), "taken_at": T0} for a, asset, much in cash]
        await db.execute(insert(venue_balances), rows)
        await db.execute(insert(positions), [held("a1", BTC, "3", "300"), held("a2", ETH, "1", "50")])
    keeper = EquityKeeper(stage.context(), service)
    assert await keeper.write() == 4
    assert await keeper.write() == 4  # the same minute again changes nothing
    async with stage.db.read() as db:
        c = equity_snapshots.c
        found = (await db.execute(select(c.account_id, c.asset, c.at, c.unrealized, c.equity))).all()
    assert sorted(map(tuple, found)) == [
        ("a1", "BTC", T0, 0, 2),
        ("a1", "USDT", T0, 30, 1030),
        ("a2", "USDT", T0, None, None),
        ("a3", "USDT", T0, 0, 7),
    ]


async def test_metrics_are_written_down_by_the_minute(stage: Room) -> None:
    metrics = Metrics()
    metrics.orders_created.labels(exchange="okx", symbol="BTC-USDT-SWAP", side="buy").inc()
    keeper = MetricKeeper(stage.context("one"), metrics, timedelta(days=30))
    written = await keeper.write()
    async with stage.db.read() as db:
        rows = (await db.execute(select(metric_points).where(metric_points.c.name == "orders_created_total"))).all()
        total = len((await db.execute(select(metric_points.c.name))).all())
    assert written == total > 1  # those that every process has, beside it
    assert [(row.instance, row.labels, row.value) for row in rows] == [
        ("one", "exchange=okx,side=buy,symbol=BTC-USDT-SWAP", 1.0)
    ]
    stage.clock.advance(60)
    assert await keeper.write() == written


async def test_rows_that_are_there_already_are_appended_by_nobody(stage: Room) -> None:
    columns = ("instance", "name", "labels", "at", "value")
    async with stage.db.transaction() as db:
        assert await copy_new_rows(db, metric_points, columns, [("i", "n", "", T0, 1.0)])
        assert not await copy_new_rows(db, metric_points, columns, [("i", "n", "", T0, 2.0), ("i", "m", "", T0, 2.0)])
    async with stage.db.read() as db:
        assert (await db.execute(select(metric_points.c.value))).scalars().all() == [1.0]
