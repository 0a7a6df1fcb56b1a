"""Runs modules in one process: started in order, their loops kept alive, stopped in reverse order.

A loop that raises is started again with growing pauses; one that raises BrokenInvariant stops the whole process,
because what can never be true is true. So does a loop that is dead: it ended without being asked, or gives no sign for
minutes; a process that only seems to live is worse than one that a supervisor starts again. The first SIGINT or SIGTERM
drains, the second one cuts short.
"""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import structlog
from fastapi import APIRouter

from tradingboost.core.errors import BrokenInvariant, Unavailable
from tradingboost.kit.clock import Clock, SystemClock
from tradingboost.kit.metrics import Metrics

log = structlog.get_logger(__name__)
Hook = Callable[[], Awaitable[None]]
_LONGEST_PAUSE_S = 30.0
_AWAY_PAUSE_S = 2.0  # a neighbour that is back should not find everybody asleep
_HEALTHY_AFTER_S = 60.0
_STALL_STEP_S = 0.1
_HEARTBEAT_STEPS = 50


class Life:
    """What a running loop is given: `beat()` after each piece of work, `sleep()` between them, `stopping`.

    Args:
        metrics: of the process, for loops that have something to tell.
    """

    def __init__(self, clock: Clock, stop: asyncio.Event, metrics: Metrics | None = None) -> None:
        self.metrics = metrics or Metrics()
        self._clock = clock
        self._stop = stop
        self._last = clock.monotonic()

    def beat(self) -> None:
        """Tell that the loop makes progress."""
        self._last = self._clock.monotonic()

    @property
    def age_s(self) -> float:
        """Seconds since the last sign of progress; a loop that rests counts from when it wanted to go on."""
        return max(0.0, self._clock.monotonic() - self._last)

    @property
    def stopping(self) -> bool:
        """True once the process drains: finish the piece in hand and return."""
        return self._stop.is_set()

    async def asked_to_stop(self) -> None:
        """Wait until the process drains."""
        await self._stop.wait()

    async def sleep(self, seconds: float) -> bool:
        """Rest; returns early, with False, when the process drains."""
        self.beat()
        if self.stopping:
            return False
        self._last += seconds
        nap = asyncio.ensure_future(self._clock.sleep(seconds))
        end = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({nap, end}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()
            end.cancel()
        self.beat()
        return not self.stopping


@dataclass(frozen=True, slots=True)
class Worker:
    """One loop.

    Args:
        run: works until `life.stopping`.
        stall_after_s: without a beat for longer, `/health` calls it stalled.
        repeatable: False = an error in it stops the process.
        finite: it may return earlier, when all is done; any other loop that returns unasked is dead.
        dead_after_s: without a beat for longer it is dead, and the process ends.
    """

    name: str
    run: Callable[[Life], Awaitable[None]]
    stall_after_s: float = 60.0
    repeatable: bool = True
    finite: bool = False
    dead_after_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Module:
    """What a service plugs into a process.

    Args:
        start: run in order before the loops; recovery belongs here.
        stop: run in order after the module's loops ended.
        ready: each gives the reason why the module is not ready yet, or None.
    """

    name: str
    start: Sequence[Hook] = ()
    stop: Sequence[Hook] = ()
    workers: Sequence[Worker] = ()
    routers: Sequence[APIRouter] = ()
    ready: Sequence[Callable[[], Awaitable[str | None]]] = ()


@dataclass
class _Running:
    module: str
    worker: Worker
    life: Life
    stop: asyncio.Event
    task: asyncio.Task[None] | None = None
    restarts: int = 0
    done: bool = False


@dataclass
class Runtime:
    """The modules of a process, running.

    Args:
        drain_s: how long all loops of a module may take to finish their piece before they are cancelled.
        drained: called when every loop has ended as asked, before anything is given back.
    """

    modules: Sequence[Module]
    clock: Clock = field(default_factory=SystemClock)
    metrics: Metrics = field(default_factory=Metrics)
    drain_s: float = 10.0
    drained: Callable[[], None] | None = None
    started: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _stop: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _running: list[_Running] = field(default_factory=list, init=False)
    _fatal: BaseException | None = field(default=None, init=False)

    def stop(self) -> None:
        """Ask for a graceful end."""
        self._stop.set()

    async def run(self) -> None:
        """Start everything, wait for `stop()`, drain, and return.

        Draining goes module by module, last one first, so that whoever is asked outlives whoever asks.

        Raises:
            Whatever a start hook raised, BrokenInvariant of a loop, or the error of a loop that is not repeatable.
        """
        async with AsyncExitStack() as started, asyncio.TaskGroup() as group:
            watcher = group.create_task(self._watch_loop(), name="loop-stall")
            try:
                for module in self.modules:
                    started.push_async_callback(self._stop_module, module)
                    for hook in module.start:
                        await hook()
                for module in self.modules:
                    self._start_workers(module, group)
                self.started.set()
                log.info("started", modules=[module.name for module in self.modules])
                await self._stop.wait()
            except Exception as error:  # noqa: BLE001 - told at the end, as itself and not inside a group
                self._fatal = error
            finally:
                self._stop.set()
                for module in reversed(self.modules):
                    await self._drain(module)
                watcher.cancel()
            if self._fatal is None and self.drained is not None:
                self.drained()
        if self._fatal is not None:
            raise self._fatal

    def health(self) -> dict[str, object]:
        """Every loop with the age of its last progress; `ok` is False when one stalls."""
        workers = [
            {
                "module": entry.module,
                "worker": entry.worker.name,
                "progress_age_s": round(entry.life.age_s, 3),
                "restarts": entry.restarts,
                "state": self._state(entry),
            }
            for entry in self._running
        ]
        ok = self.started.is_set() and all(worker["state"] != "stalled" for worker in workers)
        return {"ok": ok, "workers": workers}

    async def not_ready(self) -> list[str]:
        """The reasons why the process should get no work now; empty when it should."""
        if not self.started.is_set():
            return ["starting"]
        if self._stop.is_set():
            return ["stopping"]
        checks = [check() for module in self.modules for check in module.ready]
        found = await asyncio.gather(*checks, return_exceptions=True)
        reasons = [reason if isinstance(reason, str) else f"{reason}" for reason in found if reason is not None]
        stalled = [f"{entry.module}.{entry.worker.name} stalls" for entry in self._running if self._stalls(entry)]
        return reasons + stalled

    def _start_workers(self, module: Module, group: asyncio.TaskGroup) -> None:
        stop = asyncio.Event()
        for worker in module.workers:
            entry = _Running(module.name, worker, Life(self.clock, stop, self.metrics), stop)
            self._running.append(entry)
            entry.task = group.create_task(self._keep_alive(entry), name=f"{module.name}.{worker.name}")

    async def _keep_alive(self, entry: _Running) -> None:
        failures = 0
        while not entry.life.stopping:
            begun = self.clock.monotonic()
            try:
                entry.life.beat()
                await entry.worker.run(entry.life)
                if not entry.worker.finite and not entry.life.stopping:
                    self._die(entry, _dead(entry, "returned without being asked"))
                break
            except asyncio.CancelledError:
                if not self._stop.is_set():
                    self._die(entry, _dead(entry, "was cancelled"))
                raise
            except Exception as raised:  # noqa: BLE001 - whatever it is, the loop is begun anew or the process ends
                error = first_error(raised)
                if isinstance(error, BrokenInvariant) or not entry.worker.repeatable:
                    self._die(entry, error)
                    break
                failures = 0 if self.clock.monotonic() - begun > _HEALTHY_AFTER_S else failures + 1
                await self._pause_after(entry, error, failures)
        entry.done = True

    def _die(self, entry: _Running, error: BaseException) -> None:
        """The process cannot go on without this loop, or not with what it found."""
        log.critical("worker_fatal", module=entry.module, worker=entry.worker.name, exc_info=error)
        self._fatal = self._fatal or error
        self._stop.set()

    async def _pause_after(self, entry: _Running, error: BaseException, failures: int) -> None:
        names = {"module": entry.module, "worker": entry.worker.name}
        longest_s = _AWAY_PAUSE_S if isinstance(error, Unavailable) else _LONGEST_PAUSE_S
        pause_s = min(longest_s, 0.1 * 2.0 ** min(failures, 10))
        log.error("worker_failed", **names, again_in_s=pause_s, exc_info=error)
        entry.restarts += 1
        self.metrics.worker_restarts.labels(**names).inc()
        await entry.life.sleep(pause_s)

    async def _drain(self, module: Module) -> None:
        """Let the module's loops finish their piece, then cancel what is left."""
        entries = [entry for entry in self._running if entry.module == module.name]
        tasks = [entry.task for entry in entries if entry.task is not None]
        for entry in entries:
            entry.stop.set()
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self.drain_s)
        for task in late:
            log.warning("worker_cancelled", worker=task.get_name(), after_s=self.drain_s)
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _stop_module(self, module: Module) -> None:
        """Run every stop hook even if one fails; the first failure is told at the end."""
        failures: list[Exception] = []
        for hook in module.stop:
            try:
                await hook()
            except Exception as error:
                log.exception("stop_hook_failed", module=module.name, exc_info=error)
                failures.append(error)
        if failures:
            raise failures[0]

    async def _watch_loop(self) -> None:
        """Measure how late the event loop comes back (blocking code shows here), and look after every loop."""
        steps = 0
        while True:
            before = self.clock.monotonic()
            await self.clock.sleep(_STALL_STEP_S)
            self.metrics.loop_stall.plain.observe(max(0.0, self.clock.monotonic() - before - _STALL_STEP_S))
            steps += 1
            if steps % _HEARTBEAT_STEPS == 0:
                self._feel_pulses()

    def _feel_pulses(self) -> None:
        """Export the age of every loop's last sign; one that gave none for too long is dead."""
        for entry in self._running:
            age_s = 0.0 if entry.done else entry.life.age_s
            self.metrics.worker_age.labels(module=entry.module, worker=entry.worker.name).set(age_s)
            if age_s > entry.worker.dead_after_s and not entry.life.stopping:
                self._die(entry, _dead(entry, f"gave no sign for {age_s:.0f} s"))

    def _stalls(self, entry: _Running) -> bool:
        return not entry.done and entry.life.age_s > entry.worker.stall_after_s

    def _state(self, entry: _Running) -> str:
        return "done" if entry.done else "stalled" if self._stalls(entry) else "running"


