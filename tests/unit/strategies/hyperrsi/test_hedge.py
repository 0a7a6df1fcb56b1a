"""The hedge leg beside its main leg: when it opens, what it rests, and every row of the table of linked exits."""

from typing import Any

import pytest
from tests.unit.strategies.hyperrsi.harness import Run, facts
from tests.unit.strategies.hyperrsi.street import Street

from tradingboost.strategies.contract import FillKind, Reason
from tradingboost.strategies.hyperrsi.state import ended, request_stop

BASE: dict[str, Any] = {
    "use_dual_side_entry": True,
    "dual_side_entry_trigger": 2,
    "dual_side_entry_ratio_value": 50,
    "dual_side_entry_tp_trigger_type": "DO_NOT_CLOSE",
    "use_rsi_with_pyramiding": False,
    "use_cooldown": False,
    "pyramiding_value": 1,
    "pyramiding_limit": 3,
    "trailing_start_point": "NONE",
    "use_sl": True,
    "sl_value": 4,
}
SIDES = (1, -1)


def hedged(mode: str, side: int = 1, entries: int = 2, **given: Any) -> Street:
    """A main leg with so many entries, one percent apart, and what the hedge rule made of them."""
    street = Street(Run(mode, None, facts(long_short=True), **{**BASE, **given}), 100_000.0)
    street.enter(side)
    for _ in range(entries - 1):
        street.run.now_ms += 600_000
        street.go(round(street.price * (1 - side * 0.0115), 1))
    return street


def closes(street: Street) -> list[str]:
    """Slots of the fills that closed the hedge."""
    return [row.slot for row in street.fills if row.slot in ("hedge:exit", "hedge:tp", "hedge:sl")]


@pytest.mark.parametrize("side", SIDES)
def test_an_add_opens_the_hedge_on_the_other_side_with_its_stop_attached(mode: str, side: int) -> None:
    street = hedged(mode, side)
    run = street.run
    assert (run.hedge_side, run.hedge_qty, run.hedge_count) == (-side, 0.2 if side > 0 else 0.19, 1)
    opening = next(wish for wish in street.wishes if wish.slot == "hedge:entry:1")
    assert (opening.side, opening.position_side, opening.reduce_only) == (-side, -side, False)
    assert -side * opening.trigger < -side * street.price  # a guard, on the losing side
    assert street.slots("hedge") == ["hedge:sl"]
    assert street.resting["hedge:sl"].position_side == -side


def test_the_first_entry_never_opens_a_hedge(mode: str) -> None:
    street = hedged(mode, entries=1, dual_side_entry_trigger=1)
    assert street.run.hedge_side == 0
    street.run.now_ms += 600_000
    street.go(98_900.0)
    assert street.run.hedge_side == -1


def test_below_the_trigger_and_without_two_legs_nothing_is_hedged(mode: str) -> None:
    assert hedged(mode, dual_side_entry_trigger=3).run.hedge_side == 0
    run = Run(mode, None, facts(), **BASE)
    street = Street(run, 100_000.0)
    street.enter()
    run.now_ms += 600_000
    street.go(98_850.0)
    assert (run.dca_count, run.hedge_side) == (2, 0)


def test_a_later_add_enlarges_the_hedge_up_to_its_limit(mode: str) -> None:
    assert hedged(mode, entries=3).run.hedge_qty == 0.2
    street = hedged(mode, entries=3, dual_side_pyramiding_limit=2)
    assert (street.run.hedge_count, street.run.hedge_qty) == (2, 0.3)
    assert street.resting["hedge:sl"].qty == 0.3


def test_a_percentage_of_one_or_less_is_a_percentage(mode: str) -> None:
    assert hedged(mode, dual_side_entry_ratio_value=1).run.hedge_qty == 0.01
    assert hedged(mode, dual_side_entry_ratio_value=100).run.hedge_qty == 0.4


def test_the_last_main_entry_closes_the_hedge_that_waits_for_it(mode: str) -> None:
    street = hedged(mode, entries=3, dual_side_entry_tp_trigger_type="LAST_DCA_ON_POSITION")
    assert (street.run.hedge_side, closes(street)) == (0, ["hedge:exit"])
    assert street.run.dca_count == 3


def test_exits_that_wait_for_all_entries_are_not_there_before(mode: str) -> None:
    given: dict[str, Any] = {
        "activate_tp_sl_after_all_dca": True,
        "dual_side_entry_tp_trigger_type": "PERCENT",
        "use_dual_sl": True,
    }
    early = hedged(mode, **given)
    assert (early.order("hedge:tp"), early.run.hedge_stop_kind) == (None, 1)  # only the guard
    late = hedged(mode, entries=3, **given)
    assert late.order("hedge:tp") == pytest.approx(late.run.hedge_average * 0.997, abs=0.1)
    assert late.order("hedge:sl") == pytest.approx(late.run.hedge_average * 1.05, abs=0.1)


