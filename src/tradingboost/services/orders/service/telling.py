"""How `orders` tells the world: one place that turns a stored order into facts."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, Symbol, UserId
from tradingboost.core.money import ZERO
from tradingboost.core.order import Fill, Order, OrderType, Side
from tradingboost.kit import outbox
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.models import OrderRow
from tradingboost.shared.events.envelope import Payload
from tradingboost.shared.events.orders import (
    AlertRaised,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    ProtectionPlaced,
)


async def tell(db: AsyncConnection, row: OrderRow, payload: Payload) -> None:
    """Emit a fact about an order in the transaction that made it true."""
    await outbox.store(db, _fact(row, payload))


def _fact(row: OrderRow, payload: Payload) -> dict[str, Any]:
    return outbox.event_values(
        payload,
        key=f"{row.user_id}:{row.exchange}:{row.symbol}",
        aggregate=f"orders:{row.account_id}:{row.symbol}",
        user_id=row.user_id,
    )


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """What a person must look at.

    Args:
        subject_id: what it is about; one alarm a subject and kind.
        symbol: None where it is about the whole account.
    """

    subject_id: str
    kind: str
    message: str
    account_id: AccountId
    user_id: UserId
    symbol: Symbol | None = None

    @classmethod
    def of(cls, row: OrderRow, kind: str, message: str) -> "Alarm":
        """About one order."""
        return cls(
            subject_id=row.order_id,
            kind=kind,
            message=message,
            account_id=row.account_id,
            user_id=row.user_id,
            symbol=row.symbol,
        )


async def alarm(db: AsyncConnection, alert_id: str, one: Alarm, now: datetime) -> bool:
    """Store and tell, once a subject and kind; False when it was told before."""
    if not await store.raise_alert(db, (alert_id, one.account_id), (one.subject_id, one.kind, one.message), now):
        return False
    payload = AlertRaised(
        alert_id=alert_id,
        kind=one.kind,
        message=one.message,
        account_id=one.account_id,
        user_id=one.user_id,
        symbol=one.symbol,
        at=now,
    )
    key = f"{one.user_id}:{one.account_id}"
    await outbox.emit(db, payload, key=key, aggregate=f"orders:{one.account_id}:alerts", user_id=one.user_id)
    return True


def _common(row: OrderRow, left: Decimal, at: datetime, reason: str) -> dict[str, Any]:
    return {
        "order_id": row.order_id,
        "client_order_id": row.cl_ord_id,
        "user_id": row.user_id,
        "account_id": row.account_id,
        "run_id": row.run_id,
        "exchange": row.exchange,
        "symbol": row.symbol,
        "slot": row.slot,
        "role": row.role,
        "side": row.side,
        "position_side": row.position_side,
        "qty": row.qty,
        "left": left,
        "at": at,
        "reason": reason,
    }


async def tell_accepted(db: AsyncConnection, row: OrderRow, order: Order, at: datetime) -> None:
    """It rests, or its values changed there."""
    await tell(db, row, _accepted(row, order, at))


# The same and others as parts of the statements that make them true (`kit.emissions`).


def accepted(row: OrderRow, order: Order, at: datetime) -> dict[str, Any]:
    """It rests, or its values changed there."""
    return _fact(row, _accepted(row, order, at))


def rejected(row: OrderRow, at: datetime, code: str, reason: str) -> dict[str, Any]:
    """It certainly does not rest."""
    return _fact(row, OrderRejected(**_common(row, row.qty, at, reason), code=code))


def ended(row: OrderRow, order: Order, at: datetime, *, expired: bool = False) -> dict[str, Any]:
    """The venue ended it."""
    reason = order.values.reason if order.values is not None else ""
    event = OrderExpired if expired else OrderCancelled
    return _fact(row, event(**_common(row, order.left, at, reason)))


def _accepted(row: OrderRow, order: Order, at: datetime) -> OrderAccepted:
    values = order.values
    price = values.price if values is not None else row.price
    trigger = values.trigger if values is not None else row.trigger
    return OrderAccepted(**_common(row, order.left, at, row.reason), price=price, trigger=trigger)


async def tell_rejected(db: AsyncConnection, row: OrderRow, at: datetime, code: str, reason: str) -> None:
    """It certainly does not rest."""
    await outbox.store(db, rejected(row, at, code, reason))


async def tell_denied(db: AsyncConnection, row: OrderRow, at: datetime, code: str) -> None:
    """Our own check said no; nothing was sent."""
    common = _common(row, row.qty, at, f"denied before it was sent: {code}")
    await tell(db, row, OrderRejected(**common, code=code, denied=True))


def filled(row: OrderRow, fill: Fill, fill_id: str, sums: tuple[Decimal, Decimal]) -> dict[str, Any]:
    """One match; `sums` = (cumulative, left) after it."""
    payload = OrderFilled(
        **_common(row, sums[1], fill.at, row.reason),
        event_type="order.filled",
        fill_id=fill_id,
        filled_qty=fill.qty,
        fill_price=fill.price,
        contract_size=row.contract_size,
        commission=fill.fee,
        fee_currency=fill.fee_currency,
        liquidity="maker" if fill.is_maker else "taker",
        cumulative_qty=sums[0],
        last_price=fill.last,
        timestamp=fill.at,
        venue_order_id=fill.venue_order_id,
        trade_id=fill.trade_id,
    )
    return _fact(row, payload)


def covers(row: OrderRow) -> bool:
    """Whether it covers anything while it rests."""
    return row.type is OrderType.STOP and row.is_algo


async def tell_protection(db: AsyncConnection, row: OrderRow) -> None:
    """How much of the leg its resting stops cover together now, and where the newest of them stands."""
    if not covers(row):
        return
    resting = await store.resting_stops(db, (row.account_id, row.symbol))
    of_leg = [stop for stop in resting if stop.position_side is row.position_side]
    if not of_leg:
        await _tell_covered(db, row, None, ZERO)
        return
    newest = of_leg[-1]
    trigger = (newest.venue_values or {}).get("trigger")
    price = Decimal(trigger) if trigger else newest.trigger
    await _tell_covered(db, newest, price, sum((stop.in_force for stop in of_leg), ZERO))


async def tell_uncovered(db: AsyncConnection, row: OrderRow) -> None:
    """A stop is not at the venue any more, although the venue never said so; others of the leg still count."""
    await tell_protection(db, row)


async def _tell_covered(db: AsyncConnection, row: OrderRow, stop_price: Decimal | None, covered_qty: Decimal) -> None:
    payload = ProtectionPlaced(
        user_id=row.user_id,
        account_id=row.account_id,
        exchange=row.exchange,
        symbol=row.symbol,
        position_side=row.position_side,
        order_id=row.order_id,
        stop_price=stop_price,
        covered_qty=covered_qty,
    )
    await tell(db, row, payload)


def opposite(side: Side) -> Side:
    """The other direction."""
    return Side.SELL if side is Side.BUY else Side.BUY
