"""A year of minutes through the public backtest, beside the limit: W1, HYPERRSI and GRID with their figures.

`run`: indicators, fills and equity curve. `figures`: the list of trades, drawdown and the ratios of daily returns;
with the run it is what the ratios compare. `all_figures`: all that a report shows. All warm medians of this process;
the limit is measured in the same loop, because absolute times move with the machine.
"""

import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench import by_hand, limit, startup, stored
from bench.market import Minutes, minutes
from bench.peers import running
from bench.prepared import MINUTE_MS, Prepared, w1
from bench.w1 import BTC
from tradingboost.app.instruments import listed, rules_of
from tradingboost.backtest import BacktestConfig, BacktestResult, Candles, Funding, PathRule, metrics
from tradingboost.backtest.figures import figures
from tradingboost.strategies import get

ROUNDS: Final = 9
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


async def measure(bars: int = 0, peers: Path | None = None) -> dict[str, Any]:
    """Milliseconds, and ratios to the limit and to a plain loop; to other engines where they are given.

    Args:
        bars: minutes of the year to use; 0 = all of them.
        peers: virtual environments of other engines, by name.
    """
    market = minutes(bars) if bars else minutes()
    candles = Candles(timeframe_ms=MINUTE_MS, **market._asdict())
    works = {
        "w1": w1(candles).work({}),
        "h1": catalogue("hyperrsi", candles).work(H1),
        "g1": catalogue("grid", candles).work(G1),
    }
    running.say("backtest: compiling, or reading what is compiled ...")
    results = {name: work() for name, work in works.items()}
    _same_trades(results["w1"], market)
    calls: dict[str, Call] = {"limit": lambda: limit.trades(market)}
    for name, work in works.items():
        calls[f"{name}_run"] = work
        calls[f"{name}_figures"] = _figures(results[name])
        calls[f"{name}_all_figures"] = _all_figures(results[name])
    calls["python"] = by_hand.looped(market)
    taken, spread = _race(calls)
    ours = {name: taken[f"{name}_run"] + taken[f"{name}_figures"] for name in works}
    ratios = {name: round(ours[name] / taken["limit"], 2) for name in works}
    running.say("backtest: new processes, and the candle store ...")
    started, store = startup.measure(market, empty=not bars), stored.measure(market)
    answer: dict[str, Any] = {
        "bars": len(candles),
        "fills": {name: len(result.fills) for name, result in results.items()},
        "ms": taken,
        "fastest_and_slowest_ms": spread,
        "first_result": started,
        "store": store,
        "ratios": {
            "w1_vs_limit": ratios["w1"],
            "h1_vs_limit": ratios["h1"],
            "grid_vs_limit": ratios["g1"],
            "w1_vs_python": round(taken["python"] / ours["w1"], 1),
            **{f"first_result_{name}": started[name] for name in started if name.endswith("_s")},
            "store_year_ms": store["copied_ms"],
        },
    }
    if peers is not None:
        answer["peers"], more = running.compared(peers, market, _once_more(works["w1"], results["w1"]))
        answer["ratios"] |= more
    return answer


def _once_more(work: Call, result: BacktestResult) -> Callable[[], float]:
    """Takes our own time of W1 with its figures, in seconds."""
    return lambda: sum(_race({"run": work, "figures": _figures(result)})[0].values()) / 1000


def _race(calls: dict[str, Call]) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Medians in milliseconds and their extremes, in turns so that a slow moment of the machine hits all of them."""
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            samples[name].append((time.perf_counter() - began) * 1000)
    medians = {name: round(statistics.median(values), 3) for name, values in samples.items()}
    return medians, {name: [round(min(values), 3), round(max(values), 3)] for name, values in samples.items()}


def _figures(result: BacktestResult) -> Call:
    return lambda: (result.deals(), metrics.curve(*result.daily_curve()))


def _all_figures(result: BacktestResult) -> Call:
    return lambda: figures(result)


def catalogue(name: str, candles: Candles) -> Prepared:
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
    return Prepared(get(name), instrument, candles, config)


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
