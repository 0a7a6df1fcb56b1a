"""The audit trail of an installation, looked at from outside of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson
from sqlalchemy import select

from tradingboost.app.look import found
from tradingboost.app.places import AUDIT_FOLDER, data_dir
from tradingboost.app.process import opened
from tradingboost.app.settings import Settings
from tradingboost.kit.audit import anchors, chain
from tradingboost.kit.audit.tables import events
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.db import Database


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was done."""

    stream: str
    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]


def folder(settings: Settings) -> Path:
    """Where the heads of the chains are kept outside the database."""
    return data_dir(settings) / AUDIT_FOLDER


async def verified(settings: Settings, tell: Callable[[int], None]) -> chain.Verdict:
    """Read every chain anew and compare it with the heads kept outside."""
    kept = anchors.kept(folder(settings))
    async with _database(settings) as database:
        return await chain.verify(database, kept, tell)


async def anchored(settings: Settings) -> int:
    """Keep the heads of now; returns how many chains moved since."""
    async with _database(settings) as database:
        return await anchors.anchor(database, folder(settings), SystemClock().now())


async def listed(settings: Settings, streams: list[str], action: str, limit: int) -> list[Entry]:
    """The newest entries first.

    Args:
        streams: of these chains; of all of them when there are none.
        action: the beginning of their action, `credential.` for example.
    """
    statement = select(events).order_by(events.c.at.desc(), events.c.stream, events.c.seq.desc()).limit(limit)
    if streams:
        statement = statement.where(events.c.stream.in_(streams))
    if action:
        statement = statement.where(events.c.action.startswith(action, autoescape=True))
    async with _database(settings) as database, database.read() as db:
        return [_entry(row) for row in await db.execute(statement)]


def _entry(row: Any) -> Entry:
    return Entry(
        stream=row.stream,
        seq=row.seq,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        details=orjson.loads(row.content)["details"],
    )


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    async with found(settings) as where, opened(settings, where) as context:
        yield context.db
