"""What each venue may be asked for, as data. A cell becomes usable only with a recorded request and a test.

`docs/venues.md` shows this table; it is written from here.
"""

from enum import StrEnum
from typing import Final

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Venue


class Ask(StrEnum):
    """One thing an order or a reader may need."""

    SWAP = "USDT swaps"
    SPOT = "spot"
    LIMIT = "limit orders"
    POST_ONLY = "post-only orders"
    IOC = "immediate-or-cancel orders"
    FOK = "fill-or-kill orders"
    MARKET = "market orders"
    BUY_BY_BASE = "market buys on spot by quantity"
    BUY_BY_COST = "market buys on spot by cost"
    REDUCE_ONLY = "reduce-only orders"
    HEDGE_MODE = "hedge mode"
    ISOLATED = "isolated margin"
    LEVERAGE = "setting the leverage"
    STOP = "stop-market orders"
    TAKE = "take-profit-market orders"
    STOP_LIMIT = "stop-limit orders"
    TRIGGER_ENTRY = "trigger entries"
    OCO = "one-cancels-the-other orders"
    ATTACHED_STOP = "a stop attached to an entry"
    ATTACHED_TAKE = "a take-profit attached to an entry"
    TRAILING = "trailing stops"
    TRAILING_AMOUNT = "trailing stops by an amount"
    AMEND_ORDER = "amending an order"
    AMEND_STOP = "amending a stop"
    SPOT_STOP = "stops on spot"
    BATCH = "several orders in one request"
    CANCEL_ALL = "cancelling everything of a symbol"
    CLOSE_POSITION = "closing a position in one request"
    CLIENT_ID_CREATE = "placing under a client id"
    CLIENT_ID_FIND = "looking up by client id"
    CLIENT_ID_CANCEL = "cancelling by client id"
    STREAM_ORDERS = "orders on the private stream"
    STREAM_FILLS = "fills on the private stream"
    STREAM_POSITIONS = "positions on the private stream"
    STREAM_BALANCES = "balances on the private stream"
    LIST_FILLS = "listing fills"
    SOCKET_ORDERS = "orders over the socket"
    FUNDING = "funding payments"
    PERMISSION_PROBE = "telling whether keys may withdraw"
    DEMO = "a demo environment"


class Way(StrEnum):
    """How a venue gives it."""

    NATIVE = "native"
    BUILT = "built"
    """Put together by the adapter from what the venue has."""
    PLATFORM = "platform"
    """Done by the platform, for the venue has nothing like it."""
    REFUSED = "refused"


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's column."""

    venue: Venue
    ways: dict[Ask, Way]
    notes: dict[Ask, str] = {}

    def offers(self, ask: Ask) -> bool:
        """Whether the adapter may be asked for it; what is not listed may not."""
        return self.ways.get(ask, Way.REFUSED) in (Way.NATIVE, Way.BUILT)

    def require(self, *asks: Ask) -> None:
        """Refuse before any network call.

        Raises:
            InvalidInput: `unsupported_by_venue`.
        """
        for ask in asks:
            if not self.offers(ask):
                message = f"{self.venue} is not asked for {ask.value}; choose another order or another venue."
                raise InvalidInput("unsupported_by_venue", message, venue=self.venue, capability=ask.name.lower())


def _column(venue: str, *, notes: dict[Ask, str], **ways: tuple[Ask, ...]) -> Capabilities:
    told = {ask: Way(way) for way, asks in ways.items() for ask in asks}
    whole = {ask: told.get(ask, Way.NATIVE) for ask in Ask}
    return Capabilities(venue=Venue(venue), ways=whole, notes=notes)


_READ: Final = (Ask.STREAM_POSITIONS, Ask.STREAM_BALANCES)
"""Not subscribed to: they are read over REST, where absence means something."""

OKX: Final = _column(
    "okx",
    built=(Ask.CANCEL_ALL, *_READ),
    refused=(Ask.SPOT_STOP, Ask.SOCKET_ORDERS),
    notes={
        Ask.SPOT_STOP: "the client library would send them on margin",
        Ask.ATTACHED_STOP: "armed when the entry is completely filled; the platform covers a partial fill",
        Ask.BATCH: "20 at most; amendments and ends go one at a time",
        Ask.SOCKET_ORDERS: "the client library waits for an answer without an end",
        Ask.TRAILING: "by a share of the price",
    },
)

BINANCE: Final = _column(
    "binance",
    built=(Ask.CLOSE_POSITION, Ask.CANCEL_ALL, *_READ),
    platform=(Ask.ATTACHED_STOP, Ask.ATTACHED_TAKE, Ask.AMEND_STOP),
    refused=(
        *(Ask.SPOT, Ask.BUY_BY_BASE, Ask.BUY_BY_COST, Ask.OCO, Ask.TRAILING_AMOUNT),
        *(Ask.SPOT_STOP, Ask.BATCH, Ask.SOCKET_ORDERS),
    ),
    notes={
        Ask.SWAP: "USDT-M perpetuals",
        Ask.POST_ONLY: "as GTX",
        Ask.ISOLATED: "a setting of the symbol, not of the order",
        Ask.OCO: "the client library drops the take-profit without a word",
        Ask.ATTACHED_STOP: "placed by the platform after the fill; the client library sends it as a stray text",
        Ask.ATTACHED_TAKE: "placed by the platform after the fill",
        Ask.TRAILING: "0.1 to 10 percent",
        Ask.TRAILING_AMOUNT: "the client library would send a plain market order",
        Ask.AMEND_STOP: "the platform places another one and ends the old one once that rests",
        Ask.CANCEL_ALL: "orders and stops, two requests",
        Ask.CLOSE_POSITION: "a reduce-only market order",
        Ask.BATCH: "the venue takes 5; the platform sends one at a time",
        Ask.PERMISSION_PROBE: "not in the demo environment",
    },
)

