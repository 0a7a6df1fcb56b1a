"""A year of minutes through the public backtest, beside the limit: W1, HYPERRSI and GRID with their figures.

`run`: indicators, fills and equity curve. `figures`: drawdown, Sharpe and every other figure of the result. All warm
medians of this process; the limit is measured in the same loop, because absolute times move with the machine.
"""

import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import numpy as np

from bench import limit
from bench.market import Minutes, minutes
from bench.w1 import BTC, W1
from tradingboost.app.instruments import listed, rules_of
from tradingboost.backtest import BacktestConfig, BacktestResult, Candles, Funding, LimitFill, PathRule, run
from tradingboost.backtest.figures import figures
from tradingboost.core.instrument import Instrument
from tradingboost.strategies import get
from tradingboost.strategies.contract import RunFacts, Strategy

ROUNDS: Final = 9
MINUTE_MS: Final = 60_000
WARMUP: Final = 300
H1: Final[dict[str, Any]] = {
    "btc_investment": 840,
    "leverage": 5,
    "entry_option": "CROSS_OUT",
    "use_trend_logic": False,
    "use_trend_close": False,
    "use_cooldown": False,
    "pyramiding_limit": 5,
    "pyramiding_value": 1,
    "entry_criterion": "LAST_FILL",
    "use_rsi_with_pyramiding": False,
    "tp1_ratio": 30,
    "tp2_ratio": 30,
    "tp3_ratio": 20,
    "use_sl": True,
    "sl_value": 5,
    "trailing_stop_offset_value": 0.5,
}
G1: Final[dict[str, Any]] = {
    "enter_strategy": "long",
    "lower_price": "30000",
    "upper_price": "70000",
    "grid_num": 50,
    "investment": 10_000,
    "leverage": 5,
}

Call = Callable[[], Any]


async def measure(bars: int = 0) -> dict[str, Any]:
    """Milliseconds and ratios to the limit.

    Args:
        bars: minutes of the year to use; 0 = all of them.
    """
    market = minutes(bars) if bars else minutes()
    candles = Candles(timeframe_ms=MINUTE_MS, **market._asdict())
    works = {"w1": _w1(candles), "h1": _catalogue("hyperrsi", H1, candles), "g1": _catalogue("grid", G1, candles)}
    results = {name: work() for name, work in works.items()}
    _same_trades(results["w1"], market)
    calls: dict[str, Call] = {"limit": lambda: limit.trades(market)}
    for name, work in works.items():
        calls[f"{name}_run"] = work
        calls[f"{name}_figures"] = _figures(results[name])
    taken = _race(calls)
    ratios = {name: round((taken[f"{name}_run"] + taken[f"{name}_figures"]) / taken["limit"], 1) for name in works}
    return {
        "bars": len(candles),
        "fills": {name: len(result.fills) for name, result in results.items()},
        "ms": taken,
        "ratios": {"w1_vs_limit": ratios["w1"], "h1_vs_limit": ratios["h1"], "grid_vs_limit": ratios["g1"]},
    }


def _race(calls: dict[str, Call]) -> dict[str, float]:
    """Medians in milliseconds, taken in turns so that a slow moment of the machine hits all of them."""
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            samples[name].append(time.perf_counter() - began)
    return {name: round(statistics.median(values) * 1000, 3) for name, values in samples.items()}


def _figures(result: BacktestResult) -> Call:
    return lambda: figures(result)


def _w1(candles: Candles) -> Call:
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
    return _work(W1, {}, BTC, candles, config)


def _catalogue(name: str, given: dict[str, Any], candles: Candles) -> Call:
    """A strategy of the catalogue as a user runs it: ticks and lots, slippage, funding, liquidation."""
    instrument = rules_of(listed("BTC-USDT-SWAP"))
    first, last = int(candles.open_ms[0]), int(candles.open_ms[-1])
    config = BacktestConfig(
        instrument=instrument,
        initial_balance=Decimal(100_000),
        leverage=5,
        funding=Funding.constant(Decimal("0.0001"), 8, first, last),
        path_rule=PathRule.HEADLINE,
        warmup_bars=WARMUP,
    )
    return _work(get(name), given, instrument, candles, config)


def _work(
    strategy: Strategy, given: dict[str, Any], instrument: Instrument, candles: Candles, config: BacktestConfig
) -> Call:
    facts = RunFacts(timeframe_ms=MINUTE_MS, available_quote=config.initial_balance)
    params = strategy.compile_params(strategy.validate(given), instrument, facts)
    return lambda: run(strategy, candles, params, config)


def _same_trades(result: BacktestResult, market: Minutes) -> None:
    """A faster wrong answer is none: every trade of W1 is the limit's, bar and price."""
    expected, fills = limit.trades(market), result.fills
    bought, sold = fills[fills["side"] == 1], fills[fills["side"] == -1]
    closed = len(sold)
    tick = float(BTC.tick)
    agrees = (
        closed == len(expected.left)
        and np.array_equal(bought["bar"][:closed], expected.entered)
        and np.array_equal(sold["bar"], expected.left)
        and np.allclose(bought["price"][:closed] * tick, expected.entry_prices, rtol=0, atol=1e-6)
        and np.allclose(sold["price"] * tick, expected.exit_prices, rtol=0, atol=1e-6)
    )
    if not agrees:
        raise SystemExit("bench: the backtest's trades of W1 are not those of the limit; nothing was measured")
