"""Letting go of rows that are too old: whole pieces where the database cuts by time, else in small transactions."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy import and_, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.kit.db import Database
from tradingboost.kit.tiers import Series, detect, forget_whole_pieces, uncut

_ROWS: Final = 5_000
_BATCHES: Final = 50
_TURN: Final = text("SELECT pg_try_advisory_xact_lock(1952804719, hashtext(:name))")


class Pulse(Protocol):
    """Whoever wants to know that the work goes on, and may ask it to end; `kit.runtime.Life` is one."""

    @property
    def stopping(self) -> bool:
        """True once the work should end."""
        ...

    def beat(self) -> None:
        """Hear that it makes progress."""
        ...


async def take_turn(db: AsyncConnection, name: str) -> bool:
    """Whether no other process is at this work; the turn ends with the transaction."""
    return bool((await db.execute(_TURN, {"name": name})).scalar_one())


class Forgetter:
    """Forgets rows of some series; one process at a time, and cut off anywhere it goes on the next time."""

    def __init__(self, db: Database, keep: Mapping[Series, timedelta]) -> None:
        self._db = db
        self._keep = keep

    async def run(self, pulse: Pulse) -> int:
        """Rows or pieces that are gone."""
        async with self._db.read() as db:
            now: datetime = (await db.execute(select(func.clock_timestamp()))).scalar_one()
            found = await detect(db)
            whole = await uncut(db, found, list(self._keep))
        gone = 0
        for series, keep in self._keep.items():
            if found.tier == "plain" or series in whole:
                gone += await self._rows(series, now - keep, pulse)
            elif found.tier == "apache":
                async with self._db.transaction() as db:
                    gone += int((await db.execute(forget_whole_pieces(series, keep))).scalar_one())
        return gone

    async def _rows(self, series: Series, before: datetime, pulse: Pulse) -> int:
        gone = 0
        for _ in range(_BATCHES):
            async with self._db.transaction() as db:
                if pulse.stopping or not await take_turn(db, series.name):
                    break
                deleted = await _delete(db, series, before)
            gone += deleted
            pulse.beat()
            if deleted < _ROWS:
                break
        return gone


async def _delete(db: AsyncConnection, series: Series, before: datetime) -> int:
    table = series.table
    key = list(table.primary_key)
    old = select(*key).where(table.c[series.time] < before).limit(_ROWS).cte("old")
    same = and_(*(column == old.c[column.name] for column in key))
    return int((await db.execute(delete(table).where(same))).rowcount)
