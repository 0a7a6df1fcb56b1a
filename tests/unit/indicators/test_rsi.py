"""Relative strength index."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.golden import vectors
from tests.unit.indicators.references import lengths, reference, reference_files

from tradingboost.indicators.rsi import rsi, rsi_step, rsi_value

interpreted = getattr(rsi, "py_func", rsi)


@pytest.mark.parametrize("vector", [each for each in vectors("indicators") if "rsi" in str(each.id)])
def test_the_golden_series(vector: dict[str, Any]) -> None:
    expected = np.array(vector["expected"]["rsi"], dtype=np.float64)
    closes = np.array(vector["input"]["closes"], dtype=np.float64)
    for function in (rsi, interpreted):
        found = function(closes, vector["input"]["length"])
        np.testing.assert_allclose(found, expected, atol=vector["abs_tol"], rtol=0)


@settings(deadline=None)
@given(closes=st.lists(st.floats(0.01, 1e6), min_size=1, max_size=60), length=st.integers(1, 20))
def test_batch_compiled_batch_interpreted_and_step_are_the_same_bits(closes: list[float], length: int) -> None:
    series = np.array(closes)
    batch = rsi(series, length)
    gain = loss = 0.0
    steps = np.full(series.size, np.nan)
    for i in range(1, series.size):
        gain, loss = rsi_step(gain, loss, series[i] - series[i - 1], i, length)
        steps[i] = rsi_value(gain, loss) if i >= length else np.nan
    assert batch.tobytes() == steps.tobytes() == interpreted(series, length).tobytes()


@settings(deadline=None)
@given(closes=st.lists(st.floats(0.01, 1e6), min_size=2, max_size=60))
def test_the_index_stays_between_0_and_100(closes: list[float]) -> None:
    found = rsi(np.array(closes), 3)[3:]
    assert np.all((found >= 0) & (found <= 100))


def test_a_naive_second_computation_agrees() -> None:
    """The synthetic twin of the reference files: definition written out, one bar at a time."""
    closes = 100 + np.cumsum(np.random.default_rng(1).normal(0, 1, 500))
    changes = np.diff(closes)
    gain, loss = np.maximum(changes[:14], 0).mean(), np.maximum(-changes[:14], 0).mean()
    for change in changes[14:]:
        gain, loss = (gain * 13 + max(change, 0)) / 14, (loss * 13 + max(-change, 0)) / 14
    assert rsi(closes, 14)[-1] == pytest.approx(100 * gain / (gain + loss), abs=1e-9)


@pytest.mark.realdata
@pytest.mark.parametrize("path", reference_files(), ids=lambda path: path.name)
def test_real_candles_give_the_published_values(path: Path) -> None:
    for length in lengths(path, "rsi_"):
        candles, rows, expected = reference(path, f"rsi_{length}")
        np.testing.assert_allclose(rsi(candles["close"], length)[rows], expected, atol=1e-6, rtol=0)
