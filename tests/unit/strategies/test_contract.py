"""Grid numbers, slot names, and a state that survives as JSON."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradingboost.core.errors import BrokenInvariant
from tradingboost.strategies.contract import (
    Family,
    on_grid,
    records,
    slot_code,
    slot_name,
    slot_number,
    state_from_json,
    state_to_json,
    step_ratio,
    steps_down,
    steps_up,
    whole,
)

LAYOUT = np.dtype([("count", np.int64), ("price", np.float64), ("levels", np.float64, (3,))], align=True)
STEPS = st.sampled_from(["0.1", "0.01", "0.00005", "0.5", "2.5", "1", "10", "0.000001"])


@settings(deadline=None)
@given(steps=st.integers(1, 10**9), step=STEPS)
def test_a_number_on_the_grid_is_the_double_of_its_decimal(steps: int, step: str) -> None:
    num, den = step_ratio(Decimal(step))
    assert on_grid(float(steps), num, den) == float(steps * Decimal(step))


@settings(deadline=None)
@given(steps=st.integers(1, 10**9), step=STEPS)
def test_a_number_on_the_grid_is_found_again_from_both_sides(steps: int, step: str) -> None:
    num, den = step_ratio(Decimal(step))
    value = on_grid(float(steps), num, den)
    assert steps_down(value, num, den) == steps_up(value, num, den) == steps


def test_float_noise_is_not_a_step() -> None:
    assert whole(0.1 * 3 * 10) == 3
    assert whole((0.1 + 0.2) * 10) == 3
    assert whole(2.99) == 2
    assert steps_up(102000.306, 1.0, 10.0) == 1020004


@pytest.mark.parametrize(
    "name", ["entry", "add:2", "tp:1", "sl", "exit", "init", "buy:7", "sell:20", "hedge:entry:1", "hedge:tp"]
)
def test_slot_names_and_numbers_are_one_to_one(name: str) -> None:
    assert slot_name(slot_number(name)) == name


def test_a_slot_number_is_family_and_index() -> None:
    assert slot_code(Family.TP, 1) == slot_number("tp:1") == 20_001


@settings(deadline=None)
@given(
    price=st.floats(allow_nan=True, allow_infinity=False), levels=st.lists(st.floats(0, 1e9), min_size=3, max_size=3)
)
def test_a_state_survives_json_bit_for_bit(price: float, levels: list[float]) -> None:
    state = records(LAYOUT)
    state.count, state.price, state.levels = 3, price, levels
    again = state_from_json(state_to_json(state), LAYOUT)
    assert again.tobytes() == state.tobytes() or np.isnan(price)
    assert np.array_equal(again.price, state.price, equal_nan=True)


def test_a_state_of_another_layout_is_not_guessed_at() -> None:
    text = state_to_json(records(LAYOUT))
    with pytest.raises(BrokenInvariant, match="upgrade it first"):
        state_from_json(text, LAYOUT, version=2)
    with pytest.raises(BrokenInvariant):
        state_from_json(text, np.dtype([("count", np.int64)]))
