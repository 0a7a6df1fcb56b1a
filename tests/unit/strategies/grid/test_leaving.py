"""How a run starts late, protects itself and ends: triggers, the stop, the range and requests to stop."""

from decimal import Decimal
from typing import Any

import pytest
from tests.unit.strategies.grid.invariants import check, is_opening
from tests.unit.strategies.grid.venue import Sim, compiled, instrument

from tradingboost.strategies.contract import Reason, state_from_json, state_to_json
from tradingboost.strategies.grid import state as grid


def started(price: str = "102.5", **values: Any) -> Sim:
    sim = Sim(compiled(price, **values), price)
    sim.tell_price()
    return sim


def has_openings(sim: Sim) -> bool:
    return any(is_opening(sim, order) for order in sim.orders.values())


def stopped(sim: Sim) -> bool:
    return sim.state.status == grid.STOPPED and not sim.orders and sim.position == 0


def test_the_stop_is_placed_amended_and_cancelled_as_the_inventory_comes_and_goes() -> None:
    sim = started(price="102", direction="neutral")
    assert "sl" not in sim.names()
    sim.move("101")
    assert sim.order("sl").lots == sim.position > 0
    sim.move("100")
    assert [request for request in sim.requests if request[1] == "sl"] == [("PLACE", "sl"), ("AMEND", "sl")]
    sim.move("102.5")
    assert "sl" not in sim.names()
    assert [kind for kind, name in sim.requests if name == "sl"][-1] == "CANCEL"


def test_the_stop_of_a_short_inventory_buys_above_the_market() -> None:
    sim = started(price="102", direction="neutral", leverage=10)
    sim.move("104")
    stop = sim.order("sl")
    assert (stop.side, stop.position_side, stop.lots) == (1, -1, -sim.position)
    average = (103 + 104) / 2
    liquidation = average * 1.1 / 1.005
    assert stop.ticks == int((average + 0.9 * (liquidation - average)) * 10)


def test_the_tightest_of_price_percent_and_guard_wins() -> None:
    guard = started(price="102", direction="neutral", leverage=10)
    percent = started(price="102", direction="neutral", leverage=10, stop_loss=2)
    price = started(price="102", direction="neutral", leverage=10, stop_loss=2, stop_loss_price="99.5")
    for sim in (guard, percent, price):
        sim.move("101")
    assert guard.order("sl").ticks == 924  # 101 - 0.9 x (101 - 101 x 0.9 / 0.995), up to a tick
    assert percent.order("sl").ticks == 990
    assert price.order("sl").ticks == 995


def test_a_filled_stop_ends_the_run_with_its_reason_and_leaves_nothing_behind() -> None:
    sim = started(price="102", direction="neutral", stop_loss_price="99.5")
    sim.move("99.4")
    assert sim.trades[-1][0] == "sl"
    assert stopped(sim)
    assert sim.state.status_reason == Reason.SL
    sim.move("103")
    assert sim.requests[-1][0] == "CANCEL"
    assert stopped(sim)
    check(sim)


def test_a_stop_that_would_stand_beyond_the_market_closes_at_market_instead() -> None:
    sim = started(price="102", direction="neutral", stop_loss=1)
    sim.jump("98")
    assert stopped(sim)
    assert "exit" in {name for name, *_ in sim.trades}


def test_while_the_exit_is_on_its_way_the_live_stop_keeps_its_price() -> None:
    sim = started(price="102", lower_price=98, upper_price=106, grid_num=3, direction="neutral", stop_loss=3)
    sim.slow = True
    sim.jump("96.0")
    assert sim.state.status == grid.FLATTENING
    before = sim.order("sl").ticks
    sim.jump("96.5")
    assert sim.order("sl").ticks == before
    sim.settle_cancels()
    assert stopped(sim)


def test_a_rejected_stop_is_tried_again_on_the_next_tick() -> None:
    sim = started(price="102", direction="neutral")
    sim.reject = {"sl"}
    sim.move("101")
    assert "sl" not in sim.names()
    assert sim.kernel.triggers(sim.run, sim.params) == (100.9, 101.1)
    sim.reject = set()
    sim.move("101.1")
    assert "sl" in sim.names()


