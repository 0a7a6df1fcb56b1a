"""Proof data: a search over pure chance is told from luck, and an edge that is there is accepted."""

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.unit.backtest.worlds import BTC, FACTS, FIRST_MS

from tradingboost import strategies
from tradingboost.backtest import BacktestConfig, Candles
from tradingboost.backtest.sharpe import Deflated, deflated_among
from tradingboost.backtest.space import space_of
from tradingboost.backtest.sweep import Measured, Sweep

HOUR_MS = 3_600_000
BARS = 24 * 120
TRIALS = 12
SEEDS = 100
SPACE = space_of(
    {
        "rsi_length": {"from": 4, "to": 7},
        "tp1_value": {"from": "0.6", "to": "1.4", "step": "0.1"},
        "rsi_oversold": {"from": 30, "to": 40, "step": 5},
        "rsi_overbought": {"from": 60, "to": 70, "step": 5},
    },
    {
        "use_trend_logic": False,
        "use_trend_close": False,
        "use_cooldown": False,
        "pyramiding_limit": 1,
        "use_sl": True,
        "sl_value": 8,
        "trailing_stop_active": False,
        "use_break_even": False,
        "use_tp2": False,
        "use_tp3": False,
        "tp1_ratio": 100,
        "tp2_ratio": 0,
        "tp3_ratio": 0,
        "btc_investment": 1000,
    },
)


def series(closes: Any) -> Candles:
    ticks = np.rint(closes * 10).astype(np.int64)
    opens = np.concatenate((ticks[:1], ticks[:-1]))
    return Candles(
        timeframe_ms=HOUR_MS,
        open_ms=FIRST_MS + HOUR_MS * np.arange(ticks.size, dtype=np.int64),
        opens=opens / 10,
        highs=np.maximum(opens, ticks) / 10,
        lows=np.minimum(opens, ticks) / 10,
        closes=ticks / 10,
        volumes=np.ones(ticks.size),
    )


def walk(seed: int) -> Candles:
    """Nothing to be known: a random walk."""
    steps = np.random.default_rng(seed).normal(0.0, 0.006, BARS)
    return series(42_000.0 * np.exp(np.cumsum(steps)))


def swinging(seed: int) -> Candles:
    """Something to be known: a price that comes back to its mean."""
    noise = np.random.default_rng(seed).normal(0.0, 0.006, BARS)
    away = np.zeros(BARS)
    for i in range(1, BARS):
        away[i] = 0.9 * away[i - 1] + noise[i]
    return series(42_000.0 * np.exp(away))


def searched(candles: Candles, seed: int) -> Deflated:
    """The best of a random search without costs, held against its own luck."""
    strategy = strategies.get("hyperrsi")
    facts = msgspec.structs.replace(FACTS, timeframe_ms=HOUR_MS)
    config = BacktestConfig(
        instrument=BTC, maker_fee=Decimal(0), taker_fee=Decimal(0), slippage_bps=Decimal(0), warmup_bars=250
    )
    sweep = Sweep(strategy, candles)
    found: list[Measured] = []
    for number in range(TRIALS):
        params = strategy.compile_params(strategy.validate(SPACE.params(SPACE.random(seed, number))), BTC, facts)
        found.append(sweep.measure(params, config))
    moments = [one.daily for one in found if one.daily is not None]
    best = max(moments, key=lambda one: one.sharpe)
    return deflated_among(best, [one.sharpe for one in moments])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_chance_is_rejected_in_95_of_100_searches() -> None:
    lucky = [searched(walk(seed), seed).lucky for seed in range(SEEDS)]
    assert sum(lucky) >= 95


@pytest.mark.timeout(300)
def test_a_planted_edge_is_accepted() -> None:
    for seed in range(3):
        found = searched(swinging(seed), seed)
        assert not found.lucky, found
