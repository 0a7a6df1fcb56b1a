"""Sharpe ratios that know how many were tried: probabilistic and deflated.

Source: Bailey and Lopez de Prado, The Sharpe Ratio Efficient Frontier (2012), The Deflated Sharpe Ratio (2014).
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

EULER: Final = 0.5772156649
LUCK: Final = 0.95
"""A deflated ratio below this is not distinguishable from luck."""

_NORMAL: Final = NormalDist()


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """What a Sharpe ratio of returns stands on; nothing is annualised, kurtosis is 3 for a normal distribution."""

    sharpe: float
    observations: int
    skew: float
    kurtosis: float


class Deflated(msgspec.Struct, frozen=True, kw_only=True):
    """The winner of a search, held against the best of so many that know nothing.

    Args:
        benchmark: Sharpe ratio a period that the luckiest of `trials` is expected to have.
        probability: that the true ratio is above it; None = undefined.
        lucky: not distinguishable from luck.
    """

    trials: int
    variance: float
    benchmark: float
    probability: float | None
    lucky: bool


def moments_of(returns: NDArray[np.float64]) -> Moments | None:
    """Moments of returns a period; None without spread or with fewer than three."""
    if returns.size < 3 or not returns.std(ddof=1) > 0:
        return None
    centred = (returns - returns.mean()) / returns.std()
    return Moments(
        sharpe=float(returns.mean() / returns.std(ddof=1)),
        observations=int(returns.size),
        skew=float(np.mean(centred**3)),
        kurtosis=float(np.mean(centred**4)),
    )


def probabilistic(found: Moments, benchmark: float = 0.0) -> float | None:
    """Probability that the true Sharpe ratio a period is above `benchmark`."""
    ratio = found.sharpe
    spread = 1.0 - found.skew * ratio + (found.kurtosis - 1.0) / 4.0 * ratio**2
    if spread <= 0 or found.observations < 2:
        return None
    return _NORMAL.cdf((ratio - benchmark) * math.sqrt(found.observations - 1) / math.sqrt(spread))


def expected_best(trials: int, variance: float) -> float:
    """Sharpe ratio a period that the best of `trials` without any skill is expected to show."""
    if trials < 2 or variance <= 0:
        return 0.0
    near, far = _NORMAL.inv_cdf(1.0 - 1.0 / trials), _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER) * near + EULER * far)


def deflated(winner: Moments, trials: int, variance: float) -> Deflated:
    """Hold a winner against the luck of its search.

    Args:
        trials: how many were tried.
        variance: of their Sharpe ratios a period.
    """
    benchmark = expected_best(trials, variance)
    found = probabilistic(winner, benchmark)
    return Deflated(
        trials=trials,
        variance=variance,
        benchmark=benchmark,
        probability=found,
        lucky=found is None or found < LUCK,
    )


def deflated_among(winner: Moments, ratios: Sequence[float] | NDArray[Any]) -> Deflated:
    """The same from the Sharpe ratios a period of every trial."""
    values = np.asarray(ratios, np.float64)
    return deflated(winner, values.size, float(values.var(ddof=1)) if values.size > 1 else 0.0)
