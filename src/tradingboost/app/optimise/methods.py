"""How the next sets are chosen."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final, Protocol

from tradingboost.app.optimise.objectives import Trial
from tradingboost.backtest.space import Point, Space
from tradingboost.core.errors import InvalidInput

METHODS: Final = ("random", "grid", "tpe", "nsga2")
STREAMED: Final = 1024
"""Sets that are handed out at once by methods that do not learn."""


class Method(Protocol):
    """Hands out sets batch by batch; a batch is told, in the order of its trials, before the next is asked for.

    The same seed, and the same answers told, give the same sets: that is how a killed study finds its place again.
    """

    @property
    def batch(self) -> int:
        """Sets in a batch; never depends on the number of workers."""

    def ask(self, first: int) -> list[Point]:
        """The batch that begins with trial `first`."""

    def tell(self, trials: Sequence[Trial]) -> None:
        """What became of the first trials of the last batch."""


class Random:
    """Every set by chance."""

    batch = STREAMED

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed

    def ask(self, first: int) -> list[Point]:
        return [self._space.random(self._seed, first + number) for number in range(self.batch)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Nothing is learned."""


class Grid:
    """Every set once."""

    batch = STREAMED

    def __init__(self, space: Space) -> None:
        self._space = space

    def ask(self, first: int) -> list[Point]:
        return [self._space.grid(number) for number in range(first, min(first + self.batch, self._space.size))]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Nothing is learned."""


def method_of(name: str, space: Space, seed: int, objectives: int) -> Method:
    """The method of that name.

    Raises:
        InvalidInput: unknown, not installed, or it cannot aim at so many objectives.
    """
    if name == "random":
        return Random(space, seed)
    if name == "grid":
        return Grid(space)
    if name in ("tpe", "nsga2"):
        from tradingboost.app.optimise.adaptive import Adaptive

        return Adaptive(name, space, seed, objectives)
    near = get_close_matches(name, METHODS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(METHODS)}."
    raise InvalidInput("unknown_search_method", f"There is no method {name!r}; {hint}")
