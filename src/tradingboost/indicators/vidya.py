"""Chande's variable index dynamic average: an exponential mean whose weight follows how one-sided the market moves."""

from typing import Any, Final

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.indicators.window import push

CHANGES: Final = 9
"""One-bar changes the one-sidedness is taken from in the trend state."""


@register_jitable
def one_sidedness(changes: NDArray[np.float64]) -> float:
    """|ups - downs| / (ups + downs) of the window; 1 when nothing moved."""
    up = 0.0
    down = 0.0
    for i in range(changes.size):
        up += max(changes[i], 0.0)
        down += max(-changes[i], 0.0)
    total = up + down
    if total == 0.0:
        return 1.0
    return abs(up - down) / total


@register_jitable
def vidya_step(average: float, value: float, sidedness: float, length: int) -> float:
    """Move the average towards a value; the first value is its own average (the caller seeds it)."""
    return average + (value - average) * (sidedness * 2.0 / (1 + length))


@njit(cache=True, error_model="numpy", nogil=True)
def vidya(values: NDArray[np.float64], length: int, window: int) -> NDArray[Any]:
    """The average at every value, seeded with the first one; `window` changes tell how one-sided the market is.

    Shape:
        values: float64[n], oldest first. Result: float64[n], nothing missing.
    """
    out = values.copy()
    changes = np.zeros(window)
    for i in range(1, values.size):
        push(changes, values[i] - values[i - 1])
        out[i] = vidya_step(out[i - 1], values[i], one_sidedness(changes), length)
    return out
