"""Intents and orders."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Select, and_, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, ClientOrderId, OrderId, RunId, Venue, VenueOrderId
from tradingboost.core.money import ZERO
from tradingboost.core.order import OrderIntent, OrderStatus, RequestKind, Resolution
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import OrderRow, view
from tradingboost.shared.interfaces.exchange import AmendOrder
from tradingboost.shared.interfaces.orders import OrderView


def as_json(value: object) -> Any:
    """Plain JSON values with decimals and times as text."""
    return msgspec.to_builtins(value, builtin_types=())


async def insert_intent(
    db: AsyncConnection, intent_id: str, intent: OrderIntent, deny_code: str, now: datetime
) -> bool:
    """Store a decision; False when the same key is already there."""
    statement = (
        upsert(t.intents)
        .values(
            intent_id=intent_id,
            intent_key=intent.key,
            user_id=intent.user_id,
            account_id=intent.account_id,
            run_id=intent.run_id,
            symbol=intent.symbol,
            slot=intent.slot,
            cause=intent.cause,
            reduce_only=intent.reduce_only,
            reason=intent.reason,
            state="DENIED" if deny_code else "RECORDED",
            deny_code=deny_code,
            decision_id=intent.decision_id,
            settings_version=intent.settings_version,
            code_version=intent.code_version,
            fresh_until=intent.fresh_until,
            recorded_at=now,
        )
        .on_conflict_do_nothing(index_elements=[t.intents.c.intent_key])
        .returning(t.intents.c.intent_id)
    )
    return (await db.execute(statement)).first() is not None


async def insert_order(db: AsyncConnection, row: OrderRow) -> None:
    """Store a new order."""
    values = {name: getattr(row, name) for name in row.__struct_fields__ if name != "seq"}
    await db.execute(insert(t.orders).values(values))


async def order_by_id(db: AsyncConnection, order_id: OrderId, lock: bool = False) -> OrderRow:
    """One order that is known to exist."""
    statement = select(t.orders).where(t.orders.c.order_id == order_id)
    row = (await db.execute(statement.with_for_update() if lock else statement)).one()
    return OrderRow.of(dict(row._mapping))


async def order_by_venue(
    db: AsyncConnection,
    account_id: AccountId,
    venue: Venue,
    ids: tuple[ClientOrderId | None, VenueOrderId | None],
) -> OrderRow | None:
    """The order a venue speaks of, locked; by our id first, since it is known before the venue's."""
    o = t.orders.c
    for column, value in ((o.cl_ord_id, ids[0]), (o.venue_order_id, ids[1])):
        if value:
            where = and_(o.exchange == venue, o.account_id == account_id, column == value)
            row = (await db.execute(select(t.orders).where(where).with_for_update())).first()
            if row is not None and (row.venue_order_id is None or ids[1] in (None, row.venue_order_id)):
                return OrderRow.of(dict(row._mapping))  # else it echoes the id of the order that made it
    return None


async def known_venue_ids(
    db: AsyncConnection, account_id: AccountId, venue_order_ids: set[VenueOrderId]
) -> set[VenueOrderId]:
    """Those of the venue's ids that have a row."""
    o = t.orders.c
    statement = select(o.venue_order_id).where(o.account_id == account_id, o.venue_order_id.in_(venue_order_ids))
    return {VenueOrderId(found) for found in (await db.execute(statement)).scalars()}


async def live_in_slot(db: AsyncConnection, run_id: RunId, slot: str, lock: bool = False) -> OrderRow | None:
    """The order that rests (or may rest) in a slot: at most one by construction, the newest counts."""
    o = t.orders.c
    statement = (
        select(t.orders)
        .where(o.run_id == run_id, o.slot == slot, o.ended_at.is_(None), o.status <= OrderStatus.OPEN)
        .order_by(o.seq.desc())
        .limit(1)
    )
    row = (await db.execute(statement.with_for_update() if lock else statement)).first()
    return None if row is None else OrderRow.of(dict(row._mapping))


async def live_orders(db: AsyncConnection, account_id: AccountId) -> list[OrderRow]:
    """Everything of an account that rests or may rest at the venue, oldest first."""
    o = t.orders.c
    where = and_(o.account_id == account_id, o.ended_at.is_(None), o.status <= OrderStatus.OPEN)
    rows = await db.execute(select(t.orders).where(where).order_by(o.seq))
    return [OrderRow.of(dict(row._mapping)) for row in rows]


async def attached_of(db: AsyncConnection, parent: OrderId) -> OrderRow | None:
    """The stop that travels with an entry, locked."""
    o = t.orders.c
    statement = select(t.orders).where(o.parent_order_id == parent, o.origin == "ATTACHED").with_for_update()
    row = (await db.execute(statement)).first()
    return None if row is None else OrderRow.of(dict(row._mapping))


async def update_order(db: AsyncConnection, order_id: OrderId, **values: object) -> None:
    """Store what merging found."""
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
    result = []
    for row in await db.execute(statement):
        fields = dict(row._mapping)
        resolution, deny_code = fields.pop("resolution"), fields.pop("deny_code")
        submit = None if resolution is None else Resolution(resolution)
        result.append(view(OrderRow.of(fields), submit, deny_code or ""))
    return result


async def open_entries(db: AsyncConnection, account_id: AccountId) -> Decimal:
    """Notional of every live opening order, UNKNOWN included, as if filled."""
    o = t.orders.c
    price = func.coalesce(o.price, o.reference_price, 0)
    statement = select(func.coalesce(func.sum((o.qty - o.cum_filled) * o.contract_size * price), ZERO)).where(
        o.account_id == account_id, o.reduce_only.is_(False), o.ended_at.is_(None), o.status <= OrderStatus.OPEN
    )
    return Decimal((await db.execute(statement)).scalar_one())


async def orders_since(db: AsyncConnection, run_id: RunId, since: datetime) -> int:
    """How many opening orders a run made since an instant."""
    o = t.orders.c
    where = and_(o.run_id == run_id, o.created_at >= since, o.reduce_only.is_(False))
    return int((await db.execute(select(func.count()).select_from(t.orders).where(where))).scalar_one())


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
