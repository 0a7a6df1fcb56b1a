"""The catalogue."""

import pytest

from tradingboost.core.errors import NotFound
from tradingboost.strategies import get, names
from tradingboost.strategies.hyperrsi import HYPERRSI


def test_a_strategy_is_found_by_name_in_any_case() -> None:
    assert get("HyperRSI") is HYPERRSI
    assert names() == ["hyperrsi", "grid"]


def test_an_unknown_strategy_is_refused_with_the_nearest() -> None:
    with pytest.raises(NotFound, match=r"did you mean hyperrsi\?"):
        get("hyper_rsi")
    with pytest.raises(NotFound, match="choose one of hyperrsi, grid"):
        get("zzz")
