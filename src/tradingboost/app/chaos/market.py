"""The market of every scenario, and what trades on it: a seeded walk in which fifty bars bring everything."""

from decimal import Decimal
from typing import Any, Final

from tradingboost.app.demo import WARMUP, parameters
from tradingboost.app.instruments import listed
from tradingboost.app.replay.bars import Bars, plain, synthetic
from tradingboost.core.market import Timeframe
from tradingboost.kit.clock import SystemClock

SEED: Final = 24
"""Fifty bars bring an entry, an addition, two take-profits, a stop and many grid cycles."""

SYMBOL: Final = "BTC-USDT-SWAP"
STRATEGIES: Final = ("hyperrsi", "grid")


def market(bars: int) -> Bars:
    """The synthetic market: warm-up and `bars` five-minute candles."""
    return synthetic(SEED, listed(SYMBOL), Timeframe.M5, (WARMUP, bars), SystemClock().now())


def wanted(bars: Bars) -> list[tuple[str, dict[str, Any]]]:
    """Both strategies: as in the demo, with a grid narrow enough to cycle within a day."""
    start = Decimal(bars.price(int(bars.series.close[bars.warmup - 1])))
    narrow = {"lower_price": plain(start * Decimal("0.97")), "upper_price": plain(start * Decimal("1.03"))}
    return [(name, parameters(name, bars) | (narrow if name == "grid" else {})) for name in STRATEGIES]
