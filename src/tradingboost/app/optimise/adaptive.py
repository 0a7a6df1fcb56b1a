"""Methods that learn from earlier trials: TPE and NSGA-II, by Optuna's ask and tell, in memory.

Optuna never sees the disk: trials are kept by the study, and told again in order when it goes on.
"""

import warnings
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from tradingboost.app.optimise.objectives import Trial
from tradingboost.backtest.space import Dimension, Point, Space
from tradingboost.core.errors import InvalidInput

_BATCH: Final = 8
_GENERATION: Final = 32
_WORST: Final = -1e12
"""What an unacceptable set is told to be worth: below everything."""


class Adaptive:
    """TPE or NSGA-II over the indices of a space.

    Raises:
        InvalidInput: Optuna is not installed.
    """

    def __init__(self, name: str, space: Space, seed: int, objectives: int) -> None:
        optuna = _optuna(name)
        self.batch = _BATCH if name == "tpe" else _GENERATION
        self._space = space
        self._objectives = objectives
        self._names = [f"{at:02d} {one.name}" for at, one in enumerate(space.dimensions)]
        self._distributions = {
            name: _distribution(optuna, one) for name, one in zip(self._names, space.dimensions, strict=True)
        }
        sampler = (
            optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(_BATCH * 2, 10))
            if name == "tpe"
            else optuna.samplers.NSGAIISampler(seed=seed, population_size=_GENERATION)
        )
        self._study = optuna.create_study(sampler=sampler, directions=["maximize"] * objectives)
        self._asked: list[Any] = []

    def ask(self, first: int) -> list[Point]:  # noqa: ARG002 - the study counts by itself
        self._asked = [self._study.ask(fixed_distributions=self._distributions) for _ in range(self.batch)]
        return [self._point(trial.params) for trial in self._asked]

    def tell(self, trials: Sequence[Trial]) -> None:
        for asked, trial in zip(self._asked, trials, strict=False):
            good = trial.status == "ok"
            values = [value if good and value is not None else _WORST for value in trial.values]
            self._study.tell(asked, values)

    def _point(self, params: dict[str, Any]) -> Point:
        return tuple(
            one.nearest(params[name]) if one.ordered and one.log else int(params[name])
            for name, one in zip(self._names, self._space.dimensions, strict=True)
        )


def _distribution(optuna: Any, one: Dimension) -> Any:
    last = len(one.values) - 1
    if not one.ordered:
        return optuna.distributions.CategoricalDistribution([*range(last + 1)])
    if one.log:
        return optuna.distributions.FloatDistribution(float(one.values[0]), float(one.values[-1]), log=True)
    return optuna.distributions.IntDistribution(0, last)


def _optuna(name: str) -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own imports are not ours to mend
            optuna = import_module("optuna")
    except ImportError:
        raise InvalidInput(
            "method_not_installed",
            f"The method {name} needs Optuna, which is not installed; install tradingboost[optimise], "
            "or search with --method random.",
        ) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
