"""The run as a whole: what it has made after fees, and the prices at which its bounds are reached.

Funding is not in it: the kernel is not told of settlements.
"""

import numpy as np
from numba.extending import register_jitable

from tradingboost.strategies.contract import LONG, SHORT, Record
from tradingboost.strategies.grid.settled import NEVER
from tradingboost.strategies.grid.state import leg_cost


@register_jitable
def bounds(state: Record, params: Record) -> tuple[int, int, int, int]:
    """Whole ticks (loss below, loss above, profit below, profit above) at or beyond which a total bound is reached.

    0 and NEVER where a bound is off or cannot be reached on that side. A flat run beyond a bound has reached it at
    every price.
    """
    loss_below, loss_above, profit_below, profit_above = 0, NEVER, 0, NEVER
    long_lots, long_cost = leg_cost(state, params, LONG)
    short_lots, short_cost = leg_cost(state, params, SHORT)
    net = long_lots - short_lots
    made = float(state.grid_profit + state.trend_profit - state.fees + short_cost - long_cost)
    if params.total_loss > 0.0:
        loss_below, loss_above = _reached(-made - params.total_loss, net, -1)
    if params.total_profit > 0.0:
        profit_below, profit_above = _reached(params.total_profit - made, net, 1)
    return loss_below, loss_above, profit_below, profit_above


@register_jitable
def _reached(needed: float, net: int, wanted: int) -> tuple[int, int]:
    """Ticks (below, above) at which `net` lots are worth `needed` or less (wanted -1), or more (wanted 1)."""
    if net == 0:
        return (NEVER, 0) if needed * wanted <= 0.0 else (0, NEVER)
    ticks = min(max(needed / net, 0.0), float(NEVER))
    if net * wanted > 0:
        return 0, max(int(np.ceil(ticks)), 1)
    return int(np.floor(ticks)), NEVER
