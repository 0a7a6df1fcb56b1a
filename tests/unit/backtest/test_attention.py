"""Closes a kernel pays no attention to are passed over, and nothing comes out differently."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.backtest.worlds import WORLDS, conditions, market, mode, world

from tradingboost import backtest

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("name", WORLDS)
def test_a_run_that_is_asked_at_every_close_is_the_same_run(name: str) -> None:
    bars = market(4000)
    strategy, params = world(name)
    plain = conditions(bars, position_mode=mode(name), funding=backtest.Funding.off())
    passed = backtest.run(strategy, bars, params, plain)
    asked = backtest.run(strategy, bars, params, msgspec.structs.replace(plain, every_close=True))
    assert asked.reports.tobytes() == passed.reports.tobytes()
    assert asked.intents.tobytes() == passed.intents.tobytes()
    assert asked.state.tobytes() == passed.state.tobytes()
    assert np.array_equal(asked.equity_quanta, passed.equity_quanta)
    assert int(asked.desk[0].exposed_bars) == int(passed.desk[0].exposed_bars)
    assert len(passed.fills) >= 5
    assert np.array_equal(passed.equity_quanta, _equity(passed))


def _equity(result: backtest.BacktestResult) -> NDArray[np.int64]:
    """The curve once more, from nothing but fills and closes."""
    fills, value = result.fills, result.scale.tick_value
    closes = np.rint(result.candles.closes / float(result.scale.tick)).astype(np.int64)
    curve = np.full(closes.size, int(result.config.initial_balance * result.scale.money))
    signed = fills["lots"] * fills["side"]
    for bar, lots, price, fee in zip(fills["bar"], signed, fills["price"], fills["fee"], strict=True):
        curve[bar:] += lots * (closes[bar:] - price) * value - fee
    return curve


_LIAR = """
import msgspec
from tests.unit.backtest.scripted import SCRIPTED
from tests.unit.backtest.story import Wish, candles, config, script
from tradingboost import backtest

flat = candles([(100.0, 100.0, 100.0, 100.0)] * 6)
assert backtest.run(SCRIPTED, flat, script([Wish(bar=5)]), config()).desk[0].intents == 1
liar = msgspec.structs.replace(SCRIPTED, name="liar", attention=lambda state, params: 0)
backtest.run(liar, flat, script([Wish(bar=5)]), config())
"""


def test_a_kernel_that_acts_at_a_close_it_pays_no_attention_to_is_stopped() -> None:
    root = Path(__file__).parents[3]
    path = f"{root}{os.pathsep}{root / 'src'}"
    ended = subprocess.run(  # interpreted: a driver of its own would take long to compile
        [sys.executable, "-c", _LIAR],
        env={**os.environ, "PYTHONPATH": path, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    assert "BrokenInvariant: The liar kernel acted at a close it pays no attention to (bar 5" in ended.stderr
