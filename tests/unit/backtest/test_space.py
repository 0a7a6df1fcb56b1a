"""Spaces: ranges, lists and fixed values, and sets that depend on nothing but their number."""

from decimal import Decimal

import pytest

from tradingboost.backtest.space import MOST_VALUES, Space, space_of
from tradingboost.core.errors import InvalidInput


def wide() -> Space:
    return space_of(
        {
            "rsi_length": {"from": 7, "to": 21, "step": 7},
            "tp1_value": {"from": "0.1", "to": "0.4", "step": "0.1"},
            "entry_option": ["CROSS_IN", "TURN"],
            "leverage": 5,
        },
        {"use_sl": True},
    )


def test_a_range_holds_both_ends_exactly() -> None:
    space = wide()
    assert [one.values for one in space.dimensions] == [
        (7, 14, 21),
        (Decimal("0.1"), Decimal("0.2"), Decimal("0.3"), Decimal("0.4")),
        ("CROSS_IN", "TURN"),
    ]
    assert space.fixed == {"leverage": 5, "use_sl": True}
    assert space.size == 24


def test_every_set_of_a_grid_comes_once_and_the_last_parameter_changes_first() -> None:
    space = wide()
    points = [space.grid(number) for number in range(space.size)]
    assert len(set(points)) == space.size
    assert points[:3] == [(0, 0, 0), (0, 0, 1), (0, 1, 0)]
    assert space.params(points[-1]) == {
        "rsi_length": 21,
        "tp1_value": Decimal("0.4"),
        "entry_option": "TURN",
        "leverage": 5,
        "use_sl": True,
    }


def test_a_random_set_depends_on_seed_and_number_and_on_no_other_parameter() -> None:
    space = wide()
    points = [space.random(3, number) for number in range(400)]
    assert points == [space.random(3, number) for number in range(400)]
    assert points != [space.random(4, number) for number in range(400)]
    assert len(set(points)) == space.size
    narrow = space_of({"rsi_length": {"from": 7, "to": 21, "step": 7}}, {})
    assert [point[0] for point in points] == [narrow.random(3, number)[0] for number in range(400)]


def test_a_logarithmic_range_is_drawn_evenly_over_its_decades() -> None:
    space = space_of({"cooldown_time": {"from": 1, "to": 1000, "step": 1, "log": True}}, {})
    values = [space.searched(space.random(1, number))["cooldown_time"] for number in range(3000)]
    shares = [sum(low <= value < high for value in values) / 3000 for low, high in ((1, 10), (10, 100), (100, 1001))]
    assert all(abs(share - 1 / 3) < 0.04 for share in shares)


def test_a_logarithmic_range_without_a_step_spreads_its_values() -> None:
    (one,) = space_of({"x": {"from": "0.01", "to": "10", "log": True}}, {}).dimensions
    assert (one.values[0], one.values[-1]) == (Decimal("0.01"), 10)
    assert len(one.values) == 50
    assert list(one.values) == sorted(one.values)


def test_numbers_in_a_list_are_sorted_and_words_have_no_neighbours() -> None:
    space = space_of({"a": [3, 1, 2], "b": ["x", "y"]}, {})
    assert space.dimensions[0].values == (1, 2, 3)
    assert sorted(space.neighbours((1, 0))) == [(0, 0), (2, 0)]


def test_a_range_of_one_value_is_fixed() -> None:
    space = space_of({"a": {"from": 5, "to": 5}, "b": [1, 2]}, {})
    assert (space.fixed, [one.name for one in space.dimensions]) == ({"a": 5}, ["b"])


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"from": 5, "to": 1}, "first end must be the lower"),
        ({"from": 0.5, "to": 2}, "needs a step"),
        ({"from": 1, "to": 2, "step": 0}, "above zero"),
        ({"from": 0, "to": 2, "log": True}, "begin above zero"),
        ({"from": 1}, "needs both ends"),
        ({"from": 1, "to": 2, "stepp": 1}, "did you mean step"),
        ({"from": 1, "to": "many"}, "is not a number"),
        ({"from": 1, "to": MOST_VALUES + 1}, "take a step"),
        ([], "between 1 and"),
        ([1, 2, 1], "names a value twice"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_a_sentence(wish: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        space_of({"a": wish}, {})


def test_nothing_to_search_and_a_name_in_both_places_are_refused() -> None:
    with pytest.raises(InvalidInput, match="Nothing is searched"):
        space_of({"a": 1}, {})
    with pytest.raises(InvalidInput, match="searched and fixed"):
        space_of({"a": [1, 2]}, {"a": 1})
