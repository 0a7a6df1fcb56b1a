"""What the venue's yes changes, in one statement: the attempt, the order and the fact that tells of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Text, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import OrderId
from tradingboost.core.order import OrderStatus, Resolution
from tradingboost.kit.db import UtcDateTime
from tradingboost.kit.hot import Hot
from tradingboost.kit.outbox import announce, emission
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import OrderRow

_O, _R = t.orders.c, t.requests.c
_AS_ASKED = ("qty", "price", "trigger", "cum_filled")
_ACKED = (
    update(t.requests)
    .where(_R.request_id == bindparam("of_request"), _R.resolution <= Resolution.ACKED)
    .values(
        resolution=Resolution.ACKED,
        outcome=bindparam("to_outcome", type_=Text),
        code="",
        message="",
        resolved_at=bindparam("at", type_=UtcDateTime),
        next_look_at=None,
    )
    .cte("acked")
)
# Nobody was faster, and nothing of the order is other than it was sent; looked at again if somebody is at it just now.
_OPENED = (
    update(t.orders)
    .where(_O.order_id == bindparam("of_order"), _O.status == OrderStatus.NEW)
    .where(*(_O[name].is_not_distinct_from(bindparam(f"as_{name}", type_=_O[name].type)) for name in _AS_ASKED))
    .values(status=OrderStatus.OPEN, venue_order_id=bindparam("known_as", type_=Text))
    .returning(_O.order_id)
    .cte("opened")
)
_TAKEN = Hot(select(_OPENED.c.order_id).add_cte(_ACKED, emission(_OPENED)))
_LOCK_ACKED = Hot(select(t.orders).where(_O.order_id == bindparam("of_order")).with_for_update().add_cte(_ACKED))
_OPEN = Hot(update(t.orders).where(_O.order_id == bindparam("of_order")), "status", "venue_order_id")


async def taken(
    db: AsyncConnection, opened: OrderRow, answer: tuple[str, str], event: dict[str, Any], now: datetime
) -> bool:
    """The venue has taken an order: note it, open it and tell; False (noted only) when the order has moved on since.

    Args:
        opened: as it is with the answer.
        answer: id of the request, class of its outcome.
        event: the fact as `outbox.event_values` gives it.
    """
    values = {f"as_{name}": getattr(opened, name) for name in _AS_ASKED}
    told = await _TAKEN.first(
        db,
        of_order=opened.order_id,
        known_as=opened.venue_order_id,
        of_request=answer[0],
        to_outcome=answer[1],
        at=now,
        **values,
        **event,
    )
    if told is None:
        return False
    announce(db)
    return True


async def acknowledged(db: AsyncConnection, order_id: OrderId, answer: tuple[str, str], now: datetime) -> OrderRow:
    """The venue has taken it: raise what became of the attempt, and give the order, locked; `answer` as above."""
    (row,) = await _LOCK_ACKED.rows(db, of_order=order_id, of_request=answer[0], to_outcome=answer[1], at=now)
    return OrderRow.of(row)


async def open_order(db: AsyncConnection, row: OrderRow) -> None:
    """It rests, as the venue's reply says."""
    await _OPEN.rows(db, of_order=row.order_id, status=OrderStatus.OPEN, venue_order_id=row.venue_order_id)
