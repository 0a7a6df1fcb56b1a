"""What the result of a search is worth: luck, plateau or peak, and the hardest days of the data."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from tradingboost.app.optimise.evaluating import Task, Terms
from tradingboost.app.optimise.objectives import Trial, pareto, ranked
from tradingboost.app.optimise.problem import Problem, Span, part_of
from tradingboost.app.optimise.workers import Evaluator, Stopped
from tradingboost.backtest.plateau import Footing, Surface, footing, recommended, surfaces
from tradingboost.backtest.sharpe import Deflated, deflated_among
from tradingboost.backtest.space import Point, Space
from tradingboost.backtest.stress import StressWindow, stress_windows
from tradingboost.backtest.sweep import Measured, measured
from tradingboost.core.errors import InvalidInput

FINALISTS: Final = 5


class Stressed(msgspec.Struct, frozen=True, kw_only=True):
    """A finalist in one of the hardest stretches; None = too little warm-up before it."""

    number: int
    window: StressWindow
    total_return: float | None
    max_drawdown: float | None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A trial as it is listed."""

    number: int
    status: str
    why: list[str]
    params: dict[str, Any]
    values: list[float | None]
    measured: Measured | None


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """`worth.json` of a study.

    Args:
        counts: trials by status; `invalid` ones were refused by the schema and not run.
        deflated: of the best feasible trial; None without one or without spread in its returns.
        footings: of the finalists, best first; `recommended` is the set with the best neighbours.
    """

    trials: int
    counts: dict[str, int]
    best: Line | None
    finalists: list[Line]
    front: list[Line]
    deflated: Deflated | None
    footings: list[Footing]
    recommended: dict[str, Any] | None
    surfaces: list[Surface]
    stress: list[Stressed]


class Judge(msgspec.Struct, frozen=True):
    """Where a study's trials came from."""

    problem: Problem
    space: Space
    terms: Terms
    evaluator: Evaluator
    stopped: Stopped


def judged(judge: Judge, trials: Sequence[Trial], say: Callable[[str], None]) -> Worth:
    """Try the neighbours of the best sets, run them through the hardest days, and hold the best against luck.

    The neighbours are no trials of the study: they only tell a plateau from a peak.
    """
    space = judge.space
    feasible = [one for one in ranked(trials) if one.status == "ok"]
    finalists = _different(feasible)
    values: dict[Point, float | None] = {one.point: one.values[0] for one in trials if one.status != "invalid"}
    say("trying the neighbours of the best sets")
    values |= _neighbours(judge, finalists, values)
    known = {point: value for point, value in values.items() if value is not None}
    footings = [footing(space, known, one.point) for one in finalists]
    chosen = recommended(footings)
    say("running the best sets through the hardest days")
    return Worth(
        trials=len(trials),
        counts={name: sum(one.status == name for one in trials) for name in ("ok", "infeasible", "invalid")},
        best=line(space, finalists[0]) if finalists else None,
        finalists=[line(space, one) for one in finalists],
        front=[line(space, one) for one in pareto(trials)] if len(judge.terms.objectives) > 1 else [],
        deflated=luck(trials, finalists[0]) if finalists else None,
        footings=footings,
        recommended=space.params(chosen.point) if chosen is not None else None,
        surfaces=surfaces(space, known),
        stress=[] if judge.stopped() else _stressed(judge, finalists),
    )


def luck(trials: Sequence[Trial], best: Trial) -> Deflated | None:
    """The best trial held against the luck of all that were run."""
    if best.measured is None or best.measured.daily is None:
        return None
    ratios = [
        one.measured.daily.sharpe for one in trials if one.measured is not None and one.measured.daily is not None
    ]
    return deflated_among(best.measured.daily, ratios)


def line(space: Space, one: Trial) -> Line:
    """A trial with its parameters by name."""
    return Line(
        number=one.number,
        status=one.status,
        why=one.why,
        params=space.searched(one.point),
        values=one.values,
        measured=one.measured,
    )


def _different(feasible: Sequence[Trial]) -> list[Trial]:
    """The first few that are not the same set twice."""
    found: dict[Point, Trial] = {}
    for one in feasible:
        if len(found) == FINALISTS:
            break
        found.setdefault(one.point, one)
    return [*found.values()]


def _neighbours(
    judge: Judge, finalists: Sequence[Trial], known: dict[Point, float | None]
) -> dict[Point, float | None]:
    space = judge.space
    around = dict.fromkeys(point for one in finalists for point in space.neighbours(one.point) if point not in known)
    tasks = [Task(number, point, space.params(point)) for number, point in enumerate(around)]
    found: dict[Point, float | None] = {}
    for trials in judge.evaluator.evaluated(judge.terms, tasks, judge.stopped):
        found |= {one.point: one.values[0] for one in trials if one.status != "invalid"}
    return found


def _stressed(judge: Judge, finalists: Sequence[Trial]) -> list[Stressed]:
    problem = judge.problem
    first_ms, last_ms = judge.terms.spans[0][0], judge.terms.spans[-1][1]
    opens = problem.candles.open_ms
    begin, stop = opens.searchsorted((first_ms, last_ms)).tolist()
    windows = stress_windows(part_of(problem.candles, begin, stop))
    found = []
    for trial in finalists:
        made = problem.compile(judge.space.params(trial.point))
        for window in windows:
            figures = _over(problem, made, (window.from_ms, window.to_ms))
            found.append(
                Stressed(
                    number=trial.number,
                    window=window,
                    total_return=figures.total_return if figures else None,
                    max_drawdown=figures.max_drawdown if figures else None,
                )
            )
    return found


def _over(problem: Problem, made: Any, span: Span) -> Measured | None:
    """One stretch; None where the data before it are too short to warm up."""
    try:
        return measured([problem.read(made, span)])
    except InvalidInput:
        return None
