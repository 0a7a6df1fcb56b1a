"""Network attempts and what became of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, OrderId
from tradingboost.core.order import (
    RequestKind,
    Resolution,
)
from tradingboost.kit.hot import Hot
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import Attempt, OrderRow
from tradingboost.services.orders.repository.orders import as_json

_R = t.requests.c
_ADD = Hot(
    insert(t.requests),
    *("request_id", "order_id", "account_id", "kind", "resolution", "wish", "fence_token", "sent_at", "expires_at"),
)
_RESOLVE = Hot(
    update(t.requests).where(_R.request_id == bindparam("of_request"), _R.resolution <= bindparam("at_most")),
    *("resolution", "outcome", "code", "message", "resolved_at", "next_look_at"),
)


async def insert_request(
    db: AsyncConnection,
    row: OrderRow,
    kind: RequestKind,
    attempt: Attempt,
    wish: object = None,
) -> None:
    """Store one network attempt before it is made."""
    await _ADD.rows(
        db,
        request_id=attempt.request_id,
        order_id=row.order_id,
        account_id=row.account_id,
        kind=kind,
        resolution=Resolution.NONE,
        wish=None if wish is None else as_json(wish),
        fence_token=attempt.fence_token,
        sent_at=attempt.sent_at,
        expires_at=attempt.expires_at,
    )


async def insert_emergency(
    db: AsyncConnection, row: OrderRow, kind: RequestKind, attempt: Attempt, wish: object = None
) -> bool:
    """Store an attempt that was made while the database was away, once (else False)."""
    values = {name: getattr(attempt, name) for name in Attempt.__struct_fields__}
    values |= {"order_id": row.order_id, "account_id": row.account_id, "kind": kind, "resolution": Resolution.NONE}
    values |= {"wish": None if wish is None else as_json(wish), "emergency": True}
    statement = upsert(t.requests).values(values).on_conflict_do_nothing(index_elements=[_R.request_id])
    return (await db.execute(statement.returning(_R.request_id))).first() is not None


async def request_by_id(db: AsyncConnection, request_id: str) -> Any | None:
    """One attempt."""
    return (await db.execute(select(t.requests).where(_R.request_id == request_id))).first()


async def resolve_request(
    db: AsyncConnection, request_id: str, resolution: Resolution, outcome: tuple[str, str, str], now: datetime
) -> None:
    """Raise what became of an attempt; `outcome` = (class, code, message). Better knowledge is never lowered."""
    open_still = resolution < Resolution.ABSENT
    await _RESOLVE.rows(
        db,
        of_request=request_id,
        at_most=resolution,
        resolution=resolution,
        outcome=outcome[0],
        code=outcome[1],
        message=outcome[2][:500],
        resolved_at=None if open_still else now,
        next_look_at=now if open_still else None,
    )


async def look_again(db: AsyncConnection, request_id: str, rounds: int, at: datetime) -> None:
    """Plan the next look-up of an unresolved attempt."""
    await db.execute(
        update(t.requests).where(t.requests.c.request_id == request_id).values(rounds=rounds, next_look_at=at)
    )


async def count_round(db: AsyncConnection, request: Any, counted: bool, now: datetime, at: datetime) -> None:
    """One round of an absence proof ended without finding anything; one that proves nothing does not count."""
    values: dict[str, Any] = {"next_look_at": at}
    if counted:
        values |= {"rounds": request.rounds + 1, "proof_began_at": request.proof_began_at or now}
    await db.execute(update(t.requests).where(t.requests.c.request_id == request.request_id).values(values))


async def restart_proofs(db: AsyncConnection, account_id: AccountId) -> None:
    """Something may have been told and missed: what was not found before proves nothing any more."""
    r = t.requests.c
    open_still = and_(r.account_id == account_id, r.kind == RequestKind.SUBMIT, r.resolution < Resolution.ABSENT)
    await db.execute(update(t.requests).where(open_still).values(rounds=0, proof_began_at=None))


async def open_requests(db: AsyncConnection, now: datetime) -> Sequence[Any]:
    """Attempts that need a look: lost ones that are due, and silent ones whose time ran out (their sender died)."""
    r = t.requests.c
    due = and_(r.resolution == Resolution.LOST, or_(r.next_look_at.is_(None), r.next_look_at <= now))
    orphaned = and_(
        r.resolution == Resolution.NONE, r.expires_at < now, or_(r.next_look_at.is_(None), r.next_look_at <= now)
    )
    statement = select(t.requests).where(or_(due, orphaned)).order_by(r.sent_at).limit(200)
    return (await db.execute(statement)).all()


async def amended_since(db: AsyncConnection, request: Any) -> bool:
    """Whether a later amendment of the same order was sent."""
    r = t.requests.c
    where = and_(r.order_id == request.order_id, r.kind == RequestKind.AMEND, r.sent_at > request.sent_at)
    return (await db.execute(select(r.request_id).where(where).limit(1))).first() is not None


async def submit_request(db: AsyncConnection, order_id: OrderId) -> Any | None:
    """The one submit attempt of an order."""
    statement = select(t.requests).where(t.requests.c.order_id == order_id, t.requests.c.kind == RequestKind.SUBMIT)
    return (await db.execute(statement)).first()
