"""How much each cell trades: the investment, or the person's amounts, turned into whole lots."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import Instrument
from tradingboost.core.money import ZERO
from tradingboost.strategies.contract import LONG, SHORT
from tradingboost.strategies.grid.params import Direction, GridParams, Sizing


class Cells(msgspec.Struct, frozen=True, kw_only=True):
    """The cells of a grid at its start price.

    Args:
        levels: prices, one more than cells.
        sides: LONG or SHORT of each cell; it never changes.
        initial: cells held from the start through `init`.
    """

    levels: list[Decimal]
    sides: list[int]
    initial: list[bool]
    price: Decimal

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self.sides)

    def open_price(self, cell: int) -> Decimal:
        """The level at which an empty cell opens."""
        return self.levels[cell] if self.sides[cell] > 0 else self.levels[cell + 1]


def lay_out(params: GridParams, levels: list[Decimal], price: Decimal) -> Cells:
    """Decide side and first state of every cell from the start price."""
    cells = range(len(levels) - 1)
    if params.enter_strategy is Direction.NEUTRAL:
        sides = [LONG if levels[cell] < price else SHORT for cell in cells]
        return Cells(levels=levels, sides=sides, initial=[False for _ in cells], price=price)
    is_long = params.enter_strategy is Direction.LONG
    beyond = [levels[cell] >= price if is_long else levels[cell + 1] <= price for cell in cells]
    return Cells(
        levels=levels,
        sides=[LONG if is_long else SHORT for _ in cells],
        initial=[params.initial_position and flag for flag in beyond],
        price=price,
    )


def side_cost(cells: Cells, side: int) -> Decimal:
    """Quote value of one unit in every cell of a side: each at its own level, initial cells at the start price."""
    return sum(
        (
            cells.price if cells.initial[cell] else cells.open_price(cell)
            for cell in range(cells.count)
            if cells.sides[cell] == side
        ),
        ZERO,
    )


def cost_per_unit(cells: Cells) -> Decimal:
    """Quote value of one unit in every cell; of a neutral grid the larger side decides."""
    return max(side_cost(cells, LONG), side_cost(cells, SHORT))


def extend_amounts(amounts: Sequence[Decimal], count: int) -> list[Decimal]:
    """Amounts for `count` cells: longer lists are cut, shorter ones go on with their last step, one value repeats."""
    out = list(amounts[:count])
    step = amounts[-1] - amounts[-2] if len(amounts) > 1 else ZERO
    while len(out) < count:
        out.append(max(out[-1] + step, ZERO))
    return out


def max_notional(amounts: Sequence[Decimal], leverage: int) -> Decimal:
    """Largest notional the amounts allow, in quote: their sum, levered, with 5 % of room for rounding and slippage."""
    return sum(amounts, ZERO) * leverage * Decimal("1.05")


def quantities(params: GridParams, cells: Cells, instrument: Instrument, leverage: int) -> list[Decimal]:
    """Quantity of every cell in venue units, rounded down to a lot.

    Raises:
        InvalidInput: a cell is below the venue's minimum or above its maximum.
    """
    raw = _raw_quantities(params, cells, leverage)
    units = [value / instrument.contract_size for value in raw]
    out = [instrument.qty(value) for value in units]
    too_small = [cell for cell in range(cells.count) if units[cell] > 0 and out[cell] < _least(instrument)]
    if too_small:
        raise _below_minimum(params, units, too_small, instrument)
    too_large = [cell for cell in range(cells.count) if out[cell] > instrument.max_limit_qty]
    if too_large:
        raise InvalidInput(
            "cell_above_maximum",
            f"{len(too_large)} cells are larger than {instrument.max_limit_qty}, the most {instrument.symbol} takes in "
            "one order; lower the investment or use more cells.",
            key="investment",
            cells=too_large,
        )
    return out


def _least(instrument: Instrument) -> Decimal:
    return max(instrument.min_qty, instrument.lot)


def _raw_quantities(params: GridParams, cells: Cells, leverage: int) -> list[Decimal]:
    """Base quantity of every cell before rounding."""
    if params.enter_symbol_amount_list:
        amounts = extend_amounts(params.enter_symbol_amount_list, cells.count)
        return [amount * leverage / cells.open_price(cell) for cell, amount in enumerate(amounts)]
    total = (params.investment or ZERO) * leverage * (1 - params.fee_reserve_pct / 100)
    if params.sizing is Sizing.EQUAL_QUOTE:
        return [total / (cells.count * cells.levels[cell]) for cell in range(cells.count)]
    return [total / cost_per_unit(cells)] * cells.count


def _below_minimum(
    params: GridParams, units: Sequence[Decimal], too_small: list[int], instrument: Instrument
) -> InvalidInput:
    """Name the cells that cannot be placed and what would make them large enough."""
    factor = max(_least(instrument) / units[cell] for cell in too_small)
    facts = {"cells": too_small, "min_qty": str(_least(instrument))}
    listed = ", ".join(str(cell) for cell in too_small[:10]) + (", ..." if len(too_small) > 10 else "")
    start = f"{len(too_small)} cells ({listed}) are below the minimum of {_least(instrument)} for {instrument.symbol}"
    if params.enter_symbol_amount_list:
        return InvalidInput(
            "cell_below_minimum",
            f"{start}; multiply the amounts by {factor.quantize(Decimal('0.01'), ROUND_CEILING)}.",
            key="enter_symbol_amount_list",
            **facts,
        )
    enough = ((params.investment or ZERO) * factor).quantize(Decimal("0.01"), ROUND_CEILING)
    return InvalidInput(
        "cell_below_minimum",
        f"{start}; an investment of {enough} would suffice, or use fewer cells.",
        key="investment",
        investment=str(enough),
        **facts,
    )
