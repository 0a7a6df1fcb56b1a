"""All SQL of `orders`. Nothing here commits; the use case owns the transaction."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Select, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, ClientOrderId, OrderId, RunId, Symbol, UserId, Venue, VenueOrderId
from tradingboost.core.money import ZERO
from tradingboost.core.order import Fill, OrderIntent, OrderStatus, PositionSide, RequestKind, Resolution, Side, VenueReport
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import OrderRow, view
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


async def insert_request(
    db: AsyncConnection,
    row: OrderRow,
    kind: RequestKind,
    request_id: str,
    times: tuple[datetime, datetime],
    fence_token: int = 0,
    wish: object = None,
) -> None:
    """Store one network attempt before it is made; `times` = (sent_at, expires_at)."""
    await db.execute(
        insert(t.requests).values(
            request_id=request_id,
            order_id=row.order_id,
            account_id=row.account_id,
            kind=kind,
            resolution=Resolution.NONE,
            wish=None if wish is None else as_json(wish),
            fence_token=fence_token,
            sent_at=times[0],
            expires_at=times[1],
        )
    )


async def resolve_request(
    db: AsyncConnection, request_id: str, resolution: Resolution, outcome: tuple[str, str, str], now: datetime
) -> None:
    """Raise what became of an attempt; `outcome` = (class, code, message). Better knowledge is never lowered."""
    await db.execute(
        update(t.requests)
        .where(t.requests.c.request_id == request_id, t.requests.c.resolution <= resolution)
        .values(
            resolution=resolution,
            outcome=outcome[0],
            code=outcome[1],
            message=outcome[2][:500],
            resolved_at=None if resolution < Resolution.ABSENT else now,
            next_look_at=now if resolution < Resolution.ABSENT else None,
        )
    )


async def look_again(db: AsyncConnection, request_id: str, rounds: int, at: datetime) -> None:
    """Plan the next look-up of an unresolved attempt."""
    await db.execute(
        update(t.requests).where(t.requests.c.request_id == request_id).values(rounds=rounds, next_look_at=at)
    )


async def open_requests(db: AsyncConnection, now: datetime) -> Sequence[Any]:
    """Attempts that need a look: lost ones that are due, and silent ones whose time ran out (their sender died)."""
    r = t.requests.c
    due = and_(r.resolution == Resolution.LOST, or_(r.next_look_at.is_(None), r.next_look_at <= now))
    orphaned = and_(
        r.resolution == Resolution.NONE, r.expires_at < now, or_(r.next_look_at.is_(None), r.next_look_at <= now)
    )
    statement = select(t.requests).where(or_(due, orphaned)).order_by(r.sent_at).limit(200)
    return (await db.execute(statement)).all()


async def submit_request(db: AsyncConnection, order_id: OrderId) -> Any | None:
    """The one submit attempt of an order."""
    statement = select(t.requests).where(t.requests.c.order_id == order_id, t.requests.c.kind == RequestKind.SUBMIT)
    return (await db.execute(statement)).first()


async def order_by_id(db: AsyncConnection, order_id: OrderId, lock: bool = False) -> OrderRow:
    """One order that is known to exist."""
    statement = select(t.orders).where(t.orders.c.order_id == order_id)
    row = (await db.execute(statement.with_for_update() if lock else statement)).one()
    return OrderRow.of(row._mapping)


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
            if row is not None:
                return OrderRow.of(row._mapping)
    return None


async def live_in_slot(db: AsyncConnection, run_id: RunId, slot: str, lock: bool = False) -> OrderRow | None:
    """The order that rests (or may rest) in a slot: at most one by construction, the newest if a report is still on its way."""
    o = t.orders.c
    statement = (
        select(t.orders)
        .where(o.run_id == run_id, o.slot == slot, o.ended_at.is_(None), o.status <= OrderStatus.OPEN)
        .order_by(o.seq.desc())
        .limit(1)
    )
    row = (await db.execute(statement.with_for_update() if lock else statement)).first()
    return None if row is None else OrderRow.of(row._mapping)


async def live_orders(db: AsyncConnection, account_id: AccountId) -> list[OrderRow]:
    """Everything of an account that rests or may rest at the venue, oldest first."""
    o = t.orders.c
    where = and_(o.account_id == account_id, o.ended_at.is_(None), o.status <= OrderStatus.OPEN)
    rows = await db.execute(select(t.orders).where(where).order_by(o.seq))
    return [OrderRow.of(row._mapping) for row in rows]


async def attached_of(db: AsyncConnection, parent: OrderId) -> OrderRow | None:
    """The stop that travels with an entry, locked."""
    o = t.orders.c
    statement = select(t.orders).where(o.parent_order_id == parent, o.origin == "ATTACHED").with_for_update()
    row = (await db.execute(statement)).first()
    return None if row is None else OrderRow.of(row._mapping)


async def fills_of(db: AsyncConnection, order_id: OrderId) -> dict[tuple[str, str], Fill]:
    """The stored fills of an order by their key."""
    rows = await db.execute(select(t.fills).where(t.fills.c.order_id == order_id))
    fills = (
        Fill(
            venue=row.exchange,
            account_id=row.account_id,
            symbol=row.symbol,
            venue_order_id=row.venue_order_id,
            trade_id=row.trade_id,
            client_order_id=None,
            side=Side(row.side),
            qty=row.qty,
            price=row.price,
            fee=row.fee,
            fee_currency=row.fee_currency,
            is_maker=row.is_maker,
            at=row.filled_at,
            pnl=row.venue_pnl,
            last=row.last_price,
        )
        for row in rows
    )
    return {fill.key: fill for fill in fills}


async def insert_fill(db: AsyncConnection, fill_id: str, row: OrderRow, fill: Fill, now: datetime) -> bool:
    """Store a fill; False when its key is already there."""
    statement = (
        upsert(t.fills)
        .values(
            fill_id=fill_id,
            order_id=row.order_id,
            user_id=row.user_id,
            account_id=row.account_id,
            run_id=row.run_id,
            exchange=row.exchange,
            symbol=row.symbol,
            venue_order_id=fill.venue_order_id,
            trade_id=fill.trade_id,
            slot=row.slot,
            side=fill.side,
            position_side=row.position_side,
            qty=fill.qty,
            signed_qty=fill.side.sign * fill.qty,
            price=fill.price,
            fee=fill.fee,
            fee_currency=fill.fee_currency,
            is_maker=fill.is_maker,
            last_price=fill.last,
            venue_pnl=fill.pnl,
            filled_at=fill.at,
            recorded_at=now,
        )
        .on_conflict_do_nothing()
        .returning(t.fills.c.fill_id)
    )
    return (await db.execute(statement)).first() is not None


async def insert_fact(db: AsyncConnection, row: OrderRow, report: VenueReport, now: datetime) -> None:
    """Append a report, once per content."""
    body = msgspec.json.encode(report)
    statement = (
        upsert(t.facts)
        .values(
            account_id=row.account_id,
            digest=hashlib.sha256(body).hexdigest(),
            order_id=row.order_id,
            cl_ord_id=report.client_order_id,
            id_tag_valid=row.id_tag_valid,
            venue_order_id=report.venue_order_id,
            is_algo=report.is_algo,
            report=as_json(report),
            received_at=now,
        )
        .on_conflict_do_nothing()
    )
    await db.execute(statement)


async def update_order(db: AsyncConnection, order_id: OrderId, **values: object) -> None:
    """Store what merging found."""
    await db.execute(update(t.orders).where(t.orders.c.order_id == order_id).values(**values))


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


async def leg_claim(db: AsyncConnection, account_id: AccountId, symbol: Symbol) -> Any | None:
    """Who owns a symbol's legs; the row is locked, so decisions about one symbol are taken one after another."""
    c = t.leg_claims.c
    statement = select(t.leg_claims).where(c.account_id == account_id, c.symbol == symbol).limit(1).with_for_update()
    return (await db.execute(statement)).first()


