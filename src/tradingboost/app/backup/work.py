"""Creating, listing, verifying and restoring backups."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.app.backup import rows
from tradingboost.app.backup.files import Reader, damaged
from tradingboost.app.backup.making import Made, folder, newest, taken
from tradingboost.app.look import found
from tradingboost.app.places import data_dir
from tradingboost.app.process import opened
from tradingboost.app.secrets import Secrets
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput
from tradingboost.kit import audit
from tradingboost.kit.audit import chain
from tradingboost.kit.context import Context
from tradingboost.kit.db import Database
from tradingboost.kit.ids import is_uuid

_ONE_AT_A_TIME: Final = func.pg_advisory_xact_lock(0x7462_6261_636B_7570)


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a look into a backup gave.

    Args:
        findings: what is not as it should be; none = it can be restored.
    """

    name: str
    created_at: str
    tables: dict[str, int]
    chains: int
    findings: list[str]


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was brought back, or would be.

    Args:
        stored: rows by table that were not there.
        left: rows by table that were there, or stand against one that is; they were not touched.
    """

    name: str
    stored: dict[str, int]
    left: dict[str, int]
    dry_run: bool = False


async def create(settings: Settings, tell: Callable[[str], None] = lambda _: None) -> Made:
    """Take a backup of one moment, and let go of old ones."""
    async with _context(settings) as context:
        return await taken(context.db, context.clock, settings, tell)


async def verify(settings: Settings, name: str, tell: Callable[[str], None] = lambda _: None) -> Verified:
    """Open a backup, load it into empty tables, and compare counts, hashes and the audit trail."""
    name = name or newest(settings)
    reader = _reader(settings, name)
    async with _context(settings) as context:
        findings: list[str] = []
        async with _transaction(context.db, keep=False) as db:
            findings += await _loaded(db, reader, tell)
        tell("Reading the audit trail ...")
        verdict = await chain.verify(context.db, {stream: [head] for stream, head in reader.manifest.heads.items()})
        findings += [f"audit {one.stream} {one.seq}: {one.problem}" for one in verdict.findings]
    return Verified(
        name=name,
        created_at=reader.head.created_at,
        tables={table: one.rows for table, one in reader.manifest.tables.items()},
        chains=len(reader.manifest.heads),
        findings=findings,
    )


async def restore(
    settings: Settings, name: str, user: str, only: str, tell: Callable[[str], None], *, dry_run: bool
) -> Restored:
    """Bring back what is not there any more; nothing that is there is changed.

    Args:
        user: of this person alone; empty = of everybody.
        only: settings or presets; empty = everything.
    """
    if only not in ("", "settings", "presets"):
        raise InvalidInput("unknown_part", f"There is no part {only!r} of a backup; choose settings or presets.")
    if user and not is_uuid(user):
        raise InvalidInput("bad_user_id", f"{user!r} is no internal id; `tradingboost users list` shows it.")
    chosen = {"settings": ("user_settings",), "presets": ("presets",)}.get(only, tuple(rows.BY_NAME))
    name = name or newest(settings)
    reader = _reader(settings, name)
    stored, left = dict.fromkeys(chosen, 0), dict.fromkeys(chosen, 0)
    async with _context(settings) as context, _transaction(context.db, keep=not dry_run) as db:
        await db.execute(select(_ONE_AT_A_TIME))
        for part in reader.rows():
            await _brought_back(db, part, (user, chosen), (stored, left))
            tell(f"{sum(stored.values()):,} rows brought back ...")
        details = {"rows": stored, "user": user, "only": only}
        now = context.clock.now()
        await audit.append(db, "backup.restored", actor="cli", at=now, subject=name, details=details)
    return Restored(name=name, stored=stored, left=left, dry_run=dry_run)


class _Enough(Exception):
    """Everything was seen; the transaction is undone."""


@asynccontextmanager
async def _transaction(database: Database, *, keep: bool) -> AsyncIterator[AsyncConnection]:
    """A transaction that is undone at its end unless it is to be kept."""
    with suppress(_Enough):
        async with database.transaction() as db:
            yield db
            if not keep:
                raise _Enough


async def _loaded(db: AsyncConnection, reader: Reader, tell: Callable[[str], None]) -> list[str]:
    """What is wrong with the rows of a backup, loaded into tables of their own."""
    tables = await rows.scratch(db)
    findings = []
    for part in reader.rows():
        for name in dict.fromkeys(line.t for line in part):
            if name not in tables:
                findings.append(f"{name} is no table of this release")
                continue
            await rows.put(db, tables[name], [bytes(line.r) for line in part if line.t == name])
        tell(f"{part[-1].t} ...")
    for name, kept in reader.manifest.tables.items():
        seen = await rows.counted(db, tables[name]) if name in tables else None
        if seen is None or seen.rows != kept.rows:
            findings.append(f"{name} has {0 if seen is None else seen.rows} rows, not {kept.rows}")
        elif seen.sha256 != kept.sha256:
            findings.append(f"{name} does not have the content it was sealed with")
    return findings + [f"{name} names people who are not in the backup" for name in await rows.orphans(db, tables)]


async def _brought_back(
    db: AsyncConnection,
    part: Sequence[Any],
    wanted: tuple[str, tuple[str, ...]],
    counts: tuple[dict[str, int], dict[str, int]],
) -> None:
    user, chosen = wanted
    for name in dict.fromkeys(line.t for line in part):
        if name not in chosen:
            continue
        mine = [bytes(line.r) for line in part if line.t == name and (not user or _is_of(name, bytes(line.r), user))]
        done = await rows.put(db, rows.BY_NAME[name], mine) if mine else []
        counts[0][name] += len(done)
        counts[1][name] += len(mine) - len(done)


def _is_of(table: str, row: bytes, user: str) -> bool:
    owner: dict[str, Any] = msgspec.json.decode(row)
    return bool(owner["id" if table == "app_users" else "user_id"] == user)


def _reader(settings: Settings, name: str) -> Reader:
    path = folder(settings) / name
    if path.parent != folder(settings):
        raise InvalidInput("backup_elsewhere", f"Backups are read from {folder(settings)}; copy the file there.")
    try:
        return Reader(path, Secrets(settings, data_dir(settings)).backup_ring())
    except msgspec.MsgspecError as error:
        raise damaged(path, "its end cannot be read") from error


@asynccontextmanager
async def _context(settings: Settings) -> AsyncIterator[Context]:
    async with found(settings) as where, opened(settings, where) as context:
        yield context
