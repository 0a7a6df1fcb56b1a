"""The demo's own parameters show something on every market it is shown with."""

import pytest
from tests.parity import sets

from tradingboost import backtest
from tradingboost.app.demo import parameters
from tradingboost.app.instruments import rules_of
from tradingboost.app.replay.bars import Bars
from tradingboost.app.replay.stage import BALANCE, SLIPPAGE_BPS
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.contract import RunFacts

pytestmark = pytest.mark.timeout(300)
TWO_WEEKS_OF_5M = 4032


def _summary(name: str, bars: Bars) -> backtest.Summary:
    strategy = strategy_named(name)
    parsed, instrument = strategy.validate(parameters(name, bars)), rules_of(bars.instrument)
    facts = RunFacts(timeframe_ms=bars.series.bar_ms, available_quote=BALANCE)
    params = strategy.compile_params(parsed, instrument, facts)
    config = backtest.BacktestConfig(
        instrument=instrument,
        initial_balance=BALANCE,
        slippage_bps=SLIPPAGE_BPS,
        leverage=parsed.leverage,
        warmup_bars=bars.warmup,
    )
    return backtest.run(strategy, bars.candles(), params, config).summary()


def _filled(summary: backtest.Summary, *reasons: str) -> int:
    return sum(summary.fills_by_reason.get(reason, 0) for reason in reasons)


@pytest.mark.realdata
@pytest.mark.usefixtures("shared_candles")
@pytest.mark.parametrize(
    ("file", "bars"), [(sets.OKX_5M, TWO_WEEKS_OF_5M), (sets.BTC_1M, 10_080), (sets.ETH_1M, 10_080)]
)
def test_the_demo_enters_takes_profit_is_stopped_and_cycles_on_recorded_markets(file: str, bars: int) -> None:
    market = sets.recorded(file, 0, bars)
    hyperrsi, grid = _summary("hyperrsi", market), _summary("grid", market)
    assert _filled(hyperrsi, "signal") >= 1
    assert _filled(hyperrsi, "ladder") >= 1
    assert _filled(hyperrsi, "sl", "break_even") >= 1
    assert _filled(grid, "grid_close") >= 10
    assert not hyperrsi.skipped
    assert not grid.skipped


@pytest.mark.parametrize("seed", [1, 7])
def test_the_demo_of_two_days_without_a_file_has_something_to_show(seed: int) -> None:
    market = sets.made_up(seed, 576)
    hyperrsi, grid = _summary("hyperrsi", market), _summary("grid", market)
    assert _filled(hyperrsi, "signal") >= 1
    assert _filled(hyperrsi, "ladder") >= 1
    assert _filled(hyperrsi, "sl", "break_even") >= 1
    assert _filled(grid, "grid_close") >= 10
