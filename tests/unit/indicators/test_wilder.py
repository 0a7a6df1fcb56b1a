"""Wilder's average."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tradingboost.indicators.wilder import wilder


def average(values: list[float], length: int) -> float:
    result = 0.0
    for seen, value in enumerate(values, start=1):
        result = wilder(result, value, seen, length)
    return result


def test_the_seed_is_the_mean_of_the_first_values() -> None:
    assert average([1.0, 2.0, 6.0], 3) == 3.0


def test_after_the_seed_one_nth_of_the_new_value_is_mixed_in() -> None:
    assert average([1.0, 2.0, 6.0, 9.0], 3) == (3.0 * 2 + 9.0) / 3


@settings(deadline=None)
@given(values=st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_length_one_is_the_newest_value(values: list[float]) -> None:
    assert average(values, 1) == values[-1]
