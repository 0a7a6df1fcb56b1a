"""Timeframes anchored at midnight UTC, and the fold from small candles to large ones."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import BTC, T0, VENUE, D

from tradingboost.core.errors import InvalidInput
from tradingboost.core.market import Candle, Timeframe, fold


def candle(minute: int, timeframe: Timeframe = Timeframe.M1) -> Candle:
    """A candle whose prices tell its place: open = n, high = n + 2, low = n - 1, close = n + 1, volume = 1."""
    n = D(100 + minute)
    return Candle(
        venue=VENUE,
        symbol=BTC,
        timeframe=timeframe,
        open_at=T0 + timedelta(minutes=minute),
        open=n,
        high=n + 2,
        low=n - 1,
        close=n + 1,
        volume=D(1),
    )


@pytest.mark.parametrize(
    ("text", "minutes"), [("1m", 1), ("3m", 3), (" 15M ", 15), ("1H", 60), ("2h", 120), ("4h", 240), ("1d", 1440)]
)
def test_a_timeframe_is_read_as_people_write_it(text: str, minutes: int) -> None:
    assert Timeframe.parse(text).minutes == minutes


@pytest.mark.parametrize("text", ["", "7m", "1w", "m", "5"])
def test_an_unknown_timeframe_names_the_known_ones(text: str) -> None:
    with pytest.raises(InvalidInput, match="choose one of 1m, 3m"):
        Timeframe.parse(text)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds it
    st.sampled_from(Timeframe),
)
def test_every_instant_lies_in_exactly_one_candle(moment: datetime, timeframe: Timeframe) -> None:
    opened = timeframe.open_of(moment)
    assert opened <= moment < opened + timeframe.length
    assert timeframe.open_of(opened) == opened
    assert (opened - datetime(1970, 1, 1, tzinfo=UTC)) % timeframe.length == timedelta(0)


def test_five_small_candles_make_one_large_one() -> None:
    (made,) = fold([candle(minute) for minute in range(5)], Timeframe.M5)
    assert (made.open, made.high, made.low, made.close, made.volume) == (D(100), D(106), D(99), D(105), D(5))
    assert (made.open_at, made.close_at, made.timeframe) == (T0, T0 + timedelta(minutes=5), Timeframe.M5)


def test_a_candle_with_a_missing_part_is_not_made() -> None:
    assert list(fold([candle(minute) for minute in (0, 1, 3, 4, 5, 6, 7, 8, 9)], Timeframe.M5)) == list(
        fold([candle(minute) for minute in range(5, 10)], Timeframe.M5)
    )


def test_a_start_in_the_middle_waits_for_the_next_candle() -> None:
    made = list(fold([candle(minute) for minute in range(3, 12)], Timeframe.M5))
    assert [large.open_at for large in made] == [T0 + timedelta(minutes=5)]


def test_a_candle_that_is_not_over_is_not_made() -> None:
    assert list(fold([candle(minute) for minute in range(4)], Timeframe.M5)) == []


@given(st.sets(st.integers(0, 90)), st.sampled_from([Timeframe.M3, Timeframe.M5, Timeframe.M15, Timeframe.M30]))
def test_a_large_candle_is_made_exactly_where_all_its_parts_are(minutes: set[int], timeframe: Timeframe) -> None:
    length = timeframe.minutes
    complete = [n for n in range(0, 91, length) if set(range(n, n + length)) <= minutes]
    made = list(fold([candle(minute) for minute in sorted(minutes)], timeframe))
    assert [large.open_at for large in made] == [T0 + timedelta(minutes=n) for n in complete]
    assert [large.volume for large in made] == [D(length)] * len(complete)


def test_folding_in_two_steps_is_folding_in_one() -> None:
    small = [candle(minute) for minute in range(120)]
    by_fives = list(fold(small, Timeframe.M5))
    assert list(fold(by_fives, Timeframe.M30)) == list(fold(small, Timeframe.M30))
