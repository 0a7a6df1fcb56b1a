"""What `orders` tells."""

from datetime import datetime
from decimal import Decimal

from tradingboost.core.ids import AccountId, ClientOrderId, OrderId, RunId, Symbol, UserId, Venue
from tradingboost.core.order import PositionSide, Role, Side
from tradingboost.shared.events.envelope import Payload, event


class _OfOrder(Payload, frozen=True, kw_only=True):
    order_id: OrderId
    client_order_id: ClientOrderId | None
    user_id: UserId
    account_id: AccountId
    run_id: RunId | None
    exchange: Venue
    symbol: Symbol
    slot: str
    role: Role
    side: Side
    position_side: PositionSide
    qty: Decimal
    left: Decimal
    at: datetime
    """Venue time of the evidence."""
    reason: str


@event("order.accepted")
class OrderAccepted(_OfOrder, frozen=True, kw_only=True):
    """It rests at the venue, or its values there changed."""

    price: Decimal | None
    trigger: Decimal | None


@event("order.rejected")
class OrderRejected(_OfOrder, frozen=True, kw_only=True):
    """It certainly does not exist at the venue: denied here (nothing was sent), refused there, or proven absent."""

    code: str
    denied: bool = False


@event("order.cancelled")
class OrderCancelled(_OfOrder, frozen=True, kw_only=True):
    """The venue ended it with `left` unfilled."""


@event("order.expired")
class OrderExpired(_OfOrder, frozen=True, kw_only=True):
    """Its time at the venue ran out."""


@event("order.filled")
class OrderFilled(_OfOrder, frozen=True, kw_only=True):
    """One match; `cumulative_qty` of this order so far."""

    event_type: str
    fill_id: str
    filled_qty: Decimal
    fill_price: Decimal
    contract_size: Decimal
    commission: Decimal
    """Venue's sign made ours: negative = charged."""
    fee_currency: str
    liquidity: str
    cumulative_qty: Decimal
    last_price: Decimal | None
    timestamp: datetime
    venue_order_id: str
    trade_id: str


@event("order.unknown")
class OrderUnknown(Payload, frozen=True, kw_only=True):
    """A reply was lost; entries on the symbol wait until it is settled by asking."""

    order_id: OrderId
    account_id: AccountId
    user_id: UserId
    symbol: Symbol
    since: datetime


@event("order.resolved")
class OrderResolved(Payload, frozen=True, kw_only=True):
    """An unknown order was found, or proven absent."""

    order_id: OrderId
    account_id: AccountId
    user_id: UserId
    symbol: Symbol
    found: bool


@event("order.parked")
class OrderParked(Payload, frozen=True, kw_only=True):
    """Neither found nor proven absent in time; a person must look, entries stay blocked, protection works on."""

    order_id: OrderId
    account_id: AccountId
    user_id: UserId
    symbol: Symbol
    reason: str


@event("order.alert_raised")
class AlertRaised(Payload, frozen=True, kw_only=True):
    """Something a person must look at and acknowledge; `kind` is a stable word, the sentence is in `message`."""

    alert_id: str
    kind: str
    message: str
    account_id: AccountId
    user_id: UserId
    symbol: Symbol | None
    at: datetime


@event("protection.placed")
class ProtectionPlaced(Payload, frozen=True, kw_only=True):
    """A stop of ours is live at the venue and covers `covered_qty` of the leg (0: it ended)."""

    user_id: UserId
    account_id: AccountId
    exchange: Venue
    symbol: Symbol
    position_side: PositionSide
    order_id: OrderId
    stop_price: Decimal | None
    covered_qty: Decimal


@event("protection.missing")
class ProtectionMissing(Payload, frozen=True, kw_only=True):
    """A filled entry had no live stop in time; what was done about it is in `action`."""

    user_id: UserId
    account_id: AccountId
    exchange: Venue
    symbol: Symbol
    position_side: PositionSide
    action: str
