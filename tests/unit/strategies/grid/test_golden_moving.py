"""The worked numbers of the rules whose levels move: adaptive, infinity, trailing, regime."""

import json
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit
from tests.unit.strategies.grid.invariants import levels_of
from tests.unit.strategies.grid.venue import COMPILED, INTERPRETED, Kernel, Sim, compiled, facts, instrument

from tradingboost.strategies.contract import BAR, RunFacts, records
from tradingboost.strategies.grid import GRID
from tradingboost.strategies.grid.adaptive import entry_ticks, exit_ticks
from tradingboost.strategies.grid.centre import QUARTER_MS, adaptive_level, first_number, raw_levels
from tradingboost.strategies.grid.checks import validate
from tradingboost.strategies.grid.compile import compile_params
from tradingboost.strategies.grid.fold import FOLD, INDICATORS
from tradingboost.strategies.grid.ladder import holding, level_at
from tradingboost.strategies.grid.regime import may_open, next_regime

VECTORS = {
    vector["id"]: vector
    for vector in json.loads((Path(__file__).parents[3] / "data/golden/grid.json").read_text())["vectors"]
}


def interpreted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as it stands."""
    return function


def jitted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, compiled."""

    @njit
    def call(*given):  # type: ignore[no-untyped-def]
        return function(*given)

    return call  # type: ignore[no-any-return]


BOTH_WAYS = pytest.mark.parametrize("way", [jitted, interpreted])
Way = Callable[[Callable[..., Any]], Callable[..., Any]]


