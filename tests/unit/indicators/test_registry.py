"""One list of indicator names."""

import numpy as np
import pytest
from tests.unit.indicators.series import times, walk

from tradingboost.core.errors import InvalidInput
from tradingboost.indicators.atr import atr
from tradingboost.indicators.registry import columns, indicator
from tradingboost.indicators.rsi import rsi

HIGHS, LOWS, CLOSES = walk(300)
SERIES = {"high": HIGHS, "low": LOWS, "close": CLOSES, "close_ms": times(300, 5)}


@pytest.mark.parametrize("name", ["rsj", "ma7", "atr14", "EMA_20", "", "14", "supertrend_10_3"])
def test_trap_names_drift_so_an_unknown_name_raises(name: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        columns(name, SERIES)
    assert raised.value.code == "unknown_indicator"


def test_a_near_miss_is_told_what_was_meant() -> None:
    with pytest.raises(InvalidInput, match="did you mean 'bollinger'"):
        indicator("bolinger")


@pytest.mark.parametrize("name", ["rsi", "rsi_14_3", "rsi_1.5", "rsi_0", "bollinger_20", "kernel_30_0_7", "trend"])
def test_settings_it_does_not_have_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        columns(name, SERIES)
    assert raised.value.code == "indicator_settings"


def test_columns_carry_the_settings_in_their_names() -> None:
    assert list(columns("rsi_14", SERIES)) == ["rsi_14"]
    assert list(columns("bollinger_20_2", SERIES)) == [
        "bollinger_lower_20_2",
        "bollinger_middle_20_2",
        "bollinger_upper_20_2",
    ]
    assert list(columns("jma_7_0_2", SERIES)) == ["jma_7_0_2"]


def test_trap_one_function_computes_a_name_and_its_length_has_an_effect() -> None:
    assert columns("rsi_7", SERIES)["rsi_7"].tobytes() == rsi(CLOSES, 7).tobytes()
    assert columns("atr_14", SERIES)["atr_14"].tobytes() == atr(HIGHS, LOWS, CLOSES, 14).tobytes()
    assert columns("rsi_7", SERIES)["rsi_7"][-1] != columns("rsi_21", SERIES)["rsi_21"][-1]


def test_a_trend_of_bars_too_coarse_for_it_is_refused() -> None:
    with pytest.raises(InvalidInput) as raised:
        columns("trend_1", SERIES)
    assert raised.value.code == "trend_feed"
    assert set(np.unique(columns("trend_5", SERIES)["trend_5"])) <= {-2, 0, 2}
