"""Figures of an equity curve and of deals. What is undefined is None, never 0 or infinity."""

import math
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradingboost.backtest.model import tidy
from tradingboost.backtest.outline import BLOCK

DAY_MS: Final = 86_400_000
YEAR_DAYS: Final = 365

Floats = NDArray[np.float64]


class Drawdown(msgspec.Struct, frozen=True, kw_only=True):
    """The deepest fall from a peak so far; bars are indices into the curve, None = not recovered.

    Args:
        ratio: of the peak.
        longest_bars: the longest time below a peak, whichever fall it was.
        ulcer: root of the mean squared fall.
    """

    ratio: float
    peak: int
    trough: int
    recovered: int | None
    longest_bars: int
    ulcer: float


class CurveFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Ratios 0 to 1 of daily equity; a year has 365 days.

    Args:
        psr: probability that the true Sharpe ratio is above 0.
    """

    total_return: float | None
    cagr: float | None
    sharpe: float | None
    sortino: float | None
    volatility: float | None
    psr: float | None
    calmar: float | None
    days: float


class DealFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Closed deals counted; amounts in the unit of the given results."""

    deals: int
    wins: int
    losses: int
    draws: int
    win_rate: float | None
    profit_factor: float | None
    payoff_ratio: float | None
    expectancy: float | None
    expectancy_per_loss: float | None
    average_win: float | None
    average_loss: float | None
    max_consecutive_wins: int
    max_consecutive_losses: int


@njit(cache=True, error_model="numpy", nogil=True)
def _falls(equity: NDArray[np.int64]) -> tuple[int, int, int, int, float]:
    """(peak, trough, recovered, longest, squares) of a curve: indices, bars and the sum of squared falls."""
    top, top_at = equity[0], 0
    deepest, peak, trough, recovered = 0.0, 0, 0, 0
    longest = 0
    squares = 0.0
    for i in range(equity.size):
        value = equity[i]
        if value >= top:
            if recovered < 0 and value >= equity[peak]:
                recovered = i
            top, top_at = value, i
        elif top > 0:
            fall = (top - value) / top
            squares += fall * fall
            longest = max(longest, i - top_at)
            if fall > deepest:
                deepest, peak, trough, recovered = fall, top_at, i, -1
    return peak, trough, recovered, longest, squares


@njit(cache=True, error_model="numpy", nogil=True)
def _deepest(equity: NDArray[np.int64]) -> tuple[int, int]:
    """(peak, trough) of the deepest fall alone; blocks that can neither rise above the peak nor fall deeper are passed.

    `bound`: what is not below it is no deeper fall, with a quantum to spare for rounding.
    """
    top, top_at = equity[0], 0
    deepest, peak, trough = 0.0, 0, 0
    bound = top
    for block in range(0, equity.size, BLOCK):
        stop = min(block + BLOCK, equity.size)
        lowest, highest = equity[block], equity[block]
        for i in range(block, stop):
            lowest, highest = min(lowest, equity[i]), max(highest, equity[i])
        if highest < top and lowest > bound:
            continue
        for i in range(block, stop):
            value = equity[i]
            if value >= top:
                top, top_at = value, i
                bound = int(top * (1.0 - deepest)) + 1
            elif value <= bound and top > 0:
                fall = (top - value) / top
                if fall > deepest:
                    deepest, peak, trough = fall, top_at, i
                    bound = int(top * (1.0 - deepest)) + 1
    return peak, trough


def fall_ratio(equity: NDArray[np.int64]) -> float | None:
    """The deepest fall from a peak as its ratio; None without a positive start. `drawdown` tells the rest of it."""
    if equity.size == 0 or equity[0] <= 0:
        return None
    peak, trough = _deepest(equity)
    return float(1 - Decimal(int(equity[trough])) / Decimal(int(equity[peak])))


def drawdown(equity: NDArray[np.int64]) -> Drawdown | None:
    """The deepest fall of a curve in quanta; None without a positive start.

    Shape:
        equity: int64[n] money at each bar close.
    """
    if equity.size == 0 or equity[0] <= 0:
        return None
    peak, trough, recovered, longest, squares = _falls(equity)
    return Drawdown(
        ratio=float(1 - Decimal(int(equity[trough])) / Decimal(int(equity[peak]))),
        peak=int(peak),
        trough=int(trough),
        recovered=None if recovered < 0 else int(recovered),
        longest_bars=int(longest),
        ulcer=math.sqrt(squares / equity.size),
    )


def max_drawdown(equity: NDArray[np.int64]) -> Decimal | None:
    """The deepest fall as an exact ratio of its peak; None without a positive start."""
    found = drawdown(equity)
    if found is None:
        return None
    return tidy(round(1 - Decimal(int(equity[found.trough])) / Decimal(int(equity[found.peak])), 12))


