"""The only file that knows Celery: queues on the jobs' Redis, one task that carries a job's id, and waking."""

import asyncio
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import redis.asyncio as driver
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tradingboost.core.errors import Unavailable
from tradingboost.kit.keys_jobs import DEFAULT_QUEUE, QUEUES, RESULT_S
from tradingboost.kit.logging import redact
from tradingboost.kit.redis import mapped

JOB_TASK: Final = "tradingboost.job"
TICK_TASK: Final = "tradingboost.tick"
TICK_S: Final = 10.0
EXPIRES_S: Final = 300
_SOFT_S, _HARD_S = 90, 120
_LONG_SOFT_S, _LONG_HARD_S = 1800, 2100
_ANSWERS_S: Final = 5.0
_MOST_SAID: Final = 500

log = structlog.get_logger(__name__)


class JobQueue:
    """Celery on the jobs' Redis.

    Args:
        work: what a worker does with a job's id; what it returns is kept as the result for an hour.
        tick: what a worker does every ten seconds while a beat runs.
    """

    def __init__(
        self,
        broker: str,
        results: str,
        work: Callable[[UUID], str] | None = None,
        tick: Callable[[], None] | None = None,
    ) -> None:
        self._broker = broker
        self.app = _application(broker, results)
        if work is None or tick is None:
            return  # whoever only wakes

        def job(job_id: str) -> str:
            try:
                return work(UUID(job_id))
            except Exception as error:
                # Celery keeps text and trace of what a task raises in Redis for an hour
                log.exception("job_shell_broke", job=job_id)
                raise RuntimeError(redact(f"{type(error).__name__}: {error}")[:_MOST_SAID]) from None

        def beat() -> None:
            tick()

        self.app.task(name=JOB_TASK, shared=False)(job)
        self.app.task(name=TICK_TASK, shared=False, ignore_result=True)(beat)

    async def wake(self, job_id: UUID, queue: str, *, long: bool = False) -> bool:
        """Tell whoever serves the queue to look at a job; False when Redis is away, and the sweep tells it later."""
        try:
            async with asyncio.timeout(_ANSWERS_S * 2):
                await self._answers()  # its own client first: Celery's would try again and again in a thread
                await asyncio.to_thread(self.send, job_id, queue, long=long)
        except (Unavailable, TimeoutError) as error:
            log.warning("job_not_woken", job=str(job_id), reason=type(error).__name__)
            return False
        return True

    async def _answers(self) -> None:
        options: dict[str, Any] = {
            "socket_timeout": _ANSWERS_S,
            "socket_connect_timeout": 2.0,
            "retry": Retry(NoBackoff(), 0),
        }
        with mapped():
            async with driver.Redis.from_url(self._broker, **options) as client:
                await client.ping()

    def send(self, job_id: UUID, queue: str, *, long: bool = False) -> None:
        """The same for code without an event loop.

        Raises:
            Unavailable: `jobs_redis_down`.
        """
        from kombu.exceptions import OperationalError
        from redis.exceptions import RedisError

        soft, hard = (_LONG_SOFT_S, _LONG_HARD_S) if long else (_SOFT_S, _HARD_S)
        try:
            self.app.send_task(
                JOB_TASK,
                args=[str(job_id)],
                queue=queue,
                expires=EXPIRES_S,
                soft_time_limit=soft,
                time_limit=hard,
                retry=False,
            )
        except (OperationalError, RedisError, OSError) as error:
            message = "The Redis of the job queue does not answer; start it or check TB_JOBS__BROKER_URL."
            raise Unavailable("jobs_redis_down", message) from error

    async def workers(self) -> dict[str, list[str]] | None:
        """Who serves which queue, by their own word within a second; None when nobody answers."""
        await self._answers()
        told = await asyncio.to_thread(lambda: self.app.control.inspect(timeout=1.0).active_queues())
        if not told:
            return None
        found: dict[str, list[str]] = {}
        for worker, queues in told.items():
            for one in queues:
                found.setdefault(str(one["name"]), []).append(str(worker))
        return found

    def close(self) -> None:
        """Let go of the connections."""
        self.app.close()


def _application(broker: str, results: str) -> Any:
    from celery import Celery
    from kombu import Exchange, Queue  # type: ignore[attr-defined]

    app = Celery("tradingboost", broker=broker, backend=results, set_as_current=False)
    waits = {"socket_timeout": _ANSWERS_S, "socket_connect_timeout": 2.0}
    app.conf.update(
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        task_queues=[Queue(name, Exchange(name), routing_key=name) for name in QUEUES],  # type: ignore[no-untyped-call]
        task_default_queue=DEFAULT_QUEUE,
        task_create_missing_queues=False,
        result_expires=RESULT_S,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_soft_time_limit=_SOFT_S,
        task_time_limit=_HARD_S,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=2.0,
        # Celery looks for messages of dead workers every `interval * throttle` seconds and the throttle is ten unless
        # it is set; the visibility is above the hardest time limit, because what takes longer would be given twice.
        broker_transport_options={
            "visibility_timeout": _LONG_HARD_S + 300,
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
            "max_retries": 1,
            **waits,
        },
        result_backend_transport_options=waits,
        redis_socket_timeout=_ANSWERS_S,
        redis_socket_connect_timeout=2.0,
        redis_retry_on_timeout=False,
        beat_schedule={
            "tick": {"task": TICK_TASK, "schedule": TICK_S, "options": {"queue": "scheduled", "expires": 10}}
        },
        timezone="UTC",
    )
    return app
