"""Intents and orders."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Select, Text, and_, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, OrderId, RunId, Symbol, UserId, VenueOrderId
from tradingboost.core.money import ZERO
from tradingboost.core.order import OrderIntent, OrderStatus, PositionSide, RequestKind, Resolution, Role
from tradingboost.kit.hot import Hot
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import OrderRow, view
from tradingboost.services.orders.repository.keys import KEYS, KEYS_NOW
from tradingboost.shared.interfaces.exchange import AmendOrder
from tradingboost.shared.interfaces.orders import OrderView

_INTENT_FIELDS = (
    "user_id",
    "account_id",
    "run_id",
    "symbol",
    "slot",
    "cause",
    "reduce_only",
    "reason",
    "decision_id",
    "settings_version",
    "code_version",
    "fresh_until",
)
_MOST_LIVE = 50_000
_O = t.orders.c
_LIVE = and_(_O.ended_at.is_(None), _O.status <= OrderStatus.OPEN)
_BY_ID = Hot(select(t.orders).where(_O.order_id == bindparam("of_order")))
_LOCK_BY_ID = Hot(select(t.orders).where(_O.order_id == bindparam("of_order")).with_for_update())
_OF_INTENTS = tuple(column for column in t.intents.c if column.name not in KEYS)
_ADD_INTENT = Hot(
    upsert(t.intents)
    .from_select(
        [*(column.name for column in _OF_INTENTS), *KEYS],
        select(*(bindparam(column.name, type_=column.type) for column in _OF_INTENTS), *KEYS_NOW),
    )
    .on_conflict_do_nothing(index_elements=[t.intents.c.intent_key])
    .returning(t.intents.c.intent_id)
)
_ADD = Hot(insert(t.orders).inline(), *(column.name for column in t.orders.c if column.name != "seq"))
_ADOPT = Hot(
    upsert(t.orders).on_conflict_do_nothing().returning(_O.order_id),
    *(column.name for column in t.orders.c if column.name != "seq"),
)
_OF_INTENT = Hot(
    select(t.orders, t.requests.c.resolution, t.intents.c.deny_code)
    .outerjoin(
        t.requests,
        and_(t.requests.c.order_id == _O.order_id, t.requests.c.kind == bindparam("sent", RequestKind.SUBMIT)),
    )
    .join(t.intents, t.intents.c.intent_id == _O.intent_id)
    .where(t.intents.c.intent_key == bindparam("of_key"))
)
LIVE_NOTIONAL = select(
    func.coalesce(
        func.sum((_O.qty - _O.cum_filled) * _O.contract_size * func.coalesce(_O.price, _O.reference_price, 0)), ZERO
    )
).where(_O.account_id == bindparam("account", type_=Text), _O.reduce_only.is_(False), _LIVE)
"""Notional of every live opening order of an account, UNKNOWN included, as if filled."""
OPENINGS_MADE = select(func.count()).where(
    _O.run_id == bindparam("run", type_=Text), _O.created_at >= bindparam("since"), _O.reduce_only.is_(False)
)
"""Openings a run made lately."""


def as_json(value: object) -> Any:
    """Plain JSON values with decimals and times as text."""
    return msgspec.to_builtins(value, builtin_types=())


async def insert_intent(
    db: AsyncConnection, intent_id: str, intent: OrderIntent, deny_code: str, now: datetime
) -> bool:
    """Store a decision; False when the same key is already there."""
    values = {
        "intent_id": intent_id,
        "intent_key": intent.key,
        "state": "DENIED" if deny_code else "RECORDED",
        "deny_code": deny_code,
        "recorded_at": now,
    }
    values |= {name: getattr(intent, name) for name in _INTENT_FIELDS}
    return await _ADD_INTENT.first(db, **values) is not None


async def insert_order(db: AsyncConnection, row: OrderRow) -> None:
    """Store a new order."""
    await _ADD.rows(db, **{name: getattr(row, name) for name in row.__struct_fields__})


async def adopt_order(db: AsyncConnection, row: OrderRow) -> bool:
    """Store an order heard of at the venue; False when somebody heard of it at the same moment."""
    return await _ADOPT.first(db, **{name: getattr(row, name) for name in row.__struct_fields__}) is not None


async def view_of_intent(db: AsyncConnection, intent_key: str) -> OrderView:
    """What became of an intent that is known to exist."""
    (row,) = await _OF_INTENT.rows(db, of_key=intent_key)
    return _view(row)


async def order_by_id(db: AsyncConnection, order_id: OrderId, lock: bool = False) -> OrderRow:
    """One order that is known to exist."""
    (row,) = await (_LOCK_BY_ID if lock else _BY_ID).rows(db, of_order=order_id)
    return OrderRow.of(row)


async def known_venue_ids(
    db: AsyncConnection, account_id: AccountId, venue_order_ids: set[VenueOrderId]
) -> set[VenueOrderId]:
    """Those of the venue's ids that have a row."""
    o = t.orders.c
    statement = select(o.venue_order_id).where(o.account_id == account_id, o.venue_order_id.in_(venue_order_ids))
    return {VenueOrderId(found) for found in (await db.execute(statement)).scalars()}


