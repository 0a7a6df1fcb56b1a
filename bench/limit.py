"""The limit: the comparison strategy W1 with nothing kept but its trades, as fast as one pass over the minutes goes.

W1: Wilder RSI(14), seeded with the mean of the first 14 changes. RSI back at or above 30 while flat: buy 0.1 at the
next open. From that bar on out at 5 % below (at the open if it gapped; first, if both), else at 2 % above. Fee 0.05 %
a side.
No object, no order, no cash account, no equity curve: what a backtester does beyond this is what it costs.
"""

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from bench.market import Minutes

LENGTH: Final = 14
OVERSOLD: Final = 30.0
PROFIT: Final = 0.02
LOSS: Final = 0.05
FEE: Final = 0.0005
QTY: Final = 0.1
_ROOM: Final = 65_536

Float = NDArray[np.float64]
Index = NDArray[np.int64]


class Trades(NamedTuple):
    """Closed trades in order: bars and prices of entry and exit, and what all of them earned."""

    entered: Index
    left: Index
    entry_prices: Float
    exit_prices: Float
    pnl: float


@register_jitable
def _lean(lean: float, change: float, up: float, down: float, keep: float) -> float:
    """One step of the only recurrence: at or above 0 exactly where the RSI is at or above the threshold."""
    return lean * keep + (max(change, 0.0) * up + min(change, 0.0) * down)


@njit(cache=True, error_model="numpy", nogil=True)
def _walk(market: Minutes, bars: Index, prices: Float) -> tuple[int, float]:
    opens, highs, lows, closes = market.opens, market.highs, market.lows, market.closes
    up = (100.0 - OVERSOLD) / LENGTH
    down = OVERSOLD / LENGTH
    keep = 1.0 - 1.0 / LENGTH
    lean = 0.0
    for i in range(1, LENGTH + 1):
        change = closes[i] - closes[i - 1]
        lean += max(change, 0.0) * up + min(change, 0.0) * down
    count = 0
    pnl = 0.0
    i = LENGTH
    while i + 1 < closes.size:
        below = lean < 0.0
        i += 1
        lean = _lean(lean, closes[i] - closes[i - 1], up, down, keep)
        if not below or lean < 0.0 or i + 1 >= closes.size:
            continue
        entry = opens[i + 1]
        profit = entry * (1.0 + PROFIT)
        stop = entry * (1.0 - LOSS)
        first = i + 1
        j = first
        while j < closes.size and lows[j] > stop and highs[j] < profit:
            lean = _lean(lean, closes[j] - closes[j - 1], up, down, keep)
            j += 1
        if j == closes.size:
            break
        price = min(opens[j], stop) if lows[j] <= stop else max(opens[j], profit)
        bars[count, 0], bars[count, 1] = first, j
        prices[count, 0], prices[count, 1] = entry, price
        pnl += QTY * (price - entry) - FEE * QTY * (entry + price)
        count += 1
        i = j - 1
    return count, pnl


def trades(market: Minutes) -> Trades:
    """All closed trades of W1."""
    bars, prices = np.empty((_ROOM, 2), np.int64), np.empty((_ROOM, 2))
    count, pnl = _walk(market, bars, prices)
    return Trades(bars[:count, 0], bars[:count, 1], prices[:count, 0], prices[:count, 1], pnl)
