"""How much each cell trades: the investment, or the person's amounts, in whole ticks and lots of the instrument.

Equal quantities depend on the price at the start, so the kernel splits the budget then (`layout.py`); the rest is
settled here. What the venue would not take is refused with what would be enough.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import Instrument
from tradingboost.core.money import ZERO, Rounding, to_step
from tradingboost.strategies.contract import LONG, SHORT, records
from tradingboost.strategies.grid.ladder import level_at, number_of
from tradingboost.strategies.grid.layout import cost_per_lot, lay_out
from tradingboost.strategies.grid.params import GridParams, Sizing, Spacing
from tradingboost.strategies.grid.settled import ADAPTIVE, INFINITY
from tradingboost.strategies.grid.state import STATE, start

CAPITAL_SHARE: Final = Decimal("0.95")
"""Share of what the account has free at which an adaptive grid opens nothing more."""


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


def usable(params: GridParams, leverage: int) -> Decimal:
    """Notional in quote the grid may build from its investment."""
    return (params.investment or ZERO) * leverage * (1 - params.fee_reserve_pct / 100)


def unit_of(instrument: Instrument) -> Decimal:
    """Quote value of one lot per tick of price: kernels count money in ticks x lots."""
    return instrument.contract_size * instrument.lot * instrument.tick


def level_amounts(params: GridParams) -> list[Decimal]:
    """Quote margin of every level: the person's list, or equal parts of the investment."""
    if params.enter_symbol_amount_list:
        return extend_amounts(params.enter_symbol_amount_list, params.grid_num)
    return [usable(params, 1) / params.grid_num] * params.grid_num


def fill_capital(row: Any, params: GridParams, instrument: Instrument, available: Decimal) -> None:
    """Fill what the whole run may use, lose and make; an adaptive grid also has a largest position."""
    unit = unit_of(instrument)
    amounts = level_amounts(params)
    capital = params.investment if params.investment is not None else sum(amounts, ZERO)
    row.capital = float(capital / unit)
    row.total_loss = float(capital * (params.stop_loss_total_pct or ZERO) / 100 / unit)
    row.total_profit = float(capital * (params.take_profit_total_pct or ZERO) / 100 / unit)
    if params.spacing is not Spacing.ADAPTIVE:
        return
    leverage = int(row.leverage)
    most = max_notional(amounts, leverage)
    if available > 0:
        most = min(most, available * leverage * CAPITAL_SHARE)
    row.max_cost = int(most / unit)
    row.level_value[: params.grid_num] = [float(amount * leverage / unit) for amount in amounts]


def fill_quantities(row: Any, params: GridParams, levels: Sequence[Decimal], instrument: Instrument) -> None:
    """Fill budget and quantities of a params record whose levels, leverage and limits are filled already."""
    leverage = int(row.leverage)
    if not params.enter_symbol_amount_list and params.sizing is Sizing.EQUAL_BASE:
        row.budget = int(usable(params, leverage) / unit_of(instrument))
        return
    for side, lots in ((LONG, row.long_lots), (SHORT, row.short_lots)):
        if row.direction != -side:
            units = [value / instrument.contract_size for value in _base_quantities(params, levels, leverage, side)]
            _check_units(params, units, instrument)
            lots[: len(units)] = [int(instrument.qty(value) / instrument.lot) for value in units]
            opens = levels[:-1] if side > 0 else levels[1:]
            worth = [
                value / instrument.lot * level / instrument.tick for value, level in zip(units, opens, strict=True)
            ]
            row.level_value[: len(units)] = [float(value) for value in worth]


def _base_quantities(params: GridParams, levels: Sequence[Decimal], leverage: int, side: int) -> list[Decimal]:
    """Base quantity of every cell before rounding, were it on this side."""
    count = len(levels) - 1
    if params.enter_symbol_amount_list:
        opens = levels[:-1] if side > 0 else levels[1:]
        amounts = extend_amounts(params.enter_symbol_amount_list, count)
        return [amount * leverage / level for amount, level in zip(amounts, opens, strict=True)]
    return [usable(params, leverage) / (count * level) for level in levels[:-1]]


