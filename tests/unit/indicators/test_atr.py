"""Average true range."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.golden import vectors
from tests.unit.indicators.references import reference, reference_files

from tradingboost.indicators.atr import atr, true_range
from tradingboost.indicators.wilder import wilder

interpreted = getattr(atr, "py_func", atr)


@pytest.mark.parametrize("vector", [each for each in vectors("indicators") if "atr" in str(each.id)])
def test_the_golden_series(vector: dict[str, Any]) -> None:
    expected = np.array(vector["expected"]["atr"], dtype=np.float64)
    highs, lows, closes = (np.array(vector["input"][name], dtype=np.float64) for name in ("high", "low", "close"))
    for function in (atr, interpreted):
        found = function(highs, lows, closes, vector["input"]["length"])
        np.testing.assert_allclose(found, expected, atol=vector["abs_tol"], rtol=0)


def test_a_gap_counts_from_the_close_before() -> None:
    assert true_range(12.0, 11.0, 9.0) == 3.0
    assert true_range(12.0, 11.0, 14.0) == 3.0
    assert true_range(12.0, 11.0, 11.5) == 1.0


@settings(deadline=None)
@given(closes=st.lists(st.floats(1, 1e6), min_size=1, max_size=60), length=st.integers(1, 20))
def test_batch_compiled_batch_interpreted_and_step_are_the_same_bits(closes: list[float], length: int) -> None:
    series = np.array(closes)
    highs, lows = series * 1.01, series * 0.98
    average = 0.0
    steps = np.full(series.size, np.nan)
    for i in range(1, series.size):
        average = wilder(average, true_range(highs[i], lows[i], series[i - 1]), i, length)
        steps[i] = average if i >= length else np.nan
    batch = atr(highs, lows, series, length)
    assert batch.tobytes() == steps.tobytes() == interpreted(highs, lows, series, length).tobytes()


def test_a_constant_range_is_its_own_average() -> None:
    """The synthetic twin of the reference files."""
    closes = np.full(100, 50.0)
    np.testing.assert_allclose(atr(closes + 1, closes - 2, closes, 14)[14:], 3.0, atol=1e-12)


@pytest.mark.realdata
@pytest.mark.parametrize("path", reference_files(), ids=lambda path: path.name)
def test_real_candles_give_the_published_values(path: Path) -> None:
    candles, rows, expected = reference(path, "atr_14")
    found = atr(candles["high"], candles["low"], candles["close"], 14)[rows]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
