"""Placement, pairing and windows, one rule a test."""

from decimal import Decimal
from typing import Any

import pytest
from tests.unit.strategies.grid.invariants import check
from tests.unit.strategies.grid.venue import Sim, compiled, instrument

from tradingboost.strategies.contract import BUY, SELL, FillKind, Reason, Type, slot_name
from tradingboost.strategies.grid import state as grid
from tradingboost.strategies.grid.settled import MAX_CELLS


def started(price: str = "102.5", **values: Any) -> Sim:
    sim = Sim(compiled(price, **values), price)
    sim.tell_price()
    return sim


def note(sim: Sim, name: str) -> Reason:
    families = {"buy": 0, "sell": MAX_CELLS - 1}
    family, index = name.split(":")
    return Reason(int(sim.state.order_note[families[family] + int(index)]))


def test_a_fill_creates_the_partner_one_level_away_for_the_filled_quantity() -> None:
    sim = started(direction="neutral", price="102")
    lots = sim.order("buy:1").lots
    sim.fill_part("buy:1", 7)
    assert sim.order("sell:2").lots == 7
    assert sim.order("buy:1").lots == lots - 7
    sim.fill_part("buy:1", 5)
    assert sim.order("sell:2").lots == 12
    check(sim)


def test_the_close_frees_the_cell_and_its_opening_returns() -> None:
    sim = started(direction="neutral", price="102")
    sim.move("101")
    assert "sell:2" in sim.names()
    sim.move("102")
    assert sim.names() == {"buy:0", "buy:1", "sell:3", "sell:4"}
    assert sim.state.cycles == 1


def test_at_equality_an_order_stays_and_none_is_added() -> None:
    at_level = started(price="101", initial_position=False)
    assert "buy:1" not in at_level.names()
    above = started(price="101.1", initial_position=False)
    above.touch = False
    above.move("101")
    assert "buy:1" in above.names()


def test_a_waiting_buy_is_placed_on_the_first_tick_above_its_level() -> None:
    sim = started(price="102.5", initial_position=False)
    assert sim.names() == {"buy:0", "buy:1", "buy:2"}
    assert note(sim, "buy:3") is Reason.PENDING_PRICE
    assert sim.kernel.triggers(sim.run, sim.params)[1] == 103.1
    sim.move("103")
    assert "buy:3" not in sim.names()
    sim.move("103.1")
    assert "buy:3" in sim.names()


def test_only_the_nearest_openings_are_live_and_the_rest_say_why_not() -> None:
    sim = started(price="104", lower_price=100, upper_price=108, grid_num=8, direction="neutral", order_window=2)
    assert sim.names() == {"buy:3", "buy:2", "sell:5", "sell:6"}
    assert note(sim, "buy:1") is Reason.PENDING_WINDOW
    sim.move("103")
    assert sim.names() == {"buy:2", "buy:1", "sell:4", "sell:5", "sell:6", "sl"}


def test_openings_give_way_to_closes_when_the_cap_is_reached() -> None:
    sim = started(price="104", lower_price=100, upper_price=108, grid_num=8, direction="neutral", max_open_orders=4)
    assert len(sim.names()) == 4
    sim.move("102")
    closes = {name for name in sim.names() if name.startswith("sell") and int(name[5:]) <= 4}
    assert closes == {"sell:3", "sell:4"}
    assert len(sim.names() - {"sl"}) == 4
    check(sim)


def test_openings_wait_until_the_initial_position_is_complete() -> None:
    spec = instrument(max_market_qty=Decimal("1.5"))
    sim = Sim(compiled("101.5", spec, investment=1000), "101.5")
    sim.part = 2
    count = sim.tell_price()
    assert count == 1
    assert sim.requests[0] == ("PLACE", "init")
    init = [name for name, *_ in sim.trades]
    assert init.count("init") > 1, "more than the venue takes in one market order"
    assert {"buy:0", "buy:1", "sell:3", "sell:4", "sl"} == sim.names()


def test_cells_of_a_rejected_initial_position_stay_empty_once_it_ends() -> None:
    sim = Sim(compiled("101.5"), "101.5")
    sim.reject = {"init"}
    sim.tell_price()
    for _ in range(3):
        sim.close_bar()
    assert sim.names() == set()
    assert sim.state.order_attempts[grid.INIT] == 4
    sim.reject = set()
    sim.close_bar()
    assert "sell:4" in sim.names()


def test_rows_come_as_cancels_then_stop_then_closes_then_openings_nearest_first() -> None:
    sim = started(price="104", lower_price=100, upper_price=108, grid_num=8, direction="neutral", order_window=2)
    placed = [name for kind, name in sim.requests if kind == "PLACE"]
    assert placed == ["buy:3", "sell:5", "buy:2", "sell:6"]
    sim.requests.clear()
    sim.move("103")
    assert sim.requests[:3] == [("PLACE", "sl"), ("PLACE", "sell:4"), ("PLACE", "buy:1")]
    sim.requests.clear()
    sim.move("104")
    assert sim.requests[:2] == [("CANCEL", "buy:1"), ("CANCEL", "sl")]


def test_closes_on_swaps_only_reduce_and_openings_never_do() -> None:
    sim = started(price="102", direction="neutral")
    sim.move("101")
    assert sim.order("sell:2").reduce_only
    assert not sim.order("sell:3").reduce_only
    spot = Sim(compiled("102.5", instrument("spot"), leverage=1), "102.5")
    spot.tell_price()
    assert not spot.order("sell:4").reduce_only


