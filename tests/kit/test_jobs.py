"""kit.jobs: the row is the job. It is worked on by one worker at a time, goes on where it was, and ends once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text, update
from tests.kit.shop import CREATE, KINDS, SCHEDULE, counted
from tests.kit.stage import until

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused
from tradingboost.kit.clock import FakeClock, SystemClock
from tradingboost.kit.db import Database
from tradingboost.kit.http import create_app
from tradingboost.kit.ids import uuid7
from tradingboost.kit.jobs import store
from tradingboost.kit.jobs.health import watch
from tradingboost.kit.jobs.piece import ATTEMPTS, Ended, Terms, run_piece
from tradingboost.kit.jobs.queue import JobQueue
from tradingboost.kit.jobs.store import Job, Request
from tradingboost.kit.jobs.tables import jobs
from tradingboost.kit.jobs.worker import due, swept
from tradingboost.kit.keys_jobs import QUEUES, jobs_pattern_of, jobs_patterns
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.runtime import Life, Runtime

PER_USER = 3
ONE = Terms(owner="one", hold_s=5, piece_s=20)


@pytest.fixture
async def database(kit_database: Database) -> Database:
    async with kit_database.transaction() as connection:
        await connection.execute(CREATE)
    return kit_database


async def asked(database: Database, kind: str = "count", *, user_id: str | None = None, **args: Any) -> Job:
    found = KINDS[kind]
    request = Request(id=uuid7(), kind=kind, queue=found.queue, args=args, user_id=user_id)
    async with database.transaction() as connection:
        return await store.add(connection, request, PER_USER)


async def ran(database: Database, job: Job, terms: Terms = ONE) -> Ended:
    return await run_piece(database, KINDS, job.id, terms, SystemClock())


async def now(database: Database, job: Job) -> Job:
    async with database.read() as connection:
        return await store.get(connection, job.id)


async def set_(database: Database, job: Job, **values: Any) -> None:
    async with database.transaction() as connection:
        await connection.execute(update(jobs).where(jobs.c.id == job.id).values(**values))


async def test_a_job_is_worked_on_to_its_end_and_its_result_is_kept(database: Database) -> None:
    job = await asked(database, to=4)
    assert (job.state, job.done) == ("queued", 0)
    assert await ran(database, job) == "done"
    found = await now(database, job)
    assert (found.state, found.done, found.total, found.result) == ("done", 4, 4, {"counted": 4})
    assert found.finished_at is not None
    assert await counted(database, job.id) == [(number, "one") for number in range(4)]
    assert await ran(database, job) == "not_mine"


async def test_a_piece_ends_when_its_time_is_up_and_the_next_one_goes_on(database: Database) -> None:
    job = await asked(database, to=6, pause_s=0.03)
    short, pieces = Terms(owner="one", piece_s=0.05), 1
    while await ran(database, job, short) == "unfinished":
        pieces += 1
        assert (await now(database, job)).state == "queued"
    assert pieces >= 3
    assert [number for number, _ in await counted(database, job.id)] == list(range(6))
    assert (await now(database, job)).state == "done"


async def test_of_many_workers_at_once_one_works(database: Database) -> None:
    job = await asked(database, to=3, pause_s=0.02)
    ended = await asyncio.gather(*(ran(database, job, Terms(owner=f"worker-{n}")) for n in range(5)))
    assert sorted(ended) == ["done", *["not_mine"] * 4]
    assert len({owner for _, owner in await counted(database, job.id)}) == 1


async def test_a_silent_worker_is_followed_and_what_it_does_afterwards_has_no_effect(database: Database) -> None:
    job = await asked(database, to=3)
    async with database.transaction() as connection:
        frozen = await store.claim(connection, job.id, "frozen", 5)
    assert frozen is not None
    assert await ran(database, job) == "not_mine"
    await set_(database, job, held_until=SystemClock().now() - timedelta(seconds=1))
    assert await ran(database, job, Terms(owner="next")) == "done"
    for late in (
        lambda connection: store.keep(connection, frozen, 5, cursor=1),
        lambda connection: store.finish(connection, frozen, "failed"),
        lambda connection: store.release(connection, frozen, again_in_s=0, came_further=True),
    ):
        async with database.transaction() as connection:
            with pytest.raises(Conflict, match="another one goes on"):
                await late(connection)
    assert {owner for _, owner in await counted(database, job.id)} == {"next"}
    assert (await now(database, job)).state == "done"


async def test_a_worker_that_lost_its_job_stops_by_itself(database: Database) -> None:
    job = await asked(database, to=1000, pause_s=0.01)
    working = asyncio.create_task(ran(database, job, Terms(owner="slow", hold_s=0.2)))
    await until(lambda: _further(database, job))
    await set_(database, job, token=99, owner="other")
    assert await working == "lost"
    assert (await now(database, job)).owner == "other"


async def test_a_cancelled_job_ends_at_once_when_it_rests_and_at_the_next_sign_when_it_runs(database: Database) -> None:
    resting, running = await asked(database, to=5), await asked(database, to=1000, pause_s=0.01)
    async with database.transaction() as connection:
        assert (await store.cancel(connection, resting.id)).state == "cancelled"
    assert await ran(database, resting) == "not_mine"
    working = asyncio.create_task(ran(database, running))
    await until(lambda: _further(database, running))
    async with database.transaction() as connection:
        assert (await store.cancel(connection, running.id)).state == "running"
    assert await working == "cancelled"
    found = await now(database, running)
    assert found.state == "cancelled"
    assert 0 < found.done < 1000
    async with database.transaction() as connection:
        with pytest.raises(Conflict, match="cancelled already"):
            await store.cancel(connection, running.id)


async def test_a_cancelled_job_may_go_on_later_from_where_it_was(database: Database) -> None:
    job = await asked(database, to=5)
    await set_(database, job, cursor=3, state="cancelled", finished_at=SystemClock().now())
    async with database.transaction() as connection:
        assert (await store.again(connection, job.id)).state == "queued"
        with pytest.raises(Conflict, match="is queued"):
            await store.again(connection, job.id)
    assert await ran(database, job) == "done"
    assert [number for number, _ in await counted(database, job.id)] == [3, 4]


async def test_work_of_another_thread_sees_that_it_should_stop(database: Database) -> None:
    job = await asked(database, "compute")
    assert await ran(database, job, Terms(owner="one", piece_s=0)) == "unfinished"
    assert await ran(database, job) == "done"


async def test_what_is_wrong_fails_with_its_reason_and_what_is_away_is_tried_again(database: Database) -> None:
    wrong, broken, away = [await asked(database, "fail", how=how) for how in ("wrong", "broken", "away")]
    assert await ran(database, wrong) == "failed"
    found = await now(database, wrong)
    assert (found.error_code, found.error_message) == ("bad_range", "That range holds no candles; take another.")
    assert await ran(database, broken) == "failed"
    assert (await now(database, broken)).error_code == "job_broke"
    for _ in range(ATTEMPTS - 1):
        assert await ran(database, away) == "waiting"
        assert await ran(database, away) == "not_mine", "it has to wait for its turn"
        await set_(database, away, run_after=SystemClock().now() - timedelta(seconds=1))
    assert await ran(database, away) == "failed"
    assert (await now(database, away)).error_code == "venue_down"


async def test_a_job_that_kills_its_workers_is_given_up(database: Database) -> None:
    job = await asked(database, to=2)
    await set_(database, job, attempts=ATTEMPTS)
    assert await ran(database, job) == "failed"
    found = await now(database, job)
    assert found.error_code == "job_gave_up"
    assert await counted(database, job.id) == []


async def test_a_kind_nobody_knows_fails_and_names_it(database: Database) -> None:
    job = await asked(database, to=1)
    await set_(database, job, kind="telepathy")
    assert await ran(database, job) == "failed"
    assert "telepathy" in ((await now(database, job)).error_message or "")


async def test_a_user_has_a_bounded_number_of_unfinished_jobs(database: Database) -> None:
    asking = (asked(database, user_id="u", to=1) for _ in range(PER_USER + 3))
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(one) for one in found if not isinstance(one, Job)] == [Refused] * 3
    await asked(database, user_id="somebody else", to=1)


async def test_the_same_key_is_the_same_job(database: Database) -> None:
    made = []
    for _ in range(3):
        request = Request(id=uuid7(), kind="count", queue="celery", args={"to": 1}, user_id="u", key="once")
        async with database.transaction() as connection:
            made.append(await store.add(connection, request, 1))
    assert len({job.id for job in made}) == 1


async def test_every_slot_of_the_schedule_has_one_job_however_many_beats_there_are(database: Database) -> None:
    clock = FakeClock(datetime(2026, 1, 2, 3, 59, tzinfo=UTC))
    found = await asyncio.gather(*(due(database, SCHEDULE, KINDS, clock) for _ in range(4)))
    assert sum(map(len, found)) == 1
    clock.advance(30)
    assert await due(database, SCHEDULE, KINDS, clock) == []
    clock.advance(31)
    assert len(await due(database, SCHEDULE, KINDS, clock)) == 1


async def test_the_sweep_wakes_the_jobs_of_dead_workers_and_those_nobody_was_told_about(
    database: Database, jobs_redis_url: str
) -> None:
    queue = JobQueue(jobs_redis_url, jobs_redis_url)
    past, coming = SystemClock().now() - timedelta(seconds=1), SystemClock().now() + timedelta(seconds=60)
    never, dead, alive, waits, told = [await asked(database, to=1) for _ in range(5)]
    await set_(database, dead, state="running", held_until=past, woken_at=past - timedelta(seconds=5))
    await set_(database, alive, state="running", held_until=coming)
    await set_(database, waits, run_after=coming)
    await set_(database, told, woken_at=past)
    assert await swept(database, queue, lambda _: False) == 2
    assert await swept(database, queue, lambda _: False) == 0, "they were told just now"
    woken = {job.id for job in (never, dead) if (await _woken(database, job))}
    assert woken == {never.id, dead.id}
    with queue.app.connection_for_read() as connection:
        assert connection.default_channel.client.llen("celery") == 2
    queue.close()


async def test_without_the_jobs_redis_a_job_is_asked_for_all_the_same(database: Database) -> None:
    queue = JobQueue("redis://127.0.0.1:1/1", "redis://127.0.0.1:1/1")
    job = await asked(database, to=1)
    assert not await queue.wake(job.id, job.queue)
    queue.close()
    assert (await now(database, job)).state == "queued"


async def test_finished_jobs_are_kept_for_their_days(database: Database) -> None:
    old, young, unfinished = [await asked(database, to=1) for _ in range(3)]
    await set_(database, old, state="done", finished_at=SystemClock().now() - timedelta(days=31))
    await set_(database, young, state="done", finished_at=SystemClock().now() - timedelta(days=29))
    async with database.transaction() as connection:
        assert await store.purge(connection, 30) == 1
        assert {job.id for job in await store.listed(connection)} == {young.id, unfinished.id}
        assert await store.counts(connection) == {"celery": {"queued": 1}}
        with pytest.raises(NotFound, match="jobs list"):
            await store.get(connection, old.id)
        assert [job.id for job in await store.begun_with(connection, str(young.id)[:30])] == [young.id]


def test_arguments_are_checked_before_a_job_is_made() -> None:
    with pytest.raises(InvalidInput, match="to=10"):
        KINDS["count"].checked({})


def test_keys_of_the_jobs_database_are_known() -> None:
    task = "0c9e4d2a-1111-4222-8333-444455556666"
    ours = (*QUEUES, "backtests\x06\x163", "unacked", "unacked_index", "unacked_mutex", f"celery-task-meta-{task}")
    for key in (*ours, "_kombu.binding.celery", "_kombu.binding.celeryev", "_kombu.binding.reply.celery.pidbox"):
        assert jobs_pattern_of(key) is not None, key
    for key in ("orders", "user:1:settings", "celery-task-meta-", "somebody"):
        assert jobs_pattern_of(key) is None, key
    assert {pattern.owner for pattern in jobs_patterns()} == {"jobs", "celery"}
    found = jobs_pattern_of(f"celery-task-meta-{task}")
    assert found is not None
    assert found.ttl_s == 3600


def test_a_message_goes_into_its_own_queue_only() -> None:
    queue = JobQueue("redis://127.0.0.1:1/1", "redis://127.0.0.1:1/1")
    found = queue.app.amqp.queues
    assert {name: (one.exchange.name, one.routing_key) for name, one in found.items()} == {
        name: (name, name) for name in QUEUES
    }


def test_trap_a_killed_workers_message_comes_back_only_after_a_minute_and_a_half() -> None:
    queue = JobQueue("redis://127.0.0.1:1/1", "redis://127.0.0.1:1/1")
    options = queue.app.conf.broker_transport_options
    assert options["unacked_restore_interval"] * options["unacked_restore_throttle"] <= 2
    assert options["visibility_timeout"] > 2100, "what takes longer would be given to a second worker"
    conf = queue.app.conf
    assert (conf.task_acks_late, conf.worker_prefetch_multiplier, conf.result_expires) == (True, 1, 3600)
    assert (conf.accept_content, conf.task_serializer) == (["json"], "json")


async def _further(database: Database, job: Job) -> bool:
    return (await now(database, job)).done > 0


async def _woken(database: Database, job: Job) -> bool:
    async with database.read() as connection:
        asked_ = text("SELECT woken_at > clock_timestamp() - interval '10 s' FROM jobs.jobs WHERE id = :id")
        return bool((await connection.execute(asked_, {"id": job.id})).scalar_one())


async def test_what_waits_and_runs_is_told_over_http_and_as_metrics(database: Database) -> None:
    _, other = await asked(database, to=1), await asked(database, "compute")
    async with database.transaction() as connection:
        await store.claim(connection, other.id, "one", 5)
    metrics, clock = Metrics(), FakeClock()
    module = watch(database, metrics)
    app = create_app("test", module.routers, vitals=Runtime([module], clock=clock), metrics=metrics)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        found = (await client.get("/health/jobs")).json()
    assert found["queues"] == {"celery": {"queued": 1}, "optimise": {"running": 1}}
    assert 0 <= found["oldest_s"] < 60
    stop = asyncio.Event()
    measuring = asyncio.ensure_future(module.workers[0].run(Life(clock, stop)))
    await clock.run_for(16)
    await until(lambda: _measured(metrics))
    stop.set()
    await measuring


async def _measured(metrics: Metrics) -> bool:
    return 'jobs_unfinished{queue="optimise",state="running"} 1.0' in metrics.render().decode()
