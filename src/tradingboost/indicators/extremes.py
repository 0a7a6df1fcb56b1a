"""Highest and lowest of the last n values."""

from typing import Any

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray


@register_jitable
def highest_of(values: NDArray[np.float64], first: int, count: int) -> float:
    """Largest of `count` values from index `first` on."""
    found: float = values[first]
    for i in range(first + 1, first + count):
        found = max(found, values[i])
    return found


@register_jitable
def lowest_of(values: NDArray[np.float64], first: int, count: int) -> float:
    """Smallest of `count` values from index `first` on."""
    found: float = values[first]
    for i in range(first + 1, first + count):
        found = min(found, values[i])
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def highest(values: NDArray[np.float64], length: int) -> NDArray[Any]:
    """The highest value of every window.

    Shape:
        values: float64[n], oldest first. Result: float64[n], NaN before value `length - 1`.
    """
    out = np.full(values.size, np.nan)
    for i in range(length - 1, values.size):
        out[i] = highest_of(values, i - length + 1, length)
    return out


@njit(cache=True, error_model="numpy", nogil=True)
def lowest(values: NDArray[np.float64], length: int) -> NDArray[Any]:
    """The lowest value of every window.

    Shape:
        values: float64[n], oldest first. Result: float64[n], NaN before value `length - 1`.
    """
    out = np.full(values.size, np.nan)
    for i in range(length - 1, values.size):
        out[i] = lowest_of(values, i - length + 1, length)
    return out