async def live_in_slot(db: AsyncConnection, run_id: RunId, slot: str, *, resting: bool = False) -> OrderRow | None:
    """The order that rests (or may rest, unless it must be `resting`) in a slot; of several the newest counts."""
    o = t.orders.c
    live = o.status == OrderStatus.OPEN if resting else o.status <= OrderStatus.OPEN
    statement = (
        select(t.orders)
        .where(o.run_id == run_id, o.slot == slot, o.ended_at.is_(None), live)
        .order_by(o.seq.desc())
        .limit(1)
    )
    row = (await db.execute(statement)).first()
    return None if row is None else OrderRow.of(dict(row._mapping))


async def replaced(db: AsyncConnection, row: OrderRow) -> bool:
    """Whether a younger order rests (or may rest) in the same slot."""
    younger = None if row.run_id is None else await live_in_slot(db, row.run_id, row.slot)
    return younger is not None and younger.seq > row.seq


async def live_orders(db: AsyncConnection, account_id: AccountId) -> list[OrderRow]:
    """Everything of an account that rests or may rest at the venue, oldest first."""
    o = t.orders.c
    where = and_(o.account_id == account_id, o.ended_at.is_(None), o.status <= OrderStatus.OPEN)
    rows = await db.execute(select(t.orders).where(where).order_by(o.seq))
    return [OrderRow.of(dict(row._mapping)) for row in rows]


async def live_orders_of(db: AsyncConnection, accounts: Sequence[AccountId]) -> list[OrderRow]:
    """Everything of ours that rests or may rest, of several accounts, oldest first."""
    statement = select(t.orders).where(_O.account_id.in_(accounts), _LIVE, _O.origin != "EXTERNAL")
    rows = await db.execute(statement.order_by(_O.seq).limit(_MOST_LIVE))
    return [OrderRow.of(dict(row._mapping)) for row in rows]


async def live_stops(db: AsyncConnection, account_id: AccountId) -> list[OrderRow]:
    """Stops of ours that rest at the venue, as far as we know."""
    where = (_O.account_id == account_id, _O.role == Role.STOP, _O.status == OrderStatus.OPEN, _O.ended_at.is_(None))
    rows = await db.execute(select(t.orders).where(*where, _O.origin != "EXTERNAL").order_by(_O.seq))
    return [OrderRow.of(dict(row._mapping)) for row in rows]


