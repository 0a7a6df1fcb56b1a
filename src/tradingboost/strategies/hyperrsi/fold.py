"""The indicators of the run's timeframe: bar by bar for the live service, whole columns for a backtest, same bits."""

from typing import Any, Final

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.core.errors import InvalidInput
from tradingboost.indicators.atr import atr, true_range
from tradingboost.indicators.rsi import rsi, rsi_step, rsi_value
from tradingboost.indicators.trend import known_at, trend_step, trend_value, trend_warming_up
from tradingboost.indicators.trend_fold import MINUTE_MS, TREND, warm_up_bars
from tradingboost.indicators.wilder import wilder
from tradingboost.strategies.contract import Record, Series, records
from tradingboost.strategies.hyperrsi.state import INDICATORS

ATR_LENGTH: Final = 14
LEAST_BARS: Final = 250
BARS_PER_LENGTH: Final = 20
"""After this many times `rsi_length` the seed weighs less than 1e-8."""


def needs(params: Record) -> int:
    """Closed bars of the run's timeframe without which nothing is decided."""
    return max(LEAST_BARS, BARS_PER_LENGTH * int(params.rsi_length))


def wants(params: Record) -> int:
    """Closed bars of the run's timeframe after which the start of the history no longer shows; fewer will do."""
    least = needs(params)
    if not params.trend_minutes:
        return least
    feed = int(params.trend_feed_ms)
    whole = warm_up_bars(feed // MINUTE_MS, int(params.trend_minutes)) * feed
    return max(least, -(-whole // int(params.timeframe_ms)))


def feed_ms(params: Record) -> int:
    """Length of the finer candles the trend is fed with, 0 = the run's own are enough."""
    feed = int(params.trend_feed_ms)
    return 0 if feed == params.timeframe_ms else feed


@register_jitable
def fold_feed(fold: Record, params: Record, close_ms: int, close: float) -> None:
    """Take in one closed candle of the finer series; those that end with the run's candle come before it."""
    if params.trend_minutes:
        trend_step(fold, params.trend_minutes, 0, close_ms, close)


@register_jitable
def known_trend(fold: Record, params: Record) -> float:
    """The state as of the last bar taken in: NaN while warming up, 0 when nobody asks."""
    if params.trend_minutes == 0:
        return 0.0
    if trend_warming_up(fold):
        return np.nan
    return float(trend_value(fold))


@register_jitable
def fold_bar(fold: Record, params: Record, bar: Record, indicators: Record) -> None:
    """Take in one closed bar; the row is NaN where the warm-up is not complete."""
    indicators.rsi_prev = fold.rsi if fold.bars > 0 else np.nan
    indicators.rsi = np.nan
    indicators.atr = np.nan
    if fold.bars > 0:
        fold.gain, fold.loss = rsi_step(fold.gain, fold.loss, bar.close - fold.close, fold.bars, params.rsi_length)
        fold.range = wilder(fold.range, true_range(bar.high, bar.low, fold.close), fold.bars, ATR_LENGTH)
        if fold.bars >= params.rsi_length:
            indicators.rsi = rsi_value(fold.gain, fold.loss)
        if fold.bars >= ATR_LENGTH:
            indicators.atr = fold.range
    fold.bars += 1
    fold.close = bar.close
    fold.rsi = indicators.rsi
    if params.trend_feed_ms == params.timeframe_ms:
        fold_feed(fold, params, bar.close_ms, bar.close)
    indicators.trend = known_trend(fold, params)


def indicator_columns(candles: Series, params: Record, feed: Series | None = None) -> Any:
    """One row a bar: `INDICATORS` records[n].

    Raises:
        InvalidInput: the trend needs a finer series than the run's, and it is missing.
    """
    closes = candles.closes
    rows = records(INDICATORS, closes.size)
    values = rsi(closes, int(params.rsi_length))
    rows.rsi = values
    rows.rsi_prev[:1] = np.nan
    rows.rsi_prev[1:] = values[:-1]
    rows.atr = atr(candles.highs, candles.lows, closes, ATR_LENGTH)
    if params.trend_minutes:
        rows.trend = trend_column(candles, params, feed)
    return rows


def trend_column(candles: Series, params: Record, feed: Series | None) -> NDArray[np.float64]:
    """The trend state at the close of each of the run's bars."""
    minutes, length = int(params.trend_minutes), int(params.timeframe_ms)
    closes_ms = candles.open_ms + length
    if not feed_ms(params):
        return trend_rows(records(TREND), minutes, closes_ms, candles.closes)
    if feed is None:
        raise InvalidInput(
            "trend_feed_missing",
            f"The trend of these candles is made from candles of {feed_ms(params) // MINUTE_MS} minutes; "
            "give those too, or switch use_trend_logic and use_trend_close off.",
            minutes=feed_ms(params) // MINUTE_MS,
        )
    states = trend_rows(records(TREND), minutes, feed.open_ms + feed_ms(params), feed.closes)
    known = known_at(closes_ms, feed.open_ms + feed_ms(params))
    return np.where(known >= 0, states[known], np.nan)


@njit(cache=True, error_model="numpy", nogil=True)
def trend_rows(
    fold: Any, minutes: int, closes_ms: NDArray[np.int64], closes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """`known_trend` after each of these bars."""
    states = np.empty(closes.size)
    record = fold[0]
    for i in range(closes.size):
        trend_step(record, minutes, 0, closes_ms[i], closes[i])
        states[i] = np.nan if trend_warming_up(record) else trend_value(record)
    return states
