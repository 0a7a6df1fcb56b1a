"""SQL of personal tokens, recovery codes and link codes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import UserId
from tradingboost.services.users import tables as t

_p, _c, _l, _u = t.personal_tokens.c, t.recovery_codes.c, t.telegram_link_codes.c, t.app_users.c


async def insert_token(db: AsyncConnection, values: dict[str, Any]) -> None:
    """Store a personal token's hash."""
    await db.execute(insert(t.personal_tokens).values(values))


async def token_of(db: AsyncConnection, token_hash: str) -> Any | None:
    """A personal token with its person, who was not deleted."""
    columns = (*t.personal_tokens.c, _u.role, _u.status)
    joined = t.personal_tokens.join(t.app_users, _u.id == _p.user_id)
    where = (_p.token_hash == token_hash, _u.deleted_at.is_(None))
    return (await db.execute(select(*columns).select_from(joined).where(*where))).first()


async def tokens(db: AsyncConnection, user_id: UserId, at: datetime) -> list[Any]:
    """Tokens of a person that stand, newest first."""
    where = (_p.user_id == user_id, _p.revoked_at.is_(None), _p.expires_at > at)
    return list((await db.execute(select(t.personal_tokens).where(*where).order_by(_p.id.desc()))).all())


async def token_used(db: AsyncConnection, token_id: str, at: datetime) -> None:
    """A token was used."""
    await db.execute(update(t.personal_tokens).where(_p.id == token_id).values(used_at=at))


async def revoke_token(db: AsyncConnection, user_id: UserId, token_id: str, at: datetime) -> bool:
    """End a token of this person; False where there is none that stands."""
    where = (_p.id == token_id, _p.user_id == user_id, _p.revoked_at.is_(None))
    statement = update(t.personal_tokens).where(*where).values(revoked_at=at).returning(_p.id)
    return (await db.execute(statement)).first() is not None


async def replace_recovery_codes(db: AsyncConnection, user_id: UserId, rows: Sequence[dict[str, Any]]) -> None:
    """New codes instead of all old ones."""
    await db.execute(delete(t.recovery_codes).where(_c.user_id == user_id))
    if rows:
        await db.execute(insert(t.recovery_codes), list(rows))


async def use_recovery_code(db: AsyncConnection, user_id: UserId, code_hash: str, at: datetime) -> bool:
    """Take a recovery code, once."""
    where = (_c.user_id == user_id, _c.code_hash == code_hash, _c.used_at.is_(None))
    statement = update(t.recovery_codes).where(*where).values(used_at=at).returning(_c.id)
    return (await db.execute(statement)).first() is not None


async def take_step(db: AsyncConnection, user_id: UserId, step: int) -> bool:
    """Take a time step of the authenticator, once: no step twice, none before one that was taken."""
    free = _u.totp_last_step.is_(None) | (_u.totp_last_step < step)
    statement = update(t.app_users).where(_u.id == user_id, free).values(totp_last_step=step).returning(_u.id)
    return (await db.execute(statement)).first() is not None


async def replace_link_code(db: AsyncConnection, values: dict[str, Any]) -> None:
    """A new link code; the person's former ones that were not confirmed are gone."""
    old = (_l.user_id == values["user_id"], _l.confirmed_at.is_(None))
    await db.execute(delete(t.telegram_link_codes).where(*old))
    await db.execute(insert(t.telegram_link_codes).values(values))


async def show_link_code(db: AsyncConnection, code_hash: str, telegram_id: str, at: datetime) -> UserId | None:
    """Note which chat showed a code, once; returns whose code it is."""
    where = (_l.code_hash == code_hash, _l.used_at.is_(None), _l.expires_at > at)
    statement = update(t.telegram_link_codes).where(*where).values(used_at=at, telegram_id=telegram_id)
    row = (await db.execute(statement.returning(_l.user_id))).first()
    return None if row is None else UserId(row.user_id)


async def waiting_chat(db: AsyncConnection, user_id: UserId, at: datetime) -> str | None:
    """The chat that showed this person's code and was not confirmed yet."""
    where = (_l.user_id == user_id, _l.used_at.is_not(None), _l.confirmed_at.is_(None), _l.expires_at > at)
    return (await db.execute(select(_l.telegram_id).where(*where))).scalar()


async def confirm_link(db: AsyncConnection, user_id: UserId, at: datetime) -> str | None:
    """Take the chat that waits, once."""
    where = (_l.user_id == user_id, _l.used_at.is_not(None), _l.confirmed_at.is_(None), _l.expires_at > at)
    statement = update(t.telegram_link_codes).where(*where).values(confirmed_at=at).returning(_l.telegram_id)
    row = (await db.execute(statement)).first()
    return None if row is None else str(row.telegram_id)


async def forget_person(db: AsyncConnection, user_id: UserId, at: datetime) -> None:
    """End what somebody could still come in with."""
    where = (_p.user_id == user_id, _p.revoked_at.is_(None))
    await db.execute(update(t.personal_tokens).where(*where).values(revoked_at=at))
    await db.execute(delete(t.recovery_codes).where(_c.user_id == user_id))
    await db.execute(delete(t.telegram_link_codes).where(_l.user_id == user_id))


async def clean(db: AsyncConnection, before: datetime) -> int:
    """Delete link codes and invitations that ended before a moment."""
    gone = await db.execute(delete(t.telegram_link_codes).where(_l.expires_at < before))
    unused = (t.invites.c.expires_at < before, t.invites.c.used_at.is_(None))
    late = await db.execute(delete(t.invites).where(*unused))
    return int(gone.rowcount) + int(late.rowcount)


async def count_tokens(db: AsyncConnection, user_id: UserId, at: datetime) -> int:
    """How many tokens of a person stand."""
    where = (_p.user_id == user_id, _p.revoked_at.is_(None), _p.expires_at > at)
    return int((await db.execute(select(func.count()).select_from(t.personal_tokens).where(*where))).scalar_one())
