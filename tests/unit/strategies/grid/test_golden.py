"""The worked numbers of the specification."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.unit.strategies.grid.venue import COMPILED, INTERPRETED, Kernel, Sim, compiled, instrument

from tradingboost.core.errors import InvalidInput
from tradingboost.strategies.contract import records
from tradingboost.strategies.grid.checks import validate
from tradingboost.strategies.grid.layout import cost_per_lot, lay_out, side_cost
from tradingboost.strategies.grid.levels import build_levels, cell_net_profit
from tradingboost.strategies.grid.sizing import extend_amounts, max_notional
from tradingboost.strategies.grid.state import STATE, start
from tradingboost.strategies.grid.stops import favourable, guard

VECTORS = {
    vector["id"]: vector
    for vector in json.loads((Path(__file__).parents[3] / "data/golden/grid.json").read_text())["vectors"]
}


def of_kind(kind: str) -> list[Any]:
    return [pytest.param(v["input"], v["expected"], id=i) for i, v in VECTORS.items() if v["kind"] == kind]


def decimals(values: list[str]) -> list[Decimal]:
    return [Decimal(value) for value in values]


@pytest.mark.parametrize(("given", "expected"), of_kind("grid_levels"))
def test_levels_stand_on_the_ticks_of_the_worked_example(given: dict[str, Any], expected: dict[str, Any]) -> None:
    values = {key: value for key, value in given.items() if key != "tick"}
    assert build_levels(validate(values), Decimal(given["tick"])) == decimals(expected["levels"])


def test_a_grid_finer_than_the_tick_is_refused_with_the_documented_code() -> None:
    vector = VECTORS["grid.levels.step_below_tick"]
    given = {key: value for key, value in vector["input"].items() if key != "tick"}
    with pytest.raises(InvalidInput) as error:
        build_levels(validate(given), Decimal(vector["input"]["tick"]))
    assert error.value.code == vector["expected"]["error_code"]


def test_the_net_profit_of_a_cell_is_that_of_the_worked_example() -> None:
    vector = VECTORS["grid.cell_profit"]
    for row, percent, accepted in zip(
        vector["input"]["rows"], vector["expected"]["net_pct"], vector["expected"]["accepted"], strict=True
    ):
        net = cell_net_profit(*decimals(row)) * 100
        assert abs(net - Decimal(percent)) < Decimal(str(vector["abs_tol"]))
        assert (net > 0) is accepted


def test_amount_lists_are_cut_and_continued_as_worked_out() -> None:
    vector = VECTORS["grid.amounts.extend"]
    found = [extend_amounts(decimals(amounts), count) for amounts, count in vector["input"]["rows"]]
    assert found == [decimals(row) for row in vector["expected"]["amounts"]]


def test_the_largest_notional_is_the_levered_sum_of_uneven_amounts() -> None:
    vector = VECTORS["grid.max_notional"]
    found = max_notional(decimals(vector["input"]["amounts"]), vector["input"]["leverage"])
    assert found == Decimal(vector["expected"]["max_notional"])


@pytest.mark.parametrize(("given", "expected"), of_kind("grid_qty_equal_base"))
def test_equal_base_quantities_spend_what_the_worked_example_spends(
    given: dict[str, Any], expected: dict[str, Any]
) -> None:
    keys = ("investment", "leverage", "direction", "initial_position", "fee_reserve_pct")
    params = compiled(given["price"], instrument(lot=Decimal(given["lot"])), **{key: given[key] for key in keys})
    run = records(STATE)
    start(run[0], params[0])
    price = int(Decimal(given["price"]) * 10)
    assert lay_out(run[0], params[0], price, price)
    assert run[0].cell_low[:4].tolist() == [int(level) * 10 for level in given["levels"][:-1]]
    assert run[0].cell_high[:4].tolist() == [int(level) * 10 for level in given["levels"][1:]]
    one = int(1 / Decimal(given["lot"]))
    assert set(run[0].cell_lots[:4].tolist()) == {int(expected["qty_per_cell"]) * one}
    if "cost_per_unit" in expected:
        assert cost_per_lot(run[0], params[0], price) == Decimal(expected["cost_per_unit"]) * 10
        assert run[0].init_left_lots == int(expected["initial_buy"]) * one
    else:
        assert side_cost(run[0], params[0], 1, price) == Decimal(expected["long_side_cost"]) * 10
        assert side_cost(run[0], params[0], -1, price) == Decimal(expected["short_side_cost"]) * 10


def test_the_guard_stop_is_the_one_every_leveraged_leg_has() -> None:
    vector = VECTORS["hyperrsi.guard_stop"]
    for (side, average, liquidation), price in zip(vector["input"]["rows"], vector["expected"]["price"], strict=True):
        sign = 1 if side == "long" else -1
        found = guard(float(average), sign, -1.0 if liquidation is None else liquidation)
        assert favourable(found * 100, sign) == Decimal(price) * 100


INVESTMENTS = {"long": "405.5", "neutral": "207", "short": "410.5"}


@pytest.mark.parametrize("kernel", [COMPILED, INTERPRETED], ids=["compiled", "interpreted"])
@pytest.mark.parametrize(("given", "expected"), of_kind("grid_scenario"))
def test_a_scripted_market_fills_exactly_as_worked_out(
    given: dict[str, Any], expected: dict[str, Any], kernel: Kernel
) -> None:
    direction = given["direction"]
    spec = instrument("spot" if direction == "long" else "linear_swap")
    params = compiled(given["start_price"], spec, investment=INVESTMENTS[direction], leverage=1, direction=direction)
    sim = Sim(params, given["start_price"], kernel)
    sim.tell_price()
    for price in given["path"]:
        sim.move(price)
    one = int(1 / sim.lot_size)
    fills = [
        [cell_of(name), "buy" if side > 0 else "sell", lots // one, ticks * sim.tick_size]
        for name, side, lots, ticks in sim.trades
    ]
    assert fills == [[cell, side, int(qty), Decimal(price)] for cell, side, qty, price in expected["fills"]]
    unit = sim.tick_size * sim.lot_size
    assert sim.position * sim.lot_size == Decimal(expected["inventory"])
    assert sim.cash * unit == Decimal(expected["cash_change"])
    assert (sim.cash + sim.position * sim.last) * unit == Decimal(expected["equity_change_gross"])


def cell_of(name: str) -> str:
    """`buy:2` trades cell 2, `sell:2` trades cell 1."""
    if name == "init":
        return "start"
    family, index = name.split(":")
    return f"cell:{int(index) - (family == 'sell')}"
