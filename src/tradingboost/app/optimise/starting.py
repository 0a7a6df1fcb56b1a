"""From what a person asks to a study that can run."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

import tradingboost
from tradingboost.app.asked import is_secret
from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.data.loading import store_of
from tradingboost.app.optimise.evaluating import known
from tradingboost.app.optimise.methods import method_of
from tradingboost.app.optimise.objectives import Constraints
from tradingboost.app.optimise.problem import Problem, Span
from tradingboost.app.optimise.study import Head, Question, plain
from tradingboost.app.optimise.workers import Evaluator, Inline, Job, Pool
from tradingboost.app.places import data_dir
from tradingboost.app.settings import Settings
from tradingboost.backtest.space import Space, space_of
from tradingboost.core.errors import InvalidInput
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.compile_cache import source_hash

MOST_EPOCHS: Final = 100_000
MOST_WORKERS: Final = 256
_PROBES: Final = 64


class SearchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to search for.

    Args:
        backtest: market, account and the parameters that are the same in every set.
        wishes: as `space_of` reads them.
        epochs: trials; None = 100, on a grid all of them.
        name: of the study; None = made from the question, so that the same command goes on with it.
    """

    backtest: BacktestRequest
    wishes: dict[str, Any]
    method: str = "random"
    epochs: int | None = None
    seed: int = 0
    objectives: tuple[str, ...] = ("sharpe",)
    constraints: Constraints = Constraints()
    workers: int = 1
    name: str | None = None
    fork: bool = False


class Prepared(msgspec.Struct, frozen=True):
    """A search whose data are loaded."""

    request: SearchRequest
    problem: Problem
    space: Space
    digest: str
    code: str
    least_warmup: int


def studies_of(settings: Settings) -> Path:
    """Where studies are kept."""
    return data_dir(settings) / "studies"


def prepared(request: SearchRequest, settings: Settings) -> Prepared:
    """Load and check everything a search needs.

    Raises:
        NotFound, InvalidInput: what cannot be searched, in a sentence.
    """
    problem = Problem(request.backtest, store_of(settings))
    space = space_of(request.wishes, request.backtest.params)
    known(problem, [one.name for one in space.dimensions], space.fixed)
    method_of(request.method, space, request.seed, len(request.objectives))
    if not 1 <= request.workers <= MOST_WORKERS:
        raise InvalidInput("bad_workers", f"Workers are from 1 to {MOST_WORKERS}.")
    _some_valid(problem, space)
    return Prepared(request, problem, space, problem.digest(), code_of(), problem.least_warmup(_extremes(space)))


def epochs_of(request: SearchRequest, space: Space) -> int:
    """How many trials there will be.

    Raises:
        InvalidInput: too many, or a grid that would be left unfinished.
    """
    wanted = request.epochs if request.epochs is not None else space.size if request.method == "grid" else 100
    if request.method == "grid" and wanted < space.size:
        raise InvalidInput(
            "grid_too_large",
            f"The grid has {space.size:,} sets and -e allows {wanted:,}; take coarser steps, or --method random.",
        )
    wanted = min(wanted, space.size) if request.method == "grid" else wanted
    if not 1 <= wanted <= MOST_EPOCHS:
        raise InvalidInput(
            "too_many_epochs", f"{wanted:,} trials are asked for; a study has between 1 and {MOST_EPOCHS:,}."
        )
    return wanted


def head_for(made: Prepared, spans: list[Span], name: str | None = None) -> Head:
    """The study of a search over these stretches."""
    request = made.request
    question = Question(
        request=told(request.backtest),
        space=plain(request.wishes),
        method=request.method,
        seed=request.seed,
        objectives=[*request.objectives],
        constraints=request.constraints,
        spans=spans,
        least_warmup=made.least_warmup,
    )
    return Head(
        name=name or request.name or default_name(request, question),
        created=f"{SystemClock().now():%Y-%m-%dT%H:%M:%SZ}",
        question=question,
        data=made.digest,
        code=made.code,
        epochs=epochs_of(request, made.space),
    )


@contextmanager
def evaluator_of(made: Prepared, settings: Settings) -> Iterator[Evaluator]:
    """This process for one worker, else processes."""
    request = made.request
    if request.workers == 1:
        yield Inline(made.problem)
        return
    job = Job(request.backtest, store_of(settings).root, made.digest)
    with Pool(request.workers, job) as pool:
        yield pool


def told(request: BacktestRequest) -> dict[str, Any]:
    """A request in plain values without secrets; of a file its name, since its content is in the digest."""
    found = {name: getattr(request, name) for name in request.__struct_fields__ if name not in ("band", "allow_gaps")}
    found |= {name: found[name].name for name in ("candles", "funding_file") if found[name] is not None}
    found["params"] = {key: value for key, value in request.params.items() if not is_secret(key)}
    return plain(found)  # type: ignore[no-any-return]


def code_of() -> str:
    """Version and fingerprint of the code a result depends on."""
    return f"{tradingboost.__version__} {source_hash(Path(tradingboost.__file__).parent)}"


def default_name(request: SearchRequest, question: Question) -> str:
    """A name that the same question finds again."""
    digest = sha256(msgspec.json.encode(question, order="deterministic")).hexdigest()[:8]
    source = request.backtest.symbol or (request.backtest.candles.stem if request.backtest.candles else "candles")
    place = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in source)[:60]
    return f"{request.backtest.strategy}-{place}-{request.method}-{digest}"


def _extremes(space: Space) -> list[dict[str, Any]]:
    """The first set, and the same with each parameter at its last value."""
    base = [0] * len(space.dimensions)
    ends = [[*base[:at], len(one.values) - 1, *base[at + 1 :]] for at, one in enumerate(space.dimensions)]
    return [space.params(tuple(point)) for point in (base, *ends, [len(one.values) - 1 for one in space.dimensions])]


def _some_valid(problem: Problem, space: Space) -> None:
    """Refuse a space in which nothing can be run, with the reason of the first set."""
    first: InvalidInput | None = None
    for number in range(_PROBES):
        try:
            problem.compile(space.params(space.random(0, number)))
        except InvalidInput as error:
            first = first or error
        else:
            return
    if first is not None:
        raise InvalidInput(
            "space_invalid",
            f"None of {_PROBES} sets of this space can be run. The first: {first.message}",
            **first.details,
        )
