"""The worker process: Celery's pool, and beside it the sweep that wakes jobs whose worker died or nobody came for."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import structlog

from tradingboost.core.errors import TradingBoostError
from tradingboost.kit.clock import Clock, SystemClock
from tradingboost.kit.db import Database
from tradingboost.kit.ids import SystemIds
from tradingboost.kit.jobs import store
from tradingboost.kit.jobs.piece import Kind, Terms, run_piece
from tradingboost.kit.jobs.queue import JobQueue
from tradingboost.kit.settings import DbSettings

SWEEP_S: Final = 1.0
TOLD_BEFORE_S: Final = 60.0
"""A queued job is told about again after this, in case the message was lost with Redis."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Periodic:
    """A job of the schedule: one in every slot of this length, counted from midnight UTC.

    Args:
        offset_s: how long after the slot's beginning.
    """

    kind: str
    every_s: int
    offset_s: int = 0
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a worker needs to know.

    Args:
        db_url: PostgreSQL; each piece of work opens connections of its own, since each has an event loop of its own.
        role: the database role it works as, "" = the login itself.
    """

    db_url: str
    broker: str
    results: str
    kinds: Mapping[str, Kind]
    schedule: Sequence[Periodic] = ()
    db: DbSettings = field(default_factory=DbSettings)
    role: str = ""
    hold_s: float = 5.0
    piece_s: float = 20.0
    clock: Clock = field(default_factory=SystemClock)

    def queue(self) -> JobQueue:
        """The queue with the work of this shop."""
        return JobQueue(self.broker, self.results, self.work, self.tick)

    def work(self, job_id: UUID) -> str:
        """One piece of one job; the sync shell a worker calls."""
        return asyncio.run(self._work(job_id))

    def tick(self) -> None:
        """Make the jobs that are due; the sync shell the beat calls."""
        asyncio.run(self._tick())

    async def _work(self, job_id: UUID) -> str:
        database = Database.open(self.db_url, _few(self.db), role=self.role)
        terms = Terms(owner=f"{socket.gethostname()}-{os.getpid()}", hold_s=self.hold_s, piece_s=self.piece_s)
        try:
            ended = await run_piece(database, self.kinds, job_id, terms, self.clock)
            if ended == "unfinished":
                async with database.read() as connection:
                    job = await store.get(connection, job_id)
                queue = JobQueue(self.broker, self.results)
                await queue.wake(job_id, job.queue, long=self.long(job.kind))
                queue.close()
        finally:
            await database.close()
        log.info("job_piece", job=str(job_id), ended=ended)
        return ended

    async def _tick(self) -> None:
        database = Database.open(self.db_url, _few(self.db), role=self.role)
        queue = JobQueue(self.broker, self.results)
        try:
            for job_id, name in await due(database, self.schedule, self.kinds, self.clock):
                await queue.wake(job_id, name)
        finally:
            queue.close()
            await database.close()

    def long(self, kind: str) -> bool:
        """Whether a piece of this kind may take half an hour."""
        return kind in self.kinds and self.kinds[kind].long

    async def sweep(self, stop: threading.Event) -> None:
        """Wake what lies still, until asked to stop."""
        database = Database.open(self.db_url, _few(self.db), role=self.role)
        queue = JobQueue(self.broker, self.results)
        try:
            while not stop.is_set():
                try:
                    await swept(database, queue, self.long)
                except TradingBoostError as error:
                    log.warning("job_sweep_failed", code=error.code)
                await asyncio.sleep(SWEEP_S)
        finally:
            queue.close()
            await database.close()


async def swept(
    database: Database, queue: JobQueue, long: Callable[[str], bool], told_before_s: float = TOLD_BEFORE_S
) -> int:
    """Wake every job that lies still; returns how many."""
    async with database.transaction() as connection:
        found = await store.lying_still(connection, told_before_s)
    for job_id, kind, name in found:
        await queue.wake(job_id, name, long=long(kind))
    return len(found)


async def due(
    database: Database, schedule: Sequence[Periodic], kinds: Mapping[str, Kind], clock: Clock
) -> list[tuple[UUID, str]]:
    """Make the job of every slot that has begun and has none yet; (id, queue) of those that were made.

    Any number of beats may do this at the same time: a slot's key is unique.
    """
    made: list[tuple[UUID, str]] = []
    now_s, ids = clock.now().timestamp(), SystemIds()
    for one in schedule:
        slot = int((now_s - one.offset_s) // one.every_s)
        kind = kinds[one.kind]
        request = store.Request(
            id=ids.uuid7(), kind=one.kind, queue=kind.queue, args=dict(one.args), key=f"{one.kind} slot {slot}"
        )
        async with database.transaction() as connection:
            if await store.add_due(connection, request):
                made.append((request.id, kind.queue))
    return made


def serve(shop: Workshop, *, queues: Sequence[str], concurrency: int, beat: bool, level: str = "WARNING") -> None:
    """Run the worker in this process until SIGTERM or Ctrl-C; the pieces in hand are finished first."""
    from celery.signals import worker_ready, worker_shutting_down

    app = shop.queue().app
    stop = threading.Event()
    sweeping = threading.Thread(target=lambda: asyncio.run(shop.sweep(stop)), name="job-sweep", daemon=True)

    def ready(**_: Any) -> None:
        sweeping.start()

    def ending(**_: Any) -> None:
        stop.set()

    worker_ready.connect(ready, weak=False)
    worker_shutting_down.connect(ending, weak=False)
    words = ["-q", "worker", "-Q", ",".join(queues), "-c", str(concurrency), "--pool", "prefork", "-l", level]
    words += ["--without-gossip", "--without-mingle", "-n", f"tb-{os.getpid()}@%h"]
    if beat:
        words += ["--beat", "--scheduler", "celery.beat:Scheduler"]
    try:
        app.worker_main(words)
    finally:
        stop.set()
        if sweeping.is_alive():
            sweeping.join(SWEEP_S * 5)


def serve_beat(shop: Workshop, level: str = "WARNING") -> None:
    """Run only the beat in this process."""
    shop.queue().app.Beat(scheduler="celery.beat:Scheduler", loglevel=level).run()


def _few(settings: DbSettings) -> DbSettings:
    """A piece of work asks one thing at a time."""
    return settings.model_copy(update={"pool_size": 2, "max_overflow": 2})
