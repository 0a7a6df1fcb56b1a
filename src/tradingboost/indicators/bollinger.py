"""Bollinger bands: simple mean and population deviation of the last n closes; their width and the close's place."""

from typing import Any

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.indicators.window import deviation, mean


@register_jitable
def bands(closes: NDArray[np.float64], first: int, length: int, multiple: float) -> tuple[float, float, float]:
    """(lower, middle, upper) of `length` closes from index `first` on."""
    middle = mean(closes, first, length)
    reach = multiple * deviation(closes, first, length, middle)
    return middle - reach, middle, middle + reach


@register_jitable
def width_of(band: tuple[float, float, float]) -> float:
    """Ten times the distance of the bands as a share of their middle."""
    lower, middle, upper = band
    return 10.0 * (upper - lower) / middle


@register_jitable
def place_of(band: tuple[float, float, float], close: float) -> float:
    """Where the close stands: 0 on the lower band, 1 on the upper one, a half if they coincide."""
    lower, _, upper = band
    if upper == lower:
        return 0.5
    return (close - lower) / (upper - lower)


@njit(cache=True, error_model="numpy", nogil=True)
def bollinger(closes: NDArray[np.float64], length: int, multiple: float) -> tuple[Any, Any, Any]:
    """(lower, middle, upper) of every bar.

    Shape:
        closes: float64[n], oldest first, last bar closed. Results: float64[n], NaN before bar `length - 1`.
    """
    lower = np.full(closes.size, np.nan)
    middle = np.full(closes.size, np.nan)
    upper = np.full(closes.size, np.nan)
    for i in range(length - 1, closes.size):
        lower[i], middle[i], upper[i] = bands(closes, i - length + 1, length, multiple)
    return lower, middle, upper


@njit(cache=True, error_model="numpy", nogil=True)
def bollinger_width(closes: NDArray[np.float64], length: int, multiple: float) -> tuple[Any, Any]:
    """(width, place of the close) of every bar.

    Shape:
        closes: float64[n], oldest first, last bar closed. Results: float64[n], NaN before bar `length - 1`.
    """
    width = np.full(closes.size, np.nan)
    place = np.full(closes.size, np.nan)
    for i in range(length - 1, closes.size):
        band = bands(closes, i - length + 1, length, multiple)
        width[i] = width_of(band)
        place[i] = place_of(band, closes[i])
    return width, place