async def claim_leg(
    db: AsyncConnection,
    leg: tuple[AccountId, Symbol, PositionSide | str],
    owner: tuple[RunId, UserId],
    now: datetime,
) -> RunId:
    """Take a free leg; returns who owns it now."""
    c = t.leg_claims.c
    values = {
        "account_id": leg[0],
        "symbol": leg[1],
        "position_side": leg[2],
        "run_id": owner[0],
        "user_id": owner[1],
        "claimed_at": now,
    }
    await db.execute(upsert(t.leg_claims).values(values).on_conflict_do_nothing())
    where = and_(c.account_id == leg[0], c.symbol == leg[1], c.position_side == leg[2])
    return RunId((await db.execute(select(c.run_id).where(where))).scalar_one())


async def blocking_modes(db: AsyncConnection, account_id: AccountId, symbol: Symbol) -> tuple[bool, tuple[str, ...]]:
    """(frozen, deny codes) from account modes and kill switches, read without any cache."""
    m, k = t.mode_causes.c, t.kill_switches.c
    modes = select(m.mode.label("level"), func.coalesce("account_not_normal").label("code")).where(
        m.account_id == account_id, m.symbol.in_(["", symbol])
    )
    switches = select(k.level.label("level"), func.coalesce("kill_switch_active").label("code")).where(
        or_(
            k.scope == "platform",
            and_(k.scope == "account", k.key == account_id),
            and_(k.scope == "symbol", k.key == symbol),
        )
    )
    rows = (await db.execute(modes.union_all(switches))).all()
    return any(row.level == "FROZEN" for row in rows), tuple(row.code for row in rows)


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