def test_targets_move_with_the_main_leg(mode: str) -> None:
    rules: dict[str, Any] = {
        "use_dual_sl": True,
        "dual_side_entry_sl_trigger_type": "EXISTING_POSITION",
        "dual_side_entry_sl_value": 1,
    }
    street = hedged(mode, **rules)
    before = street.order("hedge:sl")
    assert before == street.order("tp:1")
    street.run.now_ms += 600_000
    street.go(97_600.0)
    assert street.run.dca_count == 3
    assert street.order("hedge:sl") == street.order("tp:1") != before


@pytest.mark.parametrize("side", SIDES)
def test_the_stop_of_the_main_leg_takes_the_profit_of_the_hedge_in_one_close(mode: str, side: int) -> None:
    street = hedged(mode, side, dual_side_entry_tp_trigger_type="EXISTING_POSITION")
    stop = street.order("sl")
    assert (street.order("hedge:tp"), street.wishes[-1].type) == (stop, "take")
    street.go(round(street.price * (1 - side * 0.05), 1))
    assert (street.run.side, street.run.hedge_side, closes(street)) == (0, 0, ["hedge:tp"])
    assert street.slots() == []


def test_a_take_profit_trigger_that_is_refused_leaves_the_close_to_the_link(mode: str) -> None:
    street = Street(
        Run(mode, None, facts(long_short=True), **BASE | {"dual_side_entry_tp_trigger_type": "EXISTING_POSITION"}),
        100_000.0,
    )
    street.refuse.add("hedge:tp")
    street.enter()
    street.run.now_ms += 600_000
    street.go(98_850.0, 94_000.0)
    assert (street.run.side, street.run.hedge_side, closes(street)) == (0, 0, ["hedge:exit"])


# -- linked exits, row by row ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("linked", "left"), [(False, -1), (True, 0)])
def test_a_main_stop_takes_the_hedge_along_only_where_it_is_told_to(mode: str, linked: bool, left: int) -> None:
    street = hedged(mode, dual_side_close_on_main_sl=linked)
    street.go(94_000.0)
    assert (street.run.side, street.run.hedge_side) == (0, left)
    assert closes(street) == (["hedge:exit"] if linked else [])


@pytest.mark.parametrize(("number", "left"), [(1, 0), (2, -1)])
def test_a_main_take_profit_closes_the_hedge_that_names_it(mode: str, number: int, left: int) -> None:
    rules: dict[str, Any] = {"dual_side_entry_tp_trigger_type": "EXISTING_POSITION", "dual_side_entry_tp_value": number}
    street = hedged(mode, **rules)
    street.go(street.order("tp:1") or 0)
    assert street.run.tp_filled == 1
    assert street.run.hedge_side == left


def test_a_main_leg_that_ends_at_its_last_take_profit_ends_the_hedge(mode: str) -> None:
    street = hedged(mode)
    street.go(104_500.0)
    assert (street.run.side, street.run.hedge_side, closes(street)) == (0, 0, ["hedge:exit"])
    assert street.run.hedge_count == 0


def test_a_main_leg_closed_by_hand_ends_the_hedge(mode: str) -> None:
    street = hedged(mode)
    street.take(street.run.report("exit", FillKind.FILLED, street.run.qty, price=98_000.0, last=98_000.0, side=1))
    assert (street.run.side, street.run.hedge_side) == (0, 0)


def test_a_hedge_closed_by_hand_leaves_the_main_leg_alone(mode: str) -> None:
    street = hedged(mode)
    qty = street.run.hedge_qty
    street.take(street.run.report("exit", FillKind.FILLED, qty, price=98_000.0, last=98_000.0, side=-1))
    assert (street.run.side, street.run.hedge_side, street.run.qty) == (1, 0, 0.4)


@pytest.mark.parametrize(("linked", "left"), [(False, -1), (True, 0)])
def test_a_trend_close_takes_the_hedge_along_only_where_it_is_told_to(mode: str, linked: bool, left: int) -> None:
    street = hedged(mode, dual_side_trend_close=linked)
    street.bar(trend=-2.0)
    assert (street.run.side, street.run.hedge_side) == (0, left)


