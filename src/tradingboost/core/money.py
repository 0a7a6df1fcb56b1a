"""Decimals decide: the two roundings money knows and the one way from a suggestion to an amount."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

from tradingboost.core.errors import InvalidInput

ZERO: Final = Decimal(0)
_SNAP: Final = Decimal("1e-9")
"""A float suggestion this close to a step (in steps) is that step: 0.1 + 0.2 means 0.3."""


class Rounding(StrEnum):
    """Direction toward the neighbouring step."""

    DOWN = "down"
    UP = "up"
    NEAREST = "nearest"


_MODES: Final = {Rounding.DOWN: ROUND_FLOOR, Rounding.UP: ROUND_CEILING, Rounding.NEAREST: ROUND_HALF_UP}


def to_step(value: float | Decimal, step: Decimal, rounding: Rounding) -> Decimal:
    """Round a value to a multiple of `step`.

    Args:
        value: a suggestion; a float is read by its shortest text form, never by its binary expansion.
        step: the tick or lot, > 0.
        rounding: required, because every crossing into money has a direction that favours somebody.

    Raises:
        InvalidInput: not a finite number.
    """
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not exact.is_finite():
        raise InvalidInput("not_a_number", f"{value} is not a finite number.")
    steps = exact / step
    nearest = steps.to_integral_value(ROUND_HALF_UP)
    if abs(steps - nearest) > _SNAP:
        nearest = steps.to_integral_value(_MODES[rounding])
    return nearest * step
