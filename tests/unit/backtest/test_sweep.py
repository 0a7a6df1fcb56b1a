"""A sweep gives what single runs give, and shares what it can."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.unit.backtest.worlds import BTC, FACTS, WORLDS, conditions, market, mode, part, world

from tradingboost import backtest, strategies
from tradingboost.backtest import metrics
from tradingboost.backtest.figures import figures
from tradingboost.backtest.sweep import SharedIndicators, Sweep, fields_read, measured, read

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("name", ["trailing", "hedged", "grid_neutral"])
def test_a_set_of_a_sweep_is_the_single_run_bit_for_bit(name: str) -> None:
    candles = market(4000)
    strategy, params = world(name)
    config = conditions(candles, position_mode=mode(name))
    sweep = Sweep(strategy, candles)
    alone = backtest.run(strategy, candles, params, config)
    for _ in range(2):
        swept = sweep.run(params, config)
        assert swept.reports.tobytes() == alone.reports.tobytes()
        assert np.array_equal(swept.equity_quanta, alone.equity_quanta)
    found, shown, summary = sweep.measure(params, config), figures(alone), alone.summary()
    curve = shown.curve
    assert (found.sharpe, found.sortino, found.cagr) == (curve.sharpe, curve.sortino, curve.cagr)
    assert (found.net_pnl, found.final_equity, found.fees) == (summary.net_pnl, summary.final_equity, summary.fees)
    assert (found.deals, found.fills) == (summary.round_trips, summary.fills)
    assert (found.exposure, found.profit_factor) == (shown.exposure, shown.deals.profit_factor)
    assert shown.drawdown is not None
    assert found.max_drawdown == shown.drawdown.ratio
    assert len(WORLDS) >= 3


def test_sets_with_the_same_indicators_share_them_and_others_do_not() -> None:
    candles = market(1000)
    strategy = strategies.get("hyperrsi")
    shared = SharedIndicators(strategy, candles)

    def columns(**wish: Any) -> Any:
        return shared.of(strategy.compile_params(strategy.validate(wish), BTC, FACTS))

    first = columns(rsi_length=10, tp1_value=1)
    assert columns(rsi_length=10, tp1_value=Decimal("1.5"), leverage=3) is first
    other = columns(rsi_length=11)
    assert (other is first, shared.computed) == (False, 2)
    assert not np.array_equal(other.rsi, first.rsi, equal_nan=True)
    assert columns(rsi_length=10, use_trend_logic=False, use_trend_close=False) is not first


def test_what_is_shared_is_bounded() -> None:
    candles = market(1000)
    strategy = strategies.get("hyperrsi")
    made = [strategy.compile_params(strategy.validate({"rsi_length": n}), BTC, FACTS) for n in (5, 6, 5, 7, 5)]
    size = strategy.indicators.itemsize * 1000
    shared = SharedIndicators(strategy, candles, most_bytes=2 * size)
    for params in made:
        shared.of(params)
    assert shared.computed == 3
    shared.of(made[1])
    assert shared.computed == 4


def test_every_field_the_indicators_depend_on_is_known() -> None:
    hyperrsi, grid = strategies.get("hyperrsi"), strategies.get("grid")
    assert {"rsi_length", "trend_minutes"} <= fields_read(hyperrsi.indicator_columns, hyperrsi.params.names or ())
    found = fields_read(grid.indicator_columns, grid.params.names or ())
    assert {"rsi_length", "regime_filter", "rule"} <= found
    assert len(found) < len(grid.params.names or ()) / 2


def test_stretches_are_joined_as_if_the_money_went_on() -> None:
    candles = market(8640)
    strategy, params = world("trailing")
    parts = [part(candles, 4320), part(candles, 8640)]
    readings = [read(Sweep(strategy, one).run(params, conditions(one))) for one in parts]
    joined, singles = measured(readings), [measured([one]) for one in readings]
    assert joined.deals == sum(one.deals for one in singles)
    assert joined.net_pnl == sum((one.net_pnl for one in singles), Decimal(0))
    assert joined.max_drawdown == max(one.max_drawdown or 0.0 for one in singles)
    grown = (1 + (singles[0].total_return or 0)) * (1 + (singles[1].total_return or 0)) - 1
    assert joined.total_return == pytest.approx(grown, abs=1e-12)
    daily = np.concatenate([metrics.returns(one.day_equity) for one in readings])
    assert joined.sharpe == pytest.approx(daily.mean() / daily.std(ddof=1) * 365**0.5, rel=1e-9)