@pytest.mark.parametrize(("linked", "left"), [(False, 1), (True, 0)])
def test_the_take_profit_of_the_hedge_closes_the_main_leg_only_where_it_is_told_to(
    mode: str, linked: bool, left: int
) -> None:
    street = hedged(mode, dual_side_entry_tp_trigger_type="PERCENT", close_main_on_hedge_tp=linked)
    street.go(98_500.0)
    assert (street.run.hedge_side, street.run.side, closes(street)) == (0, left, ["hedge:tp"])
    reasons = [wish.reason for wish in street.wishes if wish.slot == "exit"]
    assert reasons == (["hedge_tp"] if linked else [])


def test_the_stop_of_the_hedge_ends_only_the_hedge(mode: str) -> None:
    street = hedged(mode, use_dual_sl=True, dual_side_entry_sl_value=1, tp1_value=5, tp2_value=6, tp3_value=7)
    street.go(100_000.0)
    assert (street.run.hedge_side, street.run.side, closes(street)) == (0, 1, ["hedge:sl"])


# -- a hedge left alone ----------------------------------------------------------------------------------------------


def test_a_hedge_that_outlives_its_main_leg_keeps_its_exits_and_blocks_entries(mode: str) -> None:
    street = hedged(mode, dual_side_entry_tp_trigger_type="PERCENT", dual_side_entry_tp_value=20)
    street.go(94_000.0)
    street.run.now_ms += 600_000
    street.bar(35.0, 29.0)
    assert (street.run.side, street.run.hedge_side, street.slots()) == (0, -1, ["hedge:sl", "hedge:tp"])
    assert street.run.note[0] == Reason.ORPHAN_HEDGE
    street.go(120_000.0)
    street.bar(35.0, 29.0)
    assert (street.run.side, street.run.hedge_side) == (1, 0)


@pytest.mark.parametrize(("asked", "left"), [(True, 0), (False, -1)])
def test_a_hedge_left_alone_is_closed_by_the_trend_against_it(mode: str, asked: bool, left: int) -> None:
    street = hedged(mode, dual_side_trend_close=asked)
    street.go(94_000.0)
    assert street.run.hedge_side == -1
    street.bar(trend=2.0)
    assert street.run.hedge_side == left


def test_a_refused_close_of_the_hedge_is_asked_again_at_the_next_candle_and_not_before(mode: str) -> None:
    street = hedged(mode, dual_side_close_on_main_sl=True)
    street.refuse.add("hedge:exit")
    street.go(94_000.0)
    assert (street.run.hedge_side, sum(wish.slot == "hedge:exit" for wish in street.wishes)) == (-1, 1)
    street.refuse.clear()
    street.bar()
    assert (street.run.hedge_side, closes(street)) == (0, ["hedge:exit"])


def test_a_stopped_run_opens_no_hedge_and_ends_when_both_legs_are_flat(mode: str) -> None:
    street = hedged(mode, dual_side_close_on_main_sl=True)
    request_stop(street.run.state[0], False)
    assert not ended(street.run.state[0])
    street.go(94_000.0)
    assert ended(street.run.state[0])


def test_flatten_closes_both_legs(mode: str) -> None:
    street = hedged(mode)
    request_stop(street.run.state[0], True)
    street.take(street.run.tick(street.price))
    assert (street.run.side, street.run.hedge_side, street.slots()) == (0, 0, [])
    assert ended(street.run.state[0])


def test_a_refused_hedge_entry_leaves_the_main_leg_and_its_count_alone(mode: str) -> None:
    street = Street(Run(mode, None, facts(long_short=True), **BASE), 100_000.0)
    street.refuse.add("hedge:entry:1")
    street.enter()
    street.run.now_ms += 600_000
    street.go(98_850.0)
    run = street.run
    assert (run.dca_count, run.hedge_side, run.hedge_count, run.opening, run.entry_failures) == (2, 0, 0, 0, 0)
    assert street.slots() == ["sl", "tp:1", "tp:2", "tp:3"]


def test_a_stop_of_the_hedge_that_somebody_cancelled_comes_back(mode: str) -> None:
    street = hedged(mode)
    stop = street.resting.pop("hedge:sl")
    street.take(street.run.report("hedge:sl", FillKind.ENDED, left=stop.qty, last=street.price))
    assert street.order("hedge:sl") == stop.price


def test_each_leg_moves_only_its_own_stop(mode: str) -> None:
    street = hedged(mode)
    main, hedge = street.order("sl"), street.order("hedge:sl")
    street.go(street.order("tp:1") or 0)
    assert street.order("sl") != main
    assert street.order("hedge:sl") == hedge
