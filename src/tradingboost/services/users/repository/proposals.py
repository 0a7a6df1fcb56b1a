"""SQL of what two people must agree to."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.services.users import tables as t

_p = t.proposals.c


async def insert_one(db: AsyncConnection, values: dict[str, Any]) -> None:
    """Store a proposal."""
    await db.execute(insert(t.proposals).values(values))


async def open_one(db: AsyncConnection, proposal_id: str, at: datetime) -> Any | None:
    """A proposal that is neither late nor carried out, locked."""
    where = (_p.id == proposal_id, _p.expires_at > at, _p.used_at.is_(None))
    return (await db.execute(select(t.proposals).where(*where).with_for_update())).first()


async def approve(db: AsyncConnection, proposal_id: str, by: str, at: datetime) -> None:
    """The second one agreed."""
    await db.execute(update(t.proposals).where(_p.id == proposal_id).values(approved_by=by, approved_at=at))


async def carry_out(db: AsyncConnection, action: str, subject: str, at: datetime) -> Any | None:
    """Use up an approved proposal of that action and subject, in the transaction that does it; None without one."""
    where = (_p.action == action, _p.subject == subject, _p.expires_at > at, _p.used_at.is_(None))
    found = select(_p.id).where(*where, _p.approved_by.is_not(None)).limit(1).with_for_update().scalar_subquery()
    return (await db.execute(update(t.proposals).where(_p.id == found).values(used_at=at).returning(*_p))).first()
