"""What a venue can be asked to do with one order: wider than what the platform's own orders need.

The platform's `PlaceOrder` becomes a ticket, a ticket becomes a request. Whatever a venue lacks is refused here, by its
table, before a request is built.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import ClientOrderId, Symbol
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.core.order import PositionSide, Side
from tradingboost.shared.interfaces.exchange import PlaceOrder
from tradingboost.venues.capabilities import Ask, Capabilities, Way

TRIGGER_BY: Final = ("last", "mark")


class Kind(StrEnum):
    """What kind of order."""

    MARKET = "market"
    LIMIT = "limit"
    POST_ONLY = "post_only"
    IOC = "ioc"
    FOK = "fok"
    STOP = "stop"
    TAKE = "take"
    STOP_LIMIT = "stop_limit"
    TRIGGER_ENTRY = "trigger_entry"
    OCO = "oco"
    TRAILING = "trailing"
    TRAILING_AMOUNT = "trailing_amount"

    @property
    def is_priced(self) -> bool:
        """It rests at, or is limited by, a price."""
        return self in _PRICED

    @property
    def is_algo(self) -> bool:
        """It waits for a price among the conditional orders."""
        return self in _TRIGGERED or self in _TRAILING

    @property
    def must_reduce(self) -> bool:
        """It may only reduce."""
        return self.is_algo and self is not Kind.TRIGGER_ENTRY


_PRICED: Final = (Kind.LIMIT, Kind.POST_ONLY, Kind.IOC, Kind.FOK, Kind.STOP_LIMIT)
_TRIGGERED: Final = (Kind.STOP, Kind.TAKE, Kind.STOP_LIMIT, Kind.TRIGGER_ENTRY, Kind.OCO)
_TRAILING: Final = (Kind.TRAILING, Kind.TRAILING_AMOUNT)


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One order, as an adapter is asked for it.

    Args:
        qty: venue units; zero where `cost` says how much of the quote currency to spend.
        trigger: of everything that waits; of an OCO the stop's.
        take: the take-profit trigger of an OCO.
        rising: a trigger entry fires when the price has risen to its trigger, else when it has fallen to it.
        trail: ratio (0-1) of a trailing stop, or the distance in quote currency of one by amount.
        activation: price from which a trailing stop trails; None = at once.
    """

    client_order_id: ClientOrderId
    symbol: Symbol
    side: Side
    position_side: PositionSide
    kind: Kind
    qty: Decimal
    cost: Decimal | None = None
    price: Decimal | None = None
    trigger: Decimal | None = None
    take: Decimal | None = None
    rising: bool = True
    trail: Decimal | None = None
    activation: Decimal | None = None
    reduce_only: bool = False
    attached_stop: Decimal | None = None
    attached_take: Decimal | None = None
    attached_client_order_id: ClientOrderId | None = None
    margin_mode: str = "cross"
    second_leg: bool = False

    @classmethod
    def of(cls, order: PlaceOrder) -> "Ticket":
        """The same order."""
        return cls(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            position_side=order.position_side,
            kind=Kind(order.type.value),
            qty=order.qty,
            price=order.price,
            trigger=order.trigger,
            reduce_only=order.reduce_only,
            attached_stop=order.attached_stop,
            attached_client_order_id=order.attached_client_order_id,
            margin_mode=order.margin_mode,
            second_leg=order.second_leg,
        )

    @property
    def fires_rising(self) -> bool:
        """Whether its trigger lies above the price: a stop's on the losing side of what it closes."""
        if self.kind is Kind.TRIGGER_ENTRY:
            return self.rising
        return (self.side is Side.BUY) is (self.kind in (Kind.STOP, Kind.STOP_LIMIT))


class Close(msgspec.Struct, frozen=True, kw_only=True):
    """A leg to be closed, with what it takes where the venue has no request for it."""

    symbol: Symbol
    leg: PositionSide
    qty: Decimal
    name: ClientOrderId
    margin_mode: str = "cross"


class Mode(msgspec.Struct, frozen=True):
    """What of an account's settings a request depends on.

    Args:
        trigger_by: last or mark; said with every stop, for the venues' defaults differ.
    """

    hedge: bool
    trigger_by: str


