"""A position is the fold of its fills, and a ledger journal is what a fill did to money."""

from decimal import ROUND_FLOOR, Decimal

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


def apply_fill(position: Position, side: Side, qty: Decimal, price: Decimal, contract_size: Decimal) -> Position:
    """Book one fill.

    The reducing part realises `(price - average) x qty x contract_size`; a fill through zero closes first, then opens.
    Leverage appears nowhere.

    Args:
        qty: > 0, venue units.
        contract_size: base coin of one unit.
    """
    signed = side.sign * qty
    if position.qty * signed >= 0:
        return msgspec.structs.replace(position, qty=position.qty + signed, cost=position.cost + signed * price)
    closing = min(qty, abs(position.qty)) * side.sign
    opening = signed - closing
    rest = position.qty + closing
    removed = position.cost  # whole, not divided: a leg that is flat has realised every digit of what it paid
    if rest:
        removed = (position.cost * (-closing) / position.qty).quantize(QUANTUM, ROUND_FLOOR)
    realized = ((-closing) * price - removed) * contract_size
    return Position(
        qty=rest + opening,
        cost=position.cost - removed + opening * price,
        realized_quote=position.realized_quote + realized,
    )


def unrealized_quote(position: Position, mark: Decimal, contract_size: Decimal) -> Decimal:
    """What closing at `mark` would realise, before fees."""
    return (position.qty * mark - position.cost) * contract_size