async def vanished_stop(db: AsyncConnection, leg: tuple[AccountId, Symbol, PositionSide]) -> OrderRow | None:
    """The newest stop of a leg, if it rested, ended without firing, and nobody of us had asked for its end."""
    r = t.requests.c
    of_leg = (_O.account_id == leg[0], _O.symbol == leg[1], _O.position_side == leg[2], _O.role == Role.STOP)
    statement = select(t.orders).where(*of_leg, _O.origin != "EXTERNAL").order_by(_O.seq.desc()).limit(1)
    row = (await db.execute(statement)).first()
    found = None if row is None else OrderRow.of(dict(row._mapping))
    if found is None or found.ended_at is None or found.venue_order_id is None:
        return None
    if found.status in (OrderStatus.TRIGGERED, OrderStatus.FILLED):
        return None
    asked = select(r.request_id).where(r.order_id == found.order_id, r.kind == RequestKind.CANCEL).limit(1)
    return found if (await db.execute(asked)).first() is None else None


async def attached_of(db: AsyncConnection, parent: OrderId) -> OrderRow | None:
    """The stop that travels with an entry, locked."""
    o = t.orders.c
    statement = select(t.orders).where(o.parent_order_id == parent, o.origin == "ATTACHED").with_for_update()
    row = (await db.execute(statement)).first()
    return None if row is None else OrderRow.of(dict(row._mapping))


async def update_order(db: AsyncConnection, order_id: OrderId, **values: object) -> None:
    """Change columns of an order."""
    await db.execute(update(t.orders).where(t.orders.c.order_id == order_id).values(**values))


async def set_wish(db: AsyncConnection, order_id: OrderId, wish: AmendOrder) -> None:
    """The venue took an amendment: this is what we want of the order now."""
    wanted = {"qty": wish.qty, "price": wish.price, "trigger": wish.trigger}
    await update_order(db, order_id, **{name: value for name, value in wanted.items() if value is not None})


async def views(db: AsyncConnection, where: Any, limit: int) -> list[OrderView]:
    """Public pictures of orders, newest first."""
    statement: Select[Any] = (
        select(t.orders, t.requests.c.resolution, t.intents.c.deny_code)
        .outerjoin(
            t.requests, and_(t.requests.c.order_id == t.orders.c.order_id, t.requests.c.kind == RequestKind.SUBMIT)
        )
        .outerjoin(t.intents, t.intents.c.intent_id == t.orders.c.intent_id)
        .where(where)
        .order_by(t.orders.c.seq.desc())
        .limit(limit)
    )
    return [_view(row._mapping) for row in await db.execute(statement)]


def _view(row: Mapping[str, Any]) -> OrderView:
    fields = dict(row)
    resolution, deny_code = fields.pop("resolution"), fields.pop("deny_code")
    submit = None if resolution is None else Resolution(resolution)
    return view(OrderRow.of(fields), submit, deny_code or "")


async def waiting_notional(
    db: AsyncConnection, *, run_id: RunId | None = None, user_id: UserId | None = None
) -> Decimal:
    """Notional of the live openings of a run, of a person, or of everybody, UNKNOWN included, as if filled."""
    left = (_O.qty - _O.cum_filled) * _O.contract_size * func.coalesce(_O.price, _O.reference_price, 0)
    where = [_O.reduce_only.is_(False), _LIVE]
    where += [_O.run_id == run_id] if run_id is not None else []
    where += [_O.user_id == user_id] if user_id is not None else []
    found = await db.execute(select(func.coalesce(func.sum(left), ZERO)).where(*where))
    return Decimal(found.scalar_one())


async def orphans(db: AsyncConnection, before: datetime) -> list[OrderRow]:
    """Live children of ours, old enough to be looked at."""
    o = t.orders.c
    where = and_(
        o.role.in_(["stop", "take_profit"]),
        o.status == OrderStatus.OPEN,
        o.ended_at.is_(None),
        o.created_at < before,
        o.origin != "EXTERNAL",
    )
    rows = await db.execute(select(t.orders).where(where).limit(500))
    return [OrderRow.of(dict(row._mapping)) for row in rows]
