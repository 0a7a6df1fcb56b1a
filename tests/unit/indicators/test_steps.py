"""Batch and step forms are one recurrence: same bits, compiled or not, from any bar on, whatever comes after."""

import re
from typing import Any

import numpy as np
import pytest
from tests.unit.indicators.series import both_modes, in_mode, times, walk
from tests.unit.indicators.stepped import STEPPERS

from tradingboost.indicators import adx, bollinger, ema, extremes, jma, kernel, mama, sma, t3, vidya
from tradingboost.indicators.registry import INDICATORS, columns

HIGHS, LOWS, CLOSES = walk(400)
SERIES = {"high": HIGHS, "low": LOWS, "close": CLOSES, "close_ms": times(400, 5)}
EXAMPLES = [name for names in STEPPERS for name in names.split()] + ["rsi_14", "atr_14", "trend_5"]
ONE_COLUMN: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "ema": (ema.ema, (5,)),
    "ema_from_first": (ema.ema_from_first, (5,)),
    "highest": (extremes.highest, (5,)),
    "jma": (jma.jma, (10, 50.0, 2)),
    "kernel": (kernel.smooth, (kernel.kernel_weights(30.0, 0.5, 7),)),
    "lowest": (extremes.lowest, (5,)),
    "sma": (sma.sma, (20,)),
    "t3": (t3.t3, (5, 0.7)),
    "vidya": (vidya.vidya, (21, 9)),
    "bollinger": (bollinger.bollinger, (20, 2.0)),
    "bollinger_width": (bollinger.bollinger_width, (15, 1.5)),
    "mama": (mama.mama, (20, 0.5, 0.05)),
}


def all_columns(name: str, series: dict[str, Any]) -> list[Any]:
    return [column for each in name.split() for column in columns(each, series).values()]


def first(series: dict[str, Any], count: int) -> dict[str, Any]:
    return {name: column[:count] for name, column in series.items()}


def test_every_indicator_has_an_example_here() -> None:
    assert {re.sub(r"(_[0-9.]+)+$", "", name) for name in EXAMPLES} == set(INDICATORS)


@both_modes
@pytest.mark.parametrize("name", STEPPERS)
def test_trap_bar_by_bar_equals_the_column_bit_for_bit(name: str, mode: str) -> None:
    step = STEPPERS[name](mode)
    batch = all_columns(name, SERIES)
    for i, bar in enumerate(zip(HIGHS, LOWS, CLOSES, strict=True)):
        found = np.broadcast_to(np.array(step(*map(float, bar))), len(batch))
        assert found.tobytes() == np.array([column[i] for column in batch]).tobytes(), i


@pytest.mark.parametrize("name", ONE_COLUMN)
def test_the_compiled_column_is_the_interpreted_one_bit_for_bit(name: str) -> None:
    function, settings = ONE_COLUMN[name]
    found, plain = (np.array(in_mode(mode, function)(CLOSES, *settings)) for mode in ("compiled", "interpreted"))
    assert found.tobytes() == plain.tobytes()


def test_the_compiled_directional_movement_is_the_interpreted_one_bit_for_bit() -> None:
    folds = [np.zeros(1, adx.ADX).view(np.recarray) for _ in range(2)]
    found, plain = (
        np.array(in_mode(mode, adx.adx_columns)(fold, HIGHS, LOWS, CLOSES, 14))
        for mode, fold in zip(("compiled", "interpreted"), folds, strict=True)
    )
    assert found.tobytes() == plain.tobytes()


@pytest.mark.parametrize("name", EXAMPLES)
def test_trap_altering_future_bars_never_alters_a_value_before(name: str) -> None:
    before = all_columns(name, SERIES)
    for begin in (150, 399):
        altered = {key: column.copy() for key, column in SERIES.items()}
        for key in ("high", "low", "close"):
            altered[key][begin:] = altered[key][begin:][::-1] * 2.0
        for found, wanted in zip(all_columns(name, altered), before, strict=True):
            assert found[:begin].tobytes() == wanted[:begin].tobytes()


@pytest.mark.parametrize("name", EXAMPLES)
def test_trap_the_first_bars_of_a_new_listing_give_missing_values_and_no_error(name: str) -> None:
    for count in (0, 1, 2, 5):
        for found, wanted in zip(all_columns(name, first(SERIES, count)), all_columns(name, SERIES), strict=True):
            assert found.tobytes() == wanted[:count].tobytes()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_flat_market_gives_finite_values(name: str) -> None:
    flat = {**{key: np.full(400, 50.0) for key in ("high", "low", "close")}, "close_ms": SERIES["close_ms"]}
    for found in all_columns(name, flat):
        assert np.isfinite(found[-1])


@pytest.mark.parametrize(
    "name", ["sma_20", "bollinger_20_2", "bollinger_width_15_1.5", "highest_50", "kernel_30_0.5_7"]
)
def test_a_window_forgets_what_has_left_it(name: str) -> None:
    """A value a billion times larger leaves no trace: nothing is summed up and taken away again."""
    shocked = {key: column.copy() for key, column in SERIES.items()}
    for key in ("high", "low", "close"):
        shocked[key][100] *= 1e9
    for found, wanted in zip(all_columns(name, shocked), all_columns(name, SERIES), strict=True):
        assert found[160:].tobytes() == wanted[160:].tobytes()
