"""Prices on ticks, quantities on lots, and worth that includes the contract size."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import D, an_instrument

from tradingboost.core.errors import InvalidInput
from tradingboost.core.money import Rounding

ticks = st.sampled_from([D("0.00001"), D("0.1"), D("0.5"), D(1)])


@given(st.floats(1.0, 1e7), ticks, st.sampled_from(Rounding))
def test_a_price_lies_on_the_tick_of_its_instrument(value: float, tick: Decimal, rounding: Rounding) -> None:
    price = an_instrument(tick=tick).price(value, rounding)
    assert price % tick == 0
    assert abs(price - Decimal(repr(value))) < tick


@given(st.floats(0.0, 1e6))
def test_a_quantity_is_never_rounded_above_what_was_suggested_unless_asked(value: float) -> None:
    instrument = an_instrument()
    exact, snap = Decimal(repr(value)), instrument.lot * D("1e-9")
    down, up = instrument.qty(value), instrument.qty(value, Rounding.UP)
    assert down % instrument.lot == 0
    assert down <= exact + snap
    assert exact <= up + snap


def test_a_price_is_not_formatted_to_four_decimals_whatever_the_tick() -> None:
    assert an_instrument(tick=D("0.0000001")).price(0.0000123, Rounding.NEAREST) == D("0.0000123")
    assert an_instrument(tick=D("0.5")).price(100.2499, Rounding.NEAREST) == D(100)


@pytest.mark.parametrize("value", [0.0, -1.0, 0.04])
def test_a_price_that_is_not_above_zero_is_refused(value: float) -> None:
    with pytest.raises(InvalidInput, match="above zero"):
        an_instrument().price(value, Rounding.DOWN)


def test_a_quantity_may_round_down_to_nothing() -> None:
    assert an_instrument().qty(0.0099) == 0


def test_worth_always_includes_the_contract_size() -> None:
    assert an_instrument().notional_quote(D(10), D(50_000)) == D(5_000)
