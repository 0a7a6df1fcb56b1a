"""What a search aims at, what it will not accept, and in which order its trials stand."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

import msgspec

from tradingboost.backtest.sweep import Measured
from tradingboost.core.errors import InvalidInput

OBJECTIVES: Final[dict[str, int]] = {
    "sharpe": 1,
    "sortino": 1,
    "calmar": 1,
    "cagr": 1,
    "total_return": 1,
    "net_pnl": 1,
    "profit_factor": 1,
    "win_rate": 1,
    "max_drawdown": -1,
    "exposure": -1,
}
"""Name of a figure and whether more or less of it is better."""

_OTHER_NAMES: Final = {
    "sharpehyperoptloss": "sharpe",
    "sharpehyperoptlossdaily": "sharpe",
    "sortinohyperoptloss": "sortino",
    "sortinohyperoptlossdaily": "sortino",
    "calmarhyperoptloss": "calmar",
    "onlyprofithyperoptloss": "net_pnl",
    "maxdrawdownhyperoptloss": "max_drawdown",
    "profit": "net_pnl",
}
_MOST: Final = 4


class Constraints(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a set unacceptable; ratios 0 to 1, None = not asked."""

    min_deals: int = 30
    max_drawdown: float | None = None
    min_exposure: float | None = None
    no_liquidation: bool = True
    band_not_red: bool = False

    def broken(self, found: Measured) -> list[str]:
        """Which of them a set breaks, apart from the band."""
        fall = found.max_drawdown
        breaks = {
            "few_deals": found.deals < self.min_deals,
            "drawdown": self.max_drawdown is not None and (fall is None or fall > self.max_drawdown),
            "exposure": self.min_exposure is not None and found.exposure < self.min_exposure,
            "liquidation": self.no_liquidation and found.liquidations > 0,
        }
        return [name for name, broken in breaks.items() if broken]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One set that was tried.

    Args:
        point: indices into the space.
        status: `ok`, `infeasible` (breaks a constraint, or the objective is undefined) or `invalid` (the schema
            refuses the combination; it was not run).
        why: words for what is wrong.
        values: objectives, larger is better; None = undefined.
    """

    number: int
    point: tuple[int, ...]
    status: str
    why: list[str]
    values: list[float | None]
    measured: Measured | None


def objectives_of(text: str) -> list[str]:
    """Objectives as people name them, separated by commas.

    Raises:
        InvalidInput: unknown, named twice, or too many.
    """
    found = []
    for word in text.replace(",", " ").split():
        key = word.strip().lower()
        name = _OTHER_NAMES.get(key, key)
        if name not in OBJECTIVES:
            near = get_close_matches(name, [*OBJECTIVES, *_OTHER_NAMES], n=1)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(OBJECTIVES)}."
            raise InvalidInput("unknown_objective", f"There is no objective {word!r}; {hint}")
        found.append(name)
    if not found or len(found) > _MOST or len(set(found)) < len(found):
        raise InvalidInput("bad_objectives", f"Name one to {_MOST} different objectives, such as sharpe,max_drawdown.")
    return found


def values_of(names: Sequence[str], found: Measured) -> list[float | None]:
    """The objectives of a set; larger is better."""
    values = [getattr(found, name) for name in names]
    return [
        None if value is None else OBJECTIVES[name] * float(value) for name, value in zip(names, values, strict=True)
    ]


def shown(name: str, value: float | None) -> float | None:
    """A value as people know the figure."""
    return None if value is None else value * OBJECTIVES[name]


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """Feasible ones by their first objective, then infeasible ones, then those that were not run; ties as tried."""
    order = {"ok": 0, "infeasible": 1, "invalid": 2}

    def place(one: Trial) -> tuple[int, float, int]:
        value = one.values[0] if one.values else None
        return order[one.status], -value if value is not None else float("inf"), one.number

    return sorted(trials, key=place)


def pareto(trials: Iterable[Trial]) -> list[Trial]:
    """Feasible trials that no other beats in every objective, by the first; of equals the first that was tried."""
    front: list[Trial] = []
    for one in ranked(trial for trial in trials if trial.status == "ok"):
        if not any(_covers(better.values, one.values) for better in front):
            front = [other for other in front if not _covers(one.values, other.values)]
            front.append(one)
    return front


def _covers(one: Sequence[float | None], other: Sequence[float | None]) -> bool:
    pairs = zip(one, other, strict=True)
    return all(a is not None and b is not None and a >= b for a, b in pairs)
