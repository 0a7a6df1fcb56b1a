"""Appending to the audit trail, beside a bare insert of the same row: both alone in a transaction of their own."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import MetaData, bindparam, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.figures import milliseconds
from tradingboost.core.ids import UserId
from tradingboost.kit.audit import GENESIS, append, canonical, chain
from tradingboost.kit.audit.tables import events
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.db import Database
from tradingboost.kit.embedded import servers
from tradingboost.kit.hot import Hot
from tradingboost.kit.ids import uuid7
from tradingboost.kit.migrations import kit_schemas, upgrade

BATCH: Final = 100
TWIN: Final = events.to_metadata(MetaData(), schema="public", name="bare_events")
_INSERT: Final = Hot(insert(TWIN).values({column.name: bindparam(column.name) for column in TWIN.c}))


async def measure(count: int = 2_000) -> dict[str, Any]:
    """Milliseconds of both in alternating batches, their ratio, and how many events a second are verified."""
    with TemporaryDirectory(prefix="tb-bench-") as folder:
        async with servers(Path(folder), durable=False) as found:
            database = Database.open(found.db_url)
            try:
                await upgrade(database, kit_schemas())
                return await _measured(database, count)
            finally:
                await database.close()


async def _measured(database: Database, count: int) -> dict[str, Any]:
    async with database.transaction() as db:
        await db.run_sync(TWIN.create)
    ours: list[float] = []
    bare: list[float] = []
    user = UserId(str(uuid7()))
    for first in range(-BATCH, count, BATCH):  # the first batch warms both up
        for number in range(first, first + BATCH):
            ours.append(await _timed(database, partial(_append, user=user)))
            bare.append(await _timed(database, partial(_insert, seq=number)))
    began = time.perf_counter()
    verdict = await chain.verify(database)
    seconds = time.perf_counter() - began
    if verdict.findings or verdict.events != count + BATCH:
        raise SystemExit("bench: the chain that was written is not whole.")
    appended, inserted = milliseconds(ours[BATCH:]), milliseconds(bare[BATCH:])
    return {
        "events": count,
        "append": appended,
        "bare_insert": inserted,
        "verified_per_s": round(verdict.events / seconds),
        "ratios": {
            f"append_vs_insert_{part}": round(appended[f"{part}_ms"] / inserted[f"{part}_ms"], 2)
            for part in ("p50", "p99")
        },
    }


async def _timed(database: Database, work: Callable[[AsyncConnection], Awaitable[None]]) -> float:
    began = time.perf_counter()
    async with database.transaction() as db:
        await work(db)
    return time.perf_counter() - began


async def _append(db: AsyncConnection, user: UserId) -> None:
    now = SystemClock().now()
    await append(db, "setting.saved", actor="bench", at=now, user_id=user, subject="leverage", details={"to": 10})


async def _insert(db: AsyncConnection, seq: int) -> None:
    now = SystemClock().now()
    entry = {
        "actor": "bench",
        "action": "setting.saved",
        "subject": "leverage",
        "at": now.isoformat(),
        "details": {"to": 10},
    }
    content = canonical(entry)
    known = {"stream": "bare", "seq": seq, "at": now, "content": content, "prev_hash": GENESIS}
    digest = hashlib.sha256(GENESIS + content.encode()).digest()
    await _INSERT.rows(db, **known, actor="bench", action="setting.saved", subject="leverage", hash=digest)
