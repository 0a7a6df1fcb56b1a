"""Exponential moving average with weight 2 / (n + 1), seeded with the first value or with the mean of the first n."""

from typing import Any

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray


@register_jitable
def ema_step(average: float, value: float, seen: int, length: int) -> float:
    """One step of the average seeded with its first value.

    Args:
        average: result of the step before (anything before the first).
        value: value number `seen`, counted from 1.
        seen: values so far, this one included.
        length: n, >= 1.
    """
    if seen == 1:
        return value
    return average + (value - average) * (2.0 / (length + 1))


@register_jitable
def ema_mean_step(average: float, value: float, seen: int, length: int) -> float:
    """The same seeded with the mean of the first n; while `seen` < length the average is a running sum."""
    if seen < length:
        return average + value
    if seen == length:
        return (average + value) / length
    return average + (value - average) * (2.0 / (length + 1))


@njit(cache=True, error_model="numpy", nogil=True)
def ema(values: NDArray[np.float64], length: int) -> NDArray[Any]:
    """The average at every value, seeded with the mean of the first `length`.

    Shape:
        values: float64[n], oldest first. Result: float64[n], NaN before value `length - 1`.
    """
    out = np.full(values.size, np.nan)
    average = 0.0
    for i in range(values.size):
        average = ema_mean_step(average, values[i], i + 1, length)
        if i + 1 >= length:
            out[i] = average
    return out


@njit(cache=True, error_model="numpy", nogil=True)
def ema_from_first(values: NDArray[np.float64], length: int) -> NDArray[Any]:
    """The average at every value, seeded with the first one.

    Shape:
        values: float64[n], oldest first. Result: float64[n], nothing missing.
    """
    out = np.empty(values.size)
    average = 0.0
    for i in range(values.size):
        average = ema_step(average, values[i], i + 1, length)
        out[i] = average
    return out
