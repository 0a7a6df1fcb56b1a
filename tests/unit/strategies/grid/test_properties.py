"""Random markets: the invariants hold after every step, whatever the path, the parts and the order of reports."""

from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings
from tests.unit.strategies.grid.invariants import check, inventory, nothing_happens_between_the_triggers
from tests.unit.strategies.grid.venue import INTERPRETED, Reports, Sim, compiled, instrument

from tradingboost.strategies.contract import state_from_json, state_to_json
from tradingboost.strategies.grid.state import STATE

PRICES = st.integers(960, 1080).map(lambda ticks: f"{ticks / 10:.1f}")
STEPS = st.lists(st.tuples(st.sampled_from(["move", "jump", "bar"]), PRICES), min_size=1, max_size=12)
SHAPES = st.fixed_dictionaries(
    {
        "direction": st.sampled_from(["long", "short", "neutral"]),
        "spacing": st.sampled_from(["arithmetic", "geometric"]),
        "grid_num": st.integers(2, 12),
        "order_window": st.integers(1, 4),
        "max_open_orders": st.integers(2, 12),
        "initial_position": st.booleans(),
        "range_exit": st.sampled_from(["hold", "hold", "stop", "stop_flatten"]),
        "range_exit_confirm": st.sampled_from(["tick", "candle_close"]),
        "stop_loss": st.sampled_from([0, 0, 3]),
    }
)


def run(sim: Sim, steps: list[tuple[str, str]]) -> None:
    sim.tell_price()
    check(sim)
    for kind, price in steps:
        sim.settle_cancels()
        step(sim, kind, price)
        check(sim)
        nothing_happens_between_the_triggers(sim)


def step(sim: Sim, kind: str, price: str) -> None:
    if kind == "move":
        sim.move(price)
    elif kind == "jump":
        sim.jump(price)
    else:
        sim.close_bar()


@settings(max_examples=50, deadline=None)
@given(shape=SHAPES, steps=STEPS, touch=st.booleans(), part=st.sampled_from([1, 1, 2, 3]))
def test_the_invariants_hold_after_every_step_of_any_market(
    shape: dict[str, Any], steps: list[tuple[str, str]], touch: bool, part: int
) -> None:
    sim = Sim(compiled("102", lower_price=98, upper_price=106, **shape), "102", touch=touch)
    sim.part = part
    run(sim, steps)


@settings(max_examples=50, deadline=None)
@given(shape=SHAPES, steps=STEPS, part=st.sampled_from([1, 2]))
def test_the_invariants_hold_when_every_cancel_is_slow_and_races_with_fills(
    shape: dict[str, Any], steps: list[tuple[str, str]], part: int
) -> None:
    sim = Sim(compiled("102", lower_price=98, upper_price=106, **shape), "102")
    sim.slow, sim.part = True, part
    run(sim, steps)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, cells=st.integers(2, 12))
def test_a_spot_grid_never_sells_more_than_its_fees_left_it(steps: list[tuple[str, str]], cells: int) -> None:
    spec = instrument("spot", min_qty=Decimal("0.05"))
    params = compiled("102", spec, fee="0.001", lower_price=98, upper_price=106, grid_num=cells)
    sim = Sim(params, "102")
    sim.tell_price()
    for kind, price in steps:
        step(sim, kind, price)
        check(sim)
        bought = sum(lots for _, side, lots, _ in sim.trades if side > 0)
        sold = sum(lots for _, side, lots, _ in sim.trades if side < 0)
        assert sold <= bought * 0.999 + 1e-9
        assert inventory(sim) <= bought * 0.999 - sold + 1e-9


def permuted(data: st.DataObject) -> Any:
    def arrange(reports: Reports) -> Reports:
        return data.draw(st.permutations(reports))

    return arrange


@settings(max_examples=50, deadline=None)
@given(data=st.data(), shape=SHAPES, steps=st.lists(PRICES, min_size=1, max_size=8))
def test_any_order_of_the_reports_of_one_price_gives_the_same_book(
    data: st.DataObject, shape: dict[str, Any], steps: list[str]
) -> None:
    params = compiled("102", lower_price=98, upper_price=106, **{**shape, "stop_loss": 0, "max_open_orders": 100})
    plain, shuffled = Sim(params, "102"), Sim(params, "102")
    shuffled.arrange = permuted(data)
    for sim in (plain, shuffled):
        sim.tell_price()
    for price in steps:
        plain.jump(price)
        shuffled.jump(price)
        assert plain.orders == shuffled.orders
        assert plain.run[0].cell_held_lots.tolist() == shuffled.run[0].cell_held_lots.tolist()
        assert (plain.cash, plain.position) == (shuffled.cash, shuffled.position)


@settings(max_examples=40, deadline=None)
@given(shape=SHAPES, steps=STEPS)
def test_a_run_reloaded_from_json_goes_on_exactly_as_the_one_that_never_stopped(
    shape: dict[str, Any], steps: list[tuple[str, str]]
) -> None:
    params = compiled("102", lower_price=98, upper_price=106, **shape)
    steady, reloaded = Sim(params, "102"), Sim(params, "102")
    for sim in (steady, reloaded):
        sim.tell_price()
    for kind, price in steps:
        reloaded.run = state_from_json(state_to_json(reloaded.run), STATE)
        step(steady, kind, price)
        step(reloaded, kind, price)
        assert steady.requests == reloaded.requests
        assert steady.run.tobytes() == reloaded.run.tobytes()


@settings(max_examples=6, deadline=None)
@given(shape=SHAPES, steps=st.lists(st.tuples(st.just("jump"), PRICES), min_size=1, max_size=6))
def test_interpreted_and_compiled_kernels_keep_the_same_bytes(
    shape: dict[str, Any], steps: list[tuple[str, str]]
) -> None:
    params = compiled("102", lower_price=98, upper_price=106, **shape)
    sims = [Sim(params, "102"), Sim(params, "102", INTERPRETED)]
    for sim in sims:
        sim.tell_price()
        for kind, price in steps:
            step(sim, kind, price)
    assert sims[0].requests == sims[1].requests
    assert sims[0].run.tobytes() == sims[1].run.tobytes()
