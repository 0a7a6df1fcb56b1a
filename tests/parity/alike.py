"""One set of parameters through the compiled backtest and through the exchange's own engine."""

from typing import Any

from tests.unit.backtest.exchange import Replay

from tradingboost import backtest
from tradingboost.app.instruments import rules_of
from tradingboost.app.parity import FUNDING_RATE
from tradingboost.app.replay.bars import Bars
from tradingboost.app.replay.stage import BALANCE, SLIPPAGE_BPS
from tradingboost.backtest.compare import report
from tradingboost.strategies import get as strategy_named
from tradingboost.strategies.contract import RunFacts, Strategy


def compiled(
    strategy: Strategy, given: dict[str, Any], bars: Bars, warmup: int = 0
) -> tuple[Any, backtest.BacktestConfig]:
    """Parameters and conditions of a run that trades behind `warmup` bars."""
    parsed, instrument = strategy.validate(given), rules_of(bars.instrument)
    apart = strategy.asks(parsed, instrument).long_short
    candles = bars.candles()
    first, last = int(candles.open_ms[warmup + 1]), int(candles.open_ms[-1])
    config = backtest.BacktestConfig(
        instrument=instrument,
        initial_balance=BALANCE,
        slippage_bps=SLIPPAGE_BPS,
        leverage=parsed.leverage,
        position_mode=backtest.PositionMode.LONG_SHORT if apart else backtest.PositionMode.NET,
        funding=backtest.Funding.constant(FUNDING_RATE, 8, first, last),
        warmup_bars=warmup,
    )
    facts = RunFacts(timeframe_ms=bars.series.bar_ms, available_quote=BALANCE, long_short=apart)
    return strategy.compile_params(parsed, instrument, facts), config


def agreed(bars: Bars, name: str, given: dict[str, Any], warmup: int = 0) -> backtest.Trace:
    """Both stories are one: intents, fills, ends, cash, and every byte of the kernel's state."""
    strategy = strategy_named(name)
    params, config = compiled(strategy, given, bars, warmup)
    result = backtest.run(strategy, bars.candles(), params, config)
    replay = Replay(strategy, bars.candles(), params, config).run()
    trace = result.trace()
    found = backtest.differences(replay.trace(), backtest.Trace(trace.intents, trace.fills, trace.ends))
    assert not found, report(found)
    assert result.scale.amount(result.desk[0].cash) == replay.cash
    assert result.state.tobytes() == replay.state.tobytes()
    return trace
