"""The compiled backtest: the strategies' own kernels over candles, by the simulated exchange's fill rules."""

from tradingboost.backtest.compare import Difference, differences
from tradingboost.backtest.model import (
    BacktestConfig,
    Candles,
    Funding,
    LimitFill,
    MarginMode,
    OnEnd,
    PathRule,
    PositionMode,
    Tier,
)
from tradingboost.backtest.result import BacktestResult, Summary
from tradingboost.backtest.runner import run
from tradingboost.backtest.trace import Trace

__all__ = [
    "BacktestConfig",
    "BacktestResult",
    "Candles",
    "Difference",
    "Funding",
    "LimitFill",
    "MarginMode",
    "OnEnd",
    "PathRule",
    "PositionMode",
    "Summary",
    "Tier",
    "Trace",
    "differences",
    "run",
]
