"""SQL of people."""

from typing import Any

from sqlalchemy import exists, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import UserId
from tradingboost.services.users import tables as t
from tradingboost.shared.interfaces.users.people import User

_u = t.app_users.c
_LIVE = _u.deleted_at.is_(None)
_HAS_KEYS = exists().where(
    t.exchange_credentials.c.user_id == _u.id,
    t.exchange_credentials.c.is_active,
    t.exchange_credentials.c.deleted_at.is_(None),
)


async def user_named(db: AsyncConnection, name: str) -> User | None:
    """The person of a name."""
    row = (await db.execute(select(t.app_users).where(func.lower(_u.username) == name.lower(), _LIVE))).first()
    return None if row is None else User(user_id=row.id, name=row.username)


async def count_users(db: AsyncConnection) -> int:
    """How many people there are."""
    return int((await db.execute(select(func.count()).select_from(t.app_users).where(_LIVE))).scalar_one())


async def insert_user(db: AsyncConnection, values: dict[str, Any]) -> bool:
    """Store a person; False when the name or the e-mail is taken."""
    statement = upsert(t.app_users).values(values).on_conflict_do_nothing().returning(_u.id)
    return (await db.execute(statement)).first() is not None


async def person(db: AsyncConnection, user_id: UserId, *, lock: bool = False) -> Any | None:
    """The row of a person who was not deleted."""
    statement = select(t.app_users).where(_u.id == user_id, _LIVE)
    return (await db.execute(statement.with_for_update() if lock else statement)).first()


async def of_login(db: AsyncConnection, name: str) -> Any | None:
    """The row of whoever logs in with this name or e-mail; a name wins."""
    known = (func.lower(_u.username) == name.lower()) | (func.lower(_u.email) == name.lower())
    order = (func.lower(_u.username) == name.lower()).desc()
    return (await db.execute(select(t.app_users).where(known, _LIVE).order_by(order).limit(1))).first()


async def change(db: AsyncConnection, user_id: UserId, values: dict[str, Any]) -> None:
    """Change columns of a person."""
    await db.execute(update(t.app_users).where(_u.id == user_id).values(values))


async def page(db: AsyncConnection, limit: int, before: UserId | None) -> list[Any]:
    """People newest first, each with `has_credentials`."""
    statement = select(t.app_users, _HAS_KEYS.label("has_credentials")).where(_LIVE)
    if before is not None:
        statement = statement.where(_u.id < before)
    return list((await db.execute(statement.order_by(_u.id.desc()).limit(limit))).all())


async def with_keys(db: AsyncConnection, user_id: UserId) -> Any | None:
    """One person with `has_credentials`."""
    statement = select(t.app_users, _HAS_KEYS.label("has_credentials")).where(_u.id == user_id, _LIVE)
    return (await db.execute(statement)).first()


async def other_admins(db: AsyncConnection, user_id: UserId) -> int:
    """How many admins who can act there are besides this person; their rows are locked."""
    where = (_u.role == "admin", _u.status == "active", _u.id != user_id, _LIVE)
    return len((await db.execute(select(_u.id).where(*where).with_for_update())).all())


async def insert_invite(db: AsyncConnection, values: dict[str, Any]) -> None:
    """Store an invitation."""
    await db.execute(insert(t.invites).values(values))


async def use_invite(db: AsyncConnection, code_hash: str, used_by: UserId, at: Any) -> str | None:
    """Take an invitation, once; returns its role, or None where it is unknown, late or used."""
    i = t.invites.c
    where = (i.code_hash == code_hash, i.used_at.is_(None), i.expires_at > at)
    statement = update(t.invites).where(*where).values(used_at=at, used_by=used_by).returning(i.role)
    row = (await db.execute(statement)).first()
    return None if row is None else str(row.role)
