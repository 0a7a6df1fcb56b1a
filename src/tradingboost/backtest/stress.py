"""The hardest stretches of the data: its largest falls and rises of some days."""

from enum import StrEnum
from typing import Final

import msgspec
import numpy as np

from tradingboost.backtest.metrics import DAY_MS
from tradingboost.backtest.model import Candles

STRESS_DAYS: Final = 7
STRESS_COUNT: Final = 3


class Move(StrEnum):
    """Which way the market went."""

    FALL = "fall"
    RISE = "rise"


class StressWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch [from_ms, to_ms) and what the price did in it, as a ratio of its first open."""

    move: Move
    from_ms: int
    to_ms: int
    change: float


def stress_windows(
    candles: Candles, first: int = 0, days: int = STRESS_DAYS, count: int = STRESS_COUNT
) -> list[StressWindow]:
    """The largest falls, then the largest rises; no two of one kind overlap.

    Args:
        first: bar from which on to look; data shorter than `days` have none.
    """
    opens, closes, open_ms = candles.opens[first:], candles.closes[first:], candles.open_ms[first:]
    closed_ms = open_ms + candles.timeframe_ms
    starts = np.flatnonzero(open_ms + days * DAY_MS <= closed_ms.max(initial=0))
    ends = np.searchsorted(open_ms, open_ms[starts] + days * DAY_MS) - 1
    changes = closes[ends] / opens[starts] - 1.0
    found: list[StressWindow] = []
    for move, sign in ((Move.FALL, 1.0), (Move.RISE, -1.0)):
        left = sign * changes
        for _ in range(count):
            if not left.size or not left.min() < 0:
                break
            at = int(left.argmin())
            from_ms = int(open_ms[starts[at]])
            found.append(
                StressWindow(move=move, from_ms=from_ms, to_ms=from_ms + days * DAY_MS, change=float(changes[at]))
            )
            left = np.where(np.abs(open_ms[starts] - from_ms) < days * DAY_MS, np.inf, left)
    return found
