"""MAMA and FAMA: an adaptive average and its slower follower; the rate follows how straight the price has moved."""

from typing import Any

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.indicators.window import push


@register_jitable
def efficiency(window: NDArray[np.float64]) -> float:
    """Distance from the oldest to the newest value as a share of the way between them; 0 when nothing moved."""
    way = 0.0
    for i in range(1, window.size):
        way += abs(window[i] - window[i - 1])
    if way == 0.0:
        return 0.0
    straight: float = abs(window[window.size - 1] - window[0])
    return straight / way


@register_jitable
def mama_step(
    window: NDArray[np.float64], averages: NDArray[np.float64], value: float, seen: int, limits: tuple[float, float]
) -> float:
    """Take value number `seen` (from 1) into both averages.

    Args:
        window: float64[length + 1], the last values; changes before the first value count as none.
        averages: float64[2], MAMA and FAMA; both start at the first value.
        value: value number `seen`.
        seen: values so far, this one included.
        limits: (fast, slow) rates of a straight move and of none.

    Returns:
        The rate used, NaN for the first value.
    """
    if seen == 1:
        for i in range(window.size):
            window[i] = value
        averages[0] = value
        averages[1] = value
        return np.nan
    push(window, value)
    fast, slow = limits
    rate = slow + (fast - slow) * efficiency(window)
    averages[0] = rate * value + (1.0 - rate) * averages[0]
    averages[1] = 0.5 * rate * averages[0] + (1.0 - 0.5 * rate) * averages[1]
    return rate


@njit(cache=True, error_model="numpy", nogil=True)
def mama(values: NDArray[np.float64], length: int, fast: float, slow: float) -> tuple[Any, Any, Any]:
    """(MAMA, FAMA, rate) at every value.

    Shape:
        values: float64[n], oldest first. Results: float64[n]; the first rate is NaN.
    """
    leader = np.empty(values.size)
    follower = np.empty(values.size)
    rates = np.empty(values.size)
    window = np.zeros(length + 1)
    averages = np.zeros(2)
    for i in range(values.size):
        rates[i] = mama_step(window, averages, values[i], i + 1, (fast, slow))
        leader[i] = averages[0]
        follower[i] = averages[1]
    return leader, follower, rates