def test_a_spot_run_watches_its_stop_itself() -> None:
    sim = Sim(compiled("102.5", instrument("spot"), leverage=1, stop_loss_price="99"), "102.5")
    sim.tell_price()
    assert sim.kernel.triggers(sim.run, sim.params)[0] == 99.0
    sim.move("99")
    assert "sl" not in {name for name, *_ in sim.trades}
    assert stopped(sim)
    assert sim.state.status_reason == Reason.SL


def test_take_profit_by_price_flattens_and_stops() -> None:
    sim = started(price="102.5", take_profit_price="105")
    sim.move("104.9")
    assert sim.state.status == grid.RUNNING
    sim.move("105")
    assert stopped(sim)
    short = started(price="101.5", direction="short", take_profit_price="99")
    short.move("99")
    assert stopped(short)


@pytest.mark.parametrize("price", ["99", "105"])
@pytest.mark.parametrize("confirm", ["tick", "candle_close"])
def test_trap_holding_a_left_range_keeps_closes_and_returns_to_work(price: str, confirm: str) -> None:
    sim = started(price="102", direction="neutral", range_exit="hold", range_exit_confirm=confirm)
    sim.move(price)
    sim.close_bar()
    assert sim.state.status == grid.RUNNING
    assert sim.position != 0
    sim.move("102")
    assert sim.position == 0
    assert has_openings(sim)


@pytest.mark.parametrize("price", ["99", "105"])
@pytest.mark.parametrize("confirm", ["tick", "candle_close"])
def test_trap_stopping_at_a_left_range_leaves_only_closes_and_the_stop(price: str, confirm: str) -> None:
    sim = started(price="102", direction="neutral", range_exit="stop", range_exit_confirm=confirm)
    sim.move(price)
    sim.close_bar()
    assert sim.state.status == grid.STOPPING
    assert sim.state.status_reason == Reason.RANGE_EXIT
    assert not has_openings(sim)
    assert "sl" in sim.names()
    sim.move("102")
    assert stopped(sim)


@pytest.mark.parametrize("price", ["99", "105"])
@pytest.mark.parametrize("confirm", ["tick", "candle_close"])
def test_trap_flattening_at_a_left_range_leaves_nothing(price: str, confirm: str) -> None:
    sim = started(price="102", direction="neutral", range_exit="stop_flatten", range_exit_confirm=confirm)
    sim.move(price)
    sim.close_bar()
    assert stopped(sim)
    assert sim.trades[-1][0] == "exit"


def test_a_wick_does_not_leave_a_range_that_is_judged_by_closes() -> None:
    sim = started(price="102", direction="neutral", range_exit="stop", range_exit_confirm="candle_close")
    sim.move("105")
    sim.move("103")
    sim.close_bar()
    assert sim.state.status == grid.RUNNING


def test_each_side_of_the_range_has_its_own_policy_and_buffer() -> None:
    values = {"range_exit_up": "stop_flatten", "range_exit_down": "hold", "range_exit_buffer_pct": 1}
    sim = started(price="102", direction="neutral", range_exit_confirm="tick", **values)
    assert sim.kernel.triggers(sim.run, sim.params) == (-float("inf"), 105.1)
    sim.move("98")
    assert sim.state.status == grid.RUNNING
    sim.move("105.1")
    assert stopped(sim)


def test_a_start_by_price_waits_without_orders_and_lays_the_grid_out_around_that_price() -> None:
    sim = started(price="102.5", start_trigger="price", trigger_price="101.5")
    assert sim.requests == []
    assert sim.kernel.triggers(sim.run, sim.params) == (101.5, float("inf"))
    sim.move("101.5")
    assert {"buy:0", "buy:1", "sell:3", "sell:4", "sl"} == sim.names()


