"""The one effective stop."""

from typing import Any

import numpy as np
import pytest
from tests.unit.strategies.hyperrsi.harness import Run, compiled_params, in_mode, spot

from tradingboost.strategies.hyperrsi import stops
from tradingboost.strategies.hyperrsi.state import GUARD_STOP, NO_STOP, STATIC_STOP


@pytest.mark.parametrize(
    ("settings", "kind", "price"),
    [
        ({}, GUARD_STOP, 91.5),
        ({"use_sl": True}, STATIC_STOP, 95.0),
        ({"use_sl": True, "sl_value": 12}, GUARD_STOP, 91.5),
        ({"leverage": 1}, GUARD_STOP, 5.0),
    ],
)
def test_the_tighter_of_static_and_guard_counts(mode: str, settings: dict[str, Any], kind: int, price: float) -> None:
    assert in_mode(mode, stops.initial_stop)(1, 100.0, np.nan, 1, compiled_params(**settings)[0]) == (kind, price)


def test_spot_stands_without_a_guard(mode: str) -> None:
    assert in_mode(mode, stops.initial_stop)(1, 100.0, np.nan, 1, compiled_params(spot())[0]) == (NO_STOP, 0.0)


def test_a_close_is_sent_once(mode: str) -> None:
    run = Run(mode)
    run.open_long()
    close = in_mode(mode, stops.close_leg)
    assert close(run.state[0], run.params[0], 10, run.out, 0) == 1
    assert close(run.state[0], run.params[0], 10, run.out, 0) == 0


def test_an_unchanged_stop_is_not_sent_again(mode: str) -> None:
    run = Run(mode)
    run.open_long()
    assert in_mode(mode, stops.protect)(run.state[0], run.params[0], 100_000.0, False, run.out) == 0


def test_a_stop_never_loosens_when_the_atr_grows(mode: str) -> None:
    run = Run(mode, use_sl=True, sl_option="ATR", sl_value=2)
    run.bar(100_000.0, 35.0, 29.0, 1000.0)
    run.fill("entry", 0.2, 100_000.0)
    assert float(run.stop_price) == 98_000.0
    run.bar(100_000.0, 50.0, 50.0, 5000.0)
    (stop,) = run.fill("tp:1", 0.02, 102_000.0, left=0.04)
    assert (stop.trigger, stop.qty) == (98_000.0, 0.18)