BITGET: Final = _column(
    "bitget",
    built=(Ask.CANCEL_ALL, *_READ),
    platform=(Ask.ATTACHED_STOP, Ask.ATTACHED_TAKE),
    refused=(
        *(Ask.SPOT, Ask.BUY_BY_BASE, Ask.BUY_BY_COST, Ask.OCO, Ask.TRAILING_AMOUNT, Ask.BATCH, Ask.SOCKET_ORDERS),
        Ask.SPOT_STOP,
    ),
    notes={
        Ask.SWAP: "USDT-FUTURES",
        Ask.SPOT: "shares its names with the swaps; not built",
        Ask.STOP: "loss_plan; pos_loss would close the whole position",
        Ask.OCO: "the client library refuses it",
        Ask.ATTACHED_STOP: "placed by the platform after the fill; attached, it has no trigger source of its own",
        Ask.ATTACHED_TAKE: "placed by the platform after the fill",
        Ask.TRAILING: "needs an activation price",
        Ask.TRAILING_AMOUNT: "the client library would send a plain market order",
        Ask.AMEND_ORDER: "the venue gives the order a new client id, made from the old one",
        Ask.CANCEL_ALL: "orders and each kind of plan",
        Ask.BATCH: "the venue takes 50; the platform sends one at a time",
    },
)

BYBIT: Final = _column(
    "bybit",
    built=(Ask.CLOSE_POSITION, Ask.CANCEL_ALL, Ask.CLIENT_ID_FIND, *_READ),
    platform=(Ask.ATTACHED_STOP, Ask.ATTACHED_TAKE),
    refused=(
        *(Ask.SPOT, Ask.BUY_BY_BASE, Ask.BUY_BY_COST, Ask.OCO, Ask.TRAILING, Ask.TRAILING_AMOUNT, Ask.BATCH),
        *(Ask.SPOT_STOP, Ask.SOCKET_ORDERS),
    ),
    notes={
        Ask.SWAP: "USDT perpetuals of a unified account",
        Ask.SPOT: "shares its names with the swaps; not built",
        Ask.HEDGE_MODE: "a setting of each symbol",
        Ask.ISOLATED: "a setting of the whole account, not of the order",
        Ask.OCO: "it would become a setting of the position, without an order id",
        Ask.ATTACHED_STOP: "placed by the platform after the fill; attached, it is a setting without a client id",
        Ask.ATTACHED_TAKE: "placed by the platform after the fill",
        Ask.TRAILING: "the client library would send a plain market order",
        Ask.TRAILING_AMOUNT: "a setting of the position, without an order id",
        Ask.AMEND_STOP: "the trigger source is said again, for it would fall back to last",
        Ask.CANCEL_ALL: "orders and stops, two requests",
        Ask.CLOSE_POSITION: "a reduce-only market order",
        Ask.CLIENT_ID_FIND: "open orders, then history",
        Ask.BATCH: "the venue takes 10; the platform sends one at a time",
    },
)

UPBIT: Final = _column(
    "upbit",
    built=(Ask.CANCEL_ALL, Ask.CLOSE_POSITION, Ask.LIST_FILLS, Ask.STREAM_BALANCES),
    refused=(
        *(Ask.SWAP, Ask.BUY_BY_BASE, Ask.REDUCE_ONLY, Ask.HEDGE_MODE, Ask.ISOLATED, Ask.LEVERAGE, Ask.STOP, Ask.TAKE),
        *(Ask.STOP_LIMIT, Ask.TRIGGER_ENTRY, Ask.OCO, Ask.ATTACHED_STOP, Ask.ATTACHED_TAKE, Ask.TRAILING),
        *(Ask.TRAILING_AMOUNT, Ask.AMEND_ORDER, Ask.AMEND_STOP, Ask.BATCH, Ask.STREAM_POSITIONS, Ask.SOCKET_ORDERS),
        *(Ask.SPOT_STOP, Ask.FUNDING, Ask.PERMISSION_PROBE, Ask.DEMO),
    ),
    notes={
        Ask.SPOT: "markets in KRW",
        Ask.MARKET: "sells by quantity, buys by cost",
        Ask.STOP: "the venue has none, and the platform does not watch prices in its place",
        Ask.OCO: "the client library would send a plain order",
        Ask.ATTACHED_STOP: "the client library would send a plain order",
        Ask.TRAILING: "the client library would send a plain order",
        Ask.TRAILING_AMOUNT: "the client library would send a plain order",
        Ask.AMEND_ORDER: "cancel, wait for the proof, place anew",
        Ask.CANCEL_ALL: "every open order by its id",
        Ask.CLOSE_POSITION: "a market sell of what is held",
        Ask.LIST_FILLS: "from the detail of each order",
        Ask.PERMISSION_PROBE: "nothing tells; make keys without the right to withdraw",
    },
)

TABLE: Final[dict[Venue, Capabilities]] = {column.venue: column for column in (OKX, BINANCE, BITGET, BYBIT, UPBIT)}
