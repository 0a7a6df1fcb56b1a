"""Where jobs are asked for, looked at and cancelled; the worker's workshop is made here, too."""

import difflib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from tradingboost.app.jobs.kinds import SCHEDULE, kinds
from tradingboost.app.places import data_dir
from tradingboost.app.redis_places import jobs_places
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput, NotFound, Unavailable
from tradingboost.kit import embedded
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.db import Database
from tradingboost.kit.ids import SystemIds
from tradingboost.kit.jobs import store
from tradingboost.kit.jobs.piece import Terms, run_piece
from tradingboost.kit.jobs.queue import JobQueue
from tradingboost.kit.jobs.store import Job, Request
from tradingboost.kit.jobs.worker import Workshop
from tradingboost.kit.logging import register_secret

_LOOK_S: Final = 0.5
_LONG_S: Final = 86_400.0


class Office:
    """Jobs, as whoever wants something done sees them."""

    def __init__(self, database: Database, queue: JobQueue, settings: Settings) -> None:
        self.database = database
        self._queue = queue
        self._settings = settings
        self.kinds = kinds(settings)

    async def ask(
        self, kind: str, args: dict[str, Any], *, user_id: str | None = None, key: str | None = None, wake: bool = True
    ) -> Job:
        """Make a job and wake a worker.

        Raises:
            InvalidInput: no such kind, or arguments it cannot use.
            Refused: this user has as many unfinished jobs as one may have.
        """
        found = self.kinds.get(kind)
        if found is None:
            near = difflib.get_close_matches(kind, self.kinds, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" Choose one of {', '.join(self.kinds)}."
            raise InvalidInput("unknown_job_kind", f"There are no jobs of kind {kind!r}.{hint}")
        args = found.checked(args)
        request = Request(id=SystemIds().uuid7(), kind=kind, queue=found.queue, args=args, user_id=user_id, key=key)
        async with self.database.transaction() as connection:
            job = await store.add(connection, request, self._settings.jobs.per_user)
        if wake:
            await self._wake(job)
        return job

    async def get(self, name: str) -> Job:
        """A job by its id or the beginning of it.

        Raises:
            NotFound: there is none.
            InvalidInput: several begin like that.
        """
        async with self.database.read() as connection:
            found = await store.begun_with(connection, name.lower())
        if not found:
            raise NotFound("unknown_job", f"There is no job {name!r}; tradingboost jobs list shows them.")
        if len(found) > 1:
            raise InvalidInput("job_ambiguous", f"Several jobs begin with {name!r}; give more of the id.")
        return found[0]

    async def listed(self, state: str | None = None, user_id: str | None = None, limit: int = 50) -> list[Job]:
        """Jobs, the newest first."""
        async with self.database.read() as connection:
            return await store.listed(connection, state=state, user_id=user_id, limit=limit)

    async def cancel(self, job_id: UUID) -> Job:
        """Ask a job to end."""
        async with self.database.transaction() as connection:
            return await store.cancel(connection, job_id)

    async def again(self, job_id: UUID) -> Job:
        """Begin a failed or cancelled job again, from where it was."""
        async with self.database.transaction() as connection:
            job = await store.again(connection, job_id)
        await self._wake(job)
        return job

    async def purge(self, keep_days: int) -> int:
        """Delete jobs that ended longer ago; how many."""
        deleted = 0
        while True:
            async with self.database.transaction() as connection:
                gone = await store.purge(connection, keep_days)
            deleted += gone
            if not gone:
                return deleted

    async def work(self, job_id: UUID) -> Job:
        """Do a job here, in this process, to its end; another process may take it over if this one dies."""
        terms = Terms(owner="here", hold_s=self._settings.jobs.redeliver_after_s, piece_s=_LONG_S)
        await run_piece(self.database, self.kinds, job_id, terms, SystemClock())
        async with self.database.read() as connection:
            return await store.get(connection, job_id)

    async def followed(self, job_id: UUID, tell: Callable[[Job], None]) -> Job:
        """Wait for the end of a job that somebody else does."""
        while True:
            async with self.database.read() as connection:
                job = await store.get(connection, job_id)
            tell(job)
            if not job.open:
                return job
            await SystemClock().sleep(_LOOK_S)

    async def _wake(self, job: Job) -> None:
        if job.open and await self._queue.wake(job.id, job.queue, long=self.kinds[job.kind].long):
            async with self.database.transaction() as connection:
                await store.woken(connection, job.id)


@asynccontextmanager
async def office(settings: Settings, database: Database, redis_url: str) -> AsyncIterator[Office]:
    """An office in an up-to-date database.

    Args:
        redis_url: the application's; the queue's is named by the settings, or beside it.
    """
    places = jobs_places(settings.jobs, redis_url)
    for address in places:
        register_secret(address)
    queue = JobQueue(places.broker, places.results)
    try:
        yield Office(database, queue, settings)
    finally:
        queue.close()


async def running_servers(settings: Settings) -> tuple[str, str]:
    """(PostgreSQL, Redis) of servers that run without us: the named ones, or those of a running platform.

    Raises:
        Unavailable: there are none.
    """
    database, redis = settings.db.address(), settings.redis.address()
    if database is not None and redis is not None:
        return database, redis
    running = await embedded.running(data_dir(settings))
    if running is None:
        message = (
            "A worker needs a running platform: start it with tradingboost up, or set TB_DB__URL and TB_REDIS__URL."
        )
        raise Unavailable("platform_not_running", message)
    return running


def workshop(settings: Settings, addresses: tuple[str, str], role: str = "") -> Workshop:
    """What a worker of this installation needs to know.

    Args:
        role: the database role it works as, "" = the login itself.
    """
    places = jobs_places(settings.jobs, addresses[1])
    for address in (*addresses, *places):
        register_secret(address)
    return Workshop(
        db_url=addresses[0],
        broker=places.broker,
        results=places.results,
        kinds=kinds(settings),
        schedule=SCHEDULE,
        db=settings.db,
        role=role,
        hold_s=settings.jobs.redeliver_after_s,
        piece_s=settings.jobs.piece_s,
    )