def vector(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return VECTORS[name]["input"], VECTORS[name]["expected"]


@pytest.mark.parametrize("name", ["floor", "atr1", "atr10"])
@BOTH_WAYS
def test_settled_adaptive_levels_are_those_of_the_worked_example(name: str, way: Way) -> None:
    given, expected = vector(f"grid.levels.adaptive.{name}")
    centre, width = float(given["centre"]), float(expected["atr_used"])
    assert width == max(float(given["atr"]), 0.004 * centre)
    levels = np.zeros(20)
    way(raw_levels)(levels, centre, centre, width)
    at = way(adaptive_level)
    found = [at(levels, number) for number in range(22)]
    assert found == pytest.approx([float(level) for level in expected["levels_0_to_21"]], abs=1e-9)


@BOTH_WAYS
def test_levels_above_the_twentieth_go_on_at_eight_thousandths(way: Way) -> None:
    _, expected = vector("grid.levels.adaptive.extend")
    levels = np.zeros(20)
    raw_levels(levels, 100.0, 100.0, 1.0)
    found = [way(adaptive_level)(levels, number) for number in range(20, 25)]
    assert found == pytest.approx([float(level) for level in expected["levels_20_to_24"]], abs=1e-9)


@BOTH_WAYS
def test_fewer_levels_are_those_around_the_centre(way: Way) -> None:
    given, expected = vector("grid.levels.adaptive.subset")
    first = [way(first_number)(count) for count in given["grid_num"]]
    assert first == expected["first"]
    assert [low + count - 1 for low, count in zip(first, given["grid_num"], strict=True)] == expected["last"]


class Columns:
    """A seeded market of the golden file as candles of a quarter of an hour."""

    def __init__(self, given: dict[str, Any]) -> None:
        rule, closes = given["series"], []
        x, price = rule["seed"], rule["start"]
        for bar in range(given["bars"]):
            x = (rule["a"] * x + rule["c"]) % rule["m"]
            u = x / rule["m"]
            x = (rule["a"] * x + rule["c"]) % rule["m"]
            v = x / rule["m"]
            amp = rule["amps"][(bar // rule["amp_every"]) % len(rule["amps"])]
            drift = rule["drifts"][(bar // rule["drift_every"]) % len(rule["drifts"])]
            price = round(price * (1 + ((u + v - 1) * amp + drift) / 100), rule["decimals"])
            closes.append(price)
        assert closes[-1] == given["check"]["close_last"]
        self.closes = np.array(closes)
        self.highs = self.closes * given["high_factor"]
        self.lows = self.closes * given["low_factor"]
        self.opens = self.closes
        self.open_ms = np.arange(self.closes.size, dtype=np.int64) * QUARTER_MS


def folded(candles: Columns, params: Any) -> tuple[Any, Any]:
    """The fold and the indicators row after every candle, one at a time."""
    fold, bar, row = records(FOLD), records(BAR), records(INDICATORS)
    for index in range(candles.closes.size):
        one = bar[0]
        one.close_ms = candles.open_ms[index] + QUARTER_MS
        one.high, one.low, one.close = candles.highs[index], candles.lows[index], candles.closes[index]
        GRID.fold_bar(fold[0], params[0], one, row[0])
    return fold[0], row[0]


def test_the_adaptive_fold_of_a_seeded_market_ends_as_worked_out_bar_by_bar_and_in_columns() -> None:
    given, expected = vector("grid.adaptive.fold")
    candles = Columns(given)
    quarter = RunFacts(timeframe_ms=QUARTER_MS)
    params = compile_params(validate({"investment": 10_000, "regime_filter": False}), instrument(), quarter)
    fold, row = folded(candles, params)
    assert fold.centre == pytest.approx(expected["centre"], abs=1e-5)
    assert fold.centre_range == pytest.approx(expected["atr"], abs=1e-5)
    last = GRID.indicator_columns(candles, params[0], None)[-1]
    for levels in (row.levels, last.levels):
        found = [adaptive_level(levels, number) for number in range(22)]
        assert found == pytest.approx(expected["levels_0_to_21"], abs=1e-5)
    assert row.levels.tobytes() == last.levels.tobytes()
    assert row.levels_ms == last.levels_ms == given["bars"] * QUARTER_MS


@BOTH_WAYS
def test_exits_of_adaptive_cells_are_neither_too_near_nor_too_far(way: Way) -> None:
    given, expected = vector("grid.adaptive.exit_price")
    for (side, fill, neighbour), price in zip(given["rows"], expected["price"], strict=True):
        found = way(exit_ticks)(1 if side == "long" else -1, float(fill) * 100, float(neighbour) * 100)
        assert Decimal(found) / 100 == Decimal(price)


@BOTH_WAYS
def test_a_buy_far_below_the_price_goes_to_the_middle(way: Way) -> None:
    given, expected = vector("grid.adaptive.far_level")
    for (level, price), wanted in zip(given["rows"], expected["order_price"], strict=True):
        assert way(entry_ticks)(int(level) * 100, int(price) * 100) == int(wanted) * 100


_ADX_EVENTS = {"adx_cross_under_20", "adx_fall3_above_20", "recovered_10pct"}


@BOTH_WAYS
def test_the_regime_takes_one_step_at_a_time(way: Way) -> None:
    given, expected = vector("grid.regime.transitions")
    step = way(next_regime)
    crosses = {"plus_cross": 1, "minus_cross": -1, None: 0}
    found = [step(state, adx in _ADX_EVENTS, crosses[di], adx == "adx_up2") for state, di, adx in given["rows"]]
    assert found == expected["next"]


@BOTH_WAYS
def test_a_decided_regime_closes_the_side_against_it(way: Way) -> None:
    given, expected = vector("grid.regime.gate")
    allowed = way(may_open)
    assert [allowed(state, 1) for state in given["states"]] == expected["long_entries"]
    assert [allowed(state, -1) for state in given["states"]] == expected["short_entries"]


@BOTH_WAYS
def test_an_endless_grid_holds_what_keeps_its_worth(way: Way) -> None:
    given, expected = vector("grid.infinity")
    fine = instrument("spot", tick=Decimal("0.000001"), lot=Decimal("1e-10"), min_qty=Decimal("1e-10"))
    values = {"lower_price": given["anchor"], "step_pct": given["step_pct"]}
    values |= {"investment": given["target_value_quote"], "fee_reserve_pct": 0}
    row = compile_params(validate(values), fine, facts())[0]
    if way is jitted:
        row = np.array([row]).view(np.ndarray)[0]
    at, held = way(level_at), way(holding)
    steps = given["steps"]
    assert [Decimal(at(row, step)) / 1_000_000 for step in steps] == [Decimal(level) for level in expected["level"]]
    lots = [held(row, step) for step in [*steps, steps[-1] + 1]]
    cells = [(low - high) / 1e10 for low, high in pairwise(lots)]
    assert [value / 1e10 for value in lots[:-1]] == pytest.approx(
        [float(value) for value in expected["holding_at_level"]], abs=1e-9
    )
    assert cells == pytest.approx([float(value) for value in expected["cell_qty"]], abs=1e-9)


@pytest.mark.parametrize("kernel", [COMPILED, INTERPRETED], ids=["compiled", "interpreted"])
@pytest.mark.parametrize("name", ["up.arithmetic", "up.limit", "up.geometric", "none"])
def test_a_trailing_range_moves_by_whole_cells(name: str, kernel: Kernel) -> None:
    given, expected = vector(f"grid.trail.{name}")
    levels = given["levels"]
    values = {"lower_price": levels[0], "upper_price": levels[-1], "grid_num": len(levels) - 1}
    values |= {"spacing": given["spacing"], "range_exit_up": "trail", "range_exit_confirm": "tick"}
    start = str(Decimal(levels[-2]) + Decimal("0.5"))
    spec = instrument(tick=Decimal("0.01"))
    sim = Sim(compiled(start, spec, **values, trail_limit=given["trail_limit"]), start, kernel)
    sim.tell_price()
    sim.jump(given["price"])
    assert [Decimal(level) / 100 for level in levels_of(sim)] == [Decimal(level) for level in expected["levels"]]
    assert sim.state.shifts == expected["shifts"]


def test_every_vector_of_the_grid_is_executed() -> None:
    text = "".join(file.read_text() for file in Path(__file__).parent.glob("test_golden*.py"))
    kinds = {"grid_levels", "grid_scenario", "grid_qty_equal_base"}
    prefixes = ("grid.levels.adaptive.", "grid.trail.")
    lost = [
        name
        for name, one in VECTORS.items()
        if one["kind"] not in kinds and name not in text and not name.startswith(prefixes)
    ]
    assert lost == []
