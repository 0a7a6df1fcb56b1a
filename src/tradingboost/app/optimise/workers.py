"""Trials in processes of their own: each loads the data once; answers come back in the order of the tasks."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.optimise.evaluating import Task, Terms, evaluate
from tradingboost.app.optimise.objectives import Trial
from tradingboost.app.optimise.problem import Problem
from tradingboost.core.errors import BrokenInvariant, Conflict, TradingBoostError, Unavailable, rebuild
from tradingboost.kit.candles.store import CandleStore
from tradingboost.kit.clock import Clock, SystemClock

_TICK_S: Final = 0.2
_PATIENCE_S: Final = 1.5
_CHUNK_S: Final = 0.25
_MOST_IN_CHUNK: Final = 64
_AHEAD: Final = 4
"""Chunks a worker that is slow may be behind the others: bounds what waits for its turn."""

Stopped = Callable[[], bool]


class Evaluator(Protocol):
    """Whoever carries out trials."""

    def evaluated(self, terms: Terms, tasks: Iterable[Task], stopped: Stopped) -> Iterator[list[Trial]]:
        """Trials in the order of their tasks, some at a time; ends early when stopped."""


class Inline:
    """In this process, one after the other."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    def evaluated(self, terms: Terms, tasks: Iterable[Task], stopped: Stopped) -> Iterator[list[Trial]]:
        for task in tasks:
            if stopped():
                return
            yield [evaluate(self._problem, terms, task)]


class Job(msgspec.Struct, frozen=True):
    """What a worker has to load, and the data it has to find."""

    request: BacktestRequest
    store: Path
    digest: str


class Pool:
    """So many processes, ended with the pool; a context manager."""

    def __init__(self, workers: int, job: Job, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        context = multiprocessing.get_context("spawn")
        self._links: list[Connection] = []
        self._processes = []
        for number in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, job), name=f"trials-{number}", daemon=True)
            process.start()
            theirs.close()
            self._links.append(ours)
            self._processes.append(process)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        for link in self._links:
            link.close()
        for process in self._processes:
            process.terminate()
            process.join()

    def evaluated(self, terms: Terms, tasks: Iterable[Task], stopped: Stopped) -> Iterator[list[Trial]]:
        waiting, busy = iter(tasks), dict[Connection, tuple[int, float]]()
        ready: dict[int, list[Trial]] = {}
        sent = told = 0
        size, until = 1, float("inf")
        idle = deque(self._links)
        more = True
        while busy or more:
            if stopped() and until == float("inf"):
                more, until = False, self._clock.monotonic() + _PATIENCE_S
            while more and idle and sent - told < _AHEAD * len(self._links):
                chunk = [*islice(waiting, size)]
                if not chunk:
                    more = False
                    break
                link = idle.popleft()
                _send(link, (terms, chunk))
                busy[link] = (sent, self._clock.monotonic())
                sent += 1
            answered = wait([*busy], _TICK_S)
            for link in [one for one in self._links if one in answered]:
                number, since = busy.pop(link)
                ready[number] = _received(link)
                idle.append(link)
                spent = max(self._clock.monotonic() - since, 1e-6) / max(len(ready[number]), 1)
                size = max(1, min(_MOST_IN_CHUNK, int(_CHUNK_S / spent), 2 * size))
            while told in ready:
                yield ready.pop(told)
                told += 1
            if self._clock.monotonic() > until:
                return


def _send(link: Connection, chunk: Any) -> None:
    try:
        link.send(chunk)
    except (BrokenPipeError, OSError):
        raise _died() from None


def _received(link: Connection) -> list[Trial]:
    try:
        found = link.recv()
    except (EOFError, OSError):
        raise _died() from None
    if isinstance(found, tuple):
        kind, code, message, details = found
        raise rebuild(kind, code, message, details)
    return list(found)


def _died() -> Unavailable:
    return Unavailable(
        "worker_died",
        "A worker process has ended, perhaps for want of memory; what was done is kept, and the same command goes on. "
        "Fewer workers (-j) need less memory.",
    )


def _loaded(job: Job) -> Problem:
    problem = Problem(job.request, CandleStore(job.store))
    if problem.digest() != job.digest:
        raise Conflict("study_changed", "The data changed while the search was starting; begin it again.")
    return problem


def _serve(link: Connection, job: Job) -> None:
    """A worker: load, then answer chunk by chunk until the other side hangs up. Ctrl-C is for the parent to hear."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        problem = _loaded(job)
        while True:
            terms, chunk = link.recv()
            link.send([evaluate(problem, terms, task) for task in chunk])
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except TradingBoostError as error:
        link.send((error.kind, error.code, error.message, error.details))
    except Exception as error:  # noqa: BLE001 - told to the parent, which raises it
        defect = BrokenInvariant("trial_failed", f"A trial failed ({type(error).__name__}: {error}).")
        link.send((defect.kind, defect.code, defect.message, {}))
