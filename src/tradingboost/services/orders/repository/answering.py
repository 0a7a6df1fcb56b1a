"""What the venue's yes changes, in one statement: the attempts, the orders and the facts that tell of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ARRAY, Text, and_, any_, bindparam, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import OrderId
from tradingboost.core.order import OrderStatus, Resolution
from tradingboost.kit.db import UtcDateTime
from tradingboost.kit.emissions import emissions, events_of
from tradingboost.kit.given import given, listed
from tradingboost.kit.hot import Hot
from tradingboost.kit.outbox import announce
from tradingboost.kit.tables import aggregates
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import OrderRow

_O, _R = t.orders.c, t.requests.c
_AS_ASKED: Final = ("qty", "price", "trigger", "cum_filled")
_ANSWERED = (_R.request_id, _R.outcome)
_AT = bindparam("at", type_=UtcDateTime)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The venue has taken an order.

    Args:
        opened: the order as it is with the answer.
        outcome: class of what became of the request.
        event: the fact as `outbox.event_values` gives it.
    """

    opened: OrderRow
    request_id: str
    outcome: str
    event: dict[str, Any]


def _acked(where: Any, outcome: Any) -> Any:
    """Attempts that the venue has answered with yes."""
    return (
        update(t.requests)
        .where(where, _R.resolution <= Resolution.ACKED)
        .values(resolution=Resolution.ACKED, outcome=outcome, code="", message="", resolved_at=_AT, next_look_at=None)
        .cte("acked")
    )


def _taking() -> Hot:
    """Opens what nobody else has touched or is at just now.

    The counter of the events is locked first and a locked order is passed over, so this waits for nobody while it holds
    what somebody waits for. Ids stand beside the rows, for the planner knows nothing of rows in a value and would read
    a whole table for them.
    """
    answers = given("answers", *(_O[name] for name in ("order_id", "venue_order_id", *_AS_ASKED)), *_ANSWERED)
    counter = select(func.count().label("n")).select_from(
        select(aggregates.c.seq)
        .where(aggregates.c.aggregate == bindparam("aggregate", type_=Text))
        .with_for_update()
        .cte("counter")
    )
    unchanged = (_O[name].is_not_distinct_from(answers.c[name]) for name in _AS_ASKED)
    free = (
        select(_O.order_id, answers.c.venue_order_id)
        .select_from(
            t.orders.join(answers, answers.c.order_id == _O.order_id).join(counter.subquery("counted"), true())
        )
        .where(_O.order_id == any_(bindparam("orders", type_=ARRAY(Text))), _O.status == OrderStatus.NEW, *unchanged)
        .order_by(_O.order_id)
        .with_for_update(of=t.orders, skip_locked=True)
        .cte("free")
    )
    opened = (
        update(t.orders)
        .where(_O.order_id == free.c.order_id)
        .values(status=OrderStatus.OPEN, venue_order_id=free.c.venue_order_id)
        .returning(_O.order_id)
        .cte("opened")
    )
    told = select(opened.c.order_id.label("subject")).cte("told")
    named = _R.request_id == any_(bindparam("requests", type_=ARRAY(Text)))
    acked = _acked(and_(named, _R.request_id == answers.c.request_id), answers.c.outcome)
    return Hot(select(opened.c.order_id).add_cte(acked, emissions(told)))


_TAKEN = _taking()
_ONE_ACKED = _acked(_R.request_id == bindparam("of_request"), bindparam("to_outcome", type_=Text))
_LOCK_ACKED = Hot(select(t.orders).where(_O.order_id == bindparam("of_order")).with_for_update().add_cte(_ONE_ACKED))
_OPEN = Hot(update(t.orders).where(_O.order_id == bindparam("of_order")), "status", "venue_order_id")


async def taken(db: AsyncConnection, answers: Sequence[Answer], now: datetime) -> frozenset[OrderId]:
    """The venue has taken orders of one symbol: note it, open them and tell.

    Returns:
        Those that are open now; of the others, which have moved on since, it is noted only.
    """
    rows = [
        {
            **{name: getattr(one.opened, name) for name in ("order_id", "venue_order_id", *_AS_ASKED)},
            "request_id": one.request_id,
            "outcome": one.outcome,
        }
        for one in answers
    ]
    events = events_of((one.opened.order_id, one.event) for one in answers)
    aggregate = answers[0].event["aggregate"]
    ids = {"orders": [row["order_id"] for row in rows], "requests": [row["request_id"] for row in rows]}
    found = await _TAKEN.rows(db, answers=listed(rows), events=events, aggregate=aggregate, at=now, **ids)
    if found:
        announce(db)
    return frozenset(OrderId(one["order_id"]) for one in found)


async def acknowledged(db: AsyncConnection, order_id: OrderId, answer: tuple[str, str], now: datetime) -> OrderRow:
    """The venue has taken it: raise what became of the attempt, and give the order, locked; `answer` = (id, class)."""
    (row,) = await _LOCK_ACKED.rows(db, of_order=order_id, of_request=answer[0], to_outcome=answer[1], at=now)
    return OrderRow.of(row)


async def open_order(db: AsyncConnection, row: OrderRow) -> None:
    """It rests, as the venue's reply says."""
    await _OPEN.rows(db, of_order=row.order_id, status=OrderStatus.OPEN, venue_order_id=row.venue_order_id)
