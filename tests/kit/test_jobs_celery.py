"""Real Celery workers on the jobs' Redis: one is killed in the middle of a job, and another one ends it, once."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis.asyncio as driver
from tests.kit.shop import CREATE, KINDS, counted
from tests.kit.stage import prepare
from tests.servers import FreshDatabase

from tradingboost.kit.clock import SystemClock
from tradingboost.kit.db import Database
from tradingboost.kit.ids import uuid7
from tradingboost.kit.jobs import store
from tradingboost.kit.jobs.piece import Terms, run_piece
from tradingboost.kit.jobs.queue import JobQueue
from tradingboost.kit.jobs.store import Job, Request
from tradingboost.kit.keys_jobs import jobs_pattern_of

LIMIT_S = 15.0
NUMBERS = 60


class Worker:
    """A process group: Celery's parent and its child."""

    def __init__(self, db_url: str, broker: str, log: Path) -> None:
        command = [sys.executable, "-m", "tests.kit.job_worker", db_url, broker]
        with log.open("ab") as sink:
            self.process = subprocess.Popen(command, stdout=sink, stderr=sink, start_new_session=True)
        self.log = log

    def works_on(self, job: Job) -> bool:
        """Whether the job's owner is a process of this group."""
        if job.owner is None:
            return False
        try:
            return os.getpgid(int(job.owner.rpartition("-")[2])) == self.process.pid
        except ProcessLookupError:
            return False

    def kill(self) -> None:
        """SIGKILL to parent and child at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """Warm shutdown; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.mark.slow
async def test_a_job_whose_worker_is_killed_goes_on_where_it_was_within_fifteen_seconds_and_once(
    fresh_database: FreshDatabase, jobs_redis_url: str, tmp_path: Path
) -> None:
    db_url = await fresh_database("kit", prepare)
    async with opened(db_url) as database, workers(db_url, jobs_redis_url, tmp_path, 1) as [one]:
        job = await submitted(database, jobs_redis_url, to=NUMBERS, pause_s=0.03)
        await _wait(lambda: _counted(database, job, 5))
        killed_at = _kill(one)
        terms = Terms(owner="here", hold_s=5)
        while await run_piece(database, KINDS, job.id, terms, SystemClock()) == "not_mine":  # noqa: ASYNC110 - a lease runs out
            await asyncio.sleep(0.2)
        await _ended_once(database, job, killed_at)
        await _keys_are_known(jobs_redis_url)


@pytest.mark.long
async def test_a_job_whose_worker_is_killed_is_ended_by_another_within_fifteen_seconds_and_once(
    fresh_database: FreshDatabase, jobs_redis_url: str, tmp_path: Path
) -> None:
    db_url = await fresh_database("kit", prepare)
    async with opened(db_url) as database, workers(db_url, jobs_redis_url, tmp_path, 2) as pair:
        job = await submitted(database, jobs_redis_url, to=NUMBERS, pause_s=0.03)
        await _wait(lambda: _counted(database, job, 5))
        running = await _now(database, job)
        [killed] = [one for one in pair if one.works_on(running)]
        [left] = [one for one in pair if one is not killed]
        killed_at = _kill(killed)
        await _wait(lambda: _ended(database, job))
        await _ended_once(database, job, killed_at)
        assert left.stop() == 0, left.log.read_text()


def _kill(worker: Worker) -> float:
    worker.kill()
    return asyncio.get_running_loop().time()


async def _ended_once(database: Database, job: Job, killed_at: float) -> None:
    assert asyncio.get_running_loop().time() - killed_at < LIMIT_S
    found = await _now(database, job)
    assert (found.state, found.result, found.done) == ("done", {"counted": NUMBERS}, NUMBERS)
    rows = await counted(database, job.id)
    assert [number for number, _ in rows] == list(range(NUMBERS)), "each number once, none left out"
    assert len({owner for _, owner in rows}) == 2


@asynccontextmanager
async def workers(db_url: str, broker: str, folder: Path, count: int) -> AsyncIterator[list[Worker]]:
    """So many of them."""
    started = [Worker(db_url, broker, folder / f"{number}.log") for number in range(count)]
    try:
        yield started
    finally:
        for one in started:
            if one.process.poll() is None:
                one.kill()


@asynccontextmanager
async def opened(db_url: str) -> AsyncIterator[Database]:
    database = Database.open(db_url)
    try:
        async with database.transaction() as connection:
            await connection.execute(CREATE)
        yield database
    finally:
        await database.close()


async def submitted(database: Database, broker: str, **args: float) -> Job:
    """Ask for a job as the platform does: the row first, then the waking."""
    kind = KINDS["count"]
    request = Request(id=uuid7(), kind=kind.name, queue=kind.queue, args=dict(args))
    async with database.transaction() as connection:
        job = await store.add(connection, request, 3)
    queue = JobQueue(broker, broker)
    assert await queue.wake(job.id, job.queue)
    queue.close()
    return job


async def _wait(holds: Callable[[], Awaitable[bool]]) -> None:
    """Look ten times a second: looking more often would take the workers' processor."""
    async with asyncio.timeout(40):
        while not await holds():  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.1)


async def _now(database: Database, job: Job) -> Job:
    async with database.read() as connection:
        return await store.get(connection, job.id)


async def _counted(database: Database, job: Job, count: int) -> bool:
    return (await _now(database, job)).done >= count


async def _ended(database: Database, job: Job) -> bool:
    return not (await _now(database, job)).open


async def _keys_are_known(url: str) -> None:
    async with driver.Redis.from_url(url, decode_responses=True) as client:
        found = [key async for key in client.scan_iter()]
        assert [key for key in found if jobs_pattern_of(key) is None] == []
        assert "unacked" in found, "the message of the killed worker"
