"""Whether a good set stands on a plateau or on a peak: its neighbours one step away, and surfaces over pairs."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import msgspec
import numpy as np

from tradingboost.backtest.space import Point, Space


class Footing(msgspec.Struct, frozen=True, kw_only=True):
    """A set and what is known of its surroundings; values are of the objective, larger is better.

    Args:
        mean, worst: of its neighbours; None where none was tried.
        known: neighbours that were tried, of `possible` there are.
    """

    point: Point
    value: float
    mean: float | None
    worst: float | None
    known: int
    possible: int


class Surface(msgspec.Struct, frozen=True, kw_only=True):
    """Mean objective over two parameters, rows along the first; None where nothing was tried."""

    names: tuple[str, str]
    rows: list[Any]
    columns: list[Any]
    mean: list[list[float | None]]


def footing(space: Space, values: Mapping[Point, float], point: Point) -> Footing:
    """The surroundings of one set among the values of all that were tried."""
    around = [*space.neighbours(point)]
    known = [values[one] for one in around if one in values]
    return Footing(
        point=point,
        value=values[point],
        mean=float(np.mean(known)) if known else None,
        worst=min(known) if known else None,
        known=len(known),
        possible=len(around),
    )


def recommended(footings: list[Footing]) -> Footing | None:
    """The one with the best neighbours; between equals the better, then the earlier. None where none has any."""
    standing = [one for one in footings if one.mean is not None]
    return max(standing, key=lambda one: (one.mean or 0.0, one.value), default=None)


def surfaces(space: Space, values: Mapping[Point, float]) -> list[Surface]:
    """The objective over every pair of parameters, as the mean over all the others."""
    found = []
    for a, b in combinations(range(len(space.dimensions)), 2):
        first, second = space.dimensions[a], space.dimensions[b]
        shape = (len(first.values), len(second.values))
        total, count = np.zeros(shape), np.zeros(shape, np.int64)
        for point, value in values.items():
            total[point[a], point[b]] += value
            count[point[a], point[b]] += 1
        mean = np.divide(total, count, out=np.full(shape, np.nan), where=count > 0)
        used = (count.sum(axis=1) > 0, count.sum(axis=0) > 0)
        kept = mean[np.ix_(*used)]
        found.append(
            Surface(
                names=(first.name, second.name),
                rows=[value for value, one in zip(first.values, used[0], strict=True) if one],
                columns=[value for value, one in zip(second.values, used[1], strict=True) if one],
                mean=[[None if np.isnan(cell) else float(cell) for cell in row] for row in kept],
            )
        )
    return found
