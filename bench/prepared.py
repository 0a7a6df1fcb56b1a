"""What is run, ready to be run: a strategy, its market and account. Imports nothing a first result does not need."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from bench import limit
from bench.w1 import BTC, W1
from tradingboost.backtest import BacktestConfig, BacktestResult, Candles, LimitFill, PathRule, run
from tradingboost.core.instrument import Instrument
from tradingboost.strategies.contract import RunFacts, Strategy

MINUTE_MS: Final = 60_000


class Prepared(NamedTuple):
    """A strategy on its candles."""

    strategy: Strategy
    instrument: Instrument
    candles: Candles
    config: BacktestConfig

    def compiled(self, given: Mapping[str, Any]) -> Any:
        """The record of these parameters."""
        facts = RunFacts(timeframe_ms=MINUTE_MS, available_quote=self.config.initial_balance)
        return self.strategy.compile_params(self.strategy.validate(given), self.instrument, facts)

    def work(self, given: Mapping[str, Any]) -> Callable[[], BacktestResult]:
        """One run with these parameters."""
        params = self.compiled(given)
        return lambda: run(self.strategy, self.candles, params, self.config)


def w1(candles: Candles) -> Prepared:
    """The comparison strategy on the account of its definition."""
    config = BacktestConfig(
        instrument=BTC,
        initial_balance=Decimal(1_000_000),
        maker_fee=Decimal(str(limit.FEE)),
        taker_fee=Decimal(str(limit.FEE)),
        slippage_bps=Decimal(0),
        limit_fill=LimitFill.TOUCH,
        path_rule=PathRule.HEADLINE,
        warmup_bars=limit.LENGTH + 1,
    )
    return Prepared(W1, BTC, candles, config)
