"""The last n values as a plain array, oldest first, and what is computed from them.

Sums run over the whole window, in the same order every time and anew: nothing drifts, and a value depends on
its window alone, not on where the history began.
"""

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray


@register_jitable
def push(window: NDArray[np.float64], value: float) -> None:
    """Append a value; the oldest falls out."""
    for i in range(window.size - 1):
        window[i] = window[i + 1]
    window[window.size - 1] = value


@register_jitable
def mean(values: NDArray[np.float64], first: int, count: int) -> float:
    """Mean of `count` values from index `first` on, in four sums that a processor adds side by side."""
    one = two = three = four = 0.0
    rest = first + count // 4 * 4
    for i in range(first, rest, 4):
        one += values[i]
        two += values[i + 1]
        three += values[i + 2]
        four += values[i + 3]
    for i in range(rest, first + count):
        one += values[i]
    return ((one + two) + (three + four)) / count


@register_jitable
def deviation(values: NDArray[np.float64], first: int, count: int, centre: float) -> float:
    """Population deviation of `count` values from index `first` on around their mean, summed alike."""
    one = two = three = four = 0.0
    rest = first + count // 4 * 4
    for i in range(first, rest, 4):
        one += (values[i] - centre) * (values[i] - centre)
        two += (values[i + 1] - centre) * (values[i + 1] - centre)
        three += (values[i + 2] - centre) * (values[i + 2] - centre)
        four += (values[i + 3] - centre) * (values[i + 3] - centre)
    for i in range(rest, first + count):
        one += (values[i] - centre) * (values[i] - centre)
    root: float = np.sqrt(((one + two) + (three + four)) / count)
    return root


@register_jitable
def stands_out(values: NDArray[np.float64], count: int, at: int, sign: float) -> bool:
    """Whether the value at index `at` is strictly above (sign 1) or below (sign -1) the rest of the newest `count`."""
    top = sign * values[at]
    for i in range(values.size - count, values.size):  # noqa: SIM110 - Numba compiles no generator
        if i != at and sign * values[i] >= top:
            return False
    return True


@register_jitable
def keep(values: NDArray[np.float64], count: int, value: float) -> int:
    """Append to a list that is full at its size and then loses its oldest; returns the new count."""
    if count < values.size:
        values[count] = value
        return count + 1
    push(values, value)
    return count
