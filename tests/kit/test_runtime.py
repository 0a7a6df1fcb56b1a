"""Modules start in order, their loops stay alive, and the end is graceful."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable

import pytest

from tradingboost.core.errors import BrokenInvariant, Unavailable
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.runtime import Life, Module, Runtime, Worker


def noting(notes: list[str], note: str) -> Callable[[], Awaitable[None]]:
    async def hook() -> None:
        notes.append(note)

    return hook


def looping(notes: list[str], name: str) -> Worker:
    async def run(life: Life) -> None:
        while await life.sleep(1000):
            notes.append(f"{name} works")
        notes.append(f"{name} finished")

    return Worker(name, run)


async def test_the_end_comes_in_the_reverse_order_of_the_start() -> None:
    notes: list[str] = []
    modules = [
        Module(
            name,
            start=[noting(notes, f"start {name}")],
            stop=[noting(notes, f"stop {name}")],
            workers=[looping(notes, name)],
        )
        for name in ("market", "orders", "strategy")
    ]
    runtime = Runtime(modules)
    task = asyncio.create_task(runtime.run())
    await runtime.started.wait()
    runtime.stop()
    await task
    assert notes == [
        *("start market", "start orders", "start strategy"),
        *("strategy finished", "orders finished", "market finished"),
        *("stop strategy", "stop orders", "stop market"),
    ]


async def test_whoever_is_asked_outlives_whoever_asks() -> None:
    served: list[str] = []
    asked = asyncio.Event()

    async def orders(life: Life) -> None:
        while not life.stopping:
            await asyncio.wait([asyncio.ensure_future(asked.wait())], timeout=0.01)
            if asked.is_set():
                served.append("in hand")
                asked.clear()

    async def strategy(life: Life) -> None:
        await life.sleep(1000)
        asked.set()  # the piece in hand when the stop came
        await asyncio.sleep(0.1)

    runtime = Runtime(
        [Module("orders", workers=[Worker("o", orders)]), Module("strategy", workers=[Worker("s", strategy)])]
    )
    task = asyncio.create_task(runtime.run())
    await runtime.started.wait()
    runtime.stop()
    await task
    assert served == ["in hand"]


async def test_a_loop_that_raises_is_started_again_with_growing_pauses(fake_clock: FakeClock) -> None:
    begun: list[float] = []

    async def fragile(life: Life) -> None:
        begun.append(fake_clock.monotonic())
        if len(begun) < 5:
            raise Unavailable("venue_down", "Away.")
        await life.sleep(1000)

    runtime = Runtime([Module("market", workers=[Worker("feed", fragile)])], clock=fake_clock)
    task = asyncio.create_task(runtime.run())
    await runtime.started.wait()
    await fake_clock.run_for(60)
    pauses = [round(later - earlier, 1) for earlier, later in itertools.pairwise(begun)]
    assert pauses == [0.2, 0.4, 0.8, 1.6]
    assert 'worker_restarts_total{module="market",worker="feed"} 4.0' in runtime.metrics.render().decode()
    runtime.stop()
    await task


@pytest.mark.parametrize(
    ("error", "longest_s"), [(Unavailable("database_down", "Away."), 2.0), (ValueError("a defect"), 30.0)]
)
async def test_a_neighbour_that_is_back_finds_nobody_asleep_for_long(
    fake_clock: FakeClock, error: Exception, longest_s: float
) -> None:
    begun: list[float] = []

    async def fragile(_: Life) -> None:
        begun.append(fake_clock.monotonic())
        raise error

    runtime = Runtime([Module("orders", workers=[Worker("protect", fragile)])], clock=fake_clock)
    task = asyncio.create_task(runtime.run())
    await fake_clock.run_for(100)
    assert max(later - earlier for earlier, later in itertools.pairwise(begun)) == pytest.approx(longest_s)
    runtime.stop()
    await task


@pytest.mark.parametrize(
    ("error", "repeatable"), [(BrokenInvariant("negative_qty", "Impossible."), True), (ValueError("once"), False)]
)
async def test_what_may_not_go_on_stops_the_process_gracefully(error: Exception, repeatable: bool) -> None:
    notes: list[str] = []

    async def breaking(life: Life) -> None:
        await asyncio.sleep(0.01)
        raise error

    modules = [
        Module("market", stop=[noting(notes, "stop market")], workers=[looping(notes, "market")]),
        Module("orders", workers=[Worker("book", breaking, repeatable=repeatable)]),
    ]
    with pytest.raises(type(error)) as caught:
        await Runtime(modules).run()
    assert caught.value is error
    assert notes == ["market finished", "stop market"]


async def test_a_broken_invariant_inside_a_group_is_found() -> None:
    broken = BrokenInvariant("negative_qty", "Impossible.")

    async def grouped(life: Life) -> None:
        raise ExceptionGroup("two", [Unavailable("venue_down", "Away."), ExceptionGroup("inner", [broken])])

    with pytest.raises(BrokenInvariant) as caught:
        await Runtime([Module("orders", workers=[Worker("book", grouped)])]).run()
    assert caught.value is broken


async def test_a_start_that_fails_undoes_what_was_started() -> None:
    notes: list[str] = []

    async def failing() -> None:
        raise Unavailable("database_down", "Away.")

    modules = [
        Module("market", start=[noting(notes, "start market")], stop=[noting(notes, "stop market")]),
        Module("orders", start=[failing], stop=[noting(notes, "stop orders")]),
        Module("strategy", start=[noting(notes, "start strategy")], stop=[noting(notes, "stop strategy")]),
    ]
    with pytest.raises(Unavailable):
        await Runtime(modules).run()
    assert notes == ["start market", "stop orders", "stop market"]


async def test_a_loop_that_does_not_finish_is_cancelled_after_its_time() -> None:
    cancelled = asyncio.Event()

    async def stubborn(life: Life) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    runtime = Runtime([Module("orders", workers=[Worker("stubborn", stubborn)])], drain_s=0.1)
    task = asyncio.create_task(runtime.run())
    await runtime.started.wait()
    runtime.stop()
    await asyncio.wait_for(task, 5)
    assert cancelled.is_set()


async def test_a_stop_hook_that_fails_does_not_keep_the_others_from_running() -> None:
    notes: list[str] = []

    async def failing() -> None:
        raise ValueError("hook")

    modules = [
        Module("market", stop=[noting(notes, "market")]),
        Module("orders", stop=[failing, noting(notes, "orders")]),
    ]
    runtime = Runtime(modules)
    runtime.stop()
    with pytest.raises(ValueError, match="hook"):
        await runtime.run()
    assert notes == ["orders", "market"]


async def test_health_shows_a_loop_without_progress(fake_clock: FakeClock) -> None:
    async def quiet(life: Life) -> None:
        await asyncio.Event().wait()

    workers = [Worker("quiet", quiet, stall_after_s=30), looping([], "busy")]
    runtime = Runtime([Module("market", workers=workers)], clock=fake_clock, drain_s=0.05)
    assert await runtime.not_ready() == ["starting"]
    task = asyncio.create_task(runtime.run())
    await runtime.started.wait()
    await asyncio.sleep(0)
    assert runtime.health()["ok"]
    await fake_clock.run_for(31)
    told = runtime.health()
    assert not told["ok"]
    assert {entry["worker"]: entry["state"] for entry in told["workers"]} == {"quiet": "stalled", "busy": "running"}  # type: ignore[attr-defined]
    assert await runtime.not_ready() == ["market.quiet stalls"]
    runtime.stop()
    await task


async def test_readiness_tells_every_reason_and_survives_a_failing_check() -> None:
    async def fine() -> str | None:
        return None

    async def reconciling() -> str | None:
        return "reconciliation runs"

    async def failing() -> str | None:
        raise Unavailable("database_down", "Away.")

    runtime = Runtime([Module("orders", ready=[fine, reconciling, failing])])
    task = asyncio.create_task(runtime.run())
    await runtime.started.wait()
    assert await runtime.not_ready() == ["reconciliation runs", "Away. [database_down]"]
    runtime.stop()
    await task


PROGRAM = """
import asyncio, gc, sys
from tradingboost.kit.runtime import Life, Module, Runtime, Worker, run, run_until_signal