async def begin_unknown(db: AsyncConnection, row: OrderRow, now: datetime) -> None:
    """An order's fate is unknown from now: entries on its symbol wait."""
    period = {"order_id": row.order_id, "account_id": row.account_id, "symbol": row.symbol, "began_at": now}
    await db.execute(upsert(t.unknown_periods).values(period).on_conflict_do_nothing())
    await set_mode(db, (row.account_id, row.symbol), f"unknown:{row.order_id}", "NO_ENTRIES", now)


async def end_unknown(db: AsyncConnection, row: OrderRow, now: datetime) -> bool:
    """The fate is known; False when it was never unknown."""
    u = t.unknown_periods.c
    ended = update(t.unknown_periods).where(u.order_id == row.order_id, u.ended_at.is_(None)).values(ended_at=now)
    changed = (await db.execute(ended.returning(u.order_id))).first() is not None
    await clear_mode(db, (row.account_id, row.symbol), f"unknown:{row.order_id}")
    return changed


async def park(db: AsyncConnection, row: OrderRow, alert: tuple[str, str], now: datetime) -> None:
    """A person must look; `alert` = (alert id, sentence)."""
    await update_order(db, row.order_id, parked_reason=alert[1])
    await db.execute(update(t.unknown_periods).where(t.unknown_periods.c.order_id == row.order_id).values(parked_at=now))
    await raise_alert(db, alert[0], row.order_id, "order_parked", alert[1], now)


async def raise_alert(db: AsyncConnection, alert_id: str, subject: str, kind: str, message: str, now: datetime) -> None:
    """Store an alert, once per subject and kind."""
    values = {"alert_id": alert_id, "subject_id": subject, "kind": kind, "message": message, "raised_at": now}
    await db.execute(upsert(t.alerts).values(values).on_conflict_do_nothing())


async def set_mode(
    db: AsyncConnection, where: tuple[AccountId, Symbol | str], cause: str, mode: str, now: datetime
) -> None:
    """Add a cause that restricts an account, or one symbol of it."""
    values = {"account_id": where[0], "symbol": where[1], "cause": cause, "mode": mode, "since": now}
    await db.execute(upsert(t.mode_causes).values(values).on_conflict_do_nothing())


async def clear_mode(db: AsyncConnection, where: tuple[AccountId, Symbol | str], cause: str) -> None:
    """Remove a cause; a mode ends when its causes end."""
    m = t.mode_causes.c
    await db.execute(delete(t.mode_causes).where(m.account_id == where[0], m.symbol == where[1], m.cause == cause))


async def release_legs(db: AsyncConnection, run_id: RunId) -> None:
    """Give a run's legs back."""
    await db.execute(delete(t.leg_claims).where(t.leg_claims.c.run_id == run_id))


async def watermark(db: AsyncConnection, account_id: AccountId) -> datetime | None:
    """Venue time up to which fills were read completely; None before the first reconciliation."""
    statement = select(t.reconciled.c.watermark).where(t.reconciled.c.account_id == account_id)
    return (await db.execute(statement)).scalar_one_or_none()


async def set_watermark(db: AsyncConnection, account_id: AccountId, at: datetime, now: datetime) -> None:
    """A complete reading of the venue ended."""
    values = {"account_id": account_id, "watermark": at, "finished_at": now}
    statement = upsert(t.reconciled).values(values)
    await db.execute(statement.on_conflict_do_update(index_elements=[t.reconciled.c.account_id], set_=values))