@pytest.mark.parametrize(("post_only", "expected"), [(True, Type.POST_ONLY), (False, Type.LIMIT)])
def test_cell_orders_are_post_only_when_asked(post_only: bool, expected: Type) -> None:
    assert started(post_only=post_only).order("buy:1").type == expected


def test_a_refused_post_only_is_no_failure_and_the_next_tick_decides_again() -> None:
    sim = Sim(compiled("102", direction="neutral"), "102")
    sim.reject = {"buy:1"}
    sim.tell_price()
    assert note(sim, "buy:1") is Reason.POST_ONLY_RETRY
    assert sim.kernel.triggers(sim.run, sim.params) == (101.9, 102.1)
    sim.reject = set()
    sim.move("102.1")
    assert "buy:1" in sim.names()


def test_the_attempt_counter_reaches_its_limit_and_parks_the_slot_with_a_reason_until_the_next_bar() -> None:
    sim = Sim(compiled("102", direction="neutral"), "102")
    sim.reject = {"buy:1"}
    sim.tell_price()
    for price in ["102.1", "102.2"] * 5:
        sim.move(price)
    assert sim.state.order_attempts[1] == grid.MAX_ATTEMPTS
    assert note(sim, "buy:1") is Reason.POST_ONLY_RETRY
    assert sim.kernel.triggers(sim.run, sim.params)[0] < 102
    sim.reject = set()
    sim.close_bar()
    assert "buy:1" in sim.names()


def test_an_order_denied_before_it_was_sent_is_held_back_like_a_refused_one() -> None:
    sim = started(price="102", direction="neutral")
    order = sim.order("buy:1")
    del sim.orders[order.slot]
    sim._deliver_all([(order, int(FillKind.DENIED), 0, order.ticks)])
    assert "buy:1" not in sim.names()
    sim.close_bar()
    assert "buy:1" in sim.names()


def test_trap_a_fill_followed_by_any_number_of_replans_leaves_one_order_per_slot() -> None:
    sim = started(price="102", direction="neutral")
    sim.move("101")
    sim.requests.clear()
    for _ in range(3):
        sim.state.planned = 0
        sim.tell_price()
        sim.close_bar()
    assert sim.requests == []


def test_trap_unchanged_levels_cause_no_request_when_a_quarter_of_an_hour_passes() -> None:
    sim = started()
    assert [sim.close_bar() for _ in range(5)] == [0] * 5


def test_trap_a_close_cancelled_by_hand_keeps_its_target_and_returns() -> None:
    sim = started(price="102", direction="neutral")
    sim.move("101")
    before = sim.order("sell:2")
    sim.cancel_by_hand("sell:2")
    assert "sell:2" not in sim.names()
    check(sim)
    sim.close_bar()
    assert sim.order("sell:2") == before


def test_trap_a_run_without_orders_but_with_reasons_is_a_valid_state() -> None:
    sim = started(price="99", initial_position=False)
    assert sim.names() == set()
    assert {note(sim, f"buy:{cell}") for cell in range(4)} == {Reason.PENDING_PRICE}
    assert sim.state.status == grid.RUNNING


def test_trap_two_runs_of_one_symbol_share_nothing() -> None:
    params = compiled("102", direction="neutral")
    one, other = Sim(params, "102"), Sim(params, "102")
    one.tell_price()
    one.move("100")
    assert other.state.planned == 0
    assert not other.state.cell_held_lots.any()
    assert one.run.tobytes() != other.run.tobytes()


@pytest.mark.parametrize(("direction", "to", "side"), [("long", "101", SELL), ("short", "104", BUY)])
def test_trap_a_close_of_either_side_sells_or_buys_exactly_what_the_cell_holds(
    direction: str, to: str, side: int
) -> None:
    sim = started(price="102.5" if direction == "long" else "101.5", direction=direction)
    sim.move(to)
    closes = [o for o in sim.orders.values() if o.reduce_only and slot_name(o.slot) != "sl"]
    assert closes
    assert {order.side for order in closes} == {side}
    assert sum(order.lots for order in closes) == abs(sim.position)


def test_a_fill_that_overtakes_its_cancel_wins() -> None:
    sim = started(price="104", lower_price=100, upper_price=108, grid_num=8, order_window=2, initial_position=False)
    sim.slow = True
    sim.move("105.1")
    assert sim.state.order_live[2] == grid.CANCELLING
    sim.fill_part("buy:2", sim.order("buy:2").lots)
    assert sim.state.order_live[2] == grid.NOT_LIVE
    assert sim.state.cell_held_lots[2] > 0
    sim.settle_cancels()
    check(sim)


def test_part_of_an_opening_that_ended_is_held_and_closed() -> None:
    sim = started(price="102", direction="neutral")
    sim.fill_part("buy:1", 9)
    sim.cancel_by_hand("buy:1")
    sim.close_bar()
    assert "buy:1" not in sim.names()
    assert sim.order("sell:2").lots == 9
    sim.fill_part("sell:2", 9)
    assert sim.order("buy:1").lots == sim.state.cell_lots[1]


def test_a_part_below_the_minimum_becomes_dust_and_the_next_opening_carries_it() -> None:
    sim = started(price="102", direction="neutral", spec=instrument(min_qty=Decimal("0.10")))
    sim.fill_part("buy:1", 9)
    assert note(sim, "sell:2") is Reason.MIN_SIZE
    sim.cancel_by_hand("buy:1")
    assert sim.state.dust_long_e7 == 9 * grid.E7
    sim.move("101.1")
    lots = sim.order("buy:1").lots
    sim.fill_part("buy:1", lots)
    assert sim.order("sell:2").lots == lots + 9
    check(sim)
