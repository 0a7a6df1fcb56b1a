"""What `positions` tells."""

from datetime import datetime
from decimal import Decimal

from tradingboost.core.ids import AccountId, RunId, Symbol, UserId, Venue
from tradingboost.core.order import PositionSide
from tradingboost.shared.events.envelope import Payload, event


class _OfPosition(Payload, frozen=True, kw_only=True):
    user_id: UserId
    account_id: AccountId
    run_id: RunId | None
    exchange: Venue
    symbol: Symbol
    position_side: PositionSide
    qty: Decimal
    """Signed, venue units, after the event."""
    average_price: Decimal | None
    realized_quote: Decimal
    """Realised by this very event."""
    fee_quote: Decimal
    slot: str
    at: datetime


@event("position.opened")
class PositionOpened(_OfPosition, frozen=True, kw_only=True):
    """A flat leg took its first fill."""


@event("position.changed")
class PositionChanged(_OfPosition, frozen=True, kw_only=True):
    """A fill changed the leg."""


@event("position.closed")
class PositionClosed(_OfPosition, frozen=True, kw_only=True):
    """The leg is flat."""


@event("position.mismatch_found")
class MismatchFound(Payload, frozen=True, kw_only=True):
    """Our fold of fills and the venue differ in two looks; entries pause, nothing is repaired by a trade."""

    user_id: UserId
    account_id: AccountId
    exchange: Venue
    symbol: Symbol
    position_side: PositionSide
    ours: Decimal
    venue: Decimal


@event("position.mismatch_cleared")
class MismatchCleared(Payload, frozen=True, kw_only=True):
    """Both agree again."""

    user_id: UserId
    account_id: AccountId
    exchange: Venue
    symbol: Symbol
    position_side: PositionSide


@event("position.dust_left")
class DustLeft(Payload, frozen=True, kw_only=True):
    """An exit left less than the venue trades: it stays, protected by nothing and in nobody's way."""

    user_id: UserId
    account_id: AccountId
    exchange: Venue
    symbol: Symbol
    position_side: PositionSide
    qty: Decimal
    """Signed, venue units."""
    min_qty: Decimal


@event("funding.booked")
class FundingBooked(Payload, frozen=True, kw_only=True):
    """A funding bill of the venue entered the ledger; negative = paid."""

    user_id: UserId
    account_id: AccountId
    exchange: Venue
    symbol: Symbol | None
    asset: str
    amount: Decimal
    bill_id: str
    at: datetime
