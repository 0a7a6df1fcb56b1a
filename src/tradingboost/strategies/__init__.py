"""The catalogue: every strategy a run, a backtest or a sweep may name.

Strategies are strangers to each other; each is imported when it is asked for, because importing one loads its kernels.
"""

from difflib import get_close_matches
from importlib import import_module
from typing import Final

from tradingboost.core.errors import NotFound
from tradingboost.strategies.contract import Strategy

CATALOGUE: Final = {"hyperrsi": "HYPERRSI", "grid": "GRID"}
"""Name of the strategy and of the package, and the constant in it."""


def names() -> list[str]:
    """What can be asked for."""
    return list(CATALOGUE)


def get(name: str) -> Strategy:
    """The strategy of that name.

    Raises:
        NotFound: there is none; the sentence names the nearest.
    """
    wanted = name.strip().lower()
    if wanted not in CATALOGUE:
        near = get_close_matches(wanted, CATALOGUE, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(CATALOGUE)}."
        raise NotFound(
            "unknown_strategy", f"There is no strategy {name!r}; {hint}", suggestion=near[0] if near else None
        )
    found: Strategy = getattr(import_module(f"{__name__}.{wanted}"), CATALOGUE[wanted])
    return found
