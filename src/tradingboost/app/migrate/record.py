"""What was migrated: `ops.migration_runs` and `ops.migration_items`, one transaction an item."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on, insert

from tradingboost.app.migrate.outcome import Item, Judged, Status
from tradingboost.core.errors import Conflict
from tradingboost.kit.clock import Clock
from tradingboost.kit.db import Database
from tradingboost.kit.ids import Ids
from tradingboost.kit.tables import migration_items, migration_runs

_LOCK: Final = 0x7462_6D76_6572  # any constant number, the same in every process
_IN_HAND: Final = "in_hand"
_SETTLED: Final = (Status.DONE, Status.EQUAL, Status.MERGED)


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as `migrate status` shows it."""

    run_id: str
    verb: str
    source: str
    status: str
    counts: dict[str, int]
    cursor: str
    started_at: str
    ended_at: str


class Record:
    """The runs of one verb on one source.

    Args:
        source: host, port and database of the Redis that is read.
    """

    def __init__(self, database: Database, clock: Clock, ids: Ids, verb: str, source: str) -> None:
        self._db = database
        self._clock = clock
        self._ids = ids
        self._verb = verb
        self._source = source
        self._run_id = ""

    @property
    def run_id(self) -> str:
        """Of the run that was begun, "" before."""
        return self._run_id

    async def begin(self, options: Mapping[str, Any]) -> bool:
        """Begin a run; whether the one before did not come to its end and is resumed by it."""
        now = self._clock.now()
        mine = (migration_runs.c.verb == self._verb) & (migration_runs.c.source == self._source)
        before = select(migration_runs.c.status).where(mine).order_by(migration_runs.c.started_at.desc()).limit(1)
        self._run_id = str(self._ids.uuid7())
        async with self._db.transaction() as db:
            cut = update(migration_runs).where(mine & (migration_runs.c.status == "running"))
            await db.execute(cut.values(status="cut", ended_at=now))
            ended_as = (await db.execute(before)).scalar_one_or_none()
            row = {"id": self._run_id, "verb": self._verb, "options": dict(options), "source": self._source}
            await db.execute(insert(migration_runs).values(**row, status="running", started_at=now))
        return ended_as not in (None, "done")

    async def settled(self, statuses: Sequence[Status] = _SETTLED) -> dict[str, str]:
        """Hash of the value by key, of every item that needs no second look unless its value changed."""
        return {row.key: row.value_hash for row in await self._newest() if row.status in statuses}

    async def in_hand(self) -> list[str]:
        """Keys whose newest line is an announcement: the process died while it was at them."""
        return [row.key for row in await self._newest() if row.reason == _IN_HAND]

    async def _newest(self) -> Sequence[Any]:
        """The newest line of each key that this verb has met in this source."""
        items, runs = migration_items.c, migration_runs.c
        newest = (
            select(items.key, items.status, items.value_hash, items.reason)
            .join(migration_runs, runs.id == items.run_id)
            .where(items.verb == self._verb, runs.source == self._source)
            .ext(distinct_on(items.key))
            .order_by(items.key, items.at.desc(), items.run_id.desc())
        )
        async with self._db.read() as db:
            return (await db.execute(newest)).all()

    async def announce(self, items: Sequence[tuple[Item, Judged]]) -> None:
        """Note that items are about to be carried out."""
        await self.write(
            [(item, Judged(status=Status.LEFT, action=judged.action, reason=_IN_HAND)) for item, judged in items]
        )

    async def write(self, items: Sequence[tuple[Item, Judged]]) -> None:
        """Note what became of items, in one transaction."""
        if not items:
            return
        line = insert(migration_items)
        said = {name: line.excluded[name] for name in ("action", "status", "reason", "notes", "at")}
        storing = line.on_conflict_do_update(constraint=migration_items.primary_key, set_=said)
        mine = update(migration_runs).where(migration_runs.c.id == self._run_id)
        async with self._db.transaction() as db:
            await db.execute(storing, [self._row(item, judged) for item, judged in items])
            await db.execute(mine.values(cursor=items[-1][0].key))

    def _row(self, item: Item, judged: Judged) -> dict[str, Any]:
        return {
            "run_id": self._run_id,
            "verb": self._verb,
            "key": item.key,
            "action": judged.action,
            "status": judged.status.value,
            "reason": judged.reason,
            "value_hash": item.digest,
            "notes": list(judged.notes),
            "at": self._clock.now(),
        }

    async def end(self, status: str, counts: Mapping[str, int]) -> None:
        """Close the run."""
        values = {"status": status, "counts": dict(counts), "ended_at": self._clock.now()}
        async with self._db.transaction() as db:
            await db.execute(update(migration_runs).where(migration_runs.c.id == self._run_id).values(**values))


@asynccontextmanager
async def alone(database: Database) -> AsyncIterator[None]:
    """Hold the one place of whoever migrates, on a connection of its own; it is free again when this process dies.

    Raises:
        Conflict: `migration_running`.
    """
    async with database.engine.connect() as connection:
        taken = await connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK})
        if not taken.scalar_one():
            raise Conflict("migration_running", "Another migration runs on this database; wait for its end.")
        try:
            yield
        finally:
            await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})


async def runs(database: Database, limit: int = 50) -> list[RunView]:
    """The newest runs."""
    newest = select(migration_runs).order_by(migration_runs.c.started_at.desc()).limit(limit)
    per_status = select(migration_items.c.run_id, migration_items.c.status, func.count().label("n"))
    async with database.read() as db:
        rows = (await db.execute(newest)).all()
        counted = await db.execute(
            per_status.where(migration_items.c.run_id.in_([row.id for row in rows])).group_by("run_id", "status")
        )
        counts: dict[str, dict[str, int]] = {}
        for row in counted:
            counts.setdefault(row.run_id, {})[row.status] = row.n
    return [
        RunView(
            run_id=row.id,
            verb=row.verb,
            source=row.source,
            status=row.status,
            counts=counts.get(row.id, {}),
            cursor=row.cursor,
            started_at=row.started_at.isoformat(),
            ended_at=row.ended_at.isoformat() if row.ended_at else "",
        )
        for row in rows
    ]
