"""What each venue may be asked for, as data. A cell becomes usable only with a recorded request and a contract test."""

from enum import StrEnum

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Venue


class Ask(StrEnum):
    """One thing an order or a reader may need."""

    SWAP = "USDT swaps"
    SPOT = "spot"
    LIMIT = "limit orders"
    POST_ONLY = "post-only orders"
    MARKET = "market orders"
    REDUCE_ONLY = "reduce-only orders"
    HEDGE_MODE = "hedge mode"
    ISOLATED = "isolated margin"
    STOP = "stop-market orders"
    TAKE = "take-profit-market orders"
    ATTACHED_STOP = "a stop attached to an entry"
    AMEND_ORDER = "amending an order"
    AMEND_STOP = "amending a stop"
    TRAILING = "trailing stops"
    OCO = "one-cancels-the-other orders"
    TRIGGER_ENTRY = "trigger entries"


class Way(StrEnum):
    """How a venue gives it."""

    NATIVE = "native"
    BUILT = "built"
    REFUSED = "refused"


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's column."""

    venue: Venue
    ways: dict[Ask, Way]

    def offers(self, ask: Ask) -> bool:
        """Whether it may be asked for; what is not listed may not."""
        return self.ways.get(ask, Way.REFUSED) is not Way.REFUSED

    def require(self, ask: Ask) -> None:
        """Refuse before any network call.

        Raises:
            InvalidInput: `unsupported_by_venue`.
        """
        if not self.offers(ask):
            message = f"{self.venue} is not asked for {ask.value}; choose another order or another venue."
            raise InvalidInput("unsupported_by_venue", message, venue=self.venue, capability=ask.name.lower())


OKX = Capabilities(
    venue=Venue("okx"),
    ways={
        Ask.SWAP: Way.NATIVE,
        Ask.SPOT: Way.REFUSED,
        Ask.LIMIT: Way.NATIVE,
        Ask.POST_ONLY: Way.NATIVE,
        Ask.MARKET: Way.NATIVE,
        Ask.REDUCE_ONLY: Way.NATIVE,
        Ask.HEDGE_MODE: Way.NATIVE,
        Ask.ISOLATED: Way.NATIVE,
        Ask.STOP: Way.NATIVE,
        Ask.TAKE: Way.NATIVE,
        Ask.ATTACHED_STOP: Way.NATIVE,  # armed by the venue when the entry is completely filled
        Ask.AMEND_ORDER: Way.NATIVE,
        Ask.AMEND_STOP: Way.NATIVE,
        Ask.TRAILING: Way.REFUSED,
        Ask.OCO: Way.REFUSED,
        Ask.TRIGGER_ENTRY: Way.REFUSED,
    },
)

TABLE: dict[Venue, Capabilities] = {column.venue: column for column in (OKX,)}
