"""A campaign: what ends, what is broken off, and what counts as ok."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tradingboost.app.chaos import campaign
from tradingboost.app.chaos.plans import Plan, plans
from tradingboost.app.chaos.processes import Process
from tradingboost.app.chaos.scenario import Evidence, Outcome
from tradingboost.app.chaos.town import died_of
from tradingboost.core.errors import Unavailable
from tradingboost.kit import embedded
from tradingboost.kit.clock import Clock, SystemClock

POINTS = ["orders.claim.after_commit", "orders.outcome.after_commit", "bus.relay.after_mark"]
WANTED = plans(POINTS, 1)


def outcome(plan: Plan, *broken: str) -> Outcome:
    evidence = Evidence(story="", nth=plan.nth, broken=list(broken))
    return Outcome(name=plan.name, ok=not broken, seconds=1.0, evidence=evidence)


@pytest.fixture
def no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scenarios without the servers they would run on."""

    @asynccontextmanager
    async def servers(folder: Path, *, durable: bool) -> AsyncIterator[Any]:
        yield SimpleNamespace(db_url="postgresql://nobody@127.0.0.1:1/nothing", redis_url="redis://127.0.0.1:1/0")

    async def nothing(self: campaign.Ground, *_: str) -> None:
        return

    monkeypatch.setattr(embedded, "servers", servers)
    monkeypatch.setattr(campaign.Ground, "prepare", nothing)
    monkeypatch.setattr(campaign.Ground, "_execute", nothing)


async def test_all_that_ended_is_told_in_order_and_one_broken_scenario_breaks_the_campaign(
    no_servers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one(place: Any, plan: Plan, clock: Clock) -> Outcome:
        await asyncio.sleep(0.03 if plan is WANTED[0] else 0)  # the first ends last
        return outcome(plan, *(["a fill was lost"] if plan is WANTED[1] else []))

    monkeypatch.setattr(campaign, "one", one)
    told: list[Outcome] = []
    report = await campaign.run(WANTED, 2, told.append, asyncio.Event(), SystemClock())
    assert [point.name for point in report.points] == POINTS
    assert sorted(point.name for point in told) == sorted(POINTS)
    assert (report.ok, report.interrupted) == (False, False)


async def test_a_campaign_that_is_stopped_keeps_what_had_ended_and_is_not_ok(
    no_servers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = asyncio.Event()

    async def one(place: Any, plan: Plan, clock: Clock) -> Outcome:
        if plan is not WANTED[0]:
            stop.set()
            await asyncio.Event().wait()
        return outcome(plan)

    monkeypatch.setattr(campaign, "one", one)
    report = await campaign.run(WANTED, 1, lambda _: None, stop, SystemClock())
    assert [point.name for point in report.points] == POINTS[:1]
    assert (report.ok, report.interrupted, report.wanted) == (False, True, 3)


async def living(code: str, folder: Path) -> Process:
    """A small process that stands for the platform."""
    log = folder / "up.log"
    log.touch()
    made = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    return Process("up", made, "", log)


async def test_a_death_in_the_middle_of_the_work_is_seen(tmp_path: Path) -> None:
    process = await living("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", tmp_path)
    work = asyncio.create_task(asyncio.sleep(60))
    assert await died_of(process, work) == -9
    assert work.cancelled()


async def test_a_call_that_fails_a_moment_before_the_death_is_seen_is_no_failure(tmp_path: Path) -> None:
    process = await living("import os, signal, time; time.sleep(0.2); os.kill(os.getpid(), signal.SIGKILL)", tmp_path)

    async def fails() -> None:
        raise Unavailable("neighbour_down", "The process does not answer; try again shortly.")

    assert await died_of(process, asyncio.create_task(fails())) == -9


async def test_work_that_ends_while_the_process_lives_means_the_point_was_not_reached(tmp_path: Path) -> None:
    process = await living("import time; time.sleep(60)", tmp_path)
    assert await died_of(process, asyncio.create_task(asyncio.sleep(0))) is None
    await process.kill()