def _dead(entry: _Running, how: str) -> BrokenInvariant:
    message = f"The loop {entry.module}.{entry.worker.name} {how}; the process ends, so that it is started afresh."
    return BrokenInvariant("loop_died", message)


def freeze_loaded() -> None:
    """Let the collector pass over all that is loaded by now: to walk it takes 0.2 s, in which every order waits."""
    gc.freeze()


async def run_until_signal(runtime: Runtime) -> None:
    """Run with the first SIGINT or SIGTERM as a graceful stop and the second as an immediate one."""
    freeze_loaded()
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(runtime.run())
    asked = 0

    def on_signal() -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            log.info("stopping")
            runtime.stop()
        else:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    try:
        await task
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine on uvloop where it exists; a single error inside a group comes out as itself."""
    try:
        import uvloop
    except ImportError:
        factory = None
    else:
        factory = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(_awaited(main))
    except BaseExceptionGroup as group:
        raise first_error(group) from group


def first_error(error: BaseException) -> BaseException:
    """The error a group is about: a broken invariant before all others, else the first; other errors as they are."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [first_error(part) for part in error.exceptions]
    return next((leaf for leaf in leaves if isinstance(leaf, BrokenInvariant)), leaves[0])


async def _awaited(main: Callable[[], Awaitable[None]]) -> None:
    await main()
