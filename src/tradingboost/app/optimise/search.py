"""A search: sets are asked for, tried, written down in order and told, until there are enough or somebody stops it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from tradingboost.app.optimise.evaluating import Task, Terms
from tradingboost.app.optimise.methods import Method
from tradingboost.app.optimise.objectives import Trial
from tradingboost.app.optimise.study import Study
from tradingboost.app.optimise.workers import Evaluator, Stopped
from tradingboost.backtest.space import Point, Space
from tradingboost.core.errors import InvalidInput

Tell = Callable[[int, int, Trial | None], None]
"""(trials done, trials in all, the newest)."""


def search(study: Study, space: Space, method: Method, evaluator: Evaluator, *, tell: Tell, stopped: Stopped) -> bool:
    """Go on with a study to its last trial.

    Returns:
        Whether it is complete.

    Raises:
        InvalidInput: the trials on disk are not those this study would have tried.
    """
    question, epochs = study.head.question, study.head.epochs
    terms = Terms(
        objectives=question.objectives,
        constraints=question.constraints,
        spans=question.spans,
        least_warmup=question.least_warmup,
    )
    tell(min(len(study.trials), epochs), epochs, None)
    first = 0  # a study that goes on asks and tells all of it again: so the method finds its place
    while first < epochs and not stopped():
        points = method.ask(first)
        if not points:
            break
        wanted = points[: epochs - first]
        old = study.trials[first : first + len(wanted)]
        _same(study, old, wanted)
        for trials in evaluator.evaluated(terms, _tasks(space, wanted, first, len(old)), stopped):
            study.append(trials)
            tell(len(study.trials), epochs, trials[-1])
        done = study.trials[first : first + len(wanted)]
        if len(done) < len(wanted):
            break
        method.tell(done)
        first += len(wanted)
    return len(study.trials) >= min(epochs, space.size if question.method == "grid" else epochs)


def _tasks(space: Space, points: Sequence[Point], first: int, skip: int) -> Iterator[Task]:
    for number, point in islice(enumerate(points), skip, None):
        yield Task(first + number, point, space.params(point))


def _same(study: Study, old: Sequence[Trial], points: Sequence[Point]) -> None:
    """Trials that were kept must be those that would be tried now."""
    for trial, point in zip(old, points, strict=False):
        if trial.point != point:
            raise InvalidInput(
                "study_differs",
                f"Trial {trial.number} of study {study.head.name} is not the one this search would try; perhaps "
                "another version of a library is installed. Begin another study with --study.",
            )
