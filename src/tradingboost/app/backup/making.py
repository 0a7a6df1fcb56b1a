"""Taking backups: one moment of the database into one file, and which files stay.

Jobs take backups, too, so nothing here knows the platform, only its database.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.app.backup import keeping, rows
from tradingboost.app.backup.files import SUFFIX, Kept, Manifest, Writer, head_of
from tradingboost.app.places import data_dir
from tradingboost.app.schemas import all_schemas
from tradingboost.app.secrets import Secrets
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput
from tradingboost.kit import audit
from tradingboost.kit.clock import Clock
from tradingboost.kit.db import Database
from tradingboost.kit.ids import uuid7
from tradingboost.kit.migrations import current

_STAMP: Final = "%Y%m%dT%H%M%S"
_SNAPSHOT: Final = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """One file."""

    name: str
    created_at: datetime
    size: int


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What was created, and which old files went."""

    name: str
    tables: dict[str, Kept]
    removed: list[str]


def folder(settings: Settings) -> Path:
    """Where backups are kept."""
    given = settings.backup.folder
    return Path(given).expanduser() if given else data_dir(settings) / "backups"


def listed(settings: Settings) -> list[Backup]:
    """Every backup, newest first; what is no backup is left out."""
    kept = []
    for path in sorted(folder(settings).glob(f"*{SUFFIX}"), reverse=True):
        try:
            created = datetime.fromisoformat(head_of(path).created_at)
        except InvalidInput:
            continue
        kept.append(Backup(name=path.name, created_at=created, size=path.stat().st_size))
    return sorted(kept, key=lambda one: one.created_at, reverse=True)


async def taken(
    database: Database, clock: Clock, settings: Settings, tell: Callable[[str], None] = lambda _: None
) -> Made:
    """Take a backup, and let go of old ones."""
    now = clock.now().astimezone(UTC)
    path = folder(settings) / f"{now.strftime(_STAMP)}Z{SUFFIX}"
    ring = Secrets(settings, data_dir(settings)).backup_ring()
    writer = Writer(path, ring, uuid7(), now.isoformat())
    try:
        async with database.transaction() as db:
            await db.execute(_SNAPSHOT)
            tables = {name: await _written(db, name, writer, tell) for name in rows.BY_NAME}
            heads = await rows.heads_now(db)
        versions = await current(database, all_schemas())
        writer.finish(Manifest(tables=tables, heads=heads, versions=versions, parts=writer.parts))
    except BaseException:
        writer.abandon()
        raise
    removed = _let_go(settings)
    async with database.transaction() as db:
        counts = {name: one.rows for name, one in tables.items()}
        await audit.append(db, "backup.created", actor="system", at=now, subject=path.name, details={"rows": counts})
    return Made(name=path.name, tables=tables, removed=removed)


def newest(settings: Settings) -> str:
    files = listed(settings)
    if not files:
        raise InvalidInput("no_backup", "There is no backup yet; take one with `tradingboost backup create`.")
    return files[0].name


async def _written(db: AsyncConnection, name: str, writer: Writer, tell: Callable[[str], None]) -> Kept:
    digest, count = hashlib.sha256(), 0
    head = b'{"t":' + msgspec.json.encode(name) + b',"r":'
    async for batch in rows.batches(db, rows.BY_NAME[name]):
        for row in batch:
            digest.update(row.encode() + b"\n")
        writer.part(b"".join(head + row.encode() + b"}\n" for row in batch))
        count += len(batch)
        tell(f"{name}: {count:,} rows ...")
    return Kept(rows=count, sha256=digest.hexdigest())


def _let_go(settings: Settings) -> list[str]:
    files = listed(settings)
    stay = keeping.kept(one.created_at for one in files)
    gone = [one.name for one in files if one.created_at not in stay]
    for name in gone:
        (folder(settings) / name).unlink(missing_ok=True)
    return gone
