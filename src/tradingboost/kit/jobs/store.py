"""Every statement about jobs. A worker's writes carry its token, so that one who was thought dead cannot do harm."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Row, delete, func, select, text, true, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, NotFound, Refused
from tradingboost.kit.jobs.tables import jobs

State = Literal["queued", "running", "done", "failed", "cancelled"]
OPEN: Final = ("queued", "running")
SWEPT_AT_ONCE: Final = 100
LISTED_MOST: Final = 1000
NOTE_CHARS: Final = 500


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job.

    Args:
        done, total: how far it is, in units of its kind; total None = not known.
        attempts: how often it was begun since it last came further.
    """

    id: UUID
    kind: str
    queue: str
    state: State
    args: dict[str, Any]
    created_at: datetime
    user_id: str | None = None
    cursor: Any = None
    done: int = 0
    total: int | None = None
    note: str = ""
    result: Any = None
    error_code: str | None = None
    error_message: str | None = None
    attempts: int = 0
    cancel_asked: bool = False
    owner: str | None = None
    token: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Not finished yet."""
        return self.state in OPEN


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done.

    Args:
        key: the same key is the same job, so that asking twice is harmless.
    """

    id: UUID
    kind: str
    queue: str
    args: dict[str, Any]
    user_id: str | None = None
    key: str | None = None


async def add(connection: AsyncConnection, request: Request, per_user: int) -> Job:
    """Make a job, or give back the one that has this key.

    Raises:
        Refused: this user has as many unfinished jobs as one may have.
    """
    if request.user_id is not None:
        # one lock a user: two requests at the same time must not both be the last one allowed
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended('jobs of ' || :user_id, 0))")
        await connection.execute(lock, {"user_id": request.user_id})
        others = select(func.count()).where(
            jobs.c.user_id == request.user_id,
            jobs.c.state.in_(OPEN),
            jobs.c.key.is_distinct_from(request.key) if request.key else true(),
        )
        if (await connection.execute(others)).scalar_one() >= per_user:
            message = f"This user has {per_user} unfinished jobs; wait for one, or cancel one: tradingboost jobs list."
            raise Refused("too_many_jobs", message)
    values = msgspec.structs.asdict(request)
    made = upsert(jobs).values(values).on_conflict_do_nothing(index_elements=["key"]).returning(jobs)
    row = (await connection.execute(made)).first()
    if row is None:
        row = (await connection.execute(select(jobs).where(jobs.c.key == request.key))).one()
    return _job(row)


async def add_due(connection: AsyncConnection, request: Request) -> bool:
    """Make a job of the schedule unless this slot's is there already; True when it was made."""
    made = upsert(jobs).values(msgspec.structs.asdict(request)).on_conflict_do_nothing(index_elements=["key"])
    return bool((await connection.execute(made)).rowcount)


async def get(connection: AsyncConnection, job_id: UUID) -> Job:
    """One job.

    Raises:
        NotFound: there is none.
    """
    row = (await connection.execute(select(jobs).where(jobs.c.id == job_id))).first()
    if row is None:
        raise NotFound("unknown_job", f"There is no job {job_id}; tradingboost jobs list shows them.")
    return _job(row)


async def listed(
    connection: AsyncConnection, *, state: str | None = None, user_id: str | None = None, limit: int = 50
) -> list[Job]:
    """Jobs, the newest first."""
    asked = select(jobs).order_by(jobs.c.created_at.desc()).limit(min(limit, LISTED_MOST))
    if state is not None:
        asked = asked.where(jobs.c.state == state)
    if user_id is not None:
        asked = asked.where(jobs.c.user_id == user_id)
    return [_job(row) for row in await connection.execute(asked)]


async def begun_with(connection: AsyncConnection, beginning: str) -> list[Job]:
    """Jobs whose id begins like that, at most two."""
    asked = select(jobs).where(jobs.c.id.cast(_TEXT).startswith(beginning, autoescape=True)).limit(2)
    return [_job(row) for row in await connection.execute(asked)]


async def claim(connection: AsyncConnection, job_id: UUID, owner: str, hold_s: float) -> Job | None:
    """Take a job that nobody works on; None when somebody does, when it is finished, or when it has to wait."""
    now = func.clock_timestamp()
    taken = (
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.in_(OPEN), jobs.c.run_after <= now)
        .where((jobs.c.held_until.is_(None)) | (jobs.c.held_until <= now))
        .values(
            state="running",
            owner=owner,
            token=jobs.c.token + 1,
            attempts=jobs.c.attempts + 1,
            held_until=_in(hold_s),
            started_at=func.coalesce(jobs.c.started_at, now),
        )
        .returning(jobs)
    )
    row = (await connection.execute(taken)).first()
    return None if row is None else _job(row)


async def keep(connection: AsyncConnection, job: Job, hold_s: float, **values: Any) -> bool:
    """Hold it for longer, and with `values` write down how far it is; True when somebody wants it cancelled.

    Raises:
        Conflict: `job_taken_over`; whatever this worker still does must have no effect.
    """
    if "note" in values:
        values["note"] = str(values["note"])[:NOTE_CHARS]
    held = update(jobs).where(*_mine(job)).values(held_until=_in(hold_s), **values).returning(jobs.c.cancel_asked)
    found = (await connection.execute(held)).first()
    if found is None:
        raise _taken_over(job)
    return bool(found[0])


async def release(connection: AsyncConnection, job: Job, *, again_in_s: float, came_further: bool) -> None:
    """Give it back unfinished.

    Raises:
        Conflict: `job_taken_over`.
    """
    values: dict[str, Any] = {"state": "queued", "owner": None, "held_until": None, "run_after": _in(again_in_s)}
    values |= {"attempts": 0, "woken_at": func.clock_timestamp()} if came_further else {"woken_at": None}
    if not (await connection.execute(update(jobs).where(*_mine(job)).values(values))).rowcount:
        raise _taken_over(job)


