"""A position is the fold of its fills, and a ledger journal is what a fill did to money."""

from decimal import Decimal
from fractions import Fraction
from math import floor

import msgspec

from tradingboost.core.money import ZERO
from tradingboost.core.order import Side

QUANTUM = Decimal("1e-12")
"""Money is exact to this; what a division leaves over is rounded toward minus infinity, as the venue does."""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """One leg. `qty` is signed (long > 0) in venue units; `cost` is the signed sum of qty x price of what is held."""

    qty: Decimal = ZERO
    cost: Decimal = ZERO
    realized_quote: Decimal = ZERO

    @property
    def average_price(self) -> Decimal | None:
        """Entry average; None when flat."""
        return self.cost / self.qty if self.qty else None


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """What the arithmetic of a leg needs to know of its instrument.

    Args:
        contract_size: base coin of one unit.
        cost_quantum: the cost removed with a closed part is rounded down to this: tick x lot, as the venue does.
    """

    contract_size: Decimal
    cost_quantum: Decimal = QUANTUM


def apply_fill(position: Position, side: Side, qty: Decimal, price: Decimal, steps: Steps) -> Position:
    """Book one fill.

    The reducing part realises `(price - average) x qty x contract_size`; a fill through zero closes first, then opens.
    Leverage appears nowhere.

    Args:
        qty: > 0, venue units.
    """
    signed = side.sign * qty
    if position.qty * signed >= 0:
        return msgspec.structs.replace(position, qty=position.qty + signed, cost=position.cost + signed * price)
    closing = min(qty, abs(position.qty)) * side.sign
    opening = signed - closing
    rest = position.qty + closing
    removed = position.cost  # whole, not divided: a leg that is flat has realised every digit of what it paid
    if rest:
        removed = _share(position.cost, abs(closing), abs(position.qty), steps.cost_quantum)
    realized = ((-closing) * price - removed) * steps.contract_size
    return Position(
        qty=rest + opening,
        cost=position.cost - removed + opening * price,
        realized_quote=position.realized_quote + realized,
    )


def _share(cost: Decimal, part: Decimal, whole: Decimal, quantum: Decimal) -> Decimal:
    """cost x part / whole, its size rounded down to whole quanta (exact integers, as no Decimal division is)."""
    quanta = floor(Fraction(abs(cost)) * Fraction(part) / Fraction(whole) / Fraction(quantum))
    return (quanta * quantum).copy_sign(cost)


def unrealized_quote(position: Position, mark: Decimal, contract_size: Decimal) -> Decimal:
    """What closing at `mark` would realise, before fees."""
    return (position.qty * mark - position.cost) * contract_size
