"""The plan before the start is what the run then does, to the tick."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.unit.strategies.grid.venue import Sim, facts, instrument

from tradingboost.core.errors import InvalidInput
from tradingboost.strategies.contract import slot_name
from tradingboost.strategies.grid.centre import raw_levels
from tradingboost.strategies.grid.checks import validate
from tradingboost.strategies.grid.compile import compile_params
from tradingboost.strategies.grid.preview import Preview, preview

RANGE = {"lower_price": 100, "upper_price": 104, "grid_num": 4, "investment": 1000, "leverage": 2}


def planned(price: str = "102.5", kind: str = "linear_swap", fee: str = "0.0002", **values: Any) -> Preview:
    return preview(validate({**RANGE, **values}), instrument(kind), facts(fee), Decimal(price))


@pytest.mark.parametrize("direction", ["long", "short", "neutral"])
@pytest.mark.parametrize("spacing", ["arithmetic", "geometric"])
def test_the_run_fills_and_rests_exactly_as_its_preview_said(direction: str, spacing: str) -> None:
    given = validate({**RANGE, "direction": direction, "spacing": spacing})
    plan = preview(given, instrument(), facts("0.0002"), Decimal("102.5"))
    sim = Sim(compile_params(given, instrument(), facts("0.0002")), "102.5")
    sim.tell_price()
    assert abs(sim.position) * sim.lot_size == plan.init_qty
    wanted = {(one.close_price if one.order == "close" else one.open_price, one.qty) for one in plan.cells}
    resting = {
        (order.ticks * sim.tick_size, order.lots * sim.lot_size)
        for order in sim.orders.values()
        if slot_name(order.slot) != "sl"
    }
    assert resting <= wanted
    assert len(resting) == plan.orders_buy + plan.orders_sell == sum(c.order in {"open", "close"} for c in plan.cells)


def test_the_worked_example_of_a_spot_grid_is_previewed_in_full() -> None:
    plan = planned(kind="spot", fee="0", investment="405.5", fee_reserve_pct=0)
    assert [int(level) for level in plan.levels] == [100, 101, 102, 103, 104]
    assert {cell.qty for cell in plan.cells} == {1}
    assert (plan.init_qty, plan.init_quote) == (Decimal(1), Decimal("102.5"))
    assert plan.required_quote == Decimal("405.5")
    assert [cell.net_quote for cell in plan.cells] == [1, 1, 1, 1]
    assert plan.net_pct_most == 1 > plan.net_pct_least
    assert plan.break_even[0] == Decimal("102.5")
    assert plan.break_even[-1] == plan.exposures[0].average_entry == Decimal("101.375")
    assert plan.exposures[0].liquidation_price is None


def test_fees_reserve_stop_and_liquidation_are_part_of_the_plan() -> None:
    plan = planned(leverage=10, stop_loss=3)
    (long,) = plan.exposures
    assert plan.reserve_quote == 5
    assert long.liquidation_price is not None
    assert long.stop_price is not None
    assert long.liquidation_price < long.stop_price < 100
    assert long.loss_at_stop_quote is not None
    assert long.loss_at_stop_quote > long.notional_quote * Decimal("0.029")
    assert plan.break_even[0] > Decimal("102.5")


def test_the_liquidation_of_a_short_side_is_above_its_average() -> None:
    (short,) = planned(price="101.5", direction="short", leverage=20).exposures
    assert short.liquidation_price is not None
    assert short.liquidation_price > short.average_entry
    assert short.unrealised_quote < 0


def test_both_sides_of_a_neutral_grid_are_shown_and_the_larger_decides() -> None:
    plan = planned(price="102", direction="neutral", fee="0")
    assert [one.side for one in plan.exposures] == ["long", "short"]
    assert plan.required_quote == max(one.margin_quote for one in plan.exposures)
    assert plan.init_qty == 0


def test_an_endless_grid_is_previewed_with_what_it_holds_above_its_window() -> None:
    given = validate({"lower_price": 100, "step_pct": 1, "investment": 1000, "leverage": 1, "fee_reserve_pct": 0})
    plan = preview(given, instrument(), facts("0"), Decimal(150))
    assert plan.init_quote == pytest.approx(1000, rel=Decimal("0.012"))
    assert plan.exposures[0].notional_quote >= plan.init_quote


def test_an_adaptive_grid_is_previewed_on_given_levels_and_refused_without() -> None:
    given = validate({"investment": 10_000, "regime_filter": False})
    with pytest.raises(InvalidInput, match="levels_missing"):
        preview(given, instrument(), facts("0.0002"), Decimal(100))
    levels = np.zeros(20)
    raw_levels(levels, 100.0, 100.0, 0.5)
    plan = preview(given, instrument(), facts("0.0002"), Decimal(100), levels.tolist(), funding_rate=Decimal("0.0001"))
    assert len(plan.levels) == 22
    assert plan.orders_buy == 2
    assert plan.refused == ((0, "min_size"),)
    assert plan.funding_day_quote == 3 * Decimal("0.0001") * plan.exposures[0].notional_quote
