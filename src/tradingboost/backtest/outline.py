"""What a driver asks of candles again and again, found once: the extremes of whole blocks, closes in ticks.

A block whose extremes touch nothing is passed in one step; only a touched one is looked through bar by bar.
"""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLOCK: Final = 64
"""Bars of a block."""

Floats = NDArray[np.float64]


@njit(cache=True, error_model="numpy", nogil=True)
def extremes(lows: Floats, highs: Floats) -> tuple[Floats, Floats]:
    """Lowest low and highest high of every block, the last one as long as there are bars."""
    blocks = (lows.size + BLOCK - 1) // BLOCK
    lowest, highest = np.empty(blocks), np.empty(blocks)
    for block in range(blocks):
        first = block * BLOCK
        low, high = lows[first], highs[first]
        for i in range(first + 1, min(first + BLOCK, lows.size)):
            low, high = min(low, lows[i]), max(high, highs[i])
        lowest[block], highest[block] = low, high
    return lowest, highest


@njit(cache=True, error_model="numpy", nogil=True)
def marks_of(watch: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """All marks of every block."""
    blocks = (watch.size + BLOCK - 1) // BLOCK
    found = np.zeros(blocks, np.uint8)
    for block in range(blocks):
        marks = np.uint8(0)
        for i in range(block * BLOCK, min(block * BLOCK + BLOCK, watch.size)):
            marks |= watch[i]
        found[block] = marks
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def ticks_of(prices: Floats, num: float, den: float) -> NDArray[np.int64]:
    """Prices on the grid as whole ticks of num / den."""
    found = np.empty(prices.size, np.int64)
    for i in range(prices.size):
        found[i] = int(np.floor(prices[i] * den / num + 0.5))
    return found
