"""SQL of the throttle: failures in a row, durable, so that a lockout outlives Redis and restarts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.services.users import tables as t

_l = t.login_throttle.c


async def locked_rows(db: AsyncConnection, keys: Sequence[tuple[str, str]], at: datetime) -> list[Any]:
    """The counters of (scope, key), made where there are none, locked in one order for everybody."""
    fresh = [{"scope": scope, "key_hash": key, "failures": 0, "since": at} for scope, key in sorted(keys)]
    await db.execute(upsert(t.login_throttle).values(fresh).on_conflict_do_nothing())
    where = tuple_(_l.scope, _l.key_hash).in_(list(keys))
    ordered = select(t.login_throttle).where(where).order_by(_l.scope, _l.key_hash)
    return list((await db.execute(ordered.with_for_update())).all())


async def count(db: AsyncConnection, scope: str, key: str, values: dict[str, Any]) -> None:
    """Store a counter."""
    await db.execute(update(t.login_throttle).where(_l.scope == scope, _l.key_hash == key).values(values))


async def forgive(db: AsyncConnection, scope: str, key: str) -> None:
    """Begin anew."""
    await db.execute(delete(t.login_throttle).where(_l.scope == scope, _l.key_hash == key))


async def give_back(db: AsyncConnection, scope: str, key: str, limit: int) -> None:
    """Take one failure back, and the wait it brought; `limit` failures are too many."""
    where = (_l.scope == scope, _l.key_hash == key)
    left = func.greatest(_l.failures - 1, 0)
    until = case((left < limit, None), else_=_l.locked_until)
    await db.execute(update(t.login_throttle).where(*where).values(failures=left, locked_until=until))


async def clean(db: AsyncConnection, before: datetime) -> int:
    """Delete counters nobody moved since a moment."""
    gone = await db.execute(delete(t.login_throttle).where(_l.since < before))
    return int(gone.rowcount)
