"""Intent, order, fill: what we decided, what we asked the venue, and what the venue says happened.

An order is three independent facts instead of one big enum: `status` (what the venue confirmed), `requests` (what we
asked and how each attempt resolved) and `fills` (the money truth). Each is joined upward only, so reports that come
late, twice or in another order converge: `merge` is idempotent, commutative and associative.
"""

from datetime import datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Final

import msgspec

from tradingboost.core.errors import BrokenInvariant
from tradingboost.core.ids import AccountId, ClientOrderId, IntentKey, RunId, Symbol, UserId, Venue, VenueOrderId
from tradingboost.core.money import ZERO


class Side(StrEnum):
    """Direction of an order."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for buy, -1 for sell."""
        return 1 if self is Side.BUY else -1


class PositionSide(StrEnum):
    """The leg an order opens or reduces. In net mode the venue keeps one signed row; we still say which leg we mean."""

    LONG = "long"
    SHORT = "short"

    @property
    def sign(self) -> int:
        """+1 for long, -1 for short."""
        return 1 if self is PositionSide.LONG else -1


class OrderType(StrEnum):
    """What we ask for. STOP is a reduce-only stop-market order at `trigger`, TAKE the same on the profitable side."""

    MARKET = "market"
    LIMIT = "limit"
    POST_ONLY = "post_only"
    STOP = "stop"
    TAKE = "take"

    @property
    def is_trigger(self) -> bool:
        """It waits at a trigger price, among the venue's conditional orders."""
        return self in (OrderType.STOP, OrderType.TAKE)


class Role(StrEnum):
    """What an order is for, as the sweepers and invariants see it."""

    OPENING = "opening"
    CLOSING = "closing"
    TAKE_PROFIT = "take_profit"
    STOP = "stop"


_HEDGE: Final = "hedge:"


def second_leg(slot: str) -> bool:
    """Whether a slot is of the leg that stands beside a run's main leg, on the other side."""
    return slot.startswith(_HEDGE)


def beside(slot: str, name: str) -> str:
    """The slot `name` of the leg that `slot` belongs to: the stop beside `hedge:entry:1` is `hedge:sl`."""
    return f"{_HEDGE}{name}" if second_leg(slot) else name


class OrderStatus(IntEnum):
    """What the venue has confirmed; a later fact may only raise it."""

    NEW = 0
    OPEN = 1
    REJECTED = 2
    EXPIRED = 3
    CANCELLED = 4
    TRIGGERED = 5
    FILLED = 6

    @property
    def ended(self) -> bool:
        """Nothing more is expected from the venue (evidence that still arrives is applied all the same)."""
        return self > OrderStatus.OPEN


class RequestKind(StrEnum):
    """One network attempt asks for one of these."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    AMEND = "amend"


class Resolution(IntEnum):
    """How one attempt ended, as far as we know; better knowledge may only raise it."""

    NONE = 0
    LOST = 1
    ABSENT = 2
    REFUSED = 3
    ACKED = 4


class OrderIntent(msgspec.Struct, frozen=True, kw_only=True):
    """A decision to open or reduce: who, which leg, which slot, and what it was based on.

    Args:
        qty: venue units (contracts on swaps, base on spot), on a lot.
        price: limit price on a tick, None for market, stop and take.
        trigger: of a stop or take; on an opening order the stop to attach.
        reference_price: the market price the decision was based on, None where it needed none.
        cause: `bar:<tf>:<close Z>`, `seq:<n>`, `api:<key>`, `saga:<id>:<step>:<n>`; part of the intent key.
        fresh_until: an opening intent is dropped after this.
    """

    user_id: UserId
    account_id: AccountId
    run_id: RunId
    venue: Venue
    symbol: Symbol
    slot: str
    side: Side
    position_side: PositionSide
    type: OrderType
    qty: Decimal
    price: Decimal | None = None
    trigger: Decimal | None = None
    reduce_only: bool = False
    reference_price: Decimal | None = None
    reason: str
    cause: str
    attempt: int = 0
    fresh_until: datetime | None = None
    settings_version: int = 0
    code_version: str = ""
    decision_id: str | None = None

    @property
    def key(self) -> IntentKey:
        """The canonical text: the same decision twice is the same intent."""
        parts = ("tb1", self.venue, self.account_id, self.run_id, self.symbol, self.slot, self.cause, str(self.attempt))
        return IntentKey("\x1f".join(parts))

    @property
    def role(self) -> Role:
        """What the order is for, told by slot and direction."""
        if self.type is OrderType.STOP:
            return Role.STOP
        if not self.reduce_only:
            return Role.OPENING
        return Role.TAKE_PROFIT if self.type is not OrderType.MARKET else Role.CLOSING


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """The money truth: one match at the venue. Unique by (venue, account, symbol, venue order, trade id).

    Args:
        fee: in `fee_currency`, with the venue's sign made ours: negative = charged.
        last: the market's last price when it happened, where the venue tells it.
    """

    venue: Venue
    account_id: AccountId
    symbol: Symbol
    venue_order_id: VenueOrderId
    trade_id: str
    client_order_id: ClientOrderId | None
    side: Side
    qty: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    is_maker: bool
    at: datetime
    pnl: Decimal = ZERO
    last: Decimal | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Unique inside one account and symbol."""
        return (self.venue_order_id, self.trade_id)


