"""The trailing stop, and the whole way of a leg from entry to stop, on both sides."""

from typing import Any

import pytest
from tests.unit.strategies.hyperrsi.harness import Run, facts
from tests.unit.strategies.hyperrsi.street import Street

from tradingboost.strategies.contract import Reason, state_from_json, state_to_json
from tradingboost.strategies.hyperrsi import HYPERRSI

RUNNER: dict[str, Any] = {
    "tp1_ratio": 20,
    "tp2_ratio": 20,
    "tp3_ratio": 20,
    "pyramiding_limit": 1,
    "use_trend_logic": False,
    "use_trend_close": False,
}
SIDES = (1, -1)


def price(side: int, percent: float) -> float:
    """So many percent in profit direction from 100 000."""
    return round(100_000.0 * (1 + side * percent / 100), 1)


def opened(mode: str, side: int, **given: Any) -> Street:
    street = Street(Run(mode, **{**RUNNER, **given}), 100_000.0)
    street.enter(side)
    return street


@pytest.mark.parametrize("side", SIDES)
def test_tp1_tp2_tp3_trail_and_stop_happen_in_one_leg(mode: str, side: int) -> None:
    street = opened(mode, side)
    stops = []
    for percent in (2, 3, 4):
        street.go(price(side, percent))
        stops.append(street.order("sl"))
    assert stops[:2] == [100_000.0, price(side, 2)]
    offset = price(side, 4) * 0.005
    assert stops[2] == pytest.approx(price(side, 4) - side * offset, abs=0.1)
    street.run.now_ms += 10_000
    street.go(price(side, 6))
    assert street.run.trail_extreme == pytest.approx(price(side, 6), abs=offset / 10)
    street.go(price(side, 5))
    last = street.fills[-1]
    assert [row.slot for row in street.fills[:4]] == ["entry", "tp:1", "tp:2", "tp:3"]
    assert (last.qty, last.side) == (0.08, -side)
    assert last.price == pytest.approx(street.run.trail_extreme or last.price, rel=0.006)
    assert (street.run.side, street.slots()) == (0, [])


@pytest.mark.parametrize("side", SIDES)
def test_each_tick_is_tested_against_the_stop_before_it_moves_the_extreme(mode: str, side: int) -> None:
    street = opened(mode, side)
    street.go(*(price(side, percent) for percent in (2, 3, 4)))
    run = street.run
    stop = run.trail_stop
    assert run.tick(price(side, 5), after_ms=6_000) != []  # the resting stop follows
    assert side * run.trail_extreme == side * price(side, 5)
    assert side * run.trail_stop > side * stop
    (close,) = run.tick(run.trail_stop)
    assert (close.slot, close.reason, close.side) == ("exit", "trailing_stop", -side)
    assert run.tick(price(side, 7)) == []  # closing: nothing moves any more
    assert side * run.trail_extreme == side * price(side, 5)


def test_the_resting_stop_follows_by_steps_and_at_most_every_five_seconds(mode: str) -> None:
    street = opened(mode, 1)
    street.go(*(price(1, percent) for percent in (2, 3, 4)))
    run = street.run
    resting = run.trail_rest
    assert run.tick(104_300.0, after_ms=1_000) == []
    assert run.tick(104_320.0, after_ms=3_999) == []
    assert (run.trail_rest, run.trail_stop) == (resting, 103_800.0)
    (moved,) = run.tick(104_330.0, after_ms=1)
    assert (moved.kind, moved.slot, moved.trigger) == ("amend", "sl", 103_810.0)
    assert run.tick(104_340.0, after_ms=60_000) == []  # less than a tenth of the offset


def test_a_small_offset_is_raised_to_a_thousandth(mode: str) -> None:
    street = opened(mode, 1, trailing_stop_offset_value=0.01)
    street.go(*(price(1, percent) for percent in (2, 3, 4)))
    assert street.run.trail_offset == pytest.approx(104.0)


def test_the_distance_of_the_last_two_levels_may_be_the_offset(mode: str) -> None:
    street = opened(mode, 1, trailing_stop_type="TP_DIFF", trailing_stop_offset_value=0)
    street.go(*(price(1, percent) for percent in (2, 3, 4)))
    assert (street.run.trail_offset, street.run.trail_stop) == (1000.0, 103_000.0)


