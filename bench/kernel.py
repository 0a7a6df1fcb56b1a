"""What the pure half costs: `on_bar` alone, and whole backtests of a synthetic year, in nanoseconds per candle.

Run: python -m bench.kernel [--json]. Warm medians; absolute times move with the machine, so compare figures of one run.
"""

import argparse
import json
from decimal import Decimal
from statistics import median
from time import perf_counter_ns
from typing import Any

import numpy as np
from numba import njit

from tradingboost import backtest, strategies
from tradingboost.backtest import BacktestConfig, Candles, Funding
from tradingboost.backtest.runner import driver_of
from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.strategies.compiled import plain
from tradingboost.strategies.contract import BAR, INTENT, MAX_INTENTS, RunFacts, Strategy, records

YEAR = 525_600
ROUNDS = 7
MINUTE_MS = 60_000
FIRST_MS = 1_704_067_200_000
BTC = Instrument(
    venue=Venue("okx"),
    symbol=Symbol("BTC/USDT:USDT"),
    kind=InstrumentKind.LINEAR_SWAP,
    base="BTC",
    quote="USDT",
    settle="USDT",
    contract_size=Decimal("0.01"),
    tick=Decimal("0.1"),
    lot=Decimal("0.01"),
    min_qty=Decimal("0.01"),
    max_limit_qty=Decimal(100_000_000),
    max_market_qty=Decimal(12_000),
    max_leverage=100,
    version="1",
)
FACTS = RunFacts(timeframe_ms=MINUTE_MS, investment=Decimal(100), available_quote=Decimal(10_000))


def year(bars: int) -> Candles:
    """A seeded random walk on the tick whose candles hang together."""
    rng = np.random.default_rng(20240101)
    steps = rng.standard_t(5, size=(bars, 12)) * 0.0002
    walk = 42_000.0 * np.exp(np.cumsum(steps.ravel())).reshape(bars, 12)
    ticks = np.rint(walk * 10)
    closes = ticks[:, -1]
    opens = np.concatenate(([420_000.0], closes[:-1]))
    return Candles(
        timeframe_ms=MINUTE_MS,
        open_ms=FIRST_MS + MINUTE_MS * np.arange(bars, dtype=np.int64),
        opens=opens / 10,
        highs=np.maximum(ticks.max(axis=1), opens) / 10,
        lows=np.minimum(ticks.min(axis=1), opens) / 10,
        closes=closes / 10,
        volumes=np.ones(bars),
    )


def parameters(name: str) -> tuple[Strategy, Any]:
    """A strategy with parameters that trade."""
    strategy = strategies.get(name)
    if name == "hyperrsi":
        return strategy, strategy.compile_params(strategy.validate({"use_sl": True}), BTC, FACTS)
    wish = {
        "spacing": "geometric",
        "grid_num": 50,
        "lower_price": 20_000,
        "upper_price": 90_000,
        "investment": 2000,
        "leverage": 5,
    }
    return strategy, strategy.compile_params(strategy.validate(wish), BTC, FACTS, Decimal(42_000))


def on_bar_ns(strategy: Strategy, params: Any, candles: Candles) -> float:
    """Nanoseconds a call of `on_bar` in a compiled loop over bars on which nothing is open."""
    decide = strategy.on_bar

    @njit(error_model="numpy", nogil=True)
    def loop(state: Any, row: Any, bars: Any, indicators: Any, out: Any) -> int:
        wishes = 0
        for i in range(bars.size):
            wishes += decide(state[0], row[0], bars[i], indicators[i], out)
        return wishes

    bars = records(BAR, len(candles))
    bars.close_ms[:] = candles.open_ms + MINUTE_MS
    for name, column in (("open", candles.opens), ("high", candles.highs), ("low", candles.lows)):
        bars[name] = column
    bars.close[:], bars.volume[:] = candles.closes, candles.volumes
    columns = strategy.indicator_columns(candles, params[0])
    out = records(INTENT, MAX_INTENTS)

    def once() -> int:
        state = records(strategy.state)
        strategy.start(state[0], params[0])
        began = perf_counter_ns()
        loop(*(plain(array) for array in (state, params, bars, columns, out)))
        return perf_counter_ns() - began

    once()
    return median(once() for _ in range(ROUNDS)) / len(candles)


def run_ns(strategy: Strategy, params: Any, candles: Candles) -> tuple[float, int]:
    """Nanoseconds per candle of `backtest.run` (indicators, fills, fees, funding, equity), and the fills it made."""
    funding = Funding.constant(Decimal("0.0001"), 8, FIRST_MS, int(candles.open_ms[-1]))
    config = BacktestConfig(instrument=BTC, funding=funding)
    fills = backtest.run(strategy, candles, params, config).fills.size

    def once() -> int:
        began = perf_counter_ns()
        backtest.run(strategy, candles, params, config)
        return perf_counter_ns() - began

    return median(once() for _ in range(ROUNDS)) / len(candles), int(fills)


def measure(bars: int) -> dict[str, dict[str, float]]:
    """Every figure by strategy."""
    candles = year(bars)
    figures = {}
    for name in strategies.names():
        strategy, params = parameters(name)
        began = perf_counter_ns()
        driver_of(strategy)
        run_ns(strategy, params, year(100))
        ready_s = (perf_counter_ns() - began) / 1e9
        each, fills = run_ns(strategy, params, candles)
        figures[name] = {
            "on_bar_ns": round(on_bar_ns(strategy, params, candles), 1),
            "backtest_ns_per_candle": round(each, 1),
            "backtest_ms": round(each * bars / 1e6, 2),
            "fills": fills,
            "first_result_s": round(ready_s, 2),
        }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=YEAR)
    parser.add_argument("--json", action="store_true")
    wish = parser.parse_args()
    figures = measure(wish.bars)
    if wish.json:
        print(json.dumps(figures))
        return
    for name, values in figures.items():
        print(name + "  " + "  ".join(f"{key} {value:g}" for key, value in values.items()))


if __name__ == "__main__":
    main()
