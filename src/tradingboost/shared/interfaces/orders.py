"""Orders: the money path. Every order has an intent, every intent at most one order, sent at most once."""

from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from tradingboost.core.ids import AccountId, ClientOrderId, OrderId, RunId, Symbol, UserId, Venue, VenueOrderId
from tradingboost.core.order import OrderIntent, OrderType, PositionSide, Side
from tradingboost.shared.calls import repeatable, safe
from tradingboost.shared.interfaces.positions import MismatchView

MOST_TOGETHER: Final = 20
"""Orders that are submitted at once."""


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """One order as a person or a strategy sees it. `state` is a derived word (OPEN, UNKNOWN, DENIED, ...)."""

    order_id: OrderId
    client_order_id: ClientOrderId
    venue_order_id: VenueOrderId | None
    user_id: UserId
    account_id: AccountId
    run_id: RunId | None
    venue: Venue
    symbol: Symbol
    slot: str
    side: Side
    position_side: PositionSide
    type: OrderType
    qty: Decimal
    price: Decimal | None
    trigger: Decimal | None
    reduce_only: bool
    state: str
    filled: Decimal
    average_price: Decimal | None
    deny_code: str
    reason: str
    created_at: datetime


class FillView(msgspec.Struct, frozen=True, kw_only=True):
    """One match of one of our orders; `fee` negative = charged."""

    seq: int
    at: datetime
    order_id: OrderId
    run_id: RunId | None
    symbol: Symbol
    slot: str
    side: Side
    position_side: PositionSide
    qty: Decimal
    price: Decimal
    fee: Decimal
    is_maker: bool


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """One network attempt and what became of it.

    Args:
        resolution: none, lost, absent, refused or acked.
        rounds: complete looks that did not find it.
    """

    kind: str
    sent_at: datetime
    expires_at: datetime
    resolution: str
    outcome: str
    code: str
    message: str
    rounds: int


class OrderDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One order with the evidence about it.

    Args:
        because: a sentence for a denial, a refusal or the reason it was parked; empty where there is nothing to say.
        reports: statements of the venue that were kept.
        unknown_since: a reply is missing since then and the order is not settled.
    """

    order: OrderView
    because: str
    requests: list[RequestView]
    reports: int
    fills: list[FillView]
    unknown_since: datetime | None


class SettleOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A person's word about an order nobody could settle: it is not at the venue.

    Args:
        by: who says so, and `reason`: what was looked at; both are kept.
    """

    order_id: OrderId
    by: str
    reason: str


