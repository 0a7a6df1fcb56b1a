"""A loop that is dead ends its process, so that somebody starts it afresh; one that rests or fails does not (F42)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tradingboost.core.errors import BrokenInvariant, Unavailable
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.runtime import Life, Module, Runtime, Worker

Loop = Callable[[Life], Awaitable[None]]


async def beating(life: Life) -> None:
    while await life.sleep(1):
        continue


async def returning(life: Life) -> None:
    await life.sleep(3)


async def silent(life: Life) -> None:
    await asyncio.Event().wait()


async def cancelled(life: Life) -> None:
    await life.sleep(3)
    raise asyncio.CancelledError


async def resting(life: Life) -> None:
    await life.sleep(500)


async def failing(life: Life) -> None:
    await life.sleep(20)
    raise Unavailable("away", "Not now; try again shortly.")


def runtime_of(clock: FakeClock, loop: Loop, notes: list[str], *, finite: bool = False) -> Runtime:
    async def told() -> None:
        notes.append("stopped in order")

    workers = [Worker("this", loop, dead_after_s=30, finite=finite), Worker("other", beating)]
    return Runtime([Module("orders", workers=workers, stop=[told])], clock=clock, drain_s=0.05)


@pytest.mark.parametrize("loop", [returning, silent, cancelled])
async def test_f42_a_loop_that_is_dead_ends_the_process_gracefully(fake_clock: FakeClock, loop: Loop) -> None:
    notes: list[str] = []
    task = asyncio.create_task(runtime_of(fake_clock, loop, notes).run())
    await fake_clock.run_for(36)
    with pytest.raises(BrokenInvariant, match=r"loop_died") as dead:
        await asyncio.wait_for(task, 5)
    assert "orders.this" in dead.value.message
    assert notes == ["stopped in order"]


@pytest.mark.parametrize(("loop", "finite"), [(resting, False), (failing, False), (returning, True)])
async def test_f42_a_loop_that_rests_or_fails_or_is_done_goes_on(
    fake_clock: FakeClock, loop: Loop, finite: bool
) -> None:
    runtime = runtime_of(fake_clock, loop, [], finite=finite)
    task = asyncio.create_task(runtime.run())
    await fake_clock.run_for(200)
    assert not task.done()
    shown = runtime.metrics.render().decode()
    assert 'worker_progress_age_seconds{module="orders",worker="this"} 0.0' in shown
    runtime.stop()
    await task
