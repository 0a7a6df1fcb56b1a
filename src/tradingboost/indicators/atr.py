"""Average true range after Wilder. Bar 0 has no true range: there is no close before it."""

from typing import Any

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.indicators.wilder import wilder


@register_jitable
def true_range(high: float, low: float, close_before: float) -> float:
    """Reach of a bar, the gap from the close before included."""
    return max(high, close_before) - min(low, close_before)


@njit(cache=True, error_model="numpy", nogil=True)
def atr(
    highs: NDArray[np.float64], lows: NDArray[np.float64], closes: NDArray[np.float64], length: int
) -> NDArray[Any]:
    """The average true range of every bar.

    Shape:
        highs, lows, closes: float64[n], oldest first, last bar closed. Result: float64[n], NaN before bar `length`.
    """
    out = np.full(closes.size, np.nan)
    average = 0.0
    for i in range(1, closes.size):
        average = wilder(average, true_range(highs[i], lows[i], closes[i - 1]), i, length)
        if i >= length:
            out[i] = average
    return out