@pytest.mark.parametrize(("policy", "flat"), [("stop", False), ("stop_flatten", True)])
def test_a_stop_by_price_ends_the_run_by_its_policy(policy: str, flat: bool) -> None:
    values = {"stop_trigger": "price", "stop_trigger_price": "100.5", "stop_trigger_policy": policy}
    sim = started(price="102.5", **values)
    sim.move("100.5")
    assert not has_openings(sim)
    assert (sim.position == 0) is flat
    assert sim.state.status == (grid.STOPPED if flat else grid.STOPPING)


def test_a_request_to_stop_keeps_closes_until_flat_and_one_to_flatten_does_not() -> None:
    for request, flat in ((grid.STOP_REQUEST, False), (grid.FLATTEN_REQUEST, True)):
        sim = started(price="102.5")
        sim.state.stop_request = request
        sim.tell_price()
        assert not has_openings(sim)
        assert (sim.position == 0) is flat
        assert sim.state.status_reason == Reason.MANUAL
        sim.move("104")
        assert stopped(sim)


def test_the_exit_waits_until_every_cancelled_order_has_ended() -> None:
    sim = started(price="102.5")
    sim.slow = True
    sim.state.stop_request = grid.FLATTEN_REQUEST
    sim.tell_price()
    assert "exit" not in {name for _, name in sim.requests}
    sim.settle_cancels()
    sim.settle_cancels()
    assert stopped(sim)


def test_an_exit_larger_than_a_market_order_may_be_is_sent_in_parts() -> None:
    params = compiled("100.5", instrument(max_market_qty=Decimal("1.5")))
    sim = Sim(params, "100.5")
    sim.tell_price()
    assert sim.position > 300
    sim.state.stop_request = grid.FLATTEN_REQUEST
    sim.tell_price()
    assert next(lots for name, _, lots, _ in sim.trades if name == "exit") == 150
    assert stopped(sim)


def test_the_state_survives_json_with_whole_numbers_for_levels_and_lots() -> None:
    sim = started(price="102", direction="neutral")
    sim.move("100")
    text = state_to_json(sim.run)
    assert "." not in text
    assert state_from_json(text, grid.STATE).tobytes() == sim.run.tobytes()


def test_profits_of_cells_and_of_the_initial_position_are_told_apart() -> None:
    sim = started(price="102.5", investment=812, leverage=1)
    lots = sim.state.cell_lots[3]
    sim.move("104")
    assert sim.state.cycles == 1
    assert sim.state.grid_profit == 10 * lots, "one step of one unit price, in ticks"
    assert sim.state.trend_profit == 5 * lots, "bought at 102.5 instead of its own level 103"


def test_a_fill_reported_after_the_end_is_closed_at_market() -> None:
    sim = started(price="102", direction="neutral")
    late = sim.order("buy:1")
    sim.state.stop_request = grid.FLATTEN_REQUEST
    sim.tell_price()
    assert stopped(sim)
    sim.orders[late.slot] = late
    sim.last = late.ticks
    sim._deliver_all(sim._take(late, late.lots, late.ticks))
    assert sim.trades[-1][0] == "exit"
    assert stopped(sim)


def test_a_fill_without_a_market_price_is_booked_and_planned_at_the_next_price() -> None:
    sim = started(price="102", direction="neutral")
    sim.last = 0
    order = sim.order("buy:1")
    sim._deliver_all(sim._take(order, order.lots, order.ticks))
    assert sim.state.cell_held_lots[1] == sim.position > 0
    assert "sell:2" not in sim.names()
    assert sim.tell_price() == 0
    below, above = sim.kernel.triggers(sim.run, sim.params)
    assert below > 101 > above
    sim.last = 1010
    sim.tell_price()
    assert {"sell:2", "sl"} <= sim.names()


def test_an_unaffordable_start_price_ends_the_run_before_any_order() -> None:
    params = compiled("100", instrument(min_qty=Decimal(1)), investment=412, leverage=1, direction="short")
    sim = Sim(params, "104")
    sim.tell_price()
    assert stopped(sim)
    assert sim.state.status_reason == Reason.UNPLACEABLE
    assert sim.requests == []
