"""The one way from a suggested number to an amount."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import D

from tradingboost.core.errors import InvalidInput
from tradingboost.core.money import Rounding, to_step

steps = st.sampled_from([D("0.00000001"), D("0.0005"), D("0.01"), D("0.1"), D("0.25"), D(1), D(5)])
amounts = st.decimals(D("-1000000"), D("1000000"), places=10)


@pytest.mark.parametrize(
    ("value", "step", "rounding", "expected"),
    [
        (0.1 + 0.2, "0.1", Rounding.DOWN, "0.3"),
        (0.1 + 0.2, "0.1", Rounding.UP, "0.3"),
        (1.19, "0.1", Rounding.DOWN, "1.1"),
        (1.11, "0.1", Rounding.UP, "1.2"),
        (1.15, "0.1", Rounding.NEAREST, "1.2"),
        (-1.15, "0.1", Rounding.DOWN, "-1.2"),
        (-1.15, "0.1", Rounding.UP, "-1.1"),
        (7, "5", Rounding.NEAREST, "5"),
        (1e22, "1", Rounding.DOWN, "1e22"),
        (5e-9, "0.00000001", Rounding.UP, "0.00000001"),
        (0.0, "0.1", Rounding.UP, "0"),
    ],
)
def test_worked_examples(value: float, step: str, rounding: Rounding, expected: str) -> None:
    assert to_step(value, D(step), rounding) == D(expected)


@given(amounts, steps)
def test_the_result_lies_on_a_step_next_to_the_value(value: Decimal, step: Decimal) -> None:
    down, up, nearest = (to_step(value, step, rounding) for rounding in Rounding.__members__.values())
    snap = step * D("1e-9")
    assert all(result % step == 0 for result in (down, up, nearest))
    assert down - snap <= value <= up + snap
    assert up - down in (0, step)
    assert nearest in (down, up)
    assert abs(nearest - value) <= step / 2 + snap


@given(amounts, steps, st.sampled_from(Rounding))
def test_rounding_twice_changes_nothing(value: Decimal, step: Decimal, rounding: Rounding) -> None:
    once = to_step(value, step, rounding)
    assert to_step(once, step, rounding) == once


@given(st.integers(-(10**9), 10**9), steps, st.sampled_from(Rounding))
def test_a_float_on_the_grid_stays_where_it_is(count: int, step: Decimal, rounding: Rounding) -> None:
    exact = count * step
    assert to_step(float(exact), step, rounding) == exact


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), D("NaN"), D("Infinity")])
def test_what_is_not_a_number_is_refused(value: float | Decimal) -> None:
    with pytest.raises(InvalidInput, match="finite"):
        to_step(value, D("0.1"), Rounding.DOWN)
