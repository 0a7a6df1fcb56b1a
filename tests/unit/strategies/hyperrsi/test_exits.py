"""Booking of fills: protection first, then the ladder, then the end of the leg."""

from typing import Any

import pytest
from tests.unit.strategies.hyperrsi.harness import INTERPRETED, TIMEFRAME_MS, Run, brief, spot, swap

from tradingboost.strategies.contract import FillKind, Reason, state_from_json, state_to_json
from tradingboost.strategies.hyperrsi import HYPERRSI
from tradingboost.strategies.hyperrsi.state import FILLED, SUSPENDED, WORKING

FREE: dict[str, Any] = {"use_cooldown": False}
EVERY_BAR: dict[str, Any] = {**FREE, "use_check_DCA_with_price": False, "use_rsi_with_pyramiding": False}


def test_a_fill_elsewhere_moves_the_stop_first_and_then_rests_the_ladder(mode: str) -> None:
    run = Run(mode, use_sl=True)
    run.bar(100_000.0, 35.0, 29.0)
    wishes = run.fill("entry", 0.2, 100_010.0)
    assert brief(wishes) == [("amend", "sl"), ("place", "tp:1"), ("place", "tp:2"), ("place", "tp:3")]
    stop, *ladder = wishes
    assert (stop.trigger, stop.qty, stop.type, stop.side, stop.reduce_only) == (95_009.5, 0.2, "stop", -1, True)
    assert [wish.price for wish in ladder] == [102_010.2, 103_010.3, 104_010.4]
    assert [wish.qty for wish in ladder] == [0.06, 0.06, 0.08]
    assert all(wish.reduce_only and wish.type == "limit" and wish.side == -1 for wish in ladder)


def test_a_stop_that_already_stands_right_is_left_alone(mode: str) -> None:
    assert brief(Run(mode).open_long()) == [("place", "tp:1"), ("place", "tp:2"), ("place", "tp:3")]


def test_a_short_mirrors_the_long(mode: str) -> None:
    run = Run(mode, use_sl=True)
    wishes = run.open_short()
    assert [(wish.side, wish.position_side) for wish in wishes] == [(1, -1)] * 3
    assert [wish.price for wish in wishes] == [98_000.0, 97_000.0, 96_000.0]
    assert float(run.stop_price) == 105_000.0


def test_while_an_entry_fills_in_parts_only_the_stop_follows(mode: str) -> None:
    run = Run(mode)
    run.bar(100_000.0, 35.0, 29.0)
    first = run.fill("entry", 0.05, 100_000.0, left=0.15)
    assert [(wish.slot, wish.kind, wish.qty) for wish in first] == [("sl", "amend", 0.05)]
    assert int(run.dca_count) == 1
    second = run.fill("entry", 0.15, 100_000.0)
    assert brief(second) == [("amend", "sl"), ("place", "tp:1"), ("place", "tp:2"), ("place", "tp:3")]
    assert (second[0].qty, int(run.dca_count)) == (0.2, 1)


def test_an_entry_that_ends_partly_filled_counts_with_what_was_filled(mode: str) -> None:
    run = Run(mode)
    run.bar(100_000.0, 35.0, 29.0)
    run.fill("entry", 0.05, 100_000.0, left=0.15)
    wishes = run.report("entry", FillKind.ENDED, left=0.15, last=100_000.0)
    assert brief(wishes) == [("place", "tp:1"), ("place", "tp:2"), ("place", "tp:3")]
    assert sum(wish.qty for wish in wishes) == pytest.approx(0.05)
    assert (int(run.entry_failures), int(run.opening)) == (0, 0)


@pytest.mark.parametrize("kind", [FillKind.REJECTED, FillKind.ENDED])
def test_nothing_filled_sizes_nothing(mode: str, kind: FillKind) -> None:
    run = Run(mode)
    run.bar(100_000.0, 35.0, 29.0)
    assert run.report("entry", kind, left=0.2, last=100_000.0) == []
    assert (int(run.side), float(run.qty), int(run.opening)) == (0, 0.0, 0)


def test_a_fill_of_zero_books_nothing(mode: str) -> None:
    run = Run(mode)
    run.bar(100_000.0, 35.0, 29.0)
    assert run.fill("entry", 0.0, 100_000.0, left=0.2) == []
    assert (int(run.side), int(run.opening)) == (0, 1)


def test_average_and_ladder_come_from_fills_not_from_the_ticker(mode: str) -> None:
    run = Run(mode)
    run.bar(100_000.0, 35.0, 29.0)
    run.fill("entry", 0.1, 100_000.0, left=0.1)
    run.fill("entry", 0.1, 101_000.0, last=99_000.0)
    assert float(run.average) == 100_500.0
    assert run.tp_price[0] == 102_510.0


