"""Candles as columns: what is wrong with them is found, gaps are named, longer ones are exact."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradingboost.core.candles import (
    Gap,
    RawCandles,
    bar_length,
    bar_name,
    between,
    faults,
    filled,
    gaps,
    ordered,
    resampled,
)
from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.market import Candle, Timeframe, fold

MINUTE_MS = 60_000
START_MS = 1_704_067_200_000


def made(at: list[int], prices: list[float] | None = None, volume: list[float] | None = None) -> RawCandles:
    """Minute candles at the given minutes, with wicks of a tenth."""
    close = np.array(prices if prices is not None else [100.0] * len(at))
    times = START_MS + np.array(at, np.int64) * MINUTE_MS
    volumes = np.array(volume if volume is not None else [1.0] * len(at))
    return RawCandles(MINUTE_MS, times, close, close + 0.1, close - 0.1, close, volumes)


def test_sound_candles_have_no_fault_and_their_gaps_are_named() -> None:
    candles = made([0, 1, 4, 5])
    assert faults(candles) == []
    assert gaps(candles) == [Gap(START_MS + MINUTE_MS, START_MS + 4 * MINUTE_MS, 2)]
    assert (bar_length(candles.at_ms), bar_name(MINUTE_MS), bar_name(420_000)) == (MINUTE_MS, "1m", "7m")


@pytest.mark.parametrize(
    ("code", "candles"),
    [
        ("empty", made([])),
        ("order", made([0, 2, 1])),
        ("doubles", made([0, 1, 1, 2])),
        ("gaps", made([0, 1], [100.0, float("nan")])),
        ("gaps", made([0, 1], volume=[1.0, float("inf")])),
        ("prices", made([0, 1], [100.0, 0.05])),
        ("volume", made([0, 1], volume=[1.0, -0.5])),
    ],
)
def test_each_fault_is_found_by_its_own_word(code: str, candles: RawCandles) -> None:
    assert [fault.code for fault in faults(candles)] == [code]


def test_a_fault_says_how_often_and_where_first() -> None:
    (fault,) = faults(made([0, 1, 1, 1, 2, 2]))
    assert (fault.code, fault.count, fault.at_ms) == ("doubles", 3, START_MS + MINUTE_MS)


def test_seconds_for_milliseconds_are_found_before_anything_else() -> None:
    candles = made([0, 1])
    (fault,) = faults(RawCandles(MINUTE_MS, candles.at_ms // 1000, *candles.values))
    assert (fault.code, fault.count) == ("times", 2)


def test_sorting_drops_doubles_that_agree_and_refuses_those_that_do_not() -> None:
    found, dropped = ordered(made([2, 0, 1, 1], [3.0, 1.0, 2.0, 2.0]))
    assert (found.close.tolist(), dropped) == ([1.0, 2.0, 3.0], 1)
    with pytest.raises(InvalidInput, match=str(START_MS + MINUTE_MS)):
        ordered(made([0, 1, 1], [1.0, 2.0, 2.5]))


def test_a_stretch_is_half_open() -> None:
    found = between(made([0, 1, 2, 3]), START_MS + MINUTE_MS, START_MS + 3 * MINUTE_MS)
    assert found.at_ms.tolist() == [START_MS + MINUTE_MS, START_MS + 2 * MINUTE_MS]


def test_filled_candles_are_flat_and_marked() -> None:
    found, made_up = filled(made([0, 1, 4], [10.0, 30.0, 20.0]))
    assert found.at_ms.tolist() == [START_MS + i * MINUTE_MS for i in range(5)]
    assert made_up.tolist() == [False, False, True, True, False]
    assert (found.high.tolist(), found.volume.tolist()) == ([10.1, 30.1, 30.0, 30.0, 20.1], [1.0, 1.0, 0.0, 0.0, 1.0])
    assert gaps(found) == []


def test_a_longer_candle_is_made_of_what_the_exchange_printed() -> None:
    longer = resampled(made([0, 1, 4, 5], [10.0, 30.0, 20.0, 40.0]), 3 * MINUTE_MS)
    assert longer.at_ms.tolist() == [START_MS, START_MS + 3 * MINUTE_MS]
    assert (longer.open.tolist(), longer.close.tolist()) == ([10.0, 20.0], [30.0, 40.0])


def test_nothing_is_made_of_less_than_one_group() -> None:
    assert len(resampled(made([1, 2]), 5 * MINUTE_MS)) == 0
    assert len(resampled(made([]), 5 * MINUTE_MS)) == 0


@given(
    st.lists(st.tuples(st.integers(900, 1100), st.integers(0, 50), st.integers(0, 10**9)), min_size=1, max_size=60),
    st.sampled_from([Timeframe.M3, Timeframe.M5, Timeframe.M15]),
    st.integers(0, 14),
)
def test_columns_are_put_together_as_candles_are_folded(
    rows: list[tuple[int, int, int]], timeframe: Timeframe, first: int
) -> None:
    """The live fold in decimals and the columns in doubles give the same numbers, volumes included."""
    at = [first + i for i in range(len(rows))]
    small = [
        Candle(
            venue=Venue("okx"),
            symbol=Symbol("BTC-USDT"),
            timeframe=Timeframe.M1,
            open_at=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=at[i]),
            open=Decimal(price) / 10,
            high=Decimal(price + wick) / 10,
            low=Decimal(price - wick) / 10,
            close=Decimal(price) / 10,
            volume=Decimal(volume) / 10**5,
        )
        for i, (price, wick, volume) in enumerate(rows)
    ]
    names = ("open", "high", "low", "close", "volume")
    columns = [np.array([float(getattr(candle, name)) for candle in small]) for name in names]
    longer = resampled(
        RawCandles(MINUTE_MS, START_MS + np.array(at, np.int64) * MINUTE_MS, *columns), timeframe.minutes * MINUTE_MS
    )
    folded = list(fold(small, timeframe))
    assert longer.at_ms.tolist() == [int(candle.open_at.timestamp()) * 1000 for candle in folded]
    for name in names:
        assert getattr(longer, name).tolist() == [float(getattr(candle, name)) for candle in folded]
