"""Seeded markets and the two strategies with parameters that trade in them."""

from decimal import Decimal
from typing import Any

import numpy as np
from tests.unit.backtest.story import MINUTE_MS, swap

from tradingboost import strategies
from tradingboost.backtest import BacktestConfig, Candles, Funding
from tradingboost.strategies.contract import RunFacts, Strategy

BTC = swap("0.1", "0.01", "0.01")
FIRST_MS = 1_704_067_200_000
FACTS = RunFacts(timeframe_ms=MINUTE_MS, investment=Decimal(100), available_quote=Decimal(10_000))
WORLDS: dict[str, tuple[str, dict[str, Any]]] = {
    "hyperrsi": ("hyperrsi", {"use_sl": True, "sl_value": 1.5}),
    "grid_long": ("grid", {"enter_strategy": "long"}),
    "grid_neutral": ("grid", {"enter_strategy": "long-short"}),
}
_GRID = {
    "spacing": "geometric",
    "grid_num": 40,
    "lower_price": 36_000,
    "upper_price": 48_000,
    "investment": 1000,
    "leverage": 5,
}


def market(bars: int, seed: int = 7) -> Candles:
    """A restless walk on the tick from 42,000 with gaps between some candles."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_t(4, size=(bars, 6)) * 0.0009
    walk = 42_000.0 * np.exp(np.cumsum(steps.ravel()) - 0.3 * np.linspace(0, steps.sum(), bars * 6)).reshape(bars, 6)
    ticks = np.rint(walk * 10)
    opens = np.concatenate(([420_000.0], ticks[:-1, -1]))
    gapped = rng.random(bars) < 0.05
    opens[gapped] = ticks[gapped, 0]
    return Candles(
        timeframe_ms=MINUTE_MS,
        open_ms=FIRST_MS + MINUTE_MS * np.arange(bars, dtype=np.int64),
        opens=opens / 10,
        highs=np.maximum(ticks.max(axis=1), opens) / 10,
        lows=np.minimum(ticks.min(axis=1), opens) / 10,
        closes=np.ascontiguousarray(ticks[:, -1]) / 10,
        volumes=np.ones(bars),
    )


def part(candles: Candles, stop: int) -> Candles:
    """The first `stop` candles."""
    columns = {name: getattr(candles, name)[:stop].copy() for name in candles.__struct_fields__[1:]}
    return Candles(timeframe_ms=candles.timeframe_ms, **columns)


def world(name: str) -> tuple[Strategy, Any]:
    """A strategy and its compiled parameters."""
    kind, wish = WORLDS[name]
    strategy = strategies.get(kind)
    if kind == "grid":
        return strategy, strategy.compile_params(strategy.validate(_GRID | wish), BTC, FACTS, Decimal(42_000))
    return strategy, strategy.compile_params(strategy.validate(wish), BTC, FACTS)


def conditions(candles: Candles, **changes: Any) -> BacktestConfig:
    """Costs, funding every hour."""
    funding = Funding.constant(Decimal("0.0001"), 1, FIRST_MS, int(candles.open_ms[-1]))
    plain: dict[str, Any] = {"instrument": BTC, "funding": funding}
    return BacktestConfig(**(plain | changes))
