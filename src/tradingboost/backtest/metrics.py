"""Figures of an equity curve and of deals. What is undefined is None, never 0 or infinity."""

from decimal import Decimal
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradingboost.backtest.model import tidy


@njit(cache=True, error_model="numpy", nogil=True)
def _deepest(equity: NDArray[np.int64]) -> tuple[int, int]:
    """(peak, trough) of the deepest fall in proportion to its peak."""
    peak, trough = equity[0], equity[0]
    top, deepest = equity[0], 0.0
    for value in equity:
        if value > top:
            top = value
        elif top > 0 and (top - value) / top > deepest:
            deepest = (top - value) / top
            peak, trough = top, value
    return peak, trough


def max_drawdown(equity: NDArray[Any]) -> Decimal | None:
    """Largest fall from a peak so far as a ratio of that peak; None without a positive start.

    Shape:
        equity: int64[n] money at each bar close.
    """
    if equity.size == 0 or equity[0] <= 0:
        return None
    peak, trough = _deepest(equity)
    return tidy(round(1 - Decimal(int(trough)) / Decimal(int(peak)), 12))


def deals(reports: Any, net: bool) -> list[int]:
    """Net result of each deal in quanta: from flat to flat of one leg, fees taken off, partial exits summed.

    A net position that turns around in one fill goes on as the same deal, which ends when it is flat.
    """
    results: list[int] = []
    running = {1: 0, -1: 0}
    for row in reports:
        leg = 1 if net else int(row["position_side"])
        running[leg] += int(row["profit"]) - int(row["fee"])
        if row["leg_lots"] == 0:
            results.append(running[leg])
            running[leg] = 0
    return results
