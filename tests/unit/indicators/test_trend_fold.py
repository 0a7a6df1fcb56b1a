"""Timeframes of the trend and the bars it can be made of."""

import pytest

from tradingboost.core.errors import InvalidInput
from tradingboost.indicators.trend_fold import OFFERED, TREND, check_feed, cycle_minutes, feed_minutes, warm_up_bars


def test_the_coarsest_feed_divides_every_timeframe() -> None:
    assert [feed_minutes(chart) for chart in OFFERED] == [1, 1, 5, 15, 30, 60, 60, 60, 60, 60, 60]
    assert cycle_minutes(5, 1) == 1440


@pytest.mark.parametrize(("bar", "chart"), [(3, 3), (240, 240), (120, 120), (60, 5), (1440, 1440), (7, 15), (0, 5)])
def test_trap_bars_that_cannot_make_the_derived_ones_are_refused(bar: int, chart: int) -> None:
    with pytest.raises(InvalidInput) as raised:
        check_feed(bar, chart)
    assert raised.value.code == "trend_feed"


def test_a_timeframe_that_is_not_offered_is_refused() -> None:
    with pytest.raises(InvalidInput) as raised:
        check_feed(1, 7)
    assert raised.value.code == "trend_timeframe"


@pytest.mark.parametrize(
    ("bar", "chart", "bars"),
    [(1, 1, 50_000), (1, 3, 50_000), (5, 5, 30_000), (15, 15, 10_000), (30, 30, 20_000), (60, 1440, 10_000)],
)
def test_the_warm_up_is_ten_thousand_bars_of_the_band_timeframe(bar: int, chart: int, bars: int) -> None:
    assert warm_up_bars(bar, chart) == bars


def test_a_fold_is_small_and_its_fields_can_stand_among_a_strategys_own() -> None:
    assert TREND.itemsize < 5000
    assert all(name.startswith("trend_") for name in TREND.names or ())
