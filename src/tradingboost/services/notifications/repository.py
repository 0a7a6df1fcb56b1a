"""All SQL of `notifications`."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import UserId
from tradingboost.services.notifications import tables as t
from tradingboost.shared.interfaces.notifications import Message


async def insert_message(db: AsyncConnection, values: dict[str, Any]) -> bool:
    """Store a message; False when its event already made one."""
    statement = upsert(t.messages).values(values).on_conflict_do_nothing().returning(t.messages.c.message_id)
    return (await db.execute(statement)).first() is not None


async def messages(db: AsyncConnection, user_id: UserId, limit: int) -> list[Message]:
    """Newest first; ids grow with time."""
    m = t.messages.c
    statement = select(t.messages).where(m.user_id == user_id).order_by(m.message_id.desc()).limit(limit)
    return [
        Message(
            message_id=row.message_id,
            user_id=row.user_id,
            category=row.category,
            text=row.text,
            created_at=row.created_at,
        )
        for row in await db.execute(statement)
    ]


async def trim(db: AsyncConnection, user_id: UserId, keep: int) -> None:
    """Forget the oldest messages beyond `keep`."""
    m = t.messages.c
    oldest_kept = select(m.message_id).where(m.user_id == user_id).order_by(m.message_id.desc()).offset(keep).limit(1)
    await db.execute(delete(t.messages).where(m.user_id == user_id, m.message_id <= oldest_kept.scalar_subquery()))
