"""Rational quadratic kernel smoothing: a weighted mean of the last few values, the newest weighing most."""

from typing import Any

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray


def kernel_weights(lookback: float, relative_weight: float, taps: int) -> NDArray[np.float64]:
    """Weights of lags 0..taps-1: (1 + lag^2 / (2 rw lookback^2))^-rw."""
    scale = 2.0 * relative_weight * lookback * lookback
    return np.array([(1.0 + lag * lag / scale) ** -relative_weight for lag in range(taps)])


@register_jitable
def kernel_value(values: NDArray[np.float64], weights: NDArray[np.float64], newest: int) -> float:
    """The smoothed value at index `newest`, which has at least `weights.size - 1` values before it."""
    total = 0.0
    weight = 0.0
    for lag in range(weights.size):
        total += weights[lag] * values[newest - lag]
        weight += weights[lag]
    return total / weight


@njit(cache=True, error_model="numpy", nogil=True)
def smooth(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[Any]:
    """The smoothed column, NaN where fewer values than weights are known."""
    out = np.full(values.size, np.nan)
    for i in range(weights.size - 1, values.size):
        out[i] = kernel_value(values, weights, i)
    return out


def kernel(values: NDArray[np.float64], lookback: float, relative_weight: float, taps: int) -> NDArray[Any]:
    """The smoothed column.

    Shape:
        values: float64[n], oldest first. Result: float64[n], NaN before value `taps - 1`.
    """
    return smooth(values, kernel_weights(lookback, relative_weight, taps))
