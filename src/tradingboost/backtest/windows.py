"""Which part of the data is trained on and which is tested on: walk-forward windows and purged folds."""

from enum import StrEnum
from itertools import pairwise
from typing import Final

import msgspec

from tradingboost.core.errors import InvalidInput

Interval = tuple[int, int]
"""Half open: the first that belongs to it, the first after it."""

LEAST_FOLDS: Final = 2


class Mode(StrEnum):
    """The training part moves along with the test, or begins where the data begin."""

    ROLLING = "rolling"
    ANCHORED = "anchored"


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """Train on the one, test on the other; both in the same unit (days, bars or milliseconds)."""

    train: tuple[Interval, ...]
    test: Interval


def walk_forward(length: int, train: int, test: int, mode: Mode = Mode.ROLLING) -> list[Split]:
    """Windows that go through the data by one test length at a time; a rest shorter than a test is left out.

    Raises:
        InvalidInput: lengths that are not above zero, or not even one window fits.
    """
    if train <= 0 or test <= 0:
        raise InvalidInput("bad_windows", "Days of training and of testing must be above zero.")
    if train + test > length:
        raise InvalidInput(
            "too_few_days",
            f"{train} days of training and {test} of testing do not fit into {length} days; "
            "take shorter ones or a longer range.",
        )
    return [
        Split(train=((0 if mode is Mode.ANCHORED else at - train, at),), test=(at, at + test))
        for at in range(train, length - test + 1, test)
    ]


def purged(bars: int, folds: int, purge: int, embargo: int) -> list[Split]:
    """Contiguous folds; what a test fold could know of its surroundings is not trained on.

    Args:
        purge: bars left out on both sides of the test fold.
        embargo: further bars left out after it.

    Raises:
        InvalidInput: fewer than two folds, more folds than bars, or nothing is left to train on.
    """
    if folds < LEAST_FOLDS or folds > bars:
        raise InvalidInput("bad_folds", f"{bars} bars cannot be cut into {folds} folds; take at least {LEAST_FOLDS}.")
    if purge < 0 or embargo < 0:
        raise InvalidInput("bad_folds", "Bars to purge and to embargo cannot be below zero.")
    edges = [bars * one // folds for one in range(folds + 1)]
    found: list[Split] = []
    for first, stop in pairwise(edges):
        sides = ((0, first - purge), (stop + purge + embargo, bars))
        train = tuple(side for side in sides if side[0] < side[1])
        if not train:
            raise InvalidInput(
                "bad_folds", f"Purging {purge} and {embargo} bars leaves nothing to train on; take fewer folds."
            )
        found.append(Split(train=train, test=(first, stop)))
    return found
