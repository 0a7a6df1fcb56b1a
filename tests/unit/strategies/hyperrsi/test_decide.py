"""First entries, adds and their gates."""

import math
from typing import Any

import pytest
from tests.unit.strategies.hyperrsi.harness import INTERPRETED, TIMEFRAME_MS, Run, brief, facts, spot, swap

from tradingboost.strategies.contract import FillKind, Reason

LONG_SIGNAL = (35.0, 29.0)
SHORT_SIGNAL = (65.0, 71.0)
FREE: dict[str, Any] = {"use_cooldown": False}


def test_a_signal_sends_one_market_entry_with_its_stop_attached(mode: str) -> None:
    run = Run(mode, use_sl=True)
    (entry,) = run.bar(100_000.0, *LONG_SIGNAL)
    assert (entry.kind, entry.slot, entry.type, entry.side, entry.position_side) == ("place", "entry", "market", 1, 1)
    assert (entry.qty, entry.trigger, entry.reduce_only, entry.reason) == (0.2, 95_000.0, False, "signal")


def test_without_a_static_stop_the_guard_is_attached(mode: str) -> None:
    (entry,) = Run(mode).bar(100_000.0, *LONG_SIGNAL)
    assert entry.trigger == 91_448.0


def test_spot_without_a_stop_attaches_none(mode: str) -> None:
    (entry,) = Run(mode, spot(), btc_investment=2000).bar(100_000.0, *LONG_SIGNAL)
    assert (entry.qty, entry.trigger) == (0.02, 0.0)


def test_nothing_else_opens_while_an_opening_is_unresolved(mode: str) -> None:
    run = Run(mode)
    assert len(run.bar(100_000.0, *LONG_SIGNAL)) == 1
    assert run.bar(100_000.0, *LONG_SIGNAL) == []
    assert run.bar(100_000.0, *SHORT_SIGNAL) == []
    assert run.note == [Reason.BUSY, Reason.BUSY]


def test_one_decision_a_bar_even_when_the_bar_is_told_twice(mode: str) -> None:
    run = Run(mode, **FREE)
    run.bar(100_000.0)
    run.now_ms -= TIMEFRAME_MS
    assert run.bar(100_000.0, *LONG_SIGNAL) == []


def test_a_pair_across_a_missing_candle_is_no_pair(mode: str) -> None:
    run = Run(mode)
    run.bar(100_000.0)
    run.now_ms += TIMEFRAME_MS
    assert run.bar(100_000.0, *LONG_SIGNAL) == []
    assert math.isnan(run.rsi_prev)


def test_a_level_entry_needs_no_bar_before(mode: str) -> None:
    run = Run(mode, entry_option="LEVEL")
    assert len(run.bar(100_000.0, math.nan, 29.0)) == 1


def test_the_first_bars_of_a_new_listing_produce_notes_not_errors(mode: str) -> None:
    run = Run(mode)
    assert run.bar(100_000.0, math.nan, math.nan, math.nan) == []
    assert run.note == [Reason.WARMING_UP, Reason.WARMING_UP]


def test_without_an_atr_an_atr_ladder_is_not_entered_and_it_is_no_failure(mode: str) -> None:
    run = Run(mode, tp_option="ATR")
    assert run.bar(100_000.0, *LONG_SIGNAL, math.nan) == []
    assert (run.note[0], int(run.entry_failures)) == (Reason.WARMING_UP, 0)
    assert Run(mode, use_sl=True, sl_option="ATR").bar(100_000.0, *LONG_SIGNAL, math.nan) == []


def test_a_cooldown_on_long_leaves_the_short_free(mode: str) -> None:
    run = Run(mode, entry_option="LEVEL", rsi_oversold=80, rsi_overbought=81)
    run.state[0].cooldown_ms[0] = run.now_ms + 10 * TIMEFRAME_MS
    (entry,) = run.bar(100_000.0, 90.0, 90.0)
    assert entry.side == -1


def test_long_is_asked_first_and_only_one_side_opens(mode: str) -> None:
    run = Run(mode, entry_option="TURN", rsi_oversold=60, rsi_overbought=61)
    (entry,) = run.bar(100_000.0, 50.0, 55.0)
    assert entry.side == 1


