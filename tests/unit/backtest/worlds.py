"""Seeded markets and the two strategies with parameters that trade in them."""

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
from tests.unit.backtest.story import MINUTE_MS, swap

from tradingboost import strategies
from tradingboost.backtest import BacktestConfig, Candles, Funding
from tradingboost.backtest.model import PositionMode
from tradingboost.strategies.contract import RunFacts, Strategy

BTC = swap("0.1", "0.01", "0.01")
FIRST_MS = 1_704_067_200_000
FACTS = RunFacts(timeframe_ms=MINUTE_MS, investment=Decimal(100), available_quote=Decimal(10_000))
TRAILING: dict[str, Any] = {
    "rsi_length": 5,
    "entry_option": "TURN",
    "use_cooldown": False,
    "use_rsi_with_pyramiding": False,
    "pyramiding_value": 0.25,
    "tp1_value": 0.25,
    "tp2_value": 0.4,
    "tp3_value": 0.6,
    "trailing_start_point": "TP1",
    "trailing_stop_offset_value": 0.3,
    "use_sl": True,
    "sl_value": 1,
}
HEDGED: dict[str, Any] = {
    "use_dual_side_entry": True,
    "dual_side_entry_trigger": 2,
    "dual_side_entry_ratio_value": 50,
    "dual_side_entry_tp_trigger_type": "PERCENT",
    "use_dual_sl": True,
    "dual_side_entry_sl_trigger_type": "EXISTING_POSITION",
    "dual_side_entry_sl_value": 1,
    "dual_side_trend_close": True,
}
LINKED: dict[str, Any] = {
    "dual_side_entry_tp_trigger_type": "EXISTING_POSITION",
    "dual_side_entry_sl_trigger_type": "PERCENT",
    "dual_side_entry_sl_value": 0.8,
    "use_sl_on_last": True,
    "pyramiding_limit": 3,
}
WORLDS: dict[str, tuple[str, dict[str, Any]]] = {
    "hyperrsi": ("hyperrsi", {"use_sl": True, "sl_value": 1.5}),
    "trailing": ("hyperrsi", TRAILING),
    "hedged": ("hyperrsi", TRAILING | HEDGED),
    "linked": ("hyperrsi", TRAILING | HEDGED | LINKED),
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
    facts = msgspec.structs.replace(FACTS, long_short=bool(wish.get("use_dual_side_entry")))
    return strategy, strategy.compile_params(strategy.validate(wish), BTC, facts)


def mode(name: str) -> PositionMode:
    """Two legs where the parameters ask for them."""
    return PositionMode.LONG_SHORT if WORLDS[name][1].get("use_dual_side_entry") else PositionMode.NET


def conditions(candles: Candles, **changes: Any) -> BacktestConfig:
    """Costs, funding every hour."""
    funding = Funding.constant(Decimal("0.0001"), 1, FIRST_MS, int(candles.open_ms[-1]))
    plain: dict[str, Any] = {"instrument": BTC, "funding": funding}
    return BacktestConfig(**(plain | changes))
