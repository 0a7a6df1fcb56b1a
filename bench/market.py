"""One year of made-up minutes, the same in every run: the market all backtest figures are taken on.

A hidden chain of four volatility regimes, twelve Student-t steps a minute, a tick of 0.1; every minute opens where the
one before closed, so that filling at a close and filling at the next open are the same price.
"""

from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

YEAR: Final = 525_600
SEED: Final = 20240101
FIRST_MS: Final = 1_704_067_200_000
START: Final = 42_000.0
TICK: Final = 0.1

_STEPS: Final = 12
_SIGMA: Final = np.array([0.00025, 0.0006, 0.0011, 0.0026])
_PERSISTENCE: Final = np.array([0.9992, 0.9990, 0.9985, 0.9950])
_DRIFT: Final = np.array([0.0, 4e-6, 0.0, -2e-5])
_FREEDOM: Final = 5.0


class Minutes(NamedTuple):
    """Candles as columns; `open_ms` int64, the others float64."""

    open_ms: NDArray[np.int64]
    opens: NDArray[np.float64]
    highs: NDArray[np.float64]
    lows: NDArray[np.float64]
    closes: NDArray[np.float64]
    volumes: NDArray[np.float64]


@cache
def minutes(bars: int = YEAR, seed: int = SEED) -> Minutes:
    """The market; the whole year is always drawn, since every draw depends on how many there are."""
    rng = np.random.default_rng(seed)
    regime = _regimes(rng.random(YEAR), rng.random(YEAR))
    noise = rng.standard_t(_FREEDOM, size=(YEAR, _STEPS)) / np.sqrt(_FREEDOM / (_FREEDOM - 2))
    moves = noise * (_SIGMA[regime] / np.sqrt(_STEPS))[:, None] + (_DRIFT[regime] / _STEPS)[:, None]
    way = np.exp(np.log(START) + np.cumsum(moves.ravel()).reshape(YEAR, _STEPS))
    prices = np.round(way / TICK) * TICK
    closes = prices[:, -1]
    opens = np.concatenate(([START], closes[:-1]))
    highs = np.maximum(prices.max(axis=1), opens)
    lows = np.minimum(prices.min(axis=1), opens)
    volumes = np.round(rng.lognormal(2.0, 0.9, YEAR) * (0.3 + _SIGMA[regime] / _SIGMA[1]), 3)
    open_ms = FIRST_MS + np.arange(YEAR, dtype=np.int64) * 60_000
    opens, highs, lows, closes = (np.ascontiguousarray(np.round(one, 1)[:bars]) for one in (opens, highs, lows, closes))
    return Minutes(open_ms[:bars], opens, highs, lows, closes, volumes[:bars])


def _regimes(leave: NDArray[np.float64], pick: NDArray[np.float64]) -> NDArray[np.int64]:
    """Regime of every minute: it stays with its persistence, else moves on to any of the other three."""
    found = np.empty(leave.size, np.int64)
    now = 1
    for minute in range(leave.size):
        if leave[minute] > _PERSISTENCE[now]:
            now = (now + 1 + int(pick[minute] * 3)) % 4
        found[minute] = now
    return found
