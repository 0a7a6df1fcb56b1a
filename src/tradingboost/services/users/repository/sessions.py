"""SQL of sessions and their refresh tokens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import UserId
from tradingboost.services.users import tables as t

SWEPT: Final = 500
"""Sessions deleted by one call at most."""

_s, _r, _u = t.sessions.c, t.refresh_tokens.c, t.app_users.c


async def insert_session(db: AsyncConnection, values: dict[str, Any]) -> None:
    """Store a new session."""
    await db.execute(insert(t.sessions).values(values))


async def insert_refresh(db: AsyncConnection, values: dict[str, Any]) -> None:
    """Store the hash of a refresh token."""
    await db.execute(insert(t.refresh_tokens).values(values))


async def refresh_of(db: AsyncConnection, token_hash: str) -> Any | None:
    """A refresh token with its session, both locked."""
    columns = (_r.token_hash, _r.used_at.label("token_used_at"), *t.sessions.c)
    joined = t.refresh_tokens.join(t.sessions, _s.id == _r.session_id)
    return (
        await db.execute(select(*columns).select_from(joined).where(_r.token_hash == token_hash).with_for_update())
    ).first()


async def use_refresh(db: AsyncConnection, token_hash: str, session_id: str, at: datetime) -> None:
    """The token is used up and the session lives on."""
    await db.execute(update(t.refresh_tokens).where(_r.token_hash == token_hash).values(used_at=at))
    await db.execute(update(t.sessions).where(_s.id == session_id).values(used_at=at))


async def revoke(db: AsyncConnection, user_id: UserId, session_id: str, at: datetime, why: str) -> bool:
    """End a person's session; False when it is over already, or not theirs."""
    where = (_s.id == session_id, _s.user_id == user_id, _s.revoked_at.is_(None))
    statement = update(t.sessions).where(*where).values(revoked_at=at, revoked_why=why).returning(_s.id)
    return (await db.execute(statement)).first() is not None


async def revoke_all(db: AsyncConnection, user_id: UserId, at: datetime, why: str) -> list[str]:
    """End every session of a person and void their access tokens; returns the sessions' ids."""
    await db.execute(update(t.app_users).where(_u.id == user_id).values(token_epoch=_u.token_epoch + 1, updated_at=at))
    where = (_s.user_id == user_id, _s.revoked_at.is_(None))
    ended = await db.execute(update(t.sessions).where(*where).values(revoked_at=at, revoked_why=why).returning(_s.id))
    return list(ended.scalars())


async def standing(db: AsyncConnection, user_id: UserId, at: datetime, idle_since: datetime) -> list[Any]:
    """Sessions of a person that are not over, newest first."""
    where = (_s.user_id == user_id, _s.revoked_at.is_(None), _s.expires_at > at, _s.used_at > idle_since)
    return list((await db.execute(select(t.sessions).where(*where).order_by(_s.used_at.desc()))).all())


async def state(db: AsyncConnection, session_id: str) -> Any | None:
    """A session with what its person may do."""
    columns = (
        *(_s.user_id, _s.revoked_at, _s.expires_at),
        *(_u.role, _u.status, _u.token_epoch, _u.totp_confirmed_at),
    )
    joined = t.sessions.join(t.app_users, _u.id == _s.user_id)
    where = (_s.id == session_id, _u.deleted_at.is_(None))
    return (await db.execute(select(*columns).select_from(joined).where(*where))).first()


async def stepped_up(db: AsyncConnection, session_id: str, at: datetime) -> None:
    """A fresh second factor was shown in this session."""
    await db.execute(update(t.sessions).where(_s.id == session_id).values(stepped_up_at=at))


async def clean(db: AsyncConnection, before: datetime) -> int:
    """Delete sessions that ended before a moment, with their refresh tokens; so many at most."""
    over = or_(_s.revoked_at < before, _s.expires_at < before)
    ids: Sequence[str] = (await db.execute(select(_s.id).where(over).limit(SWEPT))).scalars().all()
    if ids:
        await db.execute(delete(t.refresh_tokens).where(_r.session_id.in_(ids)))
        await db.execute(delete(t.sessions).where(_s.id.in_(ids)))
    return len(ids)
