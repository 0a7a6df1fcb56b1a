"""Recorded markets at length: the compiled backtest against the exchange's own engine, with nothing between."""

from typing import Any

import pytest
from tests.parity import sets
from tests.unit.backtest.exchange import Replay

from tradingboost import backtest
from tradingboost.app.demo import WARMUP
from tradingboost.app.instruments import rules_of
from tradingboost.app.parity import FUNDING_RATE
from tradingboost.app.replay.bars import Bars
from tradingboost.app.replay.stage import BALANCE, SLIPPAGE_BPS
from tradingboost.backtest.compare import report
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.contract import RunFacts, Strategy

pytestmark = pytest.mark.timeout(300)
BARS = 1500


def _compiled(strategy: Strategy, given: dict[str, Any], bars: Bars) -> tuple[Any, backtest.BacktestConfig]:
    parsed, instrument = strategy.validate(given), rules_of(bars.instrument)
    apart = strategy.asks(parsed, instrument).long_short
    candles = bars.candles()
    first, last = int(candles.open_ms[1]), int(candles.open_ms[-1])
    config = backtest.BacktestConfig(
        instrument=instrument,
        initial_balance=BALANCE,
        slippage_bps=SLIPPAGE_BPS,
        leverage=parsed.leverage,
        position_mode=backtest.PositionMode.LONG_SHORT if apart else backtest.PositionMode.NET,
        funding=backtest.Funding.constant(FUNDING_RATE, 8, first, last),
    )
    facts = RunFacts(timeframe_ms=bars.series.bar_ms, available_quote=BALANCE, long_short=apart)
    return strategy.compile_params(parsed, instrument, facts), config


@pytest.mark.realdata
@pytest.mark.usefixtures("shared_candles")
@pytest.mark.parametrize(("file", "skip"), [(sets.OKX_5M, 200), (sets.BTC_1M, 4000), (sets.ETH_1M, 9000)])
@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("hyperrsi", "by_atr"),
        ("hyperrsi", "coins"),
        ("hyperrsi", "scalps"),
        ("hyperrsi", "too_large"),
        ("hyperrsi", "hedged"),
        ("hyperrsi", "linked"),
        ("grid", "short"),
        ("grid", "takers"),
    ],
)
def test_a_recorded_market_is_traded_alike_by_the_backtest_and_the_exchange(
    file: str, skip: int, name: str, chosen: str
) -> None:
    _agrees(sets.recorded(file, skip, BARS), name, chosen)


@pytest.mark.parametrize(("name", "chosen"), [("hyperrsi", "scalps"), ("grid", "neutral"), ("grid", "stretched")])
def test_a_made_up_market_is_traded_alike_by_the_backtest_and_the_exchange(name: str, chosen: str) -> None:
    _agrees(sets.made_up(24, 300), name, chosen)


@pytest.mark.parametrize("chosen", ["hedged", "linked", "closing"])
def test_two_legs_are_traded_alike_by_the_backtest_and_the_exchange(chosen: str) -> None:
    trace = _agrees(sets.made_up(3, 400), "hyperrsi", chosen)
    ends = {"hedged": "hedge:sl", "linked": "hedge:sl", "closing": "hedge:exit"}
    assert {"hedge:entry:1", "hedge:tp", ends[chosen]} <= {fill.slot for fill in trace.fills}


@pytest.mark.parametrize(
    ("chosen", "warmup"),
    [
        ("trailing", WARMUP),
        ("trailing_short", WARMUP),
        ("endless", WARMUP),
        ("by_rsi", WARMUP),
        ("adaptive", 3000),
        ("adaptive_long", 3000),
    ],
)
def test_grids_that_move_are_traded_alike_by_the_backtest_and_the_exchange(chosen: str, warmup: int) -> None:
    _agrees(sets.made_up(24, 400, warmup), "grid", chosen)


def _agrees(bars: Bars, name: str, chosen: str) -> backtest.Trace:
    strategy = strategy_named(name)
    params, config = _compiled(strategy, sets.params(name, chosen, bars), bars)
    result = backtest.run(strategy, bars.candles(), params, config)
    replay = Replay(strategy, bars.candles(), params, config).run()
    trace = result.trace()
    found = backtest.differences(replay.trace(), backtest.Trace(trace.intents, trace.fills, trace.ends))
    assert not found, report(found)
    assert result.scale.amount(result.desk[0].cash) == replay.cash
    assert result.state.tobytes() == replay.state.tobytes()
    assert len(trace.fills) >= 2
    return trace