class Phase(StrEnum):
    """How the venue describes an order; an adapter never says "filled", fills do."""

    LIVE = "live"
    ENDED = "ended"
    TRIGGERED = "triggered"
    REJECTED = "rejected"


class VenueReport(msgspec.Struct, frozen=True, kw_only=True):
    """One normalised statement of the venue about one order.

    Args:
        parent_venue_order_id: the stop that made this order, if a stop did.
        qty, price, trigger: the venue's current values, not our wishes.
        reason: why it ended, in the venue's words.
    """

    venue: Venue
    account_id: AccountId
    symbol: Symbol
    venue_order_id: VenueOrderId
    client_order_id: ClientOrderId | None
    is_algo: bool
    phase: Phase
    side: Side
    position_side: PositionSide | None
    type: OrderType
    qty: Decimal
    price: Decimal | None
    trigger: Decimal | None
    reduce_only: bool
    cum_filled: Decimal
    created_at: datetime
    updated_at: datetime
    parent_venue_order_id: VenueOrderId | None = None
    parent_client_order_id: ClientOrderId | None = None
    reason: str = ""

    @property
    def rank(self) -> tuple[datetime, Decimal, str]:
        """Which of two reports holds the newer values; total, so every order of arrival picks the same one."""
        return (self.updated_at, self.cum_filled, msgspec.json.encode(self).decode())


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The join of everything known about one order.

    Args:
        qty: what was asked; the venue's own figure in `values` wins where present.
        requests: resolution by request id.
        fills: by `Fill.key`.
        values: the newest report.
    """

    qty: Decimal
    lot: Decimal
    status: OrderStatus = OrderStatus.NEW
    requests: dict[str, Resolution] = {}
    fills: dict[tuple[str, str], Fill] = {}
    cum_filled: Decimal = ZERO
    values: VenueReport | None = None

    @property
    def filled(self) -> Decimal:
        """Sum of the fills we hold."""
        return sum((fill.qty for fill in self.fills.values()), ZERO)

    @property
    def left(self) -> Decimal:
        """What may still fill."""
        return max(self.wanted - self.filled, ZERO)

    @property
    def wanted(self) -> Decimal:
        """The quantity in force: the venue's after an amendment, else ours."""
        return self.values.qty if self.values is not None and self.values.qty > 0 else self.qty

    @property
    def settling(self) -> bool:
        """The venue counted more than the fills we hold: fetch them."""
        return self.filled < self.cum_filled

    @property
    def overfilled(self) -> bool:
        """More was filled than was asked: every fill is kept, nothing is clipped, and somebody has to look."""
        return self.filled > self.wanted + self.lot

    @property
    def average_price(self) -> Decimal | None:
        """Quantity-weighted price of the fills."""
        filled = self.filled
        if filled == 0:
            return None
        return sum((fill.qty * fill.price for fill in self.fills.values()), ZERO) / filled


def merge_report(order: Order, report: VenueReport) -> Order:
    """Join one report. A refusal we read from a reply is a request resolution and never comes this way."""
    newest = order.values if order.values is not None and order.values.rank >= report.rank else report
    joined = msgspec.structs.replace(
        order,
        status=max(order.status, _status_of(report)),
        cum_filled=max(order.cum_filled, report.cum_filled),
        values=newest,
    )
    return _complete(joined)


def merge_fill(order: Order, fill: Fill) -> Order:
    """Join one fill; the same key twice changes nothing, the same key with other content is an alarm."""
    known = order.fills.get(fill.key)
    if known is not None:
        if (known.qty, known.price) != (fill.qty, fill.price):
            raise BrokenInvariant(
                "fill_changed",
                "The venue reported one trade with two contents; stop and compare.",
                trade_id=fill.trade_id,
            )
        return order
    return _complete(msgspec.structs.replace(order, fills={**order.fills, fill.key: fill}))


def resolve(order: Order, request_id: str, resolution: Resolution) -> Order:
    """Join what became of one network attempt."""
    best = max(order.requests.get(request_id, Resolution.NONE), resolution)
    return msgspec.structs.replace(order, requests={**order.requests, request_id: best})


def _status_of(report: VenueReport) -> OrderStatus:
    if report.phase is Phase.LIVE:
        return OrderStatus.OPEN
    if report.phase is Phase.TRIGGERED:
        return OrderStatus.TRIGGERED
    if report.phase is Phase.REJECTED:
        return OrderStatus.REJECTED
    if report.qty > 0 and report.cum_filled >= report.qty:
        return OrderStatus.OPEN  # complete by the venue's count; FILLED is said by the fills themselves
    return OrderStatus.CANCELLED


def _complete(order: Order) -> Order:
    filled = order.filled
    if filled > 0 and filled > order.wanted - order.lot:
        return msgspec.structs.replace(order, status=OrderStatus.FILLED, cum_filled=max(order.cum_filled, filled))
    return msgspec.structs.replace(order, cum_filled=max(order.cum_filled, filled))