def test_a_stop_already_beyond_the_market_closes_now(mode: str) -> None:
    run = Run(mode, use_sl=True)
    run.bar(100_000.0, 35.0, 29.0)
    (close,) = run.fill("entry", 0.2, 106_000.0, last=100_700.0)
    assert (close.slot, close.type, close.qty, close.side, close.reason) == ("exit", "market", 0.2, -1, "sl")
    assert close.reduce_only
    assert brief(run.fill("exit", 0.2, 100_690.0)) == [("cancel", "sl")]
    assert int(run.side) == 0


# -- take profit and break-even --------------------------------------------------------------------------------------


def test_each_take_profit_shrinks_and_tightens_the_stop(mode: str) -> None:
    run = Run(mode, tp1_ratio=20, tp2_ratio=20, tp3_ratio=20, use_sl=True, trailing_start_point="NONE")
    run.open_long()
    moves = []
    for level, price in enumerate((102_000.0, 103_000.0, 104_000.0), start=1):
        (stop,) = run.fill(f"tp:{level}", 0.04, price)
        moves.append((stop.kind, stop.trigger, stop.qty, stop.reason))
    assert moves == [
        ("amend", 100_000.0, 0.16, "break_even"),
        ("amend", 102_000.0, 0.12, "break_even"),
        ("amend", 103_000.0, 0.08, "break_even"),
    ]


def test_break_even_works_without_any_static_stop_on_spot(mode: str) -> None:
    run = Run(mode, spot(), btc_investment=20_000)
    run.open_long()
    assert int(run.stop_live) == 0
    assert brief(run.fill("tp:1", 0.06, 102_000.0)) == [("place", "sl")]


def test_switched_off_break_even_only_shrinks_the_stop(mode: str) -> None:
    run = Run(mode, use_break_even=False)
    run.open_long()
    (stop,) = run.fill("tp:1", 0.06, 102_000.0)
    assert (stop.trigger, stop.qty, stop.reason) == (91_448.0, 0.14, "guard")


def test_break_even_behind_a_disabled_level_falls_back_to_the_average(mode: str) -> None:
    run = Run(mode, use_tp1=False, tp1_value=9)
    run.open_long()
    (stop,) = run.fill("tp:2", 0.08, 103_000.0)
    assert stop.trigger == 100_000.0


def test_a_part_of_a_take_profit_only_resizes(mode: str) -> None:
    run = Run(mode)
    run.open_long()
    (stop,) = run.fill("tp:1", 0.02, 102_000.0, left=0.04)
    assert (stop.trigger, stop.qty, int(run.tp_filled)) == (91_448.0, 0.18, 0)
    (stop,) = run.fill("tp:1", 0.04, 102_000.0)
    assert (stop.trigger, int(run.tp_filled)) == (100_000.0, 1)


def test_the_last_take_profit_ends_the_leg_and_withdraws_the_stop(mode: str) -> None:
    run = Run(mode)
    run.open_long()
    run.fill("tp:1", 0.06, 102_000.0)
    run.fill("tp:2", 0.06, 103_000.0)
    assert brief(run.fill("tp:3", 0.08, 104_000.0)) == [("cancel", "sl")]
    assert (int(run.side), float(run.qty), int(run.dca_count)) == (0, 0.0, 0)
    assert run.report("sl", FillKind.ENDED) == []


def test_the_stop_ends_the_leg_and_withdraws_the_ladder(mode: str) -> None:
    run = Run(mode)
    run.open_long()
    run.fill("tp:1", 0.06, 102_000.0)
    assert brief(run.fill("sl", 0.14, 100_000.0)) == [("cancel", "tp:2"), ("cancel", "tp:3")]
    assert [run.report(slot, FillKind.ENDED) for slot in ("tp:2", "tp:3", "sl")] == [[], [], []]
    assert run.tp_cancelling == [0, 0, 0]


def test_a_take_profit_cancelled_by_somebody_else_is_suspended_not_filled(mode: str) -> None:
    run = Run(mode, **EVERY_BAR)
    run.open_long()
    assert run.report("tp:1", FillKind.ENDED, left=0.06) == []
    assert (run.tp_status[0], int(run.tp_filled), float(run.break_even)) == (SUSPENDED, 0, 0.0)
    run.bar(100_000.0)
    wishes = run.fill("add:2", 0.2, 100_000.0)
    assert ("place", "tp:1") in brief(wishes)
    assert ("cancel", "tp:1") not in brief(wishes)


