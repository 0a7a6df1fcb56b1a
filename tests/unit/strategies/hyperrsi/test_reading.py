"""Reading single values."""

from decimal import Decimal

import pytest

from tradingboost.core.errors import InvalidInput
from tradingboost.strategies.hyperrsi.members import DistanceMode, EntryOption
from tradingboost.strategies.hyperrsi.reading import integer, member, number


def test_a_float_is_read_by_its_shortest_text() -> None:
    assert number(0.1) == Decimal("0.1")
    assert number(" 2.50 ") == Decimal("2.5")


def test_an_integer_may_be_written_with_a_zero_fraction_but_never_cut() -> None:
    assert integer("7.0") == 7
    with pytest.raises(InvalidInput) as caught:
        integer(7.5)
    assert caught.value.code == "not_an_integer"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("fixed", DistanceMode.PRICE), ("Amount", DistanceMode.PRICE), ("dynamic_atr", DistanceMode.ATR)],
)
def test_aliases_of_distances(text: str, expected: DistanceMode) -> None:
    assert member(text, DistanceMode) is expected


def test_a_choice_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(InvalidInput, match=r"CROSS_IN \(돌파\)"):
        member("sideways", EntryOption)
