"""Private nouns: a stored order as an object, and the word a person reads for its state."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from tradingboost.core.ids import AccountId, ClientOrderId, OrderId, RunId, Symbol, UserId, Venue, VenueOrderId
from tradingboost.core.money import ZERO
from tradingboost.core.order import (
    Fill,
    Order,
    OrderIntent,
    OrderStatus,
    OrderType,
    PositionSide,
    Resolution,
    Role,
    Side,
    VenueReport,
)
from tradingboost.shared.interfaces.exchange import OrderRef
from tradingboost.shared.interfaces.orders import OrderView

NOT_OFFERED: Final = "unsupported_by_venue"
"""What the exchange says where a venue is not asked for such a thing."""


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of orders.orders (see `tables`)."""

    order_id: OrderId
    seq: int = 0
    intent_id: str | None
    origin: str
    parent_order_id: OrderId | None
    user_id: UserId
    account_id: AccountId
    run_id: RunId | None
    exchange: Venue
    symbol: Symbol
    slot: str
    role: Role
    side: Side
    position_side: PositionSide
    type: OrderType
    is_algo: bool
    reduce_only: bool
    qty: Decimal
    lot: Decimal
    contract_size: Decimal
    price: Decimal | None
    trigger: Decimal | None
    attached_stop: Decimal | None
    reference_price: Decimal | None
    reason: str
    cl_ord_id: ClientOrderId | None
    id_tag_valid: bool
    venue_order_id: VenueOrderId | None
    status: OrderStatus
    cum_filled: Decimal = ZERO
    avg_price: Decimal | None = None
    venue_values: dict[str, Any] | None = None
    parked_reason: str = ""
    created_at: datetime
    venue_created_at: datetime | None = None
    first_fill_at: datetime | None = None
    ended_at: datetime | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "OrderRow":
        """Read a row of the table."""
        typed = {
            **row,
            "role": Role(row["role"]),
            "side": Side(row["side"]),
            "position_side": PositionSide(row["position_side"]),
            "type": OrderType(row["type"]),
            "status": OrderStatus(row["status"]),
        }
        return cls(**typed)

    @property
    def ref(self) -> OrderRef:
        """How the venue knows it."""
        return OrderRef(
            account_id=self.account_id,
            symbol=self.symbol,
            client_order_id=self.cl_ord_id,
            venue_order_id=self.venue_order_id,
            is_algo=self.is_algo,
        )

    @property
    def live(self) -> bool:
        """It rests, or may rest, at the venue."""
        return self.ended_at is None and not self.status.ended

    @property
    def in_force(self) -> Decimal:
        """The quantity the venue keeps, which an amendment may have changed, else ours."""
        told = (self.venue_values or {}).get("qty")
        return Decimal(told) if told else self.qty

    def again(self, *, reason: str, cause: str) -> OrderIntent:
        """The wish for the same order under an id of its own; asked for twice with one cause it is one order."""
        assert self.run_id is not None
        return OrderIntent(
            user_id=self.user_id,
            account_id=self.account_id,
            run_id=self.run_id,
            venue=self.exchange,
            symbol=self.symbol,
            slot=self.slot,
            side=self.side,
            position_side=self.position_side,
            type=self.type,
            qty=self.qty,
            price=self.price,
            trigger=self.trigger,
            reduce_only=self.reduce_only,
            reason=reason,
            cause=cause,
        )

    def order(self, fills: Mapping[tuple[str, str], Fill]) -> Order:
        """The pure order to join evidence into."""
        values = msgspec.convert(self.venue_values, VenueReport) if self.venue_values else None
        return Order(
            qty=self.qty, lot=self.lot, status=self.status, fills=dict(fills), cum_filled=self.cum_filled, values=values
        )


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One network attempt, claimed before it is made.

    Args:
        expires_at: it is not sent after this instant.
        fence_token: of the account lease it was claimed under.
    """

    request_id: str
    sent_at: datetime
    expires_at: datetime
    fence_token: int


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """An order that may now be sent, exactly once.

    Args:
        attached: the stop that travels with it, which the promise `saga_id` is about.
        credential_version: of the keys it was decided under; older ones must not sign it.
    """

    row: OrderRow
    attached: OrderRow | None
    attempt: Attempt
    saga_id: str = ""
    credential_version: int = 0


def derived_state(row: OrderRow, submit: Resolution | None, deny_code: str, filled: Decimal) -> str:
    """The word of orders.md section 3 for the three facts.

    Args:
        submit: resolution of the submit request, None if nothing was sent.
    """
    if row.parked_reason:
        return "PARKED"
    if row.status is OrderStatus.OPEN:
        return "PARTIAL" if filled else "OPEN"
    if row.status is not OrderStatus.NEW:
        return row.status.name
    if deny_code:
        return "DENIED"
    if submit is None:
        if row.origin == "ATTACHED":
            return "ATTACHED" if row.ended_at is None else "NOT_PLACED"
        return "INTENT"
    named = {Resolution.LOST: "UNKNOWN", Resolution.ABSENT: "NOT_PLACED", Resolution.REFUSED: "REJECTED"}
    return named.get(submit, "SUBMITTING")


def view(row: OrderRow, submit: Resolution | None, deny_code: str) -> OrderView:
    """The public picture of a stored order."""
    return OrderView(
        order_id=row.order_id,
        client_order_id=row.cl_ord_id or ClientOrderId(""),
        venue_order_id=row.venue_order_id,
        user_id=row.user_id,
        account_id=row.account_id,
        run_id=row.run_id,
        venue=row.exchange,
        symbol=row.symbol,
        slot=row.slot,
        side=row.side,
        position_side=row.position_side,
        type=row.type,
        qty=row.qty,
        price=row.price,
        trigger=row.trigger,
        reduce_only=row.reduce_only,
        state=derived_state(row, submit, deny_code, row.cum_filled),
        filled=row.cum_filled,
        average_price=row.avg_price,
        deny_code=deny_code,
        reason=row.reason,
        created_at=row.created_at,
    )
