"""The schema itself."""

from decimal import Decimal

import msgspec
import pytest

from tradingboost.strategies.hyperrsi.checks import validate
from tradingboost.strategies.hyperrsi.params import Bounds, HyperrsiParams

TEN = Bounds(Decimal(0), Decimal(10), open_low=True)


@pytest.mark.parametrize(("value", "inside"), [("0", False), ("0.01", True), ("10", True), ("10.01", False)])
def test_an_open_end_excludes_its_bound(value: str, inside: bool) -> None:
    assert TEN.hold(Decimal(value)) is inside


def test_bounds_are_said_in_words() -> None:
    assert str(TEN) == "above 0 and at most 10"


def test_what_is_stored_reads_back_as_the_same_parameters() -> None:
    params = validate({"direction": "long", "tp_option": "atr", "leverage": 3, "symbol_investments": {"X": 5}})
    stored = msgspec.json.decode(msgspec.json.encode(params))
    assert stored["direction"] == "롱"
    assert validate(stored) == params


def test_the_three_ladder_views_follow_the_levels() -> None:
    params = HyperrsiParams(use_tp2=False)
    assert params.tp_enabled == (True, False, True)
    assert params.tp_ratios == (Decimal(30), Decimal(30), Decimal(40))
    assert params.tp_values == (Decimal(2), Decimal(3), Decimal(4))