@pytest.mark.parametrize(("direction", "side"), [("LONG", 1), ("SHORT", -1)])
def test_the_direction_forbids_the_other_side(mode: str, direction: str, side: int) -> None:
    run = Run(mode, direction=direction)
    wishes = run.bar(100_000.0, *LONG_SIGNAL) + run.bar(100_000.0, *SHORT_SIGNAL)
    assert [wish.side for wish in wishes] == [side]
    assert run.note[0 if side < 0 else 1] in (Reason.DIRECTION, Reason.BUSY)


def test_lock_and_cooldown_survive_any_number_of_flat_decisions(mode: str) -> None:
    run = Run(mode, cooldown_time=3000)
    run.open_long()
    run.fill("sl", float(run.qty), 91_448.0)
    assert [run.bar(100_000.0, *LONG_SIGNAL) for _ in range(9)] == [[]] * 9
    assert run.note[0] == Reason.COOLDOWN
    assert len(run.bar(100_000.0, *LONG_SIGNAL) + run.bar(100_000.0, *LONG_SIGNAL)) == 1


def test_a_stopped_run_opens_nothing_and_keeps_its_exits(mode: str) -> None:
    run = Run(mode, **FREE)
    run.open_long()
    run.state[0].running = 0
    assert run.bar(96_000.0, *LONG_SIGNAL) == []
    assert run.triggers() == (-math.inf, math.inf)
    assert brief(run.fill("tp:1", 0.06, 102_000.0)) == [("amend", "sl")]


# -- sizes -----------------------------------------------------------------------------------------------------------


def test_a_size_below_the_minimum_is_raised_and_noted(mode: str) -> None:
    run = Run(mode, btc_investment="0.1")
    (entry,) = run.bar(100_000.0, *LONG_SIGNAL)
    assert (entry.qty, run.note[0]) == (0.01, Reason.RAISED_TO_MINIMUM)


def test_a_size_above_one_market_order_is_unplaceable_and_a_failure(mode: str) -> None:
    run = Run(mode, btc_investment=1_000_000, leverage=100)
    run.params[0].max_qty = 5.0
    assert run.bar(100_000.0, *LONG_SIGNAL) == []
    assert (run.note[0], int(run.entry_failures)) == (Reason.UNPLACEABLE, 1)


def test_a_leg_whose_stop_would_stand_beyond_the_market_is_not_entered(mode: str) -> None:
    run = Run(mode, swap(), facts(maintenance_rate=facts().maintenance_rate * 4), leverage=100)
    assert run.bar(100_000.0, *LONG_SIGNAL) == []
    assert run.note[0] == Reason.UNPLACEABLE


def test_percent_amounts_are_taken_of_the_balance_last_told_and_kept_for_the_leg(mode: str) -> None:
    run = Run(mode, entry_amount_option="percent", btc_investment=2, **FREE)
    run.state[0].available_quote = 1000.0
    (entry,) = run.bar(100_000.0, *LONG_SIGNAL)
    assert entry.qty == 0.2
    run.fill("entry", 0.2, 100_000.0)
    run.state[0].available_quote = 1.0
    (add,) = run.bar(97_000.0, *LONG_SIGNAL)
    assert add.qty == 0.2


def test_a_percentage_of_nothing_is_a_lack_of_margin_not_a_failure(mode: str) -> None:
    run = Run(mode, entry_amount_option="percent")
    assert run.bar(100_000.0, *LONG_SIGNAL) == []
    assert (run.note[0], int(run.entry_failures)) == (Reason.MARGIN, 0)


# -- failures --------------------------------------------------------------------------------------------------------


def test_the_third_failure_in_a_row_stops_the_run(mode: str) -> None:
    run = Run(mode)
    for count in (1, 2, 3):
        assert len(run.bar(100_000.0, *LONG_SIGNAL)) == 1
        assert run.report("entry", FillKind.REJECTED, left=0.2) == []
        assert (int(run.entry_failures), int(run.running)) == (count, int(count < 3))
        run.now_ms += TIMEFRAME_MS
        run.state[0].bar_ms = 0
    assert run.bar(100_000.0, *LONG_SIGNAL) == []
    assert run.note[0] == Reason.NOT_RUNNING


