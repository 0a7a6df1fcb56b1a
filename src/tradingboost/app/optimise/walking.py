"""`walk-forward`: the best set of each training part is run on the part it has not seen."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np

from tradingboost.app.optimise.methods import method_of
from tradingboost.app.optimise.objectives import Trial, ranked
from tradingboost.app.optimise.problem import Problem, Span
from tradingboost.app.optimise.search import Tell, search
from tradingboost.app.optimise.starting import (
    Prepared,
    SearchRequest,
    default_name,
    evaluator_of,
    head_for,
    prepared,
    studies_of,
)
from tradingboost.app.optimise.study import checked_name, opened
from tradingboost.app.optimise.workers import Evaluator, Stopped
from tradingboost.app.settings import Settings
from tradingboost.backtest.metrics import DAY_MS
from tradingboost.backtest.sweep import Measured, Reading, measured
from tradingboost.backtest.windows import Mode, Split, purged, walk_forward
from tradingboost.core.errors import InvalidInput

_PROBES: Final = 8


class WalkRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A search in each window.

    Args:
        train_days, test_days: of walk-forward windows; ignored with `folds`.
        folds: purged cross-validation with so many folds instead.
        purge_bars: None = the longest holding time seen; `embargo_bars`: None = 1 % of the bars.
    """

    search: SearchRequest
    train_days: int = 90
    test_days: int = 30
    mode: Mode = Mode.ROLLING
    folds: int | None = None
    purge_bars: int | None = None
    embargo_bars: int | None = None


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One window; `params` None = no set was acceptable in training, so nothing was traded."""

    study: str
    train: list[Span]
    test: Span
    trials: int
    trial: int | None
    params: dict[str, Any] | None
    trained: Measured | None
    tested: Measured | None


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How one parameter moved from window to window; `changes` = windows whose value is not that of the one before."""

    name: str
    values: list[Any]
    changes: int


