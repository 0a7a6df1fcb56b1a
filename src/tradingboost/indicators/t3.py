"""Tillson's T3: six exponential averages in a row, mixed so that what each lags is mostly put back."""

from typing import Any, Final

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.indicators.ema import ema_step

STAGES: Final = 6


@register_jitable
def t3_step(stages: NDArray[np.float64], value: float, seen: int, length: int, factor: float) -> float:
    """Take value number `seen` (from 1) into the six stages and give the average.

    Args:
        stages: float64[6]; what they hold before the first value is ignored.
        value: value number `seen`.
        seen: values so far, this one included.
        length: n of each stage; all are seeded with the first value.
        factor: volume factor, 0 = plain third stage, usually 0.7.
    """
    moved = value
    for k in range(STAGES):
        moved = ema_step(stages[k], moved, seen, length)
        stages[k] = moved
    square = factor * factor
    cube = square * factor
    third = (1.0 + 3.0 * factor + cube + 3.0 * square) * stages[2]
    fourth = (-6.0 * square - 3.0 * factor - 3.0 * cube) * stages[3]
    fifth = (3.0 * square + 3.0 * cube) * stages[4]
    average: float = third + fourth + fifth - cube * stages[5]
    return average


@njit(cache=True, error_model="numpy", nogil=True)
def t3(values: NDArray[np.float64], length: int, factor: float) -> NDArray[Any]:
    """The average at every value.

    Shape:
        values: float64[n], oldest first. Result: float64[n], nothing missing.
    """
    out = np.empty(values.size)
    stages = np.zeros(STAGES)
    for i in range(values.size):
        out[i] = t3_step(stages, values[i], i + 1, length, factor)
    return out