async def finish(connection: AsyncConnection, job: Job, state: State, **values: Any) -> None:
    """It is over.

    Raises:
        Conflict: `job_taken_over`.
    """
    ended = {"state": state, "owner": None, "held_until": None, "finished_at": func.clock_timestamp(), **values}
    if not (await connection.execute(update(jobs).where(*_mine(job)).values(ended))).rowcount:
        raise _taken_over(job)


async def cancel(connection: AsyncConnection, job_id: UUID) -> Job:
    """Ask a job to end: at once where nobody works on it, else at its worker's next sign.

    Raises:
        NotFound: there is none.
        Conflict: it is over.
    """
    job = await get(connection, job_id)
    now = func.clock_timestamp()
    resting = (jobs.c.held_until.is_(None)) | (jobs.c.held_until <= now)
    open_ = (jobs.c.id == job_id, jobs.c.state.in_(OPEN))
    ended = update(jobs).where(*open_, resting).values(state="cancelled", finished_at=now, cancel_asked=True)
    if not (await connection.execute(ended)).rowcount:
        asked = update(jobs).where(*open_).values(cancel_asked=True)
        if not (await connection.execute(asked)).rowcount:
            message = f"Job {job_id} is {job.state} already; there is nothing to cancel."
            raise Conflict("job_is_over", message, state=job.state)
    return await get(connection, job_id)


async def again(connection: AsyncConnection, job_id: UUID) -> Job:
    """Begin a failed or cancelled job again, from where it was.

    Raises:
        NotFound: there is none.
        Conflict: it is not over, or it is done.
    """
    anew = {"state": "queued", "finished_at": None, "attempts": 0, "cancel_asked": False, "run_after": _in(0)}
    ended = (jobs.c.id == job_id, jobs.c.state.in_(("failed", "cancelled")))
    begun = update(jobs).where(*ended).values(**anew, error_code=None, error_message=None, woken_at=None)
    if not (await connection.execute(begun)).rowcount:
        job = await get(connection, job_id)
        raise Conflict("job_not_ended", f"Job {job_id} is {job.state}; only failed and cancelled ones begin again.")
    return await get(connection, job_id)


async def woken(connection: AsyncConnection, job_id: UUID) -> None:
    """Somebody was told about it just now."""
    await connection.execute(update(jobs).where(jobs.c.id == job_id).values(woken_at=func.clock_timestamp()))


async def lying_still(connection: AsyncConnection, told_before_s: float) -> list[tuple[UUID, str, str]]:
    """(id, kind, queue) of jobs to wake: their worker fell silent, or nobody came though somebody was told long ago."""
    now = func.clock_timestamp()
    silent = (jobs.c.held_until <= now) & (jobs.c.woken_at.is_(None) | (jobs.c.woken_at < jobs.c.held_until))
    forgotten = (jobs.c.held_until.is_(None) | (jobs.c.held_until <= now)) & (
        jobs.c.woken_at.is_(None) | (jobs.c.woken_at < _in(-told_before_s))
    )
    found = (
        select(jobs.c.id)
        .where(jobs.c.state.in_(OPEN), jobs.c.run_after <= now, silent | forgotten)
        .order_by(jobs.c.created_at)
        .limit(SWEPT_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    told = update(jobs).where(jobs.c.id.in_(found)).values(woken_at=now).returning(jobs.c.id, jobs.c.kind, jobs.c.queue)
    return [(row.id, row.kind, row.queue) for row in await connection.execute(told)]


async def purge(connection: AsyncConnection, keep_days: int, most: int = 1000) -> int:
    """Delete jobs that ended longer ago; returns how many, at most `most` in one go."""
    old = select(jobs.c.id).where(jobs.c.finished_at < _in(-86_400.0 * keep_days)).limit(most)
    return int((await connection.execute(delete(jobs).where(jobs.c.id.in_(old)))).rowcount)


async def counts(connection: AsyncConnection) -> dict[str, dict[str, int]]:
    """Unfinished jobs by queue and state."""
    asked = select(jobs.c.queue, jobs.c.state, func.count()).where(jobs.c.state.in_(OPEN)).group_by("queue", "state")
    found: dict[str, dict[str, int]] = {}
    for queue, state, count in await connection.execute(asked):
        found.setdefault(queue, {})[state] = count
    return found


async def oldest_s(connection: AsyncConnection) -> float | None:
    """How long the job waits that nobody has ever worked on; None when every one has been begun."""
    now = func.clock_timestamp()
    waiting = (jobs.c.state == "queued", jobs.c.started_at.is_(None), jobs.c.run_after <= now)
    age = select(func.extract("epoch", now - func.min(jobs.c.created_at))).where(*waiting)
    found = (await connection.execute(age)).scalar_one()
    return None if found is None else float(found)


def _in(seconds: float) -> Any:
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def _mine(job: Job) -> tuple[Any, ...]:
    return (jobs.c.id == job.id, jobs.c.token == job.token, jobs.c.state == "running")


def _taken_over(job: Job) -> Conflict:
    message = f"Job {job.id} is no longer this worker's; another one goes on with it, so this one stops."
    return Conflict("job_taken_over", message)


_TEXT = jobs.c.kind.type
_FIELDS = frozenset(Job.__struct_fields__)


def _job(row: Row[Any]) -> Job:
    return Job(**{name: value for name, value in row._mapping.items() if name in _FIELDS})
