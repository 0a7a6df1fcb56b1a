"""What can be traded and in which steps: the only crossing from suggested numbers into money."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.money import Rounding, to_step


class InstrumentKind(StrEnum):
    """Spot moves coins; a linear swap moves contracts settled in the quote currency."""

    SPOT = "spot"
    LINEAR_SWAP = "linear_swap"


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one instrument at one venue, as of `version`.

    Quantities are in venue units: contracts on swaps, base coin on spot.
    `contract_size` is the base amount of one unit (1 on spot). `state` is live, or the venue's word for why it is not.
    """

    venue: Venue
    symbol: Symbol
    kind: InstrumentKind
    base: str
    quote: str
    settle: str
    contract_size: Decimal
    tick: Decimal
    lot: Decimal
    min_qty: Decimal
    max_limit_qty: Decimal
    max_market_qty: Decimal
    max_leverage: int
    version: str
    state: str = "live"

    def price(self, value: float | Decimal, rounding: Rounding) -> Decimal:
        """The price on a tick; refuses what is not positive after rounding."""
        rounded = to_step(value, self.tick, rounding)
        if rounded <= 0:
            raise InvalidInput("bad_price", f"{self.symbol}: a price of {value} is not above zero.", price=str(value))
        return rounded

    def qty(self, value: float | Decimal, rounding: Rounding = Rounding.DOWN) -> Decimal:
        """The quantity on a lot (may be zero; the pre-trade check refuses what is below `min_qty`)."""
        return to_step(value, self.lot, rounding)

    def notional_quote(self, qty: Decimal, price: Decimal) -> Decimal:
        """Quote value of a quantity at a price; always includes the contract size."""
        return qty * self.contract_size * price
