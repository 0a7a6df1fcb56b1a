"""Scenarios are made of a point and a seed, and of nothing else."""

import pytest

from tradingboost.app.chaos.plans import Story, plan, plans
from tradingboost.kit.crash import POINTS


@pytest.mark.parametrize("point", POINTS)
def test_the_same_point_and_seed_are_the_same_scenario(point: str) -> None:
    assert [plan(point, seed) for seed in range(5)] == [plan(point, seed) for seed in range(5)]


def test_seeds_differ_in_the_passage_that_kills() -> None:
    assert len({plan("orders.outcome.after_commit", seed).nth for seed in range(20)}) > 5


def test_every_point_has_its_scenarios_in_the_order_of_the_registry() -> None:
    found = plans(list(POINTS), 2)
    assert [one.point for one in found] == [point for point in POINTS for _ in range(2)]
    assert [one.name for one in plans(["bus.relay.after_mark"], 2)] == [
        "bus.relay.after_mark",
        "bus.relay.after_mark#1",
    ]
    assert all(one.nth >= 1 for one in found)


def test_points_of_the_start_are_reached_with_a_position_and_orders_left_behind() -> None:
    starting = [one for one in plans(list(POINTS), 1) if one.story is Story.STARTING]
    assert {one.point.split(".")[0] for one in starting} == {"reconcile", "lease"}
    assert all(one.bars >= 17 for one in starting), "the first entry of the market fills in bar 17"
