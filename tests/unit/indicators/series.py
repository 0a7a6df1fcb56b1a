"""Price series the indicator tests share, and the two ways a function can run."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numba import njit
from tests.golden import vectors

from tradingboost.indicators.trend_fold import TREND

COMPILED, INTERPRETED = "compiled", "interpreted"
both_modes = pytest.mark.parametrize("mode", [COMPILED, INTERPRETED])


@cache
def _njit(function: Callable[..., Any]) -> Callable[..., Any]:
    compiled: Callable[..., Any] = njit(error_model="numpy")(function)
    return compiled


def in_mode(mode: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A driver or a step as the compiled code runs it, or as plain Python."""
    plain: Callable[..., Any] | None = getattr(function, "py_func", None)
    if plain is not None:
        return function if mode == COMPILED else plain
    return _njit(function) if mode == COMPILED else function


def golden(name: str) -> dict[str, Any]:
    """One vector by its id."""
    found: dict[str, Any] = next(each.values[0] for each in vectors("indicators") if each.id == name)
    return found


def drawn(rule: dict[str, Any], bars: int) -> Any:
    """Closes of the golden vectors' pseudo-random series."""
    x, price, closes = rule["seed"], rule["start"], []
    for i in range(bars):
        x = (rule["a"] * x + rule["c"]) % rule["m"]
        u = x / rule["m"]
        x = (rule["a"] * x + rule["c"]) % rule["m"]
        reach = rule["amps"][(i // rule["amp_every"]) % len(rule["amps"])]
        drift = rule["drifts"][(i // rule["drift_every"]) % len(rule["drifts"])]
        price = round(price * (1 + ((u + x / rule["m"] - 1) * reach + drift) / 100), rule["decimals"])
        closes.append(price)
    return np.array(closes)


def walk(bars: int, seed: int = 7, sigma: float = 0.002) -> tuple[Any, Any, Any]:
    """(highs, lows, closes) of a random walk whose volatility and direction change now and then."""
    random = np.random.default_rng(seed)
    stretches = bars // 400 + 1
    calm = np.repeat(random.choice([0.2, 1.0, 2.0], stretches), 400)[:bars]
    drift = np.repeat(random.choice([-0.1, 0.0, 0.1], stretches), 400)[:bars]
    closes = np.round(100.0 * np.exp(np.cumsum((random.normal(0, 1, bars) + drift) * calm * sigma)), 4)
    opens = np.concatenate([[100.0], closes[:-1]])
    reach = np.abs(random.normal(0, 0.1, (2, bars)))
    return np.maximum(opens, closes) + reach[0], np.minimum(opens, closes) - reach[1], closes


def times(bars: int, minutes: int, first_open_ms: int = 0) -> Any:
    """Close times of adjacent bars."""
    return first_open_ms + (np.arange(bars, dtype=np.int64) + 1) * minutes * 60_000


def new_fold() -> Any:
    """The start of a trend state."""
    return np.zeros(1, TREND).view(np.recarray)
