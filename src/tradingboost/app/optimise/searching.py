"""`hyperopt` and what is read of it afterwards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from tradingboost.app.optimise.evaluating import Terms
from tradingboost.app.optimise.methods import method_of
from tradingboost.app.optimise.objectives import Trial, ranked
from tradingboost.app.optimise.search import Tell, search
from tradingboost.app.optimise.starting import (
    SearchRequest,
    evaluator_of,
    head_for,
    prepared,
    studies_of,
)
from tradingboost.app.optimise.study import Head, head_of, opened, read_trials
from tradingboost.app.optimise.workers import Stopped
from tradingboost.app.optimise.worth import Judge, Line, Worth, judged, line
from tradingboost.app.settings import Settings
from tradingboost.backtest.space import Space, space_of
from tradingboost.core.errors import InvalidInput


class Searched(msgspec.Struct, frozen=True, kw_only=True):
    """A study after `hyperopt`.

    Args:
        complete: every trial was tried; else it was stopped and goes on with the same command.
        worth: None where it was stopped before there was anything to judge.
    """

    study: str
    trials: int
    epochs: int
    complete: bool
    worth: Worth | None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A study as it is on disk, and its best trials."""

    head: Head
    trials: int
    best: list[Line]
    worth: Worth | None


def hyperopt(
    request: SearchRequest, settings: Settings, *, tell: Tell, say: Callable[[str], None], stopped: Stopped
) -> Searched:
    """Search, or go on searching, and judge what was found.

    Raises:
        NotFound, InvalidInput, Conflict, Unavailable: see `starting`, `study` and `workers`.
    """
    made = prepared(request, settings)
    head = head_for(made, [made.problem.span()])
    with opened(studies_of(settings), head, fork=request.fork) as study, evaluator_of(made, settings) as evaluator:
        method = method_of(request.method, made.space, request.seed, len(request.objectives))
        complete = search(study, made.space, method, evaluator, tell=tell, stopped=stopped)
        worth: Worth | None = None
        if study.trials and not stopped():
            judge = Judge(made.problem, made.space, terms_of(study.head), evaluator, stopped)
            worth = judged(judge, study.trials[: head.epochs], say)
            (study.folder / "worth.json").write_bytes(msgspec.json.format(msgspec.json.encode(worth)))
        return Searched(
            study=study.head.name,
            trials=min(len(study.trials), head.epochs),
            epochs=head.epochs,
            complete=complete,
            worth=worth,
        )


def shown(folder: Path, count: int) -> Shown:
    """A study with its best trials.

    Raises:
        NotFound, InvalidInput: see `study`.
    """
    head = head_of(folder)
    trials = list(read_trials(folder))
    space = space_from(head)
    return Shown(
        head=head,
        trials=len(trials),
        best=[line(space, one) for one in ranked(trials)[:count]],
        worth=_worth(folder),
    )


def trial_of(folder: Path, number: int | None) -> tuple[Line, dict[str, Any]]:
    """One trial of a study, the best unless a number is given, and all its parameters.

    Raises:
        NotFound, InvalidInput: no such study or trial.
    """
    trials = list(read_trials(folder))
    if not trials:
        raise InvalidInput("study_empty", f"Study {folder.name} has no trial yet; go on with hyperopt.")
    if number is not None and not 0 <= number < len(trials):
        raise InvalidInput("trial_unknown", f"Study {folder.name} has the trials 0 to {len(trials) - 1}.")
    found: Trial = ranked(trials)[0] if number is None else trials[number]
    space = space_from(head_of(folder))
    return line(space, found), space.params(found.point)


def space_from(head: Head) -> Space:
    """The space of a study."""
    return space_of(head.question.space, head.question.request.get("params", {}))


def terms_of(head: Head) -> Terms:
    """What is the same for every trial of a study."""
    question = head.question
    return Terms(
        objectives=question.objectives,
        constraints=question.constraints,
        spans=question.spans,
        least_warmup=question.least_warmup,
    )


def _worth(folder: Path) -> Worth | None:
    path = folder / "worth.json"
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Worth)
    except msgspec.DecodeError:
        raise InvalidInput("study_damaged", f"{path.name} of study {folder.name} is damaged; delete it.") from None
