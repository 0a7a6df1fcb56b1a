"""The ledger of a range that was left: what may still rest, by policy, side and direction."""

import pytest
from tests.unit.strategies.grid.invariants import check, is_opening
from tests.unit.strategies.grid.venue import INTERPRETED, Sim, compiled

from tradingboost.strategies.contract import slot_name
from tradingboost.strategies.grid import state as grid


@pytest.mark.parametrize("direction", ["long", "short", "neutral"])
@pytest.mark.parametrize("price", ["98.5", "105.5"])
@pytest.mark.parametrize("policy", ["hold", "stop", "stop_flatten"])
@pytest.mark.parametrize("gap", [False, True], ids=["travelled", "gapped"])
def test_trap_a_range_that_was_left_leaves_orders_behind(direction: str, price: str, policy: str, gap: bool) -> None:
    values = {"direction": direction, "range_exit": policy, "range_exit_confirm": "tick"}
    sim = Sim(compiled("102", None, "0", **values), "102", INTERPRETED)
    sim.tell_price()
    (sim.jump if gap else sim.move)(price)
    check(sim)
    openings = [one for one in sim.orders.values() if is_opening(sim, one)]
    others = [one for one in sim.orders.values() if not is_opening(sim, one)]
    if policy == "stop_flatten":
        assert (sim.position, sim.orders, sim.state.status) == (0, {}, grid.STOPPED)
    elif policy == "stop":
        assert openings == []
        closes = sum(one.lots for one in others if slot_name(one.slot) != "sl")
        assert closes == abs(sim.position)
        assert sim.state.status == (grid.STOPPING if sim.position else grid.STOPPED)
    else:
        assert sim.state.status == grid.RUNNING
    sim.move({"long": "104.1", "short": "99.9", "neutral": "102"}[direction])  # where every cell has closed
    assert sim.state.status == (grid.RUNNING if policy == "hold" else grid.STOPPED)
    assert policy == "hold" or (sim.orders, sim.position) == ({}, 0)