def test_the_end_of_a_replaced_level_is_not_taken_for_the_new_one(mode: str) -> None:
    run = Run(mode, **EVERY_BAR)
    run.open_long()
    run.bar(100_000.0)
    wishes = run.fill("add:2", 0.2, 99_000.0)
    assert brief(wishes) == [
        ("amend", "sl"),
        *(("cancel", f"tp:{level}") for level in (1, 2, 3)),
        *(("place", f"tp:{level}") for level in (1, 2, 3)),
    ]
    for level in (1, 2, 3):
        assert run.report(f"tp:{level}", FillKind.ENDED) == []
    assert run.tp_status == [WORKING] * 3


def test_an_add_restarts_the_ladder_and_may_loosen_the_stop(mode: str) -> None:
    run = Run(mode, **EVERY_BAR)
    run.open_long()
    run.fill("tp:1", 0.06, 102_000.0)
    assert float(run.stop_price) == 100_000.0
    run.bar(101_000.0)
    stop, *rest = run.fill("add:2", 0.2, 101_000.0)
    assert (stop.slot, stop.reason, stop.qty) == ("sl", "guard", 0.34)
    assert stop.trigger < 100_000.0
    assert int(run.tp_filled) == 0
    assert sum(wish.qty for wish in rest if wish.kind == "place") == pytest.approx(0.34)
    assert float(run.average) == (0.14 * 100_000.0 + 0.2 * 101_000.0) / (0.14 + 0.2)


def test_an_add_on_spot_withdraws_a_break_even_stop_that_no_longer_counts(mode: str) -> None:
    run = Run(mode, spot(), btc_investment=20_000, **EVERY_BAR)
    run.open_long()
    run.fill("tp:1", 0.06, 102_000.0)
    run.bar(101_000.0)
    wishes = run.fill("add:2", 0.2, 101_000.0)
    assert brief(wishes)[0] == ("cancel", "sl")
    assert int(run.stop_live) == 0


def test_the_stop_for_the_last_entry_appears_with_it(mode: str) -> None:
    run = Run(mode, use_sl_on_last=True, pyramiding_limit=2, **EVERY_BAR)
    run.open_long()
    assert float(run.stop_price) == 91_448.0
    run.bar(100_000.0)
    stop, *_ = run.fill("add:2", 0.2, 100_000.0)
    assert (stop.trigger, stop.reason) == (95_000.0, "sl")


# -- dust and force close --------------------------------------------------------------------------------------------


def test_dust_after_a_reducing_fill_is_closed_at_market(mode: str) -> None:
    run = Run(mode, tp1_ratio=45, tp2_ratio=45, tp3_ratio=10)
    run.open_long()
    run.fill("tp:1", 0.09, 102_000.0)
    (close,) = run.fill("tp:2", 0.09, 103_000.0)
    assert (close.slot, close.qty, close.reason) == ("exit", 0.02, "force_close")
    assert brief(run.fill("exit", 0.02, 103_000.0)) == [("cancel", "sl"), ("cancel", "tp:3")]


def test_a_small_entry_is_never_force_closed(mode: str) -> None:
    run = Run(mode, btc_investment="0.1")
    assert brief(run.open_long()) == [("place", "tp:1")]


def test_what_is_too_small_for_any_order_is_dust_and_no_loop(mode: str) -> None:
    run = Run(mode, swap(min_qty=swap().lot * 5), tp1_ratio=90, tp2_ratio=5, tp3_ratio=5)
    run.open_long()
    assert run.fill("tp:1", 0.18, 102_000.0, left=0.02) == []
    assert (int(run.dust), float(run.qty)) == (1, 0.02)
    assert [run.bar(103_000.0) for _ in range(3)] == [[], [], []]
    assert brief(run.fill("tp:1", 0.02, 102_000.0)) == [("cancel", "sl")]


def test_a_close_that_failed_is_sent_again_at_the_next_candle(mode: str) -> None:
    run = Run(mode, tp1_ratio=45, tp2_ratio=45, tp3_ratio=10)
    run.open_long()
    run.fill("tp:1", 0.09, 102_000.0)
    run.fill("tp:2", 0.09, 103_000.0)
    assert run.report("exit", FillKind.REJECTED, left=0.02) == []
    assert brief(run.bar(103_000.0)) == [("place", "exit")]


# -- stop ------------------------------------------------------------------------------------------------------------


def test_a_stop_that_vanished_comes_back(mode: str) -> None:
    run = Run(mode)
    run.open_long()
    (stop,) = run.report("sl", FillKind.ENDED, left=0.2, last=100_000.0)
    assert (stop.kind, stop.trigger, stop.qty) == ("place", 91_448.0, 0.2)


