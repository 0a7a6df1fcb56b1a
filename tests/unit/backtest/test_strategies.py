"""Both strategies: equal to the simulated exchange, blind to the future, and the same interpreted as compiled."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from tests.unit.backtest.exchange import Replay
from tests.unit.backtest.worlds import BTC, FACTS, TRAILING, WORLDS, conditions, market, mode, part, world

from tradingboost import backtest, strategies
from tradingboost.backtest.compare import report
from tradingboost.backtest.figures import figures
from tradingboost.strategies.contract import FillKind, slot_name

pytestmark = pytest.mark.timeout(300)
BARS = 2000


@pytest.mark.parametrize("name", WORLDS)
def test_a_strategy_trades_in_the_backtest_as_on_the_exchange(name: str) -> None:
    candles = market(BARS)
    config = conditions(candles, position_mode=mode(name))
    strategy, params = world(name)
    result = backtest.run(strategy, candles, params, config)
    replay = Replay(strategy, candles, params, config).run()
    trace = result.trace()
    found = backtest.differences(replay.trace(), backtest.Trace(trace.intents, trace.fills, trace.ends))
    assert not found, report(found)
    assert len(trace.fills) >= 10
    assert result.scale.amount(result.desk[0].cash) == replay.cash
    assert list(zip(result.desk[0].lots.tolist(), result.desk[0].cost.tolist(), strict=True)) == replay.legs
    assert result.state.tobytes() == replay.state.tobytes()


@pytest.mark.parametrize("name", WORLDS)
def test_more_candles_behind_the_end_change_nothing_before_it(name: str) -> None:
    candles, n = market(BARS), 1200
    strategy, params = world(name)
    whole = backtest.run(strategy, candles, params, conditions(candles, position_mode=mode(name)))
    start = backtest.run(strategy, part(candles, n), params, conditions(candles, position_mode=mode(name)))
    _same_until(start, whole, n)


@pytest.mark.parametrize("name", WORLDS)
def test_another_future_changes_nothing_before_it(name: str) -> None:
    candles, n = market(BARS), 1200
    other = part(candles, BARS)
    for column in (other.opens, other.highs, other.lows, other.closes):
        column[n:] *= 2
    strategy, params = world(name)
    whole = backtest.run(strategy, candles, params, conditions(candles, position_mode=mode(name)))
    changed = backtest.run(strategy, other, params, conditions(candles, position_mode=mode(name)))
    _same_until(changed, whole, n)


def _same_until(one: backtest.BacktestResult, other: backtest.BacktestResult, n: int) -> None:
    for log in ("intents", "reports"):
        left, right = (rows[rows["bar"] < n] for rows in (getattr(one, log), getattr(other, log)))
        assert left.tobytes() == right.tobytes()
    assert np.array_equal(one.equity_quanta[:n], other.equity_quanta[:n])


def test_a_grid_s_own_figures_add_up_and_others_have_none() -> None:
    candles = market(BARS)
    for name in ("grid_long", "hyperrsi"):
        strategy, params = world(name)
        result = backtest.run(strategy, candles, params, conditions(candles, position_mode=mode(name)))
        found = figures(result, params)
        if name == "hyperrsi":
            assert found.grid is None
            continue
        assert found.grid is not None
        assert found.grid.cycles > 0
        assert found.grid.grid_profit > 0
        assert found.grid.grid_profit + found.grid.trend_pnl == found.costs.gross - found.costs.slippage
        levels = params[0]["levels_ticks"][[0, int(params[0]["cells"])]] * float(result.scale.tick)
        closes = candles.closes[result.config.warmup_bars :]
        inside = sum(levels[0] <= close <= levels[1] for close in closes.tolist())
        assert found.grid.in_range_ratio == pytest.approx(inside / closes.size)
        assert inside > 0


@pytest.mark.parametrize("name", WORLDS)
def test_quantity_and_money_are_conserved(name: str) -> None:
    candles = market(BARS)
    strategy, params = world(name)
    result = backtest.run(strategy, candles, params, conditions(candles, position_mode=mode(name)))
    fills, desk, scale = result.fills, result.desk[0], result.scale
    assert int((fills["lots"] * fills["side"]).sum()) == int(desk.lots.sum())
    assert int(desk.fees) == int(fills["fee"].sum())
    assert int(desk.realised) == int(fills["profit"].sum())
    start = int(result.config.initial_balance * scale.money)
    assert int(desk.cash) == start + int(desk.realised) - int(desk.fees) + int(desk.funding)
    traded = int((fills["price"] * fills["lots"] * -fills["side"]).sum())
    signed_cost = sum(int(cost) * (1 if lots > 0 else -1) for lots, cost in zip(desk.lots, desk.cost, strict=True))
    assert int(desk.realised) == (traded + signed_cost) * scale.tick_value
    assert np.all(np.diff(fills["bar"]) >= 0)


@pytest.mark.parametrize("name", WORLDS)
def test_every_order_ends_once(name: str) -> None:
    """Placed = told complete, ended or refused, or still live; attached stops are placed with their parent."""
    candles = market(BARS)
    strategy, params = world(name)
    result = backtest.run(strategy, candles, params, conditions(candles, position_mode=mode(name)))
    placed = int((result.intents["kind"] == 1).sum())
    parents = {int(slot) for slot in result.intents["slot"][(result.intents["trigger"] > 0) & _openings(result)]}
    armed = int(np.isin(result.fills["slot"], list(parents)).sum())
    over = (result.reports["kind"] != FillKind.FILLED) | (result.reports["left"] == 0)
    assert placed + armed == int(over.sum()) + result.orders.size


@pytest.mark.parametrize("limit", [1, 4])
def test_trap_the_limit_counts_entries_in_one_place_and_additions_in_another(limit: int) -> None:
    """One entry is never added to, and four are the entry with three adds."""
    candles = market(BARS)
    strategy = strategies.get("hyperrsi")
    given = {**TRAILING, "pyramiding_limit": limit, "tp1_value": 2, "tp2_value": 3, "tp3_value": 4, "sl_value": 5}
    params = strategy.compile_params(strategy.validate(given), BTC, FACTS)
    result = backtest.run(strategy, candles, params, conditions(candles))
    slots = {slot_name(int(slot)) for slot in result.fills["slot"]}
    assert {slot for slot in slots if slot.startswith("add")} == {f"add:{n}" for n in range(2, limit + 1)}
    assert "entry" in slots


def _openings(result: backtest.BacktestResult) -> np.ndarray:
    return (result.intents["kind"] == 1) & (result.intents["reduce_only"] == 0)  # type: ignore[no-any-return]


_CHILD = """
import json, sys
from tests.unit.backtest.worlds import conditions, market, mode, world
from tradingboost import backtest
from tradingboost.backtest.runner import driver_of
from hashlib import sha256
found = {}
for name in sys.argv[2:]:
    candles = market(int(sys.argv[1]))
    strategy, params = world(name)
    result = backtest.run(strategy, candles, params, conditions(candles, position_mode=mode(name)))
    logs = (result.intents, result.reports, result.state, result.equity_quanta)
    found[name] = [sha256(rows.tobytes()).hexdigest() for rows in logs]
stats = getattr(driver_of(strategy), "stats", None)
print(json.dumps({"logs": found, "hits": sum(stats.cache_hits.values()) if stats else -1}))
"""


def _child(bars: int, *names: str, **environment: str) -> dict[str, object]:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(bars), *names],
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'src'}", **environment},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.mark.slow
def test_interpreted_code_does_bit_for_bit_the_same() -> None:
    compiled = _child(600, *WORLDS)
    interpreted = _child(600, *WORLDS, NUMBA_DISABLE_JIT="1")
    assert interpreted["hits"] == -1
    assert interpreted["logs"] == compiled["logs"]


@pytest.mark.slow
def test_a_second_process_finds_the_driver_in_the_cache() -> None:
    strategy, params = world("grid_long")
    candles = market(50)
    here = backtest.run(strategy, candles, params, conditions(candles))  # compiled by now, here or before
    second = _child(50, "grid_long")
    assert second["hits"] == 1
    logs = (here.intents, here.reports, here.state, here.equity_quanta)
    assert second["logs"] == {"grid_long": [sha256(rows.tobytes()).hexdigest() for rows in logs]}
