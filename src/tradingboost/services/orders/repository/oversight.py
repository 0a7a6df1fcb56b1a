"""What a person looks at and decides: alerts, kill switches with their history, and the evidence about one order."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, OrderId
from tradingboost.core.order import Resolution
from tradingboost.services.orders import tables as t
from tradingboost.shared.interfaces.orders import AlertView, RequestView, SetSwitch, Switch

_ALERTS_SHOWN = 500


async def request_views(db: AsyncConnection, order_id: OrderId) -> list[RequestView]:
    """Every attempt about an order, oldest first."""
    r = t.requests.c
    rows = await db.execute(select(t.requests).where(r.order_id == order_id).order_by(r.sent_at))
    return [
        RequestView(
            kind=row.kind,
            sent_at=row.sent_at,
            expires_at=row.expires_at,
            resolution=Resolution(row.resolution).name.lower(),
            outcome=row.outcome,
            code=row.code,
            message=row.message,
            rounds=row.rounds,
        )
        for row in rows
    ]


async def count_reports(db: AsyncConnection, order_id: OrderId) -> int:
    """How many statements of the venue about an order were kept."""
    where = t.facts.c.order_id == order_id
    return int((await db.execute(select(func.count()).select_from(t.facts).where(where))).scalar_one())


async def unknown_since(db: AsyncConnection, order_id: OrderId) -> datetime | None:
    """Since when an order's fate is unknown, None when it is not."""
    u = t.unknown_periods.c
    found = select(u.began_at).where(u.order_id == order_id, u.ended_at.is_(None))
    began: datetime | None = (await db.execute(found)).scalar_one_or_none()
    return began


async def alerts(db: AsyncConnection, account_id: AccountId | None, every: bool) -> list[AlertView]:
    """Newest first."""
    a = t.alerts.c
    statement = select(t.alerts).order_by(a.raised_at.desc(), a.alert_id).limit(_ALERTS_SHOWN)
    if account_id is not None:
        statement = statement.where(a.account_id == account_id)
    if not every:
        statement = statement.where(a.acknowledged_at.is_(None))
    return [_alert(row) for row in await db.execute(statement)]


async def acknowledge(db: AsyncConnection, subject: tuple[str, str], by: str, now: datetime) -> AlertView | None:
    """Note that a person has seen it, the first time only; `subject` = (`alert_id` or `subject_id`, its value)."""
    where = t.alerts.c[subject[0]] == subject[1]
    noted = {"acknowledged_at": now, "acknowledged_by": by}
    await db.execute(update(t.alerts).where(where, t.alerts.c.acknowledged_at.is_(None)).values(noted))
    row = (await db.execute(select(t.alerts).where(where).limit(1))).first()
    return None if row is None else _alert(row)


def _alert(row: Any) -> AlertView:
    return AlertView(**{name: getattr(row, name) for name in AlertView.__struct_fields__})


async def switches(db: AsyncConnection) -> list[Switch]:
    """Oldest first."""
    rows = await db.execute(select(t.kill_switches).order_by(t.kill_switches.c.set_at, t.kill_switches.c.scope))
    return [Switch(**dict(row._mapping)) for row in rows]


async def set_switch(db: AsyncConnection, wish: SetSwitch, now: datetime) -> None:
    """Let a switch stand at a level; a weaker level never replaces a stronger one."""
    values = {"level": wish.level, "reason": wish.reason, "set_by": wish.by, "set_at": now}
    statement = upsert(t.kill_switches).values(scope=wish.scope, key=wish.key, **values)
    k = t.kill_switches.c
    await db.execute(
        statement.on_conflict_do_update(index_elements=[k.scope, k.key], set_=values, where=k.level != "FROZEN")
    )
    await _switched(db, wish, "set", now)


async def clear_switch(db: AsyncConnection, wish: SetSwitch, now: datetime) -> bool:
    """Take a switch back; False when it does not stand."""
    k = t.kill_switches.c
    gone = delete(t.kill_switches).where(and_(k.scope == wish.scope, k.key == wish.key)).returning(k.level)
    level = (await db.execute(gone)).scalar_one_or_none()
    if level is None:
        return False
    await _switched(db, wish, "cleared", now)
    return True


async def _switched(db: AsyncConnection, wish: SetSwitch, change: str, now: datetime) -> None:
    names = ("scope", "key", "level", "reason")
    values = {name: getattr(wish, name) for name in names}
    await db.execute(insert(t.kill_switch_history).values(change=change, changed_by=wish.by, changed_at=now, **values))
