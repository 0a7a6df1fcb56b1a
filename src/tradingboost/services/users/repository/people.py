"""SQL of people."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.services.users import tables as t
from tradingboost.shared.interfaces.users import User


async def user_named(db: AsyncConnection, name: str) -> User | None:
    """The person of a name."""
    where = (func.lower(t.app_users.c.username) == name.lower(), t.app_users.c.deleted_at.is_(None))
    row = (await db.execute(select(t.app_users).where(*where))).first()
    return None if row is None else User(user_id=row.id, name=row.username)


async def count_users(db: AsyncConnection) -> int:
    """How many people there are."""
    return int((await db.execute(select(func.count()).select_from(t.app_users))).scalar_one())


async def insert_user(db: AsyncConnection, values: dict[str, Any]) -> bool:
    """Store a person; False when the name is taken."""
    statement = upsert(t.app_users).values(values).on_conflict_do_nothing().returning(t.app_users.c.id)
    return (await db.execute(statement)).first() is not None
