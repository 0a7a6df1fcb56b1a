"""What a search costs beside the runs it asks for: method, order and file, with trials that take no time."""

import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

from tradingboost.app.optimise.evaluating import Task, Terms
from tradingboost.app.optimise.methods import method_of
from tradingboost.app.optimise.objectives import Constraints, Trial
from tradingboost.app.optimise.search import search
from tradingboost.app.optimise.study import Head, Question, opened
from tradingboost.app.optimise.workers import Stopped
from tradingboost.backtest.space import Space, space_of

TRIALS: Final = 1000
TPE_TRIALS: Final = 150
ROUNDS: Final = 3
SEED: Final = 1
WISHES: Final[dict[str, Any]] = {
    "length": {"from": 5, "to": 30},
    "low": {"from": 20, "to": 40},
    "high": {"from": 60, "to": 80},
    "step": {"from": "0.2", "to": "3", "step": "0.1"},
    "target": {"from": "0.5", "to": "5", "step": "0.1"},
    "loss": {"from": "1", "to": "10", "step": "0.5"},
    "adds": {"from": 0, "to": 9},
    "trail": {"from": "0.1", "to": "2", "step": "0.1"},
}


class Found(NamedTuple):
    """Milliseconds a trial, and ratios."""

    figures: dict[str, float]
    ratios: dict[str, float]


class Instant:
    """Trials whose worth is how near they are to a point."""

    def evaluated(self, terms: Terms, tasks: Iterable[Task], stopped: Stopped) -> Iterator[list[Trial]]:  # noqa: ARG002
        for task in tasks:
            value = worth(task.point)
            yield [Trial(number=task.number, point=task.point, status="ok", why=[], values=[value], measured=None)]


def worth(point: Iterable[int]) -> float:
    """Larger is better."""
    return -sum((index - 7.0) ** 2 for index in point)


def overhead(trials: int = TRIALS) -> Found:
    """The study's own work a trial, and TPE beside Optuna alone in memory; medians of a few rounds, in turns."""
    space, few = space_of(WISHES, {}), min(trials, TPE_TRIALS)
    figures: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for method in ("random", "grid", "tpe"):
            count = trials if method != "tpe" else few
            figures.setdefault(method, []).append(_searched(method, space, count) / count)
        figures.setdefault("optuna_tpe", []).append(_optuna(space, few) / few)
    ms = {name: round(sorted(values)[ROUNDS // 2] * 1000, 4) for name, values in figures.items()}
    shares = sorted(a / b for a, b in zip(figures["tpe"], figures["optuna_tpe"], strict=True))
    ratios = {
        "search_random_ms": ms["random"],
        "search_grid_ms": ms["grid"],
        "tpe_vs_optuna": round(shares[ROUNDS // 2], 2),
    }
    return Found({f"{name}_ms_a_trial": value for name, value in ms.items()}, ratios)


def _searched(method: str, space: Space, trials: int) -> float:
    """Seconds of a whole study, written to disk as ever."""
    question = Question(
        request={},
        space={},
        method=method,
        seed=SEED,
        objectives=["sharpe"],
        constraints=Constraints(),
        spans=[(0, 1)],
        least_warmup=0,
    )
    head = Head(name="bench", created="", question=question, data="", code="", epochs=trials)
    with tempfile.TemporaryDirectory(prefix="tb-bench-") as folder:
        began = time.perf_counter()
        with opened(Path(folder), head) as study:
            made = method_of(method, space, SEED, 1)
            search(study, space, made, Instant(), tell=lambda *_: None, stopped=lambda: False)
            done = len(study.trials)
        seconds = time.perf_counter() - began
    if done != trials:
        raise SystemExit(f"bench: a study of {trials} trials ended after {done}.")
    return seconds


def _optuna(space: Space, trials: int) -> float:
    """Seconds of the same number of trials by Optuna alone, nothing kept."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optuna = import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    integer = optuna.distributions.IntDistribution
    ranges = {one.name: integer(0, len(one.values) - 1) for one in space.dimensions}
    began = time.perf_counter()
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=SEED), direction="maximize")
    for _ in range(trials):
        trial = study.ask(fixed_distributions=ranges)
        study.tell(trial, worth(trial.params.values()))
    return time.perf_counter() - began