class Walked(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a walk.

    Args:
        tested: all tests as one curve, in order; `curve` its daily equity beginning at 1.
        efficiency: annualised return out of sample by that in sample; None where that is not above zero.
    """

    name: str
    windows: list[Window]
    tested: Measured | None
    curve: list[float]
    trained_cagr: float | None
    efficiency: float | None
    drift: list[Drift]
    complete: bool


def walk(
    request: WalkRequest, settings: Settings, *, tell: Tell, say: Callable[[str], None], stopped: Stopped
) -> Walked:
    """Search every window; each is a study of its own, so a walk that was stopped goes on where it was.

    Raises:
        NotFound, InvalidInput, Conflict, Unavailable: see `starting`, `study` and `workers`.
    """
    made = prepared(request.search, settings)
    splits = splits_of(request, made)
    probe = head_for(made, [splits[0].test])
    name = checked_name(request.search.name or f"walk-{default_name(request.search, probe.question)}")
    windows: list[Window] = []
    readings: list[Reading] = []
    with evaluator_of(made, settings) as evaluator:
        for number, split in enumerate(splits, 1):
            say(f"window {number} of {len(splits)}")
            found = _searched(request, settings, made, split, f"{name}-{number:03d}", evaluator, tell, stopped)
            if found is None:
                break
            window, reading = found
            windows.append(window)
            if reading is not None:
                readings.append(reading)
    return _walked(name, windows, readings, complete=len(windows) == len(splits))


def splits_of(request: WalkRequest, made: Prepared) -> list[Split]:
    """The windows in milliseconds.

    Raises:
        InvalidInput: they do not fit into the data.
    """
    problem = made.problem
    opens = problem.candles.open_ms
    first_ms, last_ms = problem.span()
    begin, stop = opens.searchsorted((first_ms, last_ms)).tolist()
    begin = max(begin, made.least_warmup)
    if begin >= stop:
        raise InvalidInput("too_few_days", "The warm-up takes all candles of that range; take a longer one.")
    if request.folds is None:
        start = -(-int(opens[begin]) // DAY_MS) * DAY_MS
        days = (last_ms - start) // DAY_MS
        found = walk_forward(days, request.train_days, request.test_days, request.mode)
        return [_shifted(one, start, DAY_MS) for one in found]
    bars = stop - begin
    purge = _longest_bars(made) if request.purge_bars is None else request.purge_bars
    embargo = -(-bars // 100) if request.embargo_bars is None else request.embargo_bars
    ends = np.append(opens, opens[-1] + problem.candles.timeframe_ms)
    return [
        Split(train=tuple(_times(ends, begin, side) for side in one.train), test=_times(ends, begin, one.test))
        for one in purged(bars, request.folds, purge, embargo)
    ]


def _searched(  # noqa: PLR0917 - one window of `walk`, split off for its length
    request: WalkRequest,
    settings: Settings,
    made: Prepared,
    split: Split,
    name: str,
    evaluator: Evaluator,
    tell: Tell,
    stopped: Stopped,
) -> tuple[Window, Reading | None] | None:
    """One window; None when stopped."""
    wanted = request.search
    head = head_for(made, [*split.train], name)
    with opened(studies_of(settings), head, fork=wanted.fork) as study:
        method = method_of(wanted.method, made.space, wanted.seed, len(wanted.objectives))
        if not search(study, made.space, method, evaluator, tell=tell, stopped=stopped):
            return None
        trials = study.trials[: head.epochs]
    best: Trial | None = ranked(trials)[0]
    if best is not None and best.status != "ok":
        best = None
    reading: Reading | None = None
    if best is not None:
        reading = made.problem.read(made.problem.compile(made.space.params(best.point)), split.test, made.least_warmup)
    window = Window(
        study=study.head.name,
        train=[*split.train],
        test=split.test,
        trials=len(trials),
        trial=None if best is None else best.number,
        params=None if best is None else made.space.searched(best.point),
        trained=None if best is None else best.measured,
        tested=None if reading is None else measured([reading]),
    )
    return window, reading


def _walked(name: str, windows: list[Window], readings: list[Reading], *, complete: bool) -> Walked:
    tested = measured(readings) if readings else None
    cagrs = [one.trained.cagr for one in windows if one.trained is not None and one.trained.cagr is not None]
    trained = float(np.mean(cagrs)) if cagrs else None
    own = tested.cagr if tested is not None else None
    return Walked(
        name=name,
        windows=windows,
        tested=tested,
        curve=_curve(readings),
        trained_cagr=trained,
        efficiency=own / trained if own is not None and trained is not None and trained > 0 else None,
        drift=_drift(windows),
        complete=complete,
    )


def _curve(readings: Sequence[Reading]) -> list[float]:
    curve, at = [1.0], 1.0
    for one in readings:
        start = float(one.day_equity[0])
        curve += [round(at * float(value) / start, 8) for value in one.day_equity[1:]]
        at *= one.end / start
    return curve if round(at, 8) == curve[-1] else [*curve, round(at, 8)]


def _drift(windows: Sequence[Window]) -> list[Drift]:
    sets = [one.params for one in windows if one.params is not None]
    found = []
    for name in sets[0] if sets else ():
        values = [one[name] for one in sets]
        changes = sum(a != b for a, b in pairwise(values))
        found.append(Drift(name=name, values=values, changes=changes))
    return found


def _longest_bars(made: Prepared) -> int:
    """The longest a deal of a few sets of the space was open."""
    problem: Problem = made.problem
    longest = 0
    for number in range(_PROBES):
        try:
            compiled = problem.compile(made.space.params(made.space.random(made.request.seed, number)))
        except InvalidInput:
            continue
        longest = max(longest, problem.read(compiled, problem.span(), made.least_warmup).longest_ms)
    return -(-longest // problem.candles.timeframe_ms)


def _shifted(split: Split, start: int, unit: int) -> Split:
    return Split(
        train=tuple((start + a * unit, start + b * unit) for a, b in split.train),
        test=(start + split.test[0] * unit, start + split.test[1] * unit),
    )


def _times(ends: Any, begin: int, side: Span) -> Span:
    return int(ends[begin + side[0]]), int(ends[begin + side[1]])
