"""Relative strength index after Wilder (1978): `100 G / (G + L)` of smoothed gains and losses; flat reads 50."""

from typing import Any

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.indicators.wilder import wilder


@register_jitable
def rsi_value(gain: float, loss: float) -> float:
    """The index from the two averages; a flat market reads 50 and so gives no signal."""
    total = gain + loss
    if total == 0.0:
        return 50.0
    return 100.0 * (gain / total)


@register_jitable
def rsi_step(gain: float, loss: float, change: float, seen: int, length: int) -> tuple[float, float]:
    """Take change number `seen` (from 1) into both averages; the index is defined once `seen` >= length."""
    up = wilder(gain, max(change, 0.0), seen, length)
    down = wilder(loss, max(-change, 0.0), seen, length)
    return up, down


@njit(cache=True, error_model="numpy", nogil=True)
def rsi(closes: NDArray[np.float64], length: int) -> NDArray[Any]:
    """The index of every bar.

    Shape:
        closes: float64[n], oldest first, last bar closed. Result: float64[n], NaN before bar `length`.
    """
    out = np.full(closes.size, np.nan)
    gain = 0.0
    loss = 0.0
    for i in range(1, closes.size):
        gain, loss = rsi_step(gain, loss, closes[i] - closes[i - 1], i, length)
        if i >= length:
            out[i] = rsi_value(gain, loss)
    return out
