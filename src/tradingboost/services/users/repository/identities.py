"""SQL of who people are elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import UserId
from tradingboost.services.users import tables as t

_i = t.identities.c
_LIVE = _i.revoked_at.is_(None)


async def owner(db: AsyncConnection, kind: str, value: str) -> Any | None:
    """(user_id, since) of a live identity, whoever has it; None for nobody, or somebody who was deleted."""
    joined = t.identities.join(t.app_users, t.app_users.c.id == _i.user_id)
    columns = select(_i.user_id, _i.created_at).select_from(joined)
    where = (_i.kind == kind, _i.value == value, _LIVE, t.app_users.c.deleted_at.is_(None))
    return (await db.execute(columns.where(*where))).first()


async def owner_of_column(db: AsyncConnection, column: str, value: str) -> Any | None:
    """(user_id, since) of a user name, an e-mail or an id."""
    u = t.app_users.c
    found = {"name": func.lower(u.username) == value, "email": func.lower(u.email) == value, "id": u.id == value}
    columns = select(u.id.label("user_id"), u.created_at)
    return (await db.execute(columns.where(found[column], u.deleted_at.is_(None)))).first()


async def of_people(db: AsyncConnection, user_ids: Sequence[str]) -> list[Any]:
    """Live identities of some people."""
    return list((await db.execute(select(t.identities).where(_i.user_id.in_(user_ids), _LIVE))).all())


async def bind(db: AsyncConnection, values: dict[str, Any]) -> bool:
    """Store an identity; False where somebody has it, this person included."""
    statement = upsert(t.identities).values(values).on_conflict_do_nothing().returning(_i.id)
    return (await db.execute(statement)).first() is not None


async def verified(db: AsyncConnection, kind: str, value: str, at: datetime) -> None:
    """The venue or the bot has confirmed an identity."""
    await db.execute(update(t.identities).where(_i.kind == kind, _i.value == value, _LIVE).values(verified_at=at))


async def revoke(db: AsyncConnection, user_id: UserId, at: datetime, kind: str | None = None) -> list[Any]:
    """End identities of a person, of one kind or all; returns (kind, value) of each."""
    where = (_i.user_id == user_id, _LIVE, *([] if kind is None else [_i.kind == kind]))
    statement = update(t.identities).where(*where).values(revoked_at=at).returning(_i.kind, _i.value)
    return list((await db.execute(statement)).all())
