"""All SQL of `notifications`."""

from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import UserId
from tradingboost.kit.hot import Hot
from tradingboost.services.notifications import tables as t
from tradingboost.shared.interfaces.notifications import Message

_M = t.messages.c
_ADD = Hot(upsert(t.messages).on_conflict_do_nothing().returning(_M.message_id), *(column.name for column in _M))
_TRIM = Hot(
    delete(t.messages).where(
        _M.user_id == bindparam("of_user"),
        _M.message_id
        <= select(_M.message_id)
        .where(_M.user_id == bindparam("of_user"))
        .order_by(_M.message_id.desc())
        .offset(bindparam("keep", type_=BigInteger))
        .limit(1)
        .scalar_subquery(),
    )
)


async def insert_message(db: AsyncConnection, values: dict[str, Any]) -> bool:
    """Store a message; False when its event already made one."""
    return await _ADD.first(db, **values) is not None


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
    await _TRIM.rows(db, of_user=user_id, keep=keep)
