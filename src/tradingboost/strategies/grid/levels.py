"""Where the levels of a classic grid stand, and what one cell earns after fees (decimals; done once per start)."""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from itertools import pairwise

from tradingboost.core.errors import InvalidInput
from tradingboost.core.money import Rounding, to_step
from tradingboost.strategies.grid.params import GridParams, Spacing

_PRECISION = 40
"""Digits of the geometric ratio: far beyond any tick, so the nearest tick is never a matter of noise."""


def build_levels(params: GridParams, tick: Decimal) -> list[Decimal]:
    """The `grid_num` + 1 levels on ticks: the lowest rounded up, the highest down, the others to the nearest.

    Raises:
        InvalidInput: two levels fall on the same tick.
    """
    lower, upper = ends(params)
    cells = params.grid_num
    levels = [to_step(lower, tick, Rounding.UP)]
    for index in range(1, cells):
        levels.append(to_step(_raw_level(params, index), tick, Rounding.NEAREST))
    levels.append(to_step(upper, tick, Rounding.DOWN))
    if any(high <= low for low, high in pairwise(levels)):
        fit = int((levels[-1] - levels[0]) / tick)
        raise InvalidInput(
            "grid_step_below_tick",
            f"{cells} cells between {lower} and {upper} are closer together than the tick {tick}; use at most "
            f"{max(fit, 0)} cells or a wider range.",
            key="grid_num",
            tick=str(tick),
        )
    return levels


def ends(params: GridParams) -> tuple[Decimal, Decimal]:
    """Lower and upper price of a classic grid.

    Raises:
        InvalidInput: one is missing.
    """
    if params.lower_price is None or params.upper_price is None:
        raise InvalidInput("range_missing", "A classic grid needs `lower_price` and `upper_price`.", key="lower_price")
    return params.lower_price, params.upper_price


def _raw_level(params: GridParams, index: int) -> Decimal:
    lower, upper = ends(params)
    with localcontext() as context:
        context.prec = _PRECISION
        share = Decimal(index) / params.grid_num
        if params.spacing is Spacing.ARITHMETIC:
            return lower + (upper - lower) * share
        return lower * (upper / lower) ** share


def cell_net_profit(lower: Decimal, upper: Decimal, fee_buy: Decimal, fee_sell: Decimal) -> Decimal:
    """Net profit of one cycle as a ratio of the lower level."""
    return (upper * (1 - fee_sell) - lower * (1 + fee_buy)) / lower


def check_profit(levels: Sequence[Decimal], fee: Decimal) -> None:
    """Refuse a grid with a cell that loses money on every cycle.

    Raises:
        InvalidInput: a cell does not earn its fees.
    """
    losing = [cell for cell, (low, high) in enumerate(pairwise(levels)) if cell_net_profit(low, high, fee, fee) <= 0]
    if losing:
        raise InvalidInput(
            "cell_unprofitable",
            f"{len(losing)} of {len(levels) - 1} cells do not earn their fees of {fee * 100:f} % a side; use fewer "
            "cells or a wider range.",
            key="grid_num",
            cells=losing,
        )


def check_step(params: GridParams, tick: Decimal, fee: Decimal) -> None:
    """The same for a grid without an upper end: its first step is its smallest.

    Raises:
        InvalidInput: a step is smaller than a tick, or does not earn its fees.
    """
    lower = params.lower_price or Decimal(0)
    ratio = 1 + (params.step_pct or Decimal(0)) / 100
    if lower * (ratio - 1) < tick:
        raise InvalidInput(
            "grid_step_below_tick",
            f"A step of {params.step_pct} % above {lower} is smaller than the tick {tick}; use a larger `step_pct`.",
            key="step_pct",
            tick=str(tick),
        )
    check_profit([lower, lower * ratio], fee)
