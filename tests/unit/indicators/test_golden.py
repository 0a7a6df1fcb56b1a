"""Every golden vector of the indicators and the trend, compiled and interpreted."""

from datetime import datetime
from typing import Any

import numpy as np
import pytest
from tests.golden import vectors
from tests.unit.indicators.series import both_modes, in_mode, new_fold

from tradingboost.indicators import bollinger, ema, jma, kernel, mama, trend, trend_cycle, trend_fold, trend_width


def floats(values: list[float]) -> Any:
    return np.array(values, dtype=np.float64)


def jma_constants(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    alpha, beta = in_mode(mode, jma.jma_rates)(given["length"], given["power"])
    return {"phase_ratio": in_mode(mode, jma.phase_ratio)(float(given["phase"])), "beta": beta, "alpha": alpha}


def jma_column(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    values = floats(given["values"])
    return {"jma": in_mode(mode, jma.jma)(values, given["length"], float(given["phase"]), given["power"])}


def phase_ratios(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"phase_ratio": [in_mode(mode, jma.phase_ratio)(float(phase)) for phase in given["phase"]]}


def kernel_weights(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"weights": kernel.kernel_weights(given["lookback"], given["relative_weight"], given["taps"])}


def kernel_smooth(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    weights = kernel.kernel_weights(given["lookback"], given["relative_weight"], given["taps"])
    smoothed = in_mode(mode, kernel.smooth)(floats(given["values"]), weights)
    assert np.isnan(smoothed[:-1]).all()
    return {"last": smoothed[-1]}


def fama(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    found = in_mode(mode, mama.mama)(floats(given["closes"]), given["length"], given["fast_limit"], given["slow_limit"])
    return dict(zip(("mama", "fama", "rate"), found, strict=True))


def ema_column(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    assert given["seed"] == "first"
    return {"ema": in_mode(mode, ema.ema_from_first)(floats(given["values"]), given["length"])}


def bb_width(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    width, place = in_mode(mode, bollinger.bollinger_width)(floats(given["closes"]), given["length"], given["mult"])
    assert np.isnan(width[:-1]).all()
    return {"width": width[-1], "r": place[-1]}


def trend_timeframes(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    cycle, width = in_mode(mode, trend_fold.cycle_minutes), in_mode(mode, trend_fold.width_minutes)
    charts = given["chart_minutes"]
    return {"cycle_minutes": [cycle(each, 0) for each in charts], "bb_minutes": [width(each) for each in charts]}


def last_closed_bar(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    """How many bars of a timeframe a fold has taken by a time tells which one was the last."""
    charts, found = {15: 1, 60: 60, 480: 240}, []
    for at, minutes in given["rows"]:
        at_ms, day_ms, fold = int(datetime.fromisoformat(at).timestamp() * 1000), 86_400_000, new_fold()
        start_ms = at_ms // day_ms * day_ms - day_ms
        ms = np.arange(start_ms, at_ms, 60_000) + 60_000
        in_mode(mode, trend.trend_continue)(fold, charts[minutes], 0, ms, np.full(ms.size, 100.0))
        found.append(start_ms + (int(fold.trend_cycles[0]) - 1) * minutes * 60_000)
    return {"bar_open": found}


def cycle_order(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    rows = [[float(value) for value in row] for row in given["rows"]]
    rising, falling = in_mode(mode, trend_cycle.rising), in_mode(mode, trend_cycle.falling)
    return {"bull": [rising(*row) for row in rows], "bear": [falling(*row) for row in rows]}


def bb_state(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    step = in_mode(mode, trend_width.width_state)
    widths, state, found = [np.nan] * 3 + given["width"], given["initial"], []
    for i, (place, latch) in enumerate(zip(given["r"], given["latch_q"], strict=True)):
        buzz, before = float(given["buzz"]), (widths[i + 2], widths[i + 1], widths[i])
        marks = (buzz, buzz, given["squeeze"] if latch else 0.0, given["pl"])
        state = step(state, widths[i + 3], place, marks, before)
        found.append(state)
    return {"state": found}


def trend_state(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    state, found = given["initial"], []
    for bull, bear, width_state in zip(given["bull"], given["bear"], given["s_mtf"], strict=True):
        state = in_mode(mode, trend.next_state)(state, bull, bear, width_state)
        found.append(state)
    return {"trend_state": found}


KINDS = {
    "jma_constants": jma_constants,
    "jma": jma_column,
    "jma_phase_ratio": phase_ratios,
    "kernel_weights": kernel_weights,
    "kernel_smooth": kernel_smooth,
    "fama": fama,
    "ema": ema_column,
    "bb_width": bb_width,
    "trend_timeframes": trend_timeframes,
    "last_closed_bar": last_closed_bar,
    "cycle_order": cycle_order,
    "bb_state": bb_state,
    "trend_state": trend_state,
}
ELSEWHERE = {"rsi", "atr", "trend_fold"}


def test_every_kind_of_vector_is_executed() -> None:
    assert {each.values[0]["kind"] for each in vectors("indicators")} == set(KINDS) | ELSEWHERE


@both_modes
@pytest.mark.parametrize("vector", [v for v in vectors("indicators") if v.values[0]["kind"] not in ELSEWHERE])
def test_the_golden_vector(vector: dict[str, Any], mode: str) -> None:
    found = KINDS[vector["kind"]](mode, vector["input"])
    assert set(found) == set(vector["expected"])
    for name, expected in vector["expected"].items():
        read = (lambda text: datetime.fromisoformat(text).timestamp() * 1000) if name == "bar_open" else None
        wanted = np.array([read(each) for each in expected] if read else expected, dtype=np.float64)
        np.testing.assert_allclose(
            np.array(found[name], dtype=np.float64), wanted, rtol=0, atol=vector.get("abs_tol", 1e-9)
        )