@pytest.mark.parametrize(("start", "placed", "left"), [("TP1", 1, 0.14), ("TP2", 2, 0.08), ("TP3", 3, 0.0)])
def test_a_full_ladder_leaves_to_trail_what_lies_behind_its_start(
    mode: str, start: str, placed: int, left: float
) -> None:
    given: dict[str, Any] = {"tp1_ratio": 30, "tp2_ratio": 30, "tp3_ratio": 40, "trailing_start_point": start}
    street = opened(mode, 1, **given)
    assert street.slots("tp") == [f"tp:{level}" for level in range(1, placed + 1)]
    street.go(*(price(1, percent) for percent in (2, 3, 4)[:placed]))
    assert street.run.qty == left
    assert (int(street.run.trail_ms) > 0) == (left > 0)
    assert (list(street.run.state[0].tp_price) == [102_000.0, 103_000.0, 104_000.0]) == (left > 0)


def test_while_the_trailing_stop_is_armed_nothing_is_added(mode: str) -> None:
    given: dict[str, Any] = {"pyramiding_limit": 3, "use_rsi_with_pyramiding": False, "use_check_DCA_with_price": False}
    street = opened(mode, 1, trailing_start_point="TP1", use_cooldown=False, **given)
    street.go(price(1, 2))
    street.bar()
    assert street.run.note_add == Reason.TRAILING_ARMED
    assert street.run.dca_count == 1


def test_after_a_restart_the_trailing_stop_is_where_it_was_and_fires_once(mode: str) -> None:
    street = opened(mode, 1)
    street.go(*(price(1, percent) for percent in (2, 3, 4)), price(1, 5))
    run = street.run
    run.state = state_from_json(state_to_json(run.state), HYPERRSI.state)
    below, _ = run.triggers()
    assert below == run.trail_stop
    run.now_ms += 86_400_000 * 30  # nothing expires
    closes = run.tick(run.trail_stop) + run.tick(run.trail_stop - 1000)
    assert [wish.slot for wish in closes] == ["exit"]


def test_two_runs_do_not_share_a_throttle(mode: str) -> None:
    streets = [opened(mode, 1), opened(mode, 1)]
    for street in streets:
        street.go(*(price(1, percent) for percent in (2, 3, 4)))
        street.run.now_ms += 6_000
        street.go(price(1, 4.5))
    assert streets[0].run.trail_rest == streets[1].run.trail_rest > 103_480.0


def test_the_trend_closes_a_leg_it_turns_against_and_blocks_its_side(mode: str) -> None:
    run = Run(mode)
    street = Street(run, 100_000.0)
    street.enter(1)
    street.bar(trend=-1.0)
    assert run.side == 1  # between the extremes nothing happens
    street.bar(trend=-2.0)
    assert (run.side, street.fills[-1].slot, street.wishes[-1].reason) == (0, "exit", "leg_closed")
    assert [wish.reason for wish in street.wishes if wish.slot == "exit"] == ["trend_reversal"]
    run.now_ms += 600_000
    street.bar(trend=-2.0)
    street.bar(35.0, 29.0, trend=-2.0)
    assert run.note[0] == Reason.TREND_BLOCK


def test_a_trend_that_is_still_warming_up_blocks_and_closes_nothing(mode: str) -> None:
    run = Run(mode)
    street = Street(run, 100_000.0)
    street.bar(35.0, 29.0, trend=float("nan"))
    street.bar(trend=float("nan"))
    assert run.side == 1


def test_without_the_switches_the_trend_is_not_asked(mode: str) -> None:
    run = Run(mode, use_trend_logic=False, use_trend_close=False)
    street = Street(run, 100_000.0)
    street.bar(35.0, 29.0, trend=-2.0)
    street.bar(trend=-2.0)
    assert run.side == 1


def test_the_hedge_needs_two_legs(mode: str) -> None:
    given: dict[str, Any] = {"use_dual_side_entry": True, "dual_side_entry_trigger": 2, "pyramiding_limit": 2}
    for long_short in (False, True):
        run = Run(mode, None, facts(long_short=long_short), **given)
        assert bool(run.params[0].hedge_on) is long_short