def test_a_success_resets_the_failures_and_nothing_else_does(mode: str) -> None:
    run = Run(mode, **FREE)
    run.bar(100_000.0, *LONG_SIGNAL)
    run.report("entry", FillKind.ENDED, left=0.2)
    run.bar(100_000.0)
    assert int(run.entry_failures) == 1
    run.open_long()
    assert int(run.entry_failures) == 0


def test_a_failed_entry_locks_its_side_for_the_candle(mode: str) -> None:
    run = Run(mode)
    run.bar(100_000.0, *LONG_SIGNAL)
    run.report("entry", FillKind.REJECTED, left=0.2)
    assert run.lock_ms == [run.now_ms + TIMEFRAME_MS, 0]


def test_lack_of_margin_is_counted_apart_and_pauses_at_the_fifteenth(mode: str) -> None:
    run = Run(mode)
    for _ in range(15):
        (entry,) = run.bar(100_000.0, *LONG_SIGNAL)
        run.report("entry", FillKind.DENIED, left=entry.qty)
    assert (int(run.entry_failures), int(run.running)) == (0, 1)
    assert run.bar(100_000.0, *LONG_SIGNAL) == []
    assert run.note[0] == Reason.MARGIN
    run.bar(100_000.0)
    assert len(run.bar(100_000.0, *LONG_SIGNAL)) == 1


def test_lack_of_margin_a_day_apart_does_not_add_up(mode: str) -> None:
    run = Run(mode)
    for _ in range(20):
        (entry,) = run.bar(100_000.0, *LONG_SIGNAL)
        run.report("entry", FillKind.DENIED, left=entry.qty)
        run.now_ms += 90_000_000
        run.state[0].bar_ms = 0
    assert int(run.margin_failures) == 1


# -- adds ------------------------------------------------------------------------------------------------------------


def add_run(mode: str, **given: Any) -> Run:
    run = Run(mode, **{**FREE, **given})
    run.open_long()
    return run


def test_an_add_needs_its_price_and_its_signal(mode: str) -> None:
    run = add_run(mode)
    assert run.bar(97_000.1, *LONG_SIGNAL) == []
    assert int(run.note_add) == Reason.PRICE_LEVEL
    assert run.bar(97_000.0, 50.0, 50.0) == []
    assert int(run.note_add) == Reason.NO_SIGNAL
    (add,) = run.bar(97_000.0, *LONG_SIGNAL)
    assert (add.slot, add.type, add.side, add.qty, add.trigger, add.reason) == ("add:2", "market", 1, 0.2, 0.0, "dca")


def test_an_add_by_tick_uses_the_pair_of_the_last_closed_bars_once(mode: str) -> None:
    run = add_run(mode)
    assert run.bar(98_000.0, *LONG_SIGNAL) == []
    assert run.triggers() == (97_000.0, math.inf)
    assert run.tick(97_000.1) == []
    (add,) = run.tick(97_000.0)
    assert add.slot == "add:2"
    assert run.triggers() == (-math.inf, math.inf)
    assert run.tick(96_000.0) == []
    run.fill("add:2", add.qty, 96_900.0)
    assert run.tick(90_000.0) == []
    assert int(run.note_add) == Reason.CANDLE_LOCK


def test_a_short_adds_above(mode: str) -> None:
    run = Run(mode, **FREE)
    run.open_short()
    run.bar(102_000.0, *SHORT_SIGNAL)
    assert run.triggers() == (-math.inf, 103_000.0)
    (add,) = run.tick(103_000.0)
    assert (add.slot, add.side, add.position_side) == ("add:2", -1, -1)


def test_no_trigger_is_named_when_nothing_could_be_added(mode: str) -> None:
    nothing = (-math.inf, math.inf)
    assert Run(mode).triggers() == nothing
    run = add_run(mode, use_check_DCA_with_price=False)
    run.bar(98_000.0)
    assert run.triggers() == nothing
    assert run.tick(1.0) == []
    assert add_run(mode, pyramiding_limit=1).triggers() == nothing