def test_a_stop_the_venue_refuses_closes_the_leg(mode: str) -> None:
    run = Run(mode)
    run.open_long()
    (close,) = run.report("sl", FillKind.REJECTED, left=0.2, last=100_000.0)
    assert (close.slot, close.qty) == ("exit", 0.2)


def test_a_stop_filling_in_parts_is_left_to_finish(mode: str) -> None:
    run = Run(mode)
    run.open_long()
    assert run.fill("sl", 0.15, 91_448.0, left=0.05) == []
    assert brief(run.fill("sl", 0.05, 91_440.0)) == [("cancel", f"tp:{level}") for level in (1, 2, 3)]


def test_what_a_finished_stop_left_is_closed_at_market(mode: str) -> None:
    run = Run(mode)
    run.open_long()
    (close,) = run.fill("sl", 0.15, 91_448.0)
    assert (close.slot, close.qty) == ("exit", 0.05)


def test_the_end_of_a_leg_withdraws_an_add_on_its_way_and_that_is_no_failure(mode: str) -> None:
    run = Run(mode, **EVERY_BAR)
    run.open_long()
    run.bar(100_000.0)
    wishes = run.fill("sl", 0.2, 91_448.0)
    assert ("cancel", "add:2") in brief(wishes)
    assert run.report("add:2", FillKind.ENDED, left=0.2, side=1) == []
    assert int(run.entry_failures) == 0


def test_an_add_that_fills_after_the_leg_ended_is_protected_as_a_new_leg(mode: str) -> None:
    run = Run(mode, **EVERY_BAR)
    run.open_long()
    run.bar(100_000.0)
    run.fill("sl", 0.2, 91_448.0)
    wishes = run.fill("add:2", 0.2, 91_400.0, side=1)
    assert brief(wishes) == [("place", "sl"), ("place", "tp:1"), ("place", "tp:2"), ("place", "tp:3")]
    assert (int(run.dca_count), float(run.average)) == (1, 91_400.0)


def test_a_fill_that_arrives_after_the_end_of_its_entry_is_still_protected(mode: str) -> None:
    run = Run(mode)
    run.bar(100_000.0, 35.0, 29.0)
    run.fill("entry", 0.1, 100_000.0, left=0.1)
    run.report("entry", FillKind.ENDED, left=0.1, last=100_000.0)
    wishes = run.fill("entry", 0.1, 100_000.0, side=1)
    assert brief(wishes)[0] == ("amend", "sl")
    assert (float(run.qty), int(run.dca_count), float(run.stop_qty)) == (0.2, 1, 0.2)


# -- clocks and restart ----------------------------------------------------------------------------------------------


def test_lock_and_entry_cooldown_run_from_the_decision_and_exit_cooldown_from_the_exit(mode: str) -> None:
    run = Run(mode, cooldown_time=600)
    run.bar(100_000.0, 35.0, 29.0)
    decided = run.now_ms
    run.now_ms += 20_000
    run.fill("entry", 0.2, 100_000.0)
    assert run.lock_ms == [decided + TIMEFRAME_MS, 0]
    assert run.cooldown_ms == [decided + 600_000, 0]
    run.fill("sl", 0.2, 91_000.0)
    assert run.cooldown_ms == [run.now_ms + 600_000, 0]


def test_a_restart_at_any_moment_changes_nothing_that_follows() -> None:
    """Twin runs, one of them written to JSON and read back before every call."""
    plain, restarted = Run(INTERPRETED, **FREE), Run(INTERPRETED, **FREE)

    def both(call: str, *arguments: object, **named: object) -> None:
        restarted.state = state_from_json(state_to_json(restarted.state), HYPERRSI.state)
        assert getattr(plain, call)(*arguments, **named) == getattr(restarted, call)(*arguments, **named)
        assert plain.state.tobytes() == restarted.state.tobytes()

    both("bar", 100_000.0, 35.0, 29.0)
    both("fill", "entry", 0.05, 100_010.0, left=0.15)
    both("fill", "entry", 0.15, 100_020.0)
    both("bar", 98_000.0, 35.0, 29.0)
    both("tick", 97_000.0)
    both("fill", "add:2", 0.2, 96_990.0)
    both("fill", "tp:1", 0.12, 100_500.0)
    both("fill", "tp:2", 0.12, 101_500.0)
    both("fill", "sl", 0.16, 100_500.0)
    both("bar", 98_000.0, 65.0, 71.0)


def test_tp_statuses_tell_the_levels_apart(mode: str) -> None:
    run = Run(mode)
    run.open_long()
    run.fill("tp:1", 0.06, 102_000.0)
    assert run.tp_status == [FILLED, WORKING, WORKING]
    assert int(run.exit_reason) == Reason.NONE
