"""Exchange: the one door to the venues. It opens credentials, sends what `orders` decided, and tells what it hears."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

import msgspec

from tradingboost.core.ids import AccountId, ClientOrderId, OrderId, Symbol, Venue, VenueOrderId
from tradingboost.core.instrument import Instrument
from tradingboost.core.order import Fill, OrderType, PositionSide, Side, VenueReport
from tradingboost.shared.calls import once, repeatable, safe


class OutcomeClass(StrEnum):
    """What one request did, judged by evidence and never by an exception's class."""

    PLACED = "placed"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    RATE = "rate"
    CLOCK = "clock"
    AUTH = "auth"
    GONE = "gone"
    UNKNOWN = "unknown"

    @property
    def definitely_not_placed(self) -> bool:
        """The venue certainly holds no order from this request."""
        return self not in (OutcomeClass.PLACED, OutcomeClass.UNKNOWN, OutcomeClass.GONE)


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One submission. `stop` is attached to the entry with its own client id.

    Args:
        expires_at: not sent after this instant, and fenced at the venue where it can.
        fence_token: the account lease under which it was claimed.
        second_leg: of a leg beside another: refused on an account in net mode, where it would net against that one.
        journal_seq: of the line that stands for a committed intent while the database is away; covering and reducing
            requests only.
        urgent: it covers or leaves what is unprotected, so it goes before every other order.
        credential_version: of the keys that were in force when the intent was stored; older ones do not sign it.
    """

    account_id: AccountId
    order_id: OrderId
    client_order_id: ClientOrderId
    symbol: Symbol
    side: Side
    position_side: PositionSide
    type: OrderType
    qty: Decimal
    price: Decimal | None
    trigger: Decimal | None
    reduce_only: bool
    attached_stop: Decimal | None
    attached_client_order_id: ClientOrderId | None
    margin_mode: str
    expires_at: datetime
    fence_token: int
    second_leg: bool = False
    journal_seq: int | None = None
    urgent: bool = False
    credential_version: int = 0


class OrderRef(msgspec.Struct, frozen=True, kw_only=True):
    """How the venue knows one order of ours."""

    account_id: AccountId
    symbol: Symbol
    client_order_id: ClientOrderId | None
    venue_order_id: VenueOrderId | None
    is_algo: bool


class AmendOrder(msgspec.Struct, frozen=True, kw_only=True):
    """New absolute values for a resting order; None leaves a value as it is."""

    ref: OrderRef
    qty: Decimal | None
    price: Decimal | None
    trigger: Decimal | None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one request.

    Args:
        code: the venue's code, or our own word (`not_sent`, `timeout`).
        unmapped: nobody has judged this code yet; it counts as unknown and somebody should.
    """

    kind: OutcomeClass
    code: str
    message: str
    venue_order_id: VenueOrderId | None = None
    unmapped: bool = False


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a look-up by id: a report and its fills, or `report=None`: a healthy answer that it is absent."""

    report: VenueReport | None
    fills: list[Fill]


class Searched(msgspec.Struct, frozen=True, kw_only=True):
    """One complete healthy round of looking for one order; a part that failed raises instead of finding nothing.

    Args:
        report: as some list or look-up shows it, None where none does.
        fills: of the order, by either of its ids.
        held: signed quantity the venue holds in the order's symbol, both legs together.
        healthy: the private stream is whole, so nothing can have been told and missed.
        clock_offset_ms: of the venue's clock against ours.
    """

    report: VenueReport | None
    fills: list[Fill]
    held: Decimal
    healthy: bool
    clock_offset_ms: int


class VenuePosition(msgspec.Struct, frozen=True, kw_only=True):
    """One leg as the venue holds it; `qty` signed. In net mode `position_side` follows the sign."""

    symbol: Symbol
    position_side: PositionSide
    qty: Decimal
    average_price: Decimal
    mark: Decimal
    liquidation_price: Decimal | None


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Cash of one currency, without unrealised profit."""

    asset: str
    cash: Decimal
    available: Decimal


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the venue's own ledger; `kind` is trade, funding, transfer, liquidation or other."""

    bill_id: str
    kind: str
    asset: str
    amount: Decimal
    symbol: Symbol | None
    at: datetime


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who the venue says we are, read before anything is traded.

    Args:
        ip_bound: the keys work from listed addresses only; None where the venue does not tell.
        keys_end_at: when the venue ends the keys by itself.
    """

    exchange_uid: str
    position_mode: str
    account_level: str
    permissions: tuple[str, ...]
    clock_offset_ms: int
    ip_bound: bool | None = None
    keys_end_at: datetime | None = None


class AccountSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A complete healthy reading of one account; a part that failed raises instead of being empty.

    Args:
        open_orders: plain orders and every kind of stop.
        ended_orders: what ended since the instant asked for, so that the child of a stop is known by its parent.
        stretch: of the private stream when the reading began: all that changes later is told within it.
    """

    account_id: AccountId
    venue: Venue
    identity: Identity
    open_orders: list[VenueReport]
    ended_orders: list[VenueReport]
    positions: list[VenuePosition]
    balances: list[Balance]
    fills: list[Fill]
    bills: list[Bill]
    taken_at: datetime
    stretch: str = ""


class StreamStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far the private stream of one account has been read, and how its venue treats us.

    Args:
        hindered: what keeps it from opening anything, as last reviewed: cause (or symbol and cause) and sentence.
        clock_offset_ms: the venue's clock minus ours, as last measured.
        requests: of this process to the venue by fate and lane ("shed entry").
        closed: windows of requests the venue has said no for, with the seconds left.
    """

    frames: dict[str, int]
    healthy: bool
    hindered: dict[str, str] = {}
    clock_offset_ms: int = 0
    requests: dict[str, int] = {}
    closed: list[str] = []


class Exchange(Protocol):
    """Asks users for sealed credentials; nobody else sees them opened."""

    @repeatable
    async def connect(self, account_id: AccountId) -> Identity:
        """Open the account and its private stream; returns once reports flow."""
        ...

    @safe
    async def instrument(self, venue: Venue, symbol: Symbol) -> Instrument:
        """The rules in force, or NotFound."""
        ...

    @repeatable
    async def set_leverage(self, account_id: AccountId, symbol: Symbol, leverage: int, margin_mode: str) -> int:
        """Set and read back; returns what is in force."""
        ...

    @once
    async def place(self, request: PlaceOrder) -> Outcome:
        """Send once. A second call with the same client order id is Conflict `already_sent`."""
        ...

    @once
    async def place_batch(self, requests: list[PlaceOrder]) -> list[Outcome]:
        """Send orders of one account and symbol, that all open or all reduce; in one request where the venue takes it.

        Each is judged by itself. One whose id was used before is UNKNOWN `already_sent`; the others go.

        Args:
            requests: at most 20, none that waits at a trigger.
        """
        ...

    @repeatable
    async def cancel(self, ref: OrderRef) -> Outcome:
        """Ask for the end of an order; GONE says look at order and fills before concluding."""
        ...

    @once
    async def amend(self, request: AmendOrder) -> Outcome:
        """Change a resting order in place."""
        ...

    @safe
    async def find(self, ref: OrderRef) -> Found:
        """One healthy look-up by id, in live and ended orders, with fills; Unavailable if it could not be read."""
        ...

    @safe
    async def search(self, ref: OrderRef, since: datetime) -> Searched:
        """One round of an absence proof: by id, open lists, history, fills, positions and a control read; or raises.

        Args:
            since: our time, before the order can have reached the venue.
        """
        ...

    @safe
    async def snapshot(self, account_id: AccountId, since: datetime | None) -> AccountSnapshot:
        """Everything open, and what ended, filled or was billed since an instant of venue time (None: no history)."""
        ...

    @safe
    async def stream_status(self, account_id: AccountId) -> StreamStatus:
        """Progress of the private stream."""
        ...