def daily(
    equity: NDArray[Any], open_ms: NDArray[np.int64], timeframe_ms: int, start: float, unit: float = 1.0
) -> Floats:
    """Equity at the start and at every 00:00 UTC after it, each as of the last close until then.

    Args:
        unit: what `equity` counts in, per unit of `start`.
    """
    first = int(open_ms[0]) // DAY_MS + 1
    last = (int(open_ms[-1]) + timeframe_ms) // DAY_MS
    midnights = np.arange(first, last + 1, dtype=np.int64) * DAY_MS
    at = np.searchsorted(open_ms, midnights - timeframe_ms, side="right") - 1
    values = np.where(at >= 0, equity[np.maximum(at, 0)] / unit, start)
    return np.concatenate(([start], values)).astype(np.float64)


def returns(values: Floats) -> Floats:
    """E_d / E_(d-1) - 1; ends where nothing is left to grow."""
    gone = np.flatnonzero(values <= 0)
    kept = values[: gone[0] + 1] if gone.size else values
    return np.asarray(kept[1:] / kept[:-1] - 1.0) if kept.size > 1 and kept[0] > 0 else np.zeros(0)


def curve(day_equity: Floats, days: float, fall: float | None, end: float, rf_year: float = 0.0) -> CurveFigures:
    """Figures of daily equity.

    Args:
        day_equity: as `daily` gives it.
        days: length of the run as a real number.
        fall: its maximum drawdown.
        end: equity at its very end.
        rf_year: risk-free return of a year.
    """
    grown = end / float(day_equity[0]) if day_equity[0] > 0 else None
    cagr = grown ** (YEAR_DAYS / days) - 1.0 if grown is not None and grown >= 0 and days >= 1 else None
    over = returns(day_equity) - ((1.0 + rf_year) ** (1.0 / YEAR_DAYS) - 1.0)
    mean = float(over.mean()) if over.size else 0.0
    spread = float(over.std(ddof=1)) if over.size > 1 else 0.0
    below = math.sqrt(float(np.mean(np.minimum(over, 0.0) ** 2))) if over.size else 0.0
    return CurveFigures(
        total_return=None if grown is None else grown - 1.0,
        cagr=cagr,
        sharpe=mean / spread * math.sqrt(YEAR_DAYS) if spread > 0 else None,
        sortino=mean / below * math.sqrt(YEAR_DAYS) if below > 0 and over.size > 1 else None,
        volatility=spread * math.sqrt(YEAR_DAYS) if over.size > 1 else None,
        psr=probabilistic_sharpe(over, 0.0),
        calmar=cagr / fall if cagr is not None and fall else None,
        days=days,
    )


def probabilistic_sharpe(values: Floats, benchmark: float) -> float | None:
    """Probability that the Sharpe ratio per period is above `benchmark`, from length, skew and kurtosis.

    Source: Bailey and Lopez de Prado, The Sharpe Ratio Efficient Frontier (2012).
    """
    if values.size < 3 or not values.std(ddof=1) > 0:
        return None
    ratio = float(values.mean() / values.std(ddof=1))
    centred = (values - values.mean()) / values.std()
    skew, kurtosis = float(np.mean(centred**3)), float(np.mean(centred**4))
    spread = 1.0 - skew * ratio + (kurtosis - 1.0) / 4.0 * ratio**2
    if spread <= 0:
        return None
    z = (ratio - benchmark) * math.sqrt(values.size - 1) / math.sqrt(spread)
    return 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))


def of_deals(results: NDArray[Any]) -> DealFigures:
    """Figures of the net results of closed deals in order."""
    wins, losses = results[results > 0], results[results < 0]
    won, lost = float(wins.sum()), float(losses.sum())
    average_win = won / wins.size if wins.size else None
    average_loss = lost / losses.size if losses.size else None
    mean = float(results.sum()) / results.size if results.size else None
    return DealFigures(
        deals=int(results.size),
        wins=int(wins.size),
        losses=int(losses.size),
        draws=int(results.size - wins.size - losses.size),
        win_rate=wins.size / results.size if results.size else None,
        profit_factor=won / -lost if lost < 0 else None,
        payoff_ratio=average_win / -average_loss if average_win is not None and average_loss is not None else None,
        expectancy=mean,
        expectancy_per_loss=mean / -average_loss if mean is not None and average_loss is not None else None,
        average_win=average_win,
        average_loss=average_loss,
        max_consecutive_wins=_longest_run(results > 0),
        max_consecutive_losses=_longest_run(results < 0),
    )


def beta_alpha(own: Floats, market: Floats) -> tuple[float | None, float | None]:
    """Slope of daily returns on the market's, and what is left over, a year."""
    size = min(own.size, market.size)
    if size < 3:
        return None, None
    own, market = own[:size], market[:size]
    spread = float(market.var(ddof=1))
    if not spread > 0:
        return None, None
    beta = float(np.cov(own, market, ddof=1)[0, 1]) / spread
    return beta, (float(own.mean()) - beta * float(market.mean())) * YEAR_DAYS


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if edges.size else 0