def asks(ticket: Ticket, instrument: Instrument, mode: Mode) -> list[Ask]:
    """Everything a ticket needs of its venue."""
    spot = instrument.kind is InstrumentKind.SPOT
    buys_on_spot = spot and ticket.kind is Kind.MARKET and ticket.side is Side.BUY
    needed = {
        Ask.SPOT: spot,
        Ask.SWAP: not spot,
        Ask[ticket.kind.name]: True,
        Ask.CLIENT_ID_CREATE: True,
        Ask.BUY_BY_COST: ticket.cost is not None,
        Ask.BUY_BY_BASE: buys_on_spot and ticket.cost is None,
        Ask.HEDGE_MODE: mode.hedge and (not spot or ticket.second_leg),
        Ask.REDUCE_ONLY: ticket.reduce_only and not spot,
        Ask.ATTACHED_STOP: ticket.attached_stop is not None,
        Ask.ATTACHED_TAKE: ticket.attached_take is not None,
        Ask.ISOLATED: ticket.margin_mode == "isolated",
        Ask.SPOT_STOP: spot and (ticket.kind.is_algo or ticket.attached_stop is not None),
    }
    return [ask for ask, wanted in needed.items() if wanted]


def check(ticket: Ticket, instrument: Instrument, mode: Mode, capabilities: Capabilities) -> None:
    """Refuse what the venue is not asked for, and numbers that are not on its grid.

    Raises:
        InvalidInput: nothing was sent.
    """
    capabilities.require(*asks(ticket, instrument, mode))
    if ticket.margin_mode not in ("cross", "isolated"):
        raise InvalidInput("bad_margin_mode", "The margin mode is cross or isolated.", margin_mode=ticket.margin_mode)
    if ticket.second_leg and not mode.hedge:
        message = "The account holds one net position now; switch it back to long/short mode before hedging on."
        raise InvalidInput("position_mode_changed", message, symbol=ticket.symbol)
    if ticket.kind.must_reduce and not ticket.reduce_only:
        raise InvalidInput("stop_must_reduce", "A stop or take-profit at a trigger only reduces; set reduce_only.")
    _check_amount(ticket, instrument)
    _check_prices(ticket, instrument)
    if ticket.attached_stop is not None and ticket.attached_client_order_id is None:
        raise InvalidInput("attached_without_id", "An attached stop needs a client order id of its own.")


def _check_amount(ticket: Ticket, instrument: Instrument) -> None:
    if ticket.cost is not None:
        plain = ticket.kind is Kind.MARKET and ticket.side is Side.BUY and instrument.kind is InstrumentKind.SPOT
        if not plain or ticket.qty or ticket.cost <= 0:
            message = "Only a market buy on spot is told what to spend, and then no quantity."
            raise InvalidInput("bad_cost", message, cost=str(ticket.cost))
    elif ticket.qty < instrument.min_qty or ticket.qty <= 0 or ticket.qty % instrument.lot:
        raise InvalidInput("bad_qty", "The quantity is not on a lot or below the minimum.", qty=str(ticket.qty))


def _check_prices(ticket: Ticket, instrument: Instrument) -> None:
    needed = [ticket.price] if ticket.kind.is_priced else []
    needed += [ticket.trigger] if ticket.kind in _TRIGGERED else []
    needed += [ticket.take] if ticket.kind is Kind.OCO else []
    needed += [ticket.trail] if ticket.kind in _TRAILING else []
    prices = (ticket.price, ticket.trigger, ticket.take, ticket.activation, ticket.attached_stop, ticket.attached_take)
    given = [price for price in prices if price is not None]
    if None in needed or any(price <= 0 or price % instrument.tick for price in given):
        raise InvalidInput("bad_price", "A price is missing or not on a tick.")
    if ticket.trail is not None and (ticket.trail <= 0 or (ticket.kind is Kind.TRAILING and ticket.trail >= 1)):
        raise InvalidInput("bad_trail", "A trailing stop follows by a share between 0 and 1, or by an amount above 0.")


def closing(wanted: Close, instrument: Instrument) -> Ticket:
    """A market order that closes a leg, or sells what is held on spot."""
    return Ticket(
        client_order_id=wanted.name,
        symbol=instrument.symbol,
        side=Side.SELL if wanted.leg is PositionSide.LONG else Side.BUY,
        position_side=wanted.leg,
        kind=Kind.MARKET,
        qty=wanted.qty,
        reduce_only=True,
        margin_mode=wanted.margin_mode,
    )


def left_to_the_platform(ticket: Ticket, capabilities: Capabilities) -> Ticket:
    """Without what the platform does in the venue's place: a stop it puts there once the entry has filled."""
    if ticket.attached_stop is None or capabilities.ways.get(Ask.ATTACHED_STOP) is not Way.PLATFORM:
        return ticket
    return msgspec.structs.replace(ticket, attached_stop=None, attached_client_order_id=None)