@pytest.mark.parametrize("limit", [1, 4])
def test_the_limit_counts_all_entries(mode: str, limit: int) -> None:
    run = add_run(mode, pyramiding_limit=limit, use_check_DCA_with_price=False, use_rsi_with_pyramiding=False)
    for _ in range(9):
        for wish in run.bar(100_000.0):
            run.fill(wish.slot, wish.qty, 100_000.0)
    assert int(run.dca_count) == limit
    assert int(run.note_add) == Reason.PYRAMIDING_LIMIT


def test_an_add_without_use_cooldown_ignores_an_old_cooldown(mode: str) -> None:
    run = add_run(mode)
    run.state[0].cooldown_ms[0] = run.now_ms + 100 * TIMEFRAME_MS
    assert len(run.bar(97_000.0, *LONG_SIGNAL)) == 1


def test_an_add_waits_for_the_cooldown_when_it_is_used(mode: str) -> None:
    run = Run(mode, cooldown_time=900)
    run.open_long()
    assert [len(run.bar(97_000.0, *LONG_SIGNAL)) for _ in range(3)] == [0, 0, 1]


def test_an_add_held_back_by_a_clock_waits_for_the_next_close_however_many_ticks_come(mode: str) -> None:
    """Else its moment would hang on the density of the ticks, and each of them would cost a transaction."""
    run = Run(mode, cooldown_time=450, use_rsi_with_pyramiding=False)
    run.open_long()
    run.bar(98_000.0)
    assert run.triggers()[0] == 97_000.0
    assert run.tick(97_000.0) == []
    assert int(run.note_add) == Reason.COOLDOWN
    assert run.triggers() == (-math.inf, math.inf)
    (add,) = run.bar(96_500.0)
    assert (add.slot, add.reason) == ("add:2", "dca")


def test_an_add_held_back_at_the_close_leaves_the_ticks_of_the_candle_alone(mode: str) -> None:
    run = Run(mode, cooldown_time=900, use_rsi_with_pyramiding=False)
    run.open_long()
    assert run.bar(96_500.0) == []
    assert run.triggers() == (-math.inf, math.inf)
    assert run.bar(98_000.0) == []
    assert run.triggers()[0] == 97_000.0


def test_the_multiplier_compounds_and_is_stored_with_every_entry(mode: str) -> None:
    run = add_run(mode, entry_multiplier=2, use_check_DCA_with_price=False, use_rsi_with_pyramiding=False)
    sizes = []
    for _ in range(3):
        (add,) = run.bar(100_000.0)
        sizes.append(add.qty)
        run.fill(add.slot, add.qty, 100_000.0)
    assert sizes == [0.4, 0.8, 1.6]
    assert run.entry_multiplier[:4] == [1.0, 2.0, 4.0, 8.0]


def test_levels_start_from_the_newest_entry_when_asked_to(mode: str) -> None:
    run = add_run(mode, entry_criterion="LAST_FILL")
    (add,) = run.bar(97_000.0, *LONG_SIGNAL)
    run.fill("add:2", add.qty, 96_000.0)
    run.bar(96_000.0, *LONG_SIGNAL)
    assert run.triggers()[0] == 93_120.0
    other = add_run(mode)
    other.bar(97_000.0, *LONG_SIGNAL)
    other.fill("add:2", 0.2, 96_000.0)
    other.bar(96_000.0, *LONG_SIGNAL)
    assert other.triggers()[0] == 95_060.0


def test_dca_levels_round_away_from_the_market(mode: str) -> None:
    run = Run(mode, **FREE)
    run.bar(100_000.3, *LONG_SIGNAL)
    run.fill("entry", 0.2, 100_000.3)
    run.bar(99_000.0, *LONG_SIGNAL)
    assert run.triggers()[0] == 97_000.2


def test_a_rejected_add_leaves_every_exit_live_and_locks_the_candle() -> None:
    run = add_run(INTERPRETED)
    before = (run.tp_status, float(run.stop_price), float(run.qty), int(run.dca_count))
    run.bar(97_000.0, *LONG_SIGNAL)
    assert run.report("add:2", FillKind.REJECTED, left=0.2) == []
    assert (run.tp_status, float(run.stop_price), float(run.qty), int(run.dca_count)) == before
    assert run.lock_ms[0] == run.now_ms + TIMEFRAME_MS
    assert int(run.opening) == 0
