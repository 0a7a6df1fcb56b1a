"""The trend state: the whole fold against golden and plain computations, and what a fold must never do."""

import hashlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.indicators.plain_trend import plain_trend
from tests.unit.indicators.series import COMPILED, both_modes, drawn, golden, in_mode, new_fold, times, walk

from tradingboost.indicators.trend import (
    known_at,
    trend,
    trend_continue,
    trend_short_history,
    trend_step,
    trend_value,
    trend_warming_up,
)
from tradingboost.indicators.trend_fold import OFFERED, TREND, VIDYA_MINUTES, feed_minutes, warm_up_bars
from tradingboost.strategies.contract import state_from_json, state_to_json


def changes(values: list[int]) -> list[list[int]]:
    """[index, new value] wherever a column changes, the start 0 not counted."""
    return [[i, now] for i, (before, now) in enumerate(pairwise([0, *values])) if before != now]


def digest(values: list[int]) -> str:
    return hashlib.sha256(",".join(map(str, values)).encode()).hexdigest()


@both_modes
def test_the_golden_fold(mode: str) -> None:
    vector = golden("trend.fold")
    rule, expected = vector["input"], vector["expected"]
    closes = drawn(rule["series"], rule["bars"])
    assert [*closes[:3], closes[-1]] == [*rule["check"]["close_first"], rule["check"]["close_last"]]
    fold, states, bursts = new_fold(), [], []
    take, ms = in_mode(mode, trend_continue), times(closes.size, rule["chart_minutes"])
    for i in range(0, closes.size, 3):  # three chart bars are one bar of the band timeframe
        states += take(fold, rule["chart_minutes"], 0, ms[i : i + 3], closes[i : i + 3]).tolist()
        bursts.append(int(fold.trend_width_state[0]))
    for name, found in (("trend", states), ("bb", bursts)):
        assert {key: found.count(int(key)) for key in expected[f"{name}_counts"]} == expected[f"{name}_counts"]
        wanted = expected[f"first_{name}_changes"]
        assert changes(found)[: len(wanted)] == wanted
        assert (len(changes(found)), digest(found)) == (expected[f"{name}_changes"], expected[f"{name}_sha256"])


