"""What the trend state remembers between bars, and the timeframes it is made of.

The record holds no settings; a zeroed one is the start. Its fields are flat and carry a prefix, so a strategy can put
them among its own and store all of them as JSON.
"""

from math import gcd
from typing import Any, Final

import numpy as np
from numba.extending import register_jitable

from tradingboost.core.errors import InvalidInput
from tradingboost.indicators.vidya import CHANGES

TAPS: Final = 7
WIDTH_LENGTH: Final = 15
LONG_WIDTH_LENGTH: Final = 60
WIDTHS: Final = 100
PIVOT_LEFT: Final = 20
PIVOT_RIGHT: Final = 10
LONG_PIVOT_LEFT: Final = 30
PIVOTS: Final = 50

TREND_FIELDS: Final[list[Any]] = [
    ("trend_last_ms", np.int64),  # close of the newest bar taken in
    ("trend_close", np.float64),  # its price
    ("trend_chart_bars", np.int64),
    ("trend_state", np.int64),  # -2, 0, 2 also while warming up; read it through `trend_value`
    # cycle timeframe, one row an average
    ("trend_cycles", np.int64),
    ("trend_stages", np.float64, (3, 4)),
    ("trend_averages", np.float64, (3, TAPS)),
    ("trend_bull", np.int64),
    ("trend_bear", np.int64),
    # width timeframe
    ("trend_width_bars", np.int64),
    ("trend_width_state", np.int64),
    ("trend_closes", np.float64, (LONG_WIDTH_LENGTH,)),
    ("trend_widths", np.float64, (WIDTHS,)),
    ("trend_long_widths", np.float64, (LONG_PIVOT_LEFT + PIVOT_RIGHT + 1,)),
    ("trend_highs", np.float64, (PIVOTS,)),
    ("trend_lows", np.float64, (PIVOTS,)),
    ("trend_long_lows", np.float64, (PIVOTS,)),
    ("trend_high_count", np.int64),
    ("trend_low_count", np.int64),
    ("trend_long_low_count", np.int64),
    ("trend_buzz", np.float64),  # of the bar before
    ("trend_spread", np.int64),  # 1 = the long width stands above its squeeze, so a squeeze is not believed
    # long variant: 240 minutes
    ("trend_vidya_bars", np.int64),
    ("trend_vidya_close", np.float64),
    ("trend_vidya_changes", np.float64, (CHANGES,)),
    ("trend_vidyas", np.float64, (3,)),
    ("trend_vidya_bull", np.int64),
    ("trend_vidya_bear", np.int64),
]

TREND: Final = np.dtype(TREND_FIELDS, align=True)
"""The fold of one (venue, symbol, chart timeframe), about 4 kB."""

OFFERED: Final = (1, 3, 5, 15, 30, 60, 120, 240, 360, 720, 1440)
"""Chart timeframes in minutes."""

MINUTE_MS: Final = 60_000
DAY_MINUTES: Final = 1440
VIDYA_MINUTES: Final = 240
LEAST_CHART_BARS: Final = 200
WARM_UP_WIDTH_BARS: Final = 10_000
"""The lists of 50 pivots forget slowly: after 8 000 bars the state still differs here and there, then nowhere."""


@register_jitable
def cycle_minutes(chart_minutes: int, longer: int) -> int:
    """The timeframe of the moving averages."""
    if longer:
        return DAY_MINUTES
    if chart_minutes <= 3:
        return 15
    if chart_minutes <= 30:
        return 30
    if chart_minutes < 240:
        return 60
    return 480


@register_jitable
def width_minutes(chart_minutes: int) -> int:
    """The timeframe of the band width."""
    if chart_minutes <= 3:
        return 5
    if chart_minutes <= 15:
        return 15
    return 60


def feed_minutes(chart_minutes: int, longer: int = 0) -> int:
    """The coarsest bars the fold can be fed with; charts of 3 minutes and of 2 hours or more need finer ones."""
    feed = gcd(chart_minutes, cycle_minutes(chart_minutes, longer), width_minutes(chart_minutes))
    return gcd(feed, VIDYA_MINUTES) if longer else feed


def check_feed(bar_minutes: int, chart_minutes: int, longer: int = 0) -> None:
    """Refuse bars from which the derived timeframes cannot be made.

    Raises:
        InvalidInput: a timeframe that is not offered, or bars that do not divide every timeframe needed.
    """
    if chart_minutes not in OFFERED:
        raise InvalidInput(
            "trend_timeframe",
            f"There is no trend of {chart_minutes} minutes; take one of {', '.join(map(str, OFFERED))}.",
            chart_minutes=chart_minutes,
        )
    feed = feed_minutes(chart_minutes, longer)
    if bar_minutes < 1 or feed % bar_minutes:
        raise InvalidInput(
            "trend_feed",
            f"The trend of {chart_minutes} minutes cannot be made of {bar_minutes}-minute bars; feed it {feed}-minute "
            "bars or finer ones that divide them.",
            chart_minutes=chart_minutes,
            bar_minutes=bar_minutes,
            feed_minutes=feed,
        )


def warm_up_bars(bar_minutes: int, chart_minutes: int, longer: int = 0) -> int:
    """Closed bars of the feed after which the state no longer depends on where the history began."""
    check_feed(bar_minutes, chart_minutes, longer)
    minutes = max(WARM_UP_WIDTH_BARS * width_minutes(chart_minutes), LEAST_CHART_BARS * chart_minutes)
    return minutes // bar_minutes
