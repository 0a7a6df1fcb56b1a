"""The price units of Upbit's KRW markets: every price that is sent is a multiple of the unit of its own band."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradingboost.core.errors import InvalidInput
from tradingboost.core.money import Rounding
from tradingboost.venues.upbit_units import rounded, unit

D = Decimal
EDGES = [
    ("1000000", "1000", "500"),
    ("500000", "500", "100"),
    ("100000", "100", "50"),
    ("50000", "50", "10"),
    ("10000", "10", "5"),
    ("5000", "5", "1"),
    ("100", "1", "0.1"),
    ("10", "0.1", "0.01"),
    ("1", "0.01", "0.001"),
    ("0.1", "0.001", "0.0001"),
    ("0.01", "0.0001", "0.00001"),
    ("0.001", "0.00001", "0.000001"),
    ("0.0001", "0.000001", "0.0000001"),
    ("0.00001", "0.0000001", "0.00000001"),
]


@pytest.mark.parametrize(("edge", "above", "below"), EDGES)
def test_the_edge_of_a_band_belongs_to_the_band_above_it(edge: str, above: str, below: str) -> None:
    assert unit(D(edge)) == D(above)
    assert unit(D(edge) - D("1e-9")) == D(below)
    assert D(edge) % D(above) == 0
    assert D(edge) % D(below) == 0
    just_below = D(edge) - D(below) / 2
    assert rounded(just_below, Rounding.UP) == D(edge)
    assert rounded(just_below, Rounding.DOWN) == D(edge) - D(below)
    assert rounded(D(edge) + D(above) / 2, Rounding.DOWN) == D(edge)


@given(st.decimals(min_value=D("0.00000001"), max_value=D("200000000"), places=8), st.sampled_from(Rounding))
def test_a_rounded_price_is_valid_on_its_side_and_stays_where_it_is(price: Decimal, rounding: Rounding) -> None:
    found = rounded(price, rounding)
    assert found % unit(found) == 0
    assert rounded(found, rounding) == found
    nearly = unit(found) * D("1e-9")  # a price this close to a step is meant to be on it, everywhere in the platform
    if rounding is Rounding.DOWN:
        assert found <= price + nearly
    if rounding is Rounding.UP:
        assert found >= price - nearly


def test_a_coarser_unit_the_venue_lists_for_a_pair_wins() -> None:
    assert rounded(D("1234.5"), Rounding.DOWN, D(5)) == D(1230)
    assert rounded(D("1234.5"), Rounding.DOWN, D("0.1")) == D(1234)


def test_nothing_is_left_of_a_price_below_the_smallest_unit() -> None:
    with pytest.raises(InvalidInput):
        rounded(D("0.000000001"), Rounding.DOWN)