@pytest.mark.parametrize(
    ("chart", "feed", "longer"),
    [(1, 1, 0), (3, 1, 0), (5, 5, 0), (15, 5, 0), (30, 30, 0), (60, 60, 0), (120, 60, 0), (360, 60, 0), (60, 60, 1)],
)
def test_a_plain_second_computation_over_whole_bars_agrees(chart: int, feed: int, longer: int) -> None:
    _, _, closes = walk(6000, seed=chart + longer, sigma=0.004)
    ms = times(closes.size, feed, first_open_ms=10 * feed * 60_000)
    states = dict(zip((ms // 60_000).tolist(), trend(ms, closes, chart, longer).tolist(), strict=True))
    expected = plain_trend(dict(zip((ms // 60_000).tolist(), closes.tolist(), strict=True)), chart, bool(longer))
    whole = {at: state for at, state in expected.items() if at in states}
    assert {at: states[at] for at in whole} == whole
    assert len(set(whole.values())) > 1


def test_a_plain_second_computation_agrees_in_a_market_so_wild_that_the_long_width_stays_above_one() -> None:
    _, _, closes = walk(6000, seed=6, sigma=0.02)
    ms = times(closes.size, 60)
    states = dict(zip((ms // 60_000).tolist(), trend(ms, closes, 60).tolist(), strict=True))
    assert states == plain_trend(dict(zip((ms // 60_000).tolist(), closes.tolist(), strict=True)), 60)
    assert set(states.values()) == {-2, 0, 2}


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 99), lost=st.sets(st.integers(1, 1500), max_size=300), chart=st.sampled_from([1, 3, 5]))
def test_missing_bars_are_never_invented(seed: int, lost: set[int], chart: int) -> None:
    _, _, closes = walk(1500, seed=seed)
    kept = np.array([i for i in range(1500) if i not in lost])
    ms, closes = times(1500, 1)[kept], closes[kept]
    states = dict(zip((ms // 60_000).tolist(), trend(ms, closes, chart).tolist(), strict=True))
    expected = plain_trend(dict(zip((ms // 60_000).tolist(), closes.tolist(), strict=True)), chart)
    assert {at: states[at] for at in expected if at in states} == {at: expected[at] for at in expected if at in states}


@pytest.mark.parametrize("longer", [0, 1])
@pytest.mark.parametrize("chart", OFFERED)
def test_trap_every_offered_timeframe_has_a_state_that_moves(chart: int, longer: int) -> None:
    feed = feed_minutes(chart, longer)
    bars = max(260 * chart, 400 * 1440 if longer else 0, 3000 * feed) // feed
    turns = np.repeat([0.0004, -0.0004, 0.0006, -0.0006], bars // 4 + 1)[:bars]
    noise = np.random.default_rng(3).normal(0, 0.0008, bars) * np.sqrt(feed / 5)
    closes = 100.0 * np.exp(np.cumsum(turns + noise))
    assert {-2, 0, 2} >= set(trend(times(bars, feed), closes, chart, longer)) > {0}


@settings(deadline=None, max_examples=20)
@given(cuts=st.sets(st.integers(1, 2499), max_size=12), chart=st.sampled_from([1, 3, 5, 120]), longer=st.integers(0, 1))
def test_trap_a_restart_at_any_bar_changes_no_later_value(cuts: set[int], chart: int, longer: int) -> None:
    feed = feed_minutes(chart, longer)
    ms, (_, _, closes) = times(2500, feed), walk(2500)
    fold, found = new_fold(), []
    for begin, end in pairwise([0, *sorted(cuts), 2500]):
        found += trend_continue(fold, chart, longer, ms[begin:end], closes[begin:end]).tolist()
        fold = state_from_json(state_to_json(fold), TREND)
    whole = new_fold()
    assert found == trend_continue(whole, chart, longer, ms, closes).tolist()
    assert fold.tobytes() == whole.tobytes()


@both_modes
@pytest.mark.parametrize(("chart", "longer"), [(5, 0), (240, 1)])
def test_trap_bar_by_bar_equals_the_column_bit_for_bit(mode: str, chart: int, longer: int) -> None:
    ms, (_, _, closes) = times(900, feed_minutes(chart, longer)), walk(900)
    fold, whole = new_fold(), new_fold()
    step, value = in_mode(mode, trend_step), in_mode(mode, trend_value)
    found = []
    for i in range(closes.size):
        step(fold[0], chart, longer, int(ms[i]), float(closes[i]))
        found.append(int(value(fold[0])))
    assert found == in_mode(COMPILED, trend_continue)(whole, chart, longer, ms, closes).tolist()
    assert fold.tobytes() == whole.tobytes()


@pytest.mark.parametrize("chart", [5, 60, 240])
@pytest.mark.parametrize("change", ["double", "reverse"])
def test_trap_altering_future_bars_never_alters_past_state(chart: int, change: str) -> None:
    feed = feed_minutes(chart)
    ms, (_, _, closes) = times(4000, feed), walk(4000, seed=chart)
    before = trend(ms, closes, chart)
    for begin in (1000, 1001, 2503, 3999):
        altered = closes.copy()
        altered[begin:] = altered[begin:] * 2.0 if change == "double" else altered[begin:][::-1]
        assert trend(ms, altered, chart)[:begin].tolist() == before[:begin].tolist()


def test_trap_of_every_timeframe_the_latest_closed_bar_is_read_and_no_later_nor_earlier_one() -> None:
    ms, (_, _, closes) = times(4000, 1, first_open_ms=7 * 60_000), walk(4000)
    fold = new_fold()
    for i in range(closes.size):
        trend_step(fold[0], 3, 1, int(ms[i]), float(closes[i]))
        for minutes, read, began in (
            (5, fold.trend_closes[0, -1], 10),
            (VIDYA_MINUTES, fold.trend_vidya_close[0], 240),
        ):
            closed_at = ms[i] // (minutes * 60_000) * minutes
            assert read == (closes[closed_at - 8] if closed_at >= began else 0.0)


@pytest.mark.parametrize("chart", [1, 3, 5, 60])
def test_finer_bars_give_the_same_states_as_the_coarsest_that_fit(chart: int) -> None:
    feed = feed_minutes(chart)
    ms, (_, _, closes) = times(1500 * feed * 2, 1), walk(1500 * feed * 2, seed=5)
    coarse_ms, coarse = ms[feed - 1 :: feed], closes[feed - 1 :: feed]
    fine = trend(ms, closes, chart)[known_at(coarse_ms, ms)]
    assert fine.tolist() == trend(coarse_ms, coarse, chart).tolist()
    assert len(set(fine)) > 1


def test_trap_a_short_warm_up_somewhere_is_seen_nowhere_in_the_last_500_values() -> None:
    """Live rebuild, restart and backtest start at different bars; each with full warm-up."""
    bars = warm_up_bars(5, 5) + 500
    ms, (_, _, closes) = times(bars + 8000, 5), walk(bars + 8000, seed=11)
    whole = trend(ms, closes, 5)[-500:]
    for start in (8000, 7993, 5000, 1):
        assert trend(ms[start:], closes[start:], 5)[-500:].tolist() == whole.tolist()
    assert len(set(whole)) > 1


@both_modes
def test_before_200_chart_bars_the_state_is_not_shown(mode: str) -> None:
    fold = new_fold()
    fold.trend_state, fold.trend_chart_bars = 2, 199
    assert (in_mode(mode, trend_value)(fold[0]), in_mode(mode, trend_warming_up)(fold[0])) == (0, True)
    fold.trend_chart_bars = 200
    assert (in_mode(mode, trend_value)(fold[0]), in_mode(mode, trend_warming_up)(fold[0])) == (2, False)


def test_a_short_history_says_so_until_ten_thousand_bars_of_the_band_timeframe() -> None:
    fold, ms, (_, _, closes) = new_fold(), times(10_000, 60), walk(10_000)
    trend_continue(fold, 240, 0, ms[:-1], closes[:-1])
    assert (fold.trend_chart_bars[0], trend_short_history(fold[0])) == (2499, True)
    trend_continue(fold, 240, 0, ms[-1:], closes[-1:])
    assert (fold.trend_chart_bars[0], trend_short_history(fold[0])) == (2500, False)


def test_a_bar_told_twice_or_late_changes_nothing() -> None:
    _, _, closes = walk(500)
    fold, ms = new_fold(), times(500, 5)
    trend_continue(fold, 5, 0, ms, closes)
    before = fold.tobytes()
    assert not trend_step(fold[0], 5, 0, int(ms[-1]), 1.0)
    assert not trend_step(fold[0], 5, 0, int(ms[-2]), 1.0)
    assert fold.tobytes() == before


def test_a_chart_bar_that_closes_is_told() -> None:
    fold = new_fold()
    assert [trend_step(fold[0], 3, 0, minute * 60_000, 100.0) for minute in (1, 2, 3, 4, 8, 9)] == [
        False,
        False,
        True,
        False,
        True,  # 3 to 6 was cut short by a gap
        True,
    ]


def test_trap_a_flat_market_and_a_new_listing_give_no_trend_and_no_error() -> None:
    for bars in (0, 1, 2, 14, 15, 60, 3000):
        for chart in OFFERED:
            assert set(trend(times(bars, feed_minutes(chart)), np.full(bars, 50.0), chart).tolist()) <= {0}


def test_the_last_bar_closed_at_a_decision_is_the_one_read() -> None:
    closes_ms = np.array([100, 200, 300])
    assert known_at(np.array([99, 100, 250, 300, 900]), closes_ms).tolist() == [-1, 0, 1, 2, 2]
