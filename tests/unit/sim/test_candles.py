"""Bars, candles, scales, paths and random streams."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sim.desk import BTC, START_US, Desk, only

from tradingboost.sim import commands as c
from tradingboost.sim.bars import BARS, MINUTE_US, bar_length, bar_open
from tradingboost.sim.events import CandleChanged
from tradingboost.sim.levels import Levels
from tradingboost.sim.path import bridge, candle_prints, corners, print_times
from tradingboost.sim.rng import stream
from tradingboost.sim.rows import Candle
from tradingboost.sim.scale import NOT_A_MULTIPLE, parse, quotient, render, to_units


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("bar", "at", "opened"),
    [
        ("1m", "2024-03-15T10:17:42", "2024-03-15T10:17:00"),
        ("4H", "2024-03-15T10:17:42", "2024-03-15T08:00:00"),
        ("6Hutc", "2024-03-15T10:17:42", "2024-03-15T06:00:00"),
        ("6H", "2024-03-15T10:17:42", "2024-03-15T10:00:00"),
        ("1D", "2024-03-15T17:00:00", "2024-03-15T16:00:00"),
        ("1Dutc", "2024-03-15T17:00:00", "2024-03-15T00:00:00"),
        ("1Wutc", "2024-03-15T17:00:00", "2024-03-11T00:00:00"),
        ("1W", "2024-03-10T17:00:00", "2024-03-10T16:00:00"),
        ("1Mutc", "2024-02-29T23:59:59", "2024-02-01T00:00:00"),
        ("1M", "2024-02-29T16:00:00", "2024-02-29T16:00:00"),
        ("3Mutc", "2024-12-31T00:00:00", "2024-10-01T00:00:00"),
    ],
)
def test_bars_open_where_the_calendar_says(bar: str, at: str, opened: str) -> None:
    assert bar_open(bar, micros(at)) == micros(opened)


@given(st.sampled_from(BARS), st.integers(0, 4_000_000_000))
def test_a_bar_contains_its_instants_and_opens_once(bar: str, second: int) -> None:
    ts_us = second * 1_000_000
    opened = bar_open(bar, ts_us)
    assert opened <= ts_us
    assert bar_open(bar, opened) == opened
    assert opened == bar_open(bar, opened - 1) + (bar_length(bar) or opened - bar_open(bar, opened - 1))


def test_a_minute_closes_by_the_clock_with_what_was_printed() -> None:
    desk = Desk()
    desk.trade(401_000, lots=5)
    desk.trade(399_000, lots=7)
    events = desk.engine.advance(START_US + MINUTE_US)
    (minute,) = [event.candle for event in only(events, CandleChanged) if event.bar == "1m"]
    cost = 401_000 * 5 + 399_000 * 7
    assert minute == Candle(START_US, 400_000, 401_000, 399_000, 399_000, 12, cost)


def test_a_minute_without_prints_closes_flat_with_volume_zero() -> None:
    desk = Desk()
    events = desk.engine.advance(START_US + 2 * MINUTE_US)
    second = [event.candle for event in only(events, CandleChanged) if event.bar == "1m"][1]
    assert second == Candle(START_US + MINUTE_US, 400_000, 400_000, 400_000, 400_000, 0, 0)


def test_a_print_at_the_boundary_belongs_to_the_new_minute() -> None:
    desk = Desk()
    desk.now = START_US + MINUTE_US
    desk.trade(405_000)
    closed, running = desk.engine.candles(BTC, "1m", 5)
    assert (closed.high, running.open) == (400_000, 405_000)


def test_longer_bars_close_on_time_and_show_the_running_minute() -> None:
    desk = Desk()
    desk.now = START_US + 2 * MINUTE_US
    desk.trade(402_000, lots=3)
    (running,) = desk.engine.candles(BTC, "5m", 5)
    assert running == Candle(START_US, 400_000, 402_000, 400_000, 402_000, 3, 402_000 * 3)
    events = desk.engine.advance(START_US + 15 * MINUTE_US)
    closes = [(event.bar, event.candle.ts_us) for event in only(events, CandleChanged) if event.bar != "1m"]
    assert [bar for bar, _ in closes].count("3m") == 5
    assert [bar for bar, _ in closes].count("5m") == 3
    assert closes[-1] == ("15m", START_US)


def test_history_can_be_seeded_and_is_folded_into_longer_bars() -> None:
    desk = Desk()
    eth = "ETH-USDT-SWAP"
    five = 5 * MINUTE_US
    rows = tuple(Candle(START_US - (12 - i) * five, 100 + i, 110 + i, 90 + i, 101 + i, 2, 200) for i in range(12))
    desk.apply(c.SeedCandles(at_us=desk.now, inst_id=eth, bar="5m", rows=rows))
    assert desk.engine.last(eth) == 112
    (hour,) = desk.engine.candles(eth, "1H", 5)
    assert hour == Candle(START_US - 12 * five, 100, 121, 90, 112, 24, 2_400)
    assert desk.engine.candles(eth, "3m", 5) == ()
    assert len(desk.engine.candles(eth, "5m", 50)) == 12


def test_kept_candles_are_bounded() -> None:
    desk = Desk()
    keep = desk.engine.policy.candle_rows
    rows = tuple(Candle(START_US - (2 * keep - i) * MINUTE_US, 1, 1, 1, 1, 0, 0) for i in range(2 * keep))
    desk.apply(c.SeedCandles(at_us=desk.now, inst_id="ETH-USDT-SWAP", bar="1m", rows=rows))
    assert keep <= len(desk.engine.candles("ETH-USDT-SWAP", "1m", 10**6)) <= keep * 6 // 5


@pytest.mark.parametrize(
    ("ohlc", "path"),
    [
        ((100, 105, 94, 101), (100, 94, 105, 101)),
        ((100, 105, 94, 97), (100, 105, 94, 97)),
        ((100, 100, 100, 100), (100, 100, 100, 100)),
        ((100, 103, 100, 103), (100, 100, 103, 103)),
    ],
)
def test_the_path_of_a_bar_is_that_of_the_golden(ohlc: tuple[int, int, int, int], path: tuple[int, ...]) -> None:
    assert corners(*ohlc) == path


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 20), st.integers(0, 2**64))
def test_a_bridge_keeps_its_ends_and_its_band(start: int, end: int, points: int, seed: int) -> None:
    prices = bridge(start, end, points, stream(seed, "market"))
    assert len(prices) == points
    assert prices[-1] == end
    assert all(min(start, end) <= px <= max(start, end) for px in prices)


@given(st.lists(st.integers(1, 1_000), min_size=4, max_size=4), st.integers(0, 10_000), st.integers(1, 12))
def test_prints_of_a_candle_fold_back_into_it(prices: list[int], lots: int, points: int) -> None:
    high, low = max(prices), min(prices)
    prints = candle_prints((prices[0], high, low, prices[3]), lots, points, stream(1, "market"))
    levels = [px for px, _ in prints]
    assert (levels[0], max(levels), min(levels), levels[-1]) == (prices[0], high, low, prices[3])
    assert sum(part for _, part in prints) == lots
    assert len(print_times(0, MINUTE_US, len(prints))) == len(prints)


def test_streams_are_independent_by_name_and_equal_by_seed() -> None:
    first = [stream(7, "market").next64() for _ in range(2)]
    assert first[0] == first[1]
    assert stream(7, "book").next64() != first[0]
    assert stream(8, "market").next64() != first[0]


def test_the_generator_is_the_published_splitmix64() -> None:
    source = stream(0, "")
    source.state = 1234567
    assert [source.next64() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(st.integers(-(10**30), 10**30))
def test_rendered_quanta_parse_back(quanta: int) -> None:
    assert parse(render(quanta)) == quanta


@pytest.mark.parametrize("text", ["", "-", ".", "1e5", "abc", "1.2.3", "0.0000000000001"])
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"decimal|finer"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [("42000.1", "0.1", 420_001), ("42000.15", "0.1", NOT_A_MULTIPLE), ("0.0000000000001", "0.1", NOT_A_MULTIPLE)],
)
def test_units_are_never_rounded(text: str, unit: str, expected: int) -> None:
    assert to_units(text, parse(unit)) == expected


@pytest.mark.parametrize(
    ("top", "bottom", "text"),
    [
        (1, 3, "0.3333333333333333"),
        (2, 3, "0.6666666666666667"),
        (-84_000, 2, "-42000"),
        (10**20, 3, "33333333333333330000"),
        (1, 10**15 * 2, "0.0000000000000005"),
        (0, 5, "0"),
        (99_999_999_999_999_995, 10, "1e16"),
    ],
)
def test_quotients_have_sixteen_significant_digits_half_even(top: int, bottom: int, text: str) -> None:
    assert quotient(top, bottom) == (str(int(float(text))) if "e" in text else text)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 20), st.integers(1, 50)), max_size=60))
def test_levels_answer_like_a_plain_search(steps: list[tuple[bool, int, int]]) -> None:
    levels, plain = Levels(), dict[int, dict[int, None]]()
    for adds, px, key in steps:
        if adds:
            levels.add(px, key)
            plain.setdefault(px, {}).setdefault(key)
        else:
            levels.discard(px, key)
            plain.get(px, {}).pop(key, None)
            if not plain.get(px, {1: None}):
                del plain[px]
    assert levels.prices == sorted(plain)
    assert {px: levels.ids(px) for px in levels.prices} == {px: list(keys) for px, keys in sorted(plain.items())}
    for px in range(22):
        assert levels.below(px) == max((row for row in plain if row < px), default=0)
        assert levels.above(px) == min((row for row in plain if row > px), default=0)
        assert levels.since(px) == [row for row in sorted(plain) if row >= px]
        assert levels.upto(px) == [row for row in sorted(plain, reverse=True) if row <= px]
