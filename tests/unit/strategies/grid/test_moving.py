"""Grids that move: trailing ranges, levels without an upper end, levels around a centre."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given, settings
from tests.unit.strategies.grid.invariants import check, levels_of, nothing_happens_between_the_triggers
from tests.unit.strategies.grid.venue import COMPILED, INTERPRETED, Sim, adaptive, compiled, instrument

from tradingboost.strategies.contract import Reason, state_from_json, state_to_json
from tradingboost.strategies.grid import state as grid
from tradingboost.strategies.grid.centre import centre_step
from tradingboost.strategies.grid.fold import FOLD
from tradingboost.strategies.grid.settled import MAX_CELLS

TRAIL: dict[str, Any] = {"range_exit_up": "trail", "range_exit_confirm": "tick"}
ENDLESS: dict[str, Any] = {"upper_price": None, "grid_num": None, "step_pct": 1}


def started(price: str = "102.5", **values: Any) -> Sim:
    sim = Sim(compiled(price, **values), price)
    sim.tell_price()
    return sim


def running(centre: float = 100, price: str = "100", **values: Any) -> Sim:
    sim = Sim(adaptive(**values), price)
    sim.new_levels(centre, 0.5)
    return sim


# -- trailing --------------------------------------------------------------------------------------------------------


def test_a_trailing_grid_moves_without_a_trade_and_opens_at_its_new_end() -> None:
    sim = started(**TRAIL)
    sim.move("105")
    trades = len(sim.trades)
    assert levels_of(sim) == [1010, 1020, 1030, 1040, 1050]
    assert sim.names() == {"buy:0", "buy:1", "buy:2", "buy:3"}
    assert sim.order("buy:0").ticks == 1040
    sim.move("108")
    assert levels_of(sim) == [1040, 1050, 1060, 1070, 1080]
    assert len(sim.trades) == trades
    sim.move("107")
    check(sim)
    assert sim.position == sim.state.cell_lots[0]


def test_a_short_grid_trails_downward() -> None:
    sim = started(price="101.5", direction="short", range_exit_down="trail", range_exit_confirm="tick")
    sim.move("98")
    assert levels_of(sim) == [980, 990, 1000, 1010, 1020]
    assert sim.state.shifts == -2
    check(sim)


@pytest.mark.parametrize("minute", [1, 14])
def test_trap_a_spike_does_not_move_a_range_that_trails_by_closes(minute: int) -> None:
    sim = started(range_exit_up="trail")
    sim.move("106")
    sim.move("104")
    sim.close_bar()
    assert sim.state.shifts == 0
    sim.move("105")
    sim.now_ms += minute * 60_000
    sim.close_bar()
    assert sim.state.shifts == 0, "a candle of the run that ends no quarter of an hour"
    sim.now_ms += (15 - minute) * 60_000
    sim.close_bar()
    assert sim.state.shifts == 1


def test_a_live_order_at_the_far_end_is_taken_back_and_its_end_awaited() -> None:
    sim = started(**TRAIL)
    sim.slow = True
    sim.move("105")
    assert sim.state.shifts == 0
    assert sim.state.order_live[0] == grid.CANCELLING
    sim.settle_cancels()
    assert sim.state.shifts == 1
    check(sim)


def blocked(**values: Any) -> Sim:
    """A grid that would trail upwards and cannot: the close of its lowest cell is on its way out."""
    sim = started(**TRAIL, **values)
    sim.move("100")
    close = sim.order("sell:1")
    sim.jump("100.5")
    del sim.orders[close.slot]
    sim.state.order_live[MAX_CELLS] = grid.CANCELLING
    sim.jump("105")
    return sim


def test_a_held_cell_at_the_far_end_stops_the_trail_and_says_so() -> None:
    sim = blocked()
    assert sim.state.shifts == 0
    assert sim.state.status_reason == Reason.TRAIL_BLOCKED


def test_a_trail_that_is_blocked_at_one_end_leaves_at_the_other() -> None:
    sim = blocked(range_exit_down="stop_flatten")
    sim.move("100.2")
    assert sim.state.status == grid.RUNNING
    sim.move("98")
    assert sim.state.status == grid.FLATTENING


# -- without an upper end --------------------------------------------------------------------------------------------


def test_an_endless_grid_keeps_its_position_worth_the_investment() -> None:
    sim = started(price="150", order_window=3, **ENDLESS)
    worth = sim.params[0].worth
    for price in ("150", "190", "260", "140", "101", "330"):
        sim.move(price)
        assert sim.position * sim.last == pytest.approx(worth, rel=0.012)
        check(sim)


def test_the_window_of_an_endless_grid_follows_the_price_and_the_rest_is_held_without_orders() -> None:
    sim = started(price="150", order_window=3, **ENDLESS)
    assert sim.state.tail_lots > 0
    assert len(sim.names() - {"sl"}) == 6
    sim.move("260")
    assert sim.state.shifts > 0
    assert len(sim.names() - {"sl"}) == 6


def test_flattening_an_endless_grid_sells_what_lies_above_its_window_too() -> None:
    sim = started(price="150", order_window=3, **ENDLESS)
    sim.state.stop_request = grid.FLATTEN_REQUEST
    sim.tell_price()
    assert sim.position == 0
    assert sim.state.status == grid.STOPPED


# -- around a centre -------------------------------------------------------------------------------------------------


def test_an_adaptive_grid_waits_for_its_levels_and_says_so() -> None:
    sim = Sim(adaptive(), "100")
    assert sim.tell_price() == 0
    assert sim.state.status_reason == Reason.WARMING_UP
    sim.new_levels(100, 0.5)
    assert sim.names() == {"buy:10", "buy:9"}


def test_only_two_openings_a_side_rest_and_the_guards_trade_nothing() -> None:
    sim = running(price="100.3", direction="neutral", grid_num=8)
    assert sim.names() == {"buy:5", "buy:4", "sell:7", "sell:8"}
    assert sim.state.cell_lots[[0, 8]].tolist() == [0, 0]
    assert sim.state.cell_lots[1:8].all()


def test_the_exit_is_settled_at_the_fill_and_stays_while_the_levels_move() -> None:
    sim = running()
    buy = sim.order("buy:10")
    sim.move(str(Decimal(buy.ticks) / 10))
    target = sim.order("sell:11").ticks
    assert target >= 1.004 * buy.ticks
    sim.new_levels(97, 0.5)
    assert sim.order("sell:11").ticks == target
    check(sim)


def test_trap_a_new_set_of_the_same_levels_causes_no_request() -> None:
    sim = running(direction="neutral")
    assert [sim.new_levels(100.01, 0.5) for _ in range(5)] == [0] * 5


def test_levels_that_move_further_than_the_tolerance_replace_their_orders() -> None:
    sim = running(order_window=20)
    before = sim.order("buy:10").ticks
    sim.requests.clear()
    sim.new_levels(99, 0.5)
    assert sim.requests.count(("CANCEL", "buy:10")) == 1
    assert sim.order("buy:10").ticks < before


def test_an_exit_the_market_has_passed_moves_on_with_the_next_levels() -> None:
    sim = running()
    sim.move("99.2")
    sim.cancel_by_hand("sell:11")
    sim.jump("101")
    assert "sell:11" not in sim.names()
    sim.new_levels(100, 0.5)
    assert sim.order("sell:11").ticks >= 1.005 * 1010


def test_a_new_opening_keeps_away_from_the_last_fill_of_its_side() -> None:
    sim = running()
    sim.move("99.2")
    sim.move("102")
    assert sim.position == 0
    assert "buy:10" not in sim.names()
    assert sim.state.order_note[10] == Reason.TOO_CLOSE


def test_inventory_beyond_the_outermost_level_is_closed_with_profit() -> None:
    sim = running(grid_num=4)
    sim.move("98.4")
    assert sim.position > 0
    sim.reject = {name for cell in range(22) for name in (f"sell:{cell}",)}
    for name in [name for name in sim.names() if name.startswith("sell")]:
        sim.cancel_by_hand(name)
    sim.jump("103")
    assert sim.position == 0
    assert sim.trades[-1][0] == "exit"
    assert sim.state.status == grid.RUNNING


def test_long_and_short_inventory_never_stand_side_by_side() -> None:
    sim = running(direction="neutral", price="100.2")
    sim.move("99")
    assert sim.position > 0
    sides = {order.side for slot, order in sim.orders.items() if order.side == order.position_side}
    assert sides == {1}


def test_nothing_more_is_opened_at_the_largest_notional() -> None:
    sim = running(order_window=20)
    sim.params[0].max_cost = 1
    sim.move("99.2")
    assert not [order for order in sim.orders.values() if order.side == order.position_side]
    assert Reason.CAPITAL in {Reason(int(note)) for note in sim.state.order_note}


WIDE = st.integers(900, 1140).map(lambda ticks: f"{ticks / 10:.1f}")
MOVES = st.lists(st.tuples(st.sampled_from(["move", "jump", "bar", "levels"]), WIDE), min_size=1, max_size=10)
KINDS = st.sampled_from(["trail_long", "trail_short", "endless", "adaptive", "adaptive_short", "adaptive_neutral"])


def made(kind: str, window: int) -> Any:
    """Parameters of one kind of moving grid."""
    common: dict[str, Any] = {"order_window": window}
    if kind == "trail_long":
        return compiled("102", **TRAIL, **common, lower_price=98, upper_price=106)
    if kind == "trail_short":
        down: dict[str, Any] = {
            "direction": "short",
            "range_exit_down": "trail",
            "range_exit_confirm": "tick",
            "sizing": "equal_quote",
        }
        return compiled("102", **down, **common, lower_price=98, upper_price=106)
    if kind == "endless":
        return compiled("102", **{**ENDLESS, "step_pct": "0.8"}, **common, lower_price=95)
    sides = {"adaptive": "long", "adaptive_short": "short", "adaptive_neutral": "neutral"}
    return adaptive(direction=sides[kind], reinvest=window % 2 == 0, **common)


def step(sim: Sim, kind: str, price: str) -> None:
    if kind == "move":
        sim.move(price)
    elif kind == "jump":
        sim.jump(price)
    elif kind == "levels" and sim.params[0].rule == 2:
        sim.new_levels(float(price), 0.3)
    else:
        sim.close_bar()


@settings(max_examples=40, deadline=None)
@example(kind="endless", window=1, steps=[("move", "90.0"), ("jump", "100.5"), ("move", "98.1")], part=1, slow=True)
@given(kind=KINDS, window=st.integers(1, 5), steps=MOVES, part=st.sampled_from([1, 1, 2]), slow=st.booleans())
def test_the_invariants_hold_after_every_step_of_a_grid_that_moves(
    kind: str, window: int, steps: list[tuple[str, str]], part: int, slow: bool
) -> None:
    sim = Sim(made(kind, window), "102")
    sim.part, sim.slow = part, slow
    sim.tell_price()
    sim.new_levels(102, 0.5) if kind.startswith("adaptive") else check(sim)
    for what, price in steps:
        sim.settle_cancels()
        step(sim, what, price)
        check(sim)
        nothing_happens_between_the_triggers(sim, 20)


@settings(max_examples=6, deadline=None)
@given(kind=KINDS, steps=MOVES)
def test_moving_grids_keep_the_same_bytes_interpreted_compiled_and_reloaded(
    kind: str, steps: list[tuple[str, str]]
) -> None:
    sims = [Sim(made(kind, 2), "102", kernel) for kernel in (COMPILED, INTERPRETED, COMPILED)]
    for number, sim in enumerate(sims):
        sim.tell_price()
        if kind.startswith("adaptive"):
            sim.new_levels(102, 0.5)
        for what, price in steps[:4]:
            if number == 2:
                sim.run = state_from_json(state_to_json(sim.run), grid.STATE)
            step(sim, what, price)
    assert sims[0].requests == sims[1].requests == sims[2].requests
    assert sims[0].run.tobytes() == sims[1].run.tobytes() == sims[2].run.tobytes()


def test_trap_levels_rise_strictly_at_every_bar_of_ten_thousand_random_steps() -> None:
    rng = np.random.default_rng(20_240_601)
    fold = np.zeros(1, FOLD).view(np.recarray)
    price = 100.0
    for bar in range(10_000):
        price *= float(np.exp(rng.standard_t(2) * (0.03 if bar % 500 < 5 else 0.003)))
        reach = abs(float(rng.normal())) * 0.004
        centre_step(fold[0], price * (1 + reach), price * (1 - reach), price, bar + 1)
        if bar >= 14:
            assert np.all(np.diff(fold[0].levels) > 0)


def test_two_levels_on_one_tick_are_kept_a_tick_apart() -> None:
    sim = Sim(adaptive(instrument(tick=Decimal(5))), "100")
    sim.new_levels(100, 0.5)
    levels = levels_of(sim)
    assert all(low < high for low, high in pairwise(levels))