async def loop(life: Life) -> None:
    print("up", flush=True)
    if sys.argv[1] == "stubborn":
        await asyncio.Event().wait()
    while await life.sleep(60):
        pass
    print("finished", flush=True)

async def stopped() -> None:
    print("stopped", gc.get_freeze_count() > 1_000, flush=True)

async def main() -> None:
    await run_until_signal(Runtime([Module("m", workers=[Worker("w", loop)], stop=[stopped])], drain_s=60))

try:
    run(main)
except (asyncio.CancelledError, KeyboardInterrupt):
    sys.exit(130)
"""


def program(kind: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), kind]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert started.stdout is not None
    while "up" not in (line := started.stdout.readline()):
        assert line, started.communicate()
    return started


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_drains_and_the_exit_is_clean(number: signal.Signals) -> None:
    running = program("willing")
    os.kill(running.pid, number)
    out, err = running.communicate(timeout=20)
    assert (running.returncode, "finished" in out, "stopped True" in out) == (0, True, True), err


def test_a_second_signal_cuts_the_draining_short() -> None:
    running = program("stubborn")
    running.send_signal(signal.SIGINT)
    assert running.stdout is not None
    while "stopping" not in (line := running.stdout.readline()):
        assert line
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert running.returncode == 130, err
    assert "stopped" in out
