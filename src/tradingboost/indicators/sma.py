"""Simple moving average: the mean of the last n values."""

from typing import Any

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.indicators.window import mean, push


@register_jitable
def sma_step(window: NDArray[np.float64], value: float, seen: int) -> float:
    """Take value number `seen` (from 1) into the window of n values; NaN until it is full."""
    push(window, value)
    if seen < window.size:
        return np.nan
    return mean(window, 0, window.size)


@njit(cache=True, error_model="numpy", nogil=True)
def sma(values: NDArray[np.float64], length: int) -> NDArray[Any]:
    """The average at every value.

    Shape:
        values: float64[n], oldest first. Result: float64[n], NaN before value `length - 1`.
    """
    out = np.full(values.size, np.nan)
    for i in range(length - 1, values.size):
        out[i] = mean(values, i - length + 1, length)
    return out