def check_budget(params: Any, given: GridParams, instrument: Instrument, price: Decimal) -> None:
    """Refuse a budget too small (or too large) for its cells when the grid is laid out at `price`.

    Raises:
        InvalidInput: a cell is below the venue's minimum or above its maximum.
    """
    row = params[0]
    if row.rule == ADAPTIVE:
        return
    if row.rule == INFINITY:
        _check_window(row, given, instrument, price)
        return
    if row.budget == 0 and (given.enter_symbol_amount_list or given.sizing is Sizing.EQUAL_QUOTE):
        return
    state = records(STATE)
    start(state[0], row)
    lo, hi = (int(to_step(price, instrument.tick, way) / instrument.tick) for way in (Rounding.DOWN, Rounding.UP))
    lay_out(state[0], row, lo, hi)
    units = Decimal(int(row.budget)) / int(cost_per_lot(state[0], row, hi)) * instrument.lot
    _check_units(given, [units] * given.grid_num, instrument)


def _check_window(row: Any, params: GridParams, instrument: Instrument, price: Decimal) -> None:
    """The cell at the price is the measure: those above it are smaller, those below larger."""
    number = number_of(records(STATE)[0], row, int(price / instrument.tick))
    low, high = (Decimal(float(row.worth)) / level_at(row, at) for at in (number, number + 1))
    _check_units(params, [(low - high) * instrument.lot], instrument)


def _least(instrument: Instrument) -> Decimal:
    return max(to_step(instrument.min_qty, instrument.lot, Rounding.UP), instrument.lot)


def _check_units(params: GridParams, units: Sequence[Decimal], instrument: Instrument) -> None:
    least = _least(instrument)
    listed = bool(params.enter_symbol_amount_list)
    out = [instrument.qty(value) for value in units]
    too_small = [cell for cell, value in enumerate(out) if value < least and not (listed and units[cell] == 0)]
    if too_small:
        raise _below_minimum(params, units, too_small, instrument)
    too_large = [cell for cell, value in enumerate(out) if value > instrument.max_limit_qty]
    if too_large:
        raise InvalidInput(
            "cell_above_maximum",
            f"{len(too_large)} cells are larger than {instrument.max_limit_qty}, the most {instrument.symbol} takes in "
            "one order; lower the investment or use more cells.",
            key="investment",
            cells=too_large,
        )


def _below_minimum(
    params: GridParams, units: Sequence[Decimal], too_small: list[int], instrument: Instrument
) -> InvalidInput:
    """Name the cells that cannot be placed and what would make them large enough."""
    smallest = min(units[cell] for cell in too_small)
    listed = ", ".join(str(cell) for cell in too_small[:10]) + (", ..." if len(too_small) > 10 else "")
    facts: dict[str, object] = {"cells": too_small, "min_qty": str(_least(instrument))}
    start_text = f"{len(too_small)} cells ({listed}) are below the minimum of {_least(instrument)} {instrument.symbol}"
    if smallest == 0:
        return InvalidInput("cell_below_minimum", f"{start_text}; raise the investment.", key="investment", **facts)
    factor = _least(instrument) / smallest
    if params.enter_symbol_amount_list:
        return InvalidInput(
            "cell_below_minimum",
            f"{start_text}; multiply the amounts by {factor.quantize(Decimal('0.01'), ROUND_CEILING)}.",
            key="enter_symbol_amount_list",
            **facts,
        )
    enough = ((params.investment or ZERO) * factor).quantize(Decimal("0.01"), ROUND_CEILING)
    return InvalidInput(
        "cell_below_minimum",
        f"{start_text}; an investment of {enough} would suffice, or use fewer cells.",
        key="investment",
        investment=str(enough),
        **facts,
    )
