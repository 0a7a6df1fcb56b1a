"""One worker, one job, for a while: claim it, show signs of life, write down how far it is, give it back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, InvalidInput, TradingBoostError, Unavailable
from tradingboost.kit.clock import Clock
from tradingboost.kit.db import Database
from tradingboost.kit.jobs import store
from tradingboost.kit.jobs.store import Job
from tradingboost.kit.logging import redact

Ended = Literal["not_mine", "unfinished", "waiting", "done", "failed", "cancelled", "lost"]
Effect = Callable[[AsyncConnection], Awaitable[None]]
ATTEMPTS: Final = 4
"""The first time and three more, unless it comes further meanwhile."""
_FIRST_PAUSE_S: Final = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """The work is finished."""

    result: Any = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """There is more to do; `keep` has written down where to go on."""


class Piece:
    """What the work is given.

    Args:
        hold_s: silence after which another worker takes over.
        piece_s: how long it should work before it gives the job back.
    """

    def __init__(self, database: Database, job: Job, clock: Clock, hold_s: float, piece_s: float) -> None:
        self.database = database
        self.job = job
        self.cursor: Any = job.cursor
        self._clock = clock
        self._hold_s = hold_s
        self._until = clock.monotonic() + piece_s
        self._cancelled = job.cancel_asked
        self._lost = False
        self._told: dict[str, Any] = {}
        self.came_further = False

    @property
    def args(self) -> dict[str, Any]:
        return self.job.args

    @property
    def told(self) -> dict[str, Any]:
        """What `tell` said and nobody has written down yet."""
        return self._told

    @property
    def cancelled(self) -> bool:
        """Somebody wants it to end."""
        return self._cancelled

    def abandoned(self) -> bool:
        """Nobody wants what comes now: it was cancelled, or another worker has it. Any thread may ask."""
        return self._cancelled or self._lost

    def stopped(self) -> bool:
        """End soon: time is up, it was cancelled, or another worker has it. Any thread may ask."""
        return self.abandoned() or self._clock.monotonic() >= self._until

    def tell(self, done: int, total: int | None = None, note: str = "") -> None:
        """How far it is, for people; written at the next sign of life. Any thread may tell."""
        self._told = {"done": done, "total": total, "note": note}
        self.came_further |= done > self.job.done

    async def keep(self, cursor: Any, *, done: int, total: int | None = None, effect: Effect | None = None) -> None:
        """Write down how far it is, together with an effect in the same transaction: both happen, once, or neither.

        Raises:
            Conflict: `job_taken_over`; let it through.
        """
        async with self.database.transaction() as connection:
            written = {"cursor": cursor, "done": done, "total": total, "attempts": 1}
            self._cancelled |= await store.keep(connection, self.job, self._hold_s, **written)
            if effect is not None:
                await effect(connection)
        self.cursor, self.came_further, self._told = cursor, True, {}

    async def show_life(self) -> None:
        """Hold the job for as long as the work lasts."""
        while True:
            await self._clock.sleep(self._hold_s / 4)
            told, self._told = self._told, {}
            try:
                async with self.database.transaction() as connection:
                    self._cancelled |= await store.keep(connection, self.job, self._hold_s, **told)
            except Unavailable as error:
                log.warning("job_sign_of_life_failed", job=str(self.job.id), code=error.code)
            except Conflict:
                self._lost = True
                raise


Work = Callable[[Piece], Awaitable[Done | Unfinished]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of job.

    Args:
        run: works until it is done or `piece.stopped()`; called again later, with what `keep` has written.
        checked: makes the arguments complete, or refuses them, before a job is made.
        long: its pieces may take half an hour, because the work cannot be cut.
    """

    name: str
    queue: str
    run: Work
    checked: Callable[[dict[str, Any]], dict[str, Any]] = dict
    long: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """How a worker works: see `Piece`."""

    owner: str
    hold_s: float = 5.0
    piece_s: float = 20.0


async def run_piece(database: Database, kinds: Mapping[str, Kind], job_id: UUID, terms: Terms, clock: Clock) -> Ended:
    """Work on a job for a while.

    Whoever calls wakes the next worker when it ends `unfinished`; one that is `waiting` is woken by the sweep.
    """
    async with database.transaction() as connection:
        job = await store.claim(connection, job_id, terms.owner, terms.hold_s)
        if job is None:
            return "not_mine"
        early = _early_end(job, kinds)
        if early is not None:
            state, values = early
            await store.finish(connection, job, state, **values)
            return state
    piece = Piece(database, job, clock, terms.hold_s, terms.piece_s)
    try:
        ended = await _worked(piece, kinds[job.kind])
        async with database.transaction() as connection:
            return await _written_down(connection, piece, ended)
    except Conflict as error:
        if error.code != "job_taken_over":
            raise
        log.warning("job_lost", job=str(job.id))
        return "lost"


def _early_end(job: Job, kinds: Mapping[str, Kind]) -> tuple[Literal["cancelled", "failed"], dict[str, Any]] | None:
    if job.cancel_asked:
        return "cancelled", {}
    if job.kind not in kinds:
        return "failed", _error(InvalidInput("unknown_job_kind", f"No worker here knows jobs of kind {job.kind!r}."))
    if job.attempts > ATTEMPTS:
        message = f"It was begun {ATTEMPTS} times and never came further; read the worker's log, then: jobs retry."
        return "failed", _error(Unavailable("job_gave_up", message))
    return None


async def _worked(piece: Piece, kind: Kind) -> Done | Unfinished | TradingBoostError:
    """The work and its signs of life, side by side; the error of the work as a value."""
    working = asyncio.ensure_future(kind.run(piece))
    living = asyncio.ensure_future(piece.show_life())
    try:
        await asyncio.wait({working, living}, return_when=asyncio.FIRST_COMPLETED)
        if living.done() and not working.done():
            await living  # raises: another worker has it
        return await working
    except Conflict as error:
        if error.code == "job_taken_over":
            raise
        return error
    except TradingBoostError as error:
        return error
    except Exception as error:
        log.exception("job_broke", job=str(piece.job.id), kind=piece.job.kind)
        return InvalidInput("job_broke", f"The work broke with {type(error).__name__}; read the worker's log.")
    finally:
        for task in (working, living):
            task.cancel()
        await asyncio.gather(working, living, return_exceptions=True)


async def _written_down(
    connection: AsyncConnection, piece: Piece, ended: Done | Unfinished | TradingBoostError
) -> Ended:
    job = piece.job
    if piece.told:
        await store.keep(connection, job, 1.0, **piece.told)
    if isinstance(ended, Done):
        await store.finish(connection, job, "done", result=ended.result)
        return "done"
    if piece.cancelled:
        await store.finish(connection, job, "cancelled")
        return "cancelled"
    if isinstance(ended, Unfinished):
        await store.release(connection, job, again_in_s=0, came_further=piece.came_further)
        return "unfinished"
    if isinstance(ended, Unavailable) and job.attempts < ATTEMPTS:
        pause_s = _FIRST_PAUSE_S * 2 ** (job.attempts - 1)
        await store.release(connection, job, again_in_s=pause_s, came_further=False)
        return "waiting"
    await store.finish(connection, job, "failed", **_error(ended))
    return "failed"


def _error(error: TradingBoostError) -> dict[str, Any]:
    return {"error_code": error.code, "error_message": redact(error.message)}
