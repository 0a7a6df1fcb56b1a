"""The way of the price through a candle and the times along it, shared by the backtest and the stepped replay."""

from typing import Final

from numba.extending import register_jitable

from tradingboost.sim import path as sim_path

POINTS: Final = 4
"""Open, first extreme, second extreme, close."""

corners = register_jitable(sim_path.corners)
"""The four points of a bar in order of travel; the simulated exchange's own rule, usable in compiled code."""


@register_jitable
def point_ms(open_ms: int, timeframe_ms: int, point: int) -> int:
    """Time at which the price stands on path point 0..3 of a bar.

    A fill on the leg from point k - 1 to point k carries the time of point k - 1: the clock moves only at the points,
    and a leg is travelled before the clock goes on. Whatever happens at the open print has the bar's open time, and
    the candle closes at `open_ms + timeframe_ms`, which is the time of the decision on it.

    Example:
        >>> [point_ms(60_000, 60_000, k) for k in range(4)]
        [60000, 75000, 90000, 105000]
    """
    return open_ms + point * timeframe_ms // POINTS
