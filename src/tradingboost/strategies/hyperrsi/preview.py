"""What a run would send if it entered now: entries, ladder, stop, liquidation and margin, before anything is sent."""

from decimal import Decimal
from math import isnan
from typing import Any, Literal

import msgspec
import numpy as np

from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import Instrument
from tradingboost.core.money import ZERO, Rounding
from tradingboost.strategies.contract import RunFacts
from tradingboost.strategies.hyperrsi import hedge_rules, levels
from tradingboost.strategies.hyperrsi.advice import warnings
from tradingboost.strategies.hyperrsi.compile import compile_params
from tradingboost.strategies.hyperrsi.ladder import is_placed
from tradingboost.strategies.hyperrsi.params import HyperrsiParams
from tradingboost.strategies.hyperrsi.state import GUARD_STOP, LEVELS, STATIC_STOP
from tradingboost.strategies.hyperrsi.stops import initial_stop

STOP_NAMES = {GUARD_STOP: "guard", STATIC_STOP: "static"}


class PlannedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Entry `number`, filled at its price; `hedge_qty` is what the hedge would add then.

    Args:
        price: of the first entry the market, of an add its DCA level.
        liquidation: estimate for the leg alone after this entry; 0 = none.
    """

    number: int
    price: Decimal
    qty: Decimal
    notional_quote: Decimal
    margin_quote: Decimal
    average: Decimal
    liquidation: Decimal
    hedge_qty: Decimal = ZERO
    raised_to_minimum: bool = False


class PlannedExit(msgspec.Struct, frozen=True, kw_only=True):
    """A level of the ladder after the first entry; one that is not placed trails."""

    level: int
    price: Decimal
    qty: Decimal
    placed: bool


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a start would mean for one side."""

    side: Literal["long", "short"]
    entries: list[PlannedEntry]
    ladder: list[PlannedExit]
    stop_kind: str
    stop: Decimal
    margin_quote: Decimal
    """Of all entries and hedges together."""
    warnings: list[str]


def preview(
    params: HyperrsiParams, instrument: Instrument, facts: RunFacts, side: int, market: tuple[Decimal, Decimal | None]
) -> Plan:
    """Plan a side at the market's price.

    Args:
        side: 1 long, -1 short.
        market: last price and the ATR of the run's timeframe, None = not known.

    Raises:
        InvalidInput: as `compile_params`; `atr_missing` where a distance is measured in it; `unplaceable`.
    """
    row = compile_params(params, instrument, facts)[0]
    price, atr = float(market[0]), float("nan") if market[1] is None else float(market[1])
    entries = _entries(row, instrument, side, (price, atr))
    kind, stop = initial_stop(side, price, atr, 1, row)
    ladder = _ladder(row, instrument, side, (price, atr), float(entries[0].qty))
    margin = sum(
        (entry.margin_quote + _margin(row, instrument, entry.hedge_qty, entry.price) for entry in entries), ZERO
    )
    found = [*warnings(params), *(["planned_margin_exceeds_balance"] if margin > facts.available_quote else [])]
    return Plan(
        side="long" if side > 0 else "short",
        entries=entries,
        ladder=ladder,
        stop_kind=STOP_NAMES.get(kind, "none"),
        stop=_price(instrument, stop),
        margin_quote=margin,
        warnings=sorted(found),
    )


def _entries(row: Any, instrument: Instrument, side: int, market: tuple[float, float]) -> list[PlannedEntry]:
    price, atr = market
    qty = average = hedge = 0.0
    found: list[PlannedEntry] = []
    for number in range(1, int(row.dca_limit) + 1):
        if number > 1:
            base = price if row.dca_from_last else average
            price = levels.dca_trigger(levels.dca_level(side, base, atr, row), side, row)
        if isnan(price):
            raise InvalidInput("atr_missing", "A distance is measured in ATR and the ATR is not known yet.")
        if price <= 0:
            break
        amount = levels.base_amount(row.available_quote, row) * levels.multiplier(number, row)
        size = levels.entry_qty(amount, price, row)
        if size <= 0:
            raise InvalidInput("unplaceable", f"Entry {number} is more than one order may be; lower the amount.")
        average = levels.average_after(qty, average, size, price)
        qty = levels.sum_qty(qty, size, row)
        added = _hedge(row, number, qty, hedge, len([one for one in found if one.hedge_qty]))
        hedge += added
        exact = instrument.qty(float(size), Rounding.NEAREST)
        at = _price(instrument, price)
        found.append(
            PlannedEntry(
                number=number,
                price=at,
                qty=exact,
                notional_quote=instrument.notional_quote(exact, at),
                margin_quote=_margin(row, instrument, exact, at),
                average=Decimal(repr(float(average))),
                liquidation=_price(instrument, levels.liquidation_price(side, average, row) if row.guarded else 0.0),
                hedge_qty=instrument.qty(added, Rounding.NEAREST) if added else ZERO,
                raised_to_minimum=bool(levels.is_below_minimum(levels.raw_qty(amount, price, row), row)),
            )
        )
    return found


def _hedge(row: Any, number: int, qty: float, hedge: float, count: int) -> float:
    """What the hedge rule adds after this entry, when no hedge has been closed before."""
    last = row.hedge_tp_rule == hedge_rules.LAST_DCA_TP and number >= row.dca_limit
    if not row.hedge_on or number < max(row.hedge_trigger, 2) or last or count >= row.hedge_limit:
        return 0.0
    return float(hedge_rules.hedge_addition(qty, hedge, row))


def _ladder(row: Any, instrument: Instrument, side: int, market: tuple[float, float], qty: float) -> list[PlannedExit]:
    quantities = np.zeros(LEVELS)
    levels.tp_quantities(qty, row, quantities)
    found = []
    for level in range(LEVELS):
        target = levels.tp_target(level, side, market[0], market[1], row)
        if isnan(target):
            raise InvalidInput("atr_missing", "A distance is measured in ATR and the ATR is not known yet.")
        if quantities[level] > 0:
            price = levels.tp_price(target, side, market[0], market[0], row)
            exact = instrument.qty(float(quantities[level]), Rounding.NEAREST)
            placed = bool(is_placed(level, row))
            found.append(PlannedExit(level=level + 1, price=_price(instrument, price), qty=exact, placed=placed))
    return found


def _margin(row: Any, instrument: Instrument, qty: Decimal, price: Decimal) -> Decimal:
    return instrument.notional_quote(qty, price) / int(row.leverage)


def _price(instrument: Instrument, price: float) -> Decimal:
    if isnan(price):
        raise InvalidInput("atr_missing", "A distance is measured in ATR and the ATR is not known yet.")
    return instrument.price(float(price), Rounding.NEAREST) if price > 0 else ZERO
