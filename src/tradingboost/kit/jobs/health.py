"""How the background work is: what waits, what runs, and for how long nobody came."""

from typing import Any, Final

import msgspec

from tradingboost.kit.db import Database
from tradingboost.kit.jobs import store
from tradingboost.kit.keys_jobs import QUEUES
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.runtime import Life, Module, Worker

_MEASURED_EVERY_S: Final = 15.0


class JobsHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What `/health/jobs` says.

    Args:
        queues: unfinished jobs by queue and state.
        oldest_s: how long the job waits that nobody has ever worked on.
    """

    queues: dict[str, dict[str, int]]
    oldest_s: float | None


async def health_of(database: Database) -> JobsHealth:
    """Ask the rows.

    Raises:
        Unavailable: `database_down`.
    """
    async with database.read() as connection:
        return JobsHealth(queues=await store.counts(connection), oldest_s=await store.oldest_s(connection))


def watch(database: Database, metrics: Metrics) -> Module:
    """Measure the jobs every fifteen seconds, and tell them over HTTP."""
    unfinished = metrics.gauge("jobs_unfinished", "Jobs that have not ended", ("queue", "state"))
    oldest = metrics.gauge("jobs_oldest_seconds", "How long the job waits that nobody has ever worked on")

    async def measure(life: Life) -> None:
        while await life.sleep(_MEASURED_EVERY_S):
            found = await health_of(database)
            for queue in QUEUES:
                for state in store.OPEN:
                    unfinished.labels(queue=queue, state=state).set(found.queues.get(queue, {}).get(state, 0))
            oldest.plain.set(found.oldest_s or 0.0)

    return Module("jobs-measured", workers=[Worker("jobs", measure)], routers=[_router(database)])


def _router(database: Database) -> Any:
    from fastapi import APIRouter, Response

    router = APIRouter(tags=["health"])

    @router.get("/health/jobs")
    async def health() -> Response:
        return Response(msgspec.json.encode(await health_of(database)), media_type="application/json")

    return router
