"""Jurik-style moving average (the published reconstruction): three coupled exponential stages, all starting at 0."""

from typing import Any

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray


@register_jitable
def phase_ratio(phase: float) -> float:
    """How far the average leads (2.5) or lags (0.5)."""
    if phase < -100.0:
        return 0.5
    if phase > 100.0:
        return 2.5
    return phase / 100.0 + 1.5


@register_jitable
def jma_rates(length: int, power: int) -> tuple[float, float]:
    """(alpha, beta): memory of the first and of the second stage; alpha = beta^power."""
    beta = 0.45 * (length - 1) / (0.45 * (length - 1) + 2.0)
    alpha = 1.0
    for _ in range(power):
        alpha *= beta
    return alpha, beta


@register_jitable
def jma_step(stages: NDArray[np.float64], value: float, rates: tuple[float, float], ratio: float) -> float:
    """Take one value into the four stages (e0, e1, e2, average; zero before the first) and give the average."""
    alpha, beta = rates
    stages[0] = (1.0 - alpha) * value + alpha * stages[0]
    stages[1] = (value - stages[0]) * (1.0 - beta) + beta * stages[1]
    reach = (1.0 - alpha) * (1.0 - alpha)
    stages[2] = (stages[0] + ratio * stages[1] - stages[3]) * reach + alpha * alpha * stages[2]
    stages[3] += stages[2]
    average: float = stages[3]
    return average


@njit(cache=True, error_model="numpy", nogil=True)
def jma(values: NDArray[np.float64], length: int, phase: float, power: int) -> NDArray[Any]:
    """The average at every value.

    Shape:
        values: float64[n], oldest first. Result: float64[n]; the first few dozen still rise from 0.
    """
    out = np.empty(values.size)
    stages = np.zeros(4)
    rates = jma_rates(length, power)
    ratio = phase_ratio(phase)
    for i in range(values.size):
        out[i] = jma_step(stages, values[i], rates, ratio)
    return out