class AlertView(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person must look at; `subject_id` is an order, a saga, or an account and a time."""

    alert_id: str
    account_id: AccountId
    kind: str
    subject_id: str
    message: str
    raised_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """A kill switch that stands.

    Args:
        scope: platform, venue, user, account, run or symbol; `key` names which (empty for the platform).
        level: NO_ENTRIES stops openings, FROZEN stops everything, exits too.
    """

    scope: str
    key: str
    level: str
    reason: str
    set_by: str
    set_at: datetime


class SetSwitch(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to stop; `clear` takes it back. Who and why are kept for ever."""

    scope: str
    key: str
    reason: str
    by: str
    level: str = "NO_ENTRIES"
    clear: bool = False


class OwnLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a person may open, and lose between 00:00 and 00:00 UTC; reducing is never limited.

    Args:
        scope: `account`, or `user`: all accounts of the person together; `key` is the id of either.
        symbols: what may be opened, None = anything.
        max_daily_loss_quote: realised, fees, funding and what open positions lost on the day; None = any.
        reached_on: the newest UTC day on which that much was lost; nothing opens on it.
    """

    scope: str
    key: str
    user_id: UserId
    symbols: list[Symbol] | None
    max_daily_loss_quote: Decimal | None
    reached_on: date | None
    set_by: str
    set_at: datetime


class SetLimits(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to be limited so from now on, instead of what was set before; without either there is no limit."""

    account_id: AccountId
    scope: str = "account"
    symbols: list[Symbol] | None = None
    max_daily_loss_quote: Decimal | None = None


class ResolveMismatch(msgspec.Struct, frozen=True, kw_only=True):
    """A person's word about a difference between our books and the venue.

    Args:
        decision: `adopt` takes what the venue holds into our books, as a trade made elsewhere; `close` adopts it, and
            closes at market what is more than we had; `ignore` leaves it, and entries go on until it changes.
        reason: what was found; kept.
        price: what that trade was done at, as far as known; else the venue's average, or its mark.
    """

    account_id: AccountId
    mismatch_id: str
    decision: str
    reason: str
    price: Decimal | None = None


class MismatchResolved(msgspec.Struct, frozen=True, kw_only=True):
    """What followed from a decision.

    Args:
        adopted: signed quantity that entered our books.
        order: the exit, where something was closed.
    """

    mismatch: MismatchView
    adopted: Decimal
    order: OrderView | None


class CancelSlot(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to end whatever rests in one slot of one run."""

    run_id: RunId
    account_id: AccountId
    symbol: Symbol
    slot: str
    reason: str


class AmendSlot(msgspec.Struct, frozen=True, kw_only=True):
    """New absolute values for the order resting in one slot; protective orders are amended in place."""

    run_id: RunId
    account_id: AccountId
    symbol: Symbol
    slot: str
    qty: Decimal
    price: Decimal | None
    trigger: Decimal | None
    reason: str
    cause: str


class ClaimLegs(msgspec.Struct, frozen=True, kw_only=True):
    """A run takes the legs it will trade; a leg has one owner. In net mode both legs of a symbol are one claim.

    Leverage and margin mode are set with the claim and read back, so no order can go out under others.

    Args:
        side_by_side: the run holds a long and a short leg at once, which takes an account in long/short mode.
    """

    run_id: RunId
    user_id: UserId
    account_id: AccountId
    venue: Venue
    symbol: Symbol
    leverage: int
    margin_mode: str = "cross"
    side_by_side: bool = False


class Flattened(msgspec.Struct, frozen=True, kw_only=True):
    """What a flatten did: orders cancelled, legs closed, and what could not be done with its reason."""

    cancelled: int
    closed: list[Symbol]
    failed: dict[str, str]


class Orders(Protocol):
    """Asks exchange and positions."""

    @repeatable
    async def submit(self, intent: OrderIntent) -> OrderView:
        """Record, claim, send once. The same intent again returns the first result; a denial is a state."""
        ...

    @repeatable
    async def submit_batch(self, intents: list[OrderIntent]) -> list[OrderView]:
        """The same for a ladder, all of it in one go: what a run wishes on one symbol, that all opens or all reduces.

        Args:
            intents: at most `MOST_TOGETHER`, each in a slot of its own, none that waits at a trigger.

        Returns:
            What became of the first ones, in their order. Submit the next one by itself, which says what is
            in its way; none is returned where they cannot go together.
        """
        ...

    @repeatable
    async def cancel(self, request: CancelSlot) -> OrderView | None:
        """Ask for the end of the slot's live order; None when nothing rests there."""
        ...

    @repeatable
    async def amend(self, request: AmendSlot) -> OrderView:
        """Change the slot's live order; a stop that is proven absent is placed anew."""
        ...

    @repeatable
    async def claim(self, request: ClaimLegs) -> Decimal:
        """Own the legs at a leverage, read back; Conflict `leg_busy`, or Refused when a position is in the way.

        Refused `hedge_mode_required` when the legs stand side by side and the account holds one net position.

        Returns:
            Free balance of the settle asset.
        """
        ...

    @repeatable
    async def release(self, run_id: RunId) -> None:
        """Give the run's legs back."""
        ...

    @safe
    async def orders(self, account_id: AccountId, limit: int = 50, open_only: bool = False) -> list[OrderView]:
        """Newest first."""
        ...

    @safe
    async def fills(self, account_id: AccountId, after_seq: int = 0, limit: int = 1000) -> list[FillView]:
        """Oldest first, after a sequence number."""
        ...

    @repeatable
    async def reconcile(self, account_id: AccountId) -> None:
        """Compare with the venue and adopt what it says; start-up does this before any decision."""
        ...

    @repeatable
    async def flatten(self, account_id: AccountId, request_id: str) -> Flattened:
        """Cancel every opening order and close every leg at market, reduce-only; stops go last."""
        ...

    @safe
    async def order(self, order_id: OrderId) -> OrderDetail:
        """One order with its evidence, or NotFound `order_not_found`."""
        ...

    @repeatable
    async def end(self, order_id: OrderId) -> OrderDetail:
        """Ask the venue to end one order.

        Conflict `order_closed` when it has ended; Refused `protects_position` when a position would lose its stop.
        """
        ...

    @repeatable
    async def settle(self, request: SettleOrder) -> OrderDetail:
        """Close an unknown order by a person's word; found after all, it is taken as found instead.

        Conflict `order_not_unknown` when there is nothing to settle. Evidence that comes later still wins.
        """
        ...

    @safe
    async def alerts(self, account_id: AccountId | None = None, every: bool = False) -> list[AlertView]:
        """Alerts nobody has acknowledged (or all), newest first."""
        ...

    @repeatable
    async def acknowledge(self, alert_id: str, by: str) -> AlertView:
        """A person has taken note, or NotFound `alert_not_found`."""
        ...

    @safe
    async def switches(self) -> list[Switch]:
        """Every kill switch that stands, oldest first."""
        ...

    @repeatable
    async def switch(self, request: SetSwitch) -> list[Switch]:
        """Set or clear a kill switch; it counts from the next claim on. Returns what stands then."""
        ...

    @safe
    async def limits(self, account_id: AccountId) -> list[OwnLimits]:
        """What people set for this account and for its owner; empty where nothing was."""
        ...

    @repeatable
    async def set_limits(self, request: SetLimits, by: str) -> list[OwnLimits]:
        """Limit an account, or all of its owner's; InvalidInput `bad_limit`. Returns what binds the account then.

        A day whose loss was reached is over until 00:00 UTC, unless more is allowed than before.
        """
        ...

    @repeatable
    async def resolve_mismatch(self, request: ResolveMismatch, by: str) -> MismatchResolved:
        """Do what a person decided about a mismatch: adopt, close or ignore.

        NotFound `mismatch_not_found`; Conflict `mismatch_gone` when both agree by now, `mismatch_unsettled` while an
        order of unknown fate may be the difference; InvalidInput `bad_decision`.
        """
        ...
