"""What a grid reads from closed candles: levels, regime and RSI, each from whole candles of its own length.

The run's candles are gathered into longer ones that begin at 00:00 UTC and count once they have closed.
"""

from typing import Any, Final

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.indicators.rsi import rsi_step, rsi_value
from tradingboost.strategies.contract import BAR, Record, Series, records
from tradingboost.strategies.grid.centre import CENTRE_FIELDS, LEVELS, QUARTER_MS, centre_step
from tradingboost.strategies.grid.centre import WARM_UP_BARS as LEVEL_BARS
from tradingboost.strategies.grid.regime import FOUR_HOURS_MS, REGIME_FIELDS, regime_step
from tradingboost.strategies.grid.regime import WARM_UP_BARS as REGIME_BARS
from tradingboost.strategies.grid.settled import ADAPTIVE, PARAMS

RSI_BARS_PER_LENGTH: Final = 20
"""After so many times its length the seed of the RSI weighs less than 1e-8."""

INDICATORS: Final = np.dtype(
    [
        ("levels_ms", np.int64),  # close of the candle the levels belong to; 0 = warming up
        ("regime", np.int64),  # -2..2
        ("start_signal", np.int64),  # 1 = the RSI that starts the grid crossed on this bar
        ("stop_signal", np.int64),
        ("levels", np.float64, (LEVELS,)),  # NaN while warming up
    ],
    align=True,
)


def _gathered(name: str) -> list[Any]:
    """A candle that is being gathered from shorter ones."""
    return [
        (f"{name}_open_ms", np.int64),  # 0 = nothing gathered
        (f"{name}_high", np.float64),
        (f"{name}_low", np.float64),
        (f"{name}_close", np.float64),
    ]


def _rsi(name: str) -> list[Any]:
    return [
        (f"{name}_open_ms", np.int64),
        (f"{name}_last", np.float64),  # close gathered so far
        (f"{name}_bars", np.int64),
        (f"{name}_close", np.float64),  # of the bar before
        (f"{name}_gain", np.float64),
        (f"{name}_loss", np.float64),
        (f"{name}_value", np.float64),
    ]


FOLD: Final = np.dtype(
    [*_gathered("quarter"), *CENTRE_FIELDS, *_gathered("four"), *REGIME_FIELDS, *_rsi("start"), *_rsi("stop")],
    align=True,
)


def needs(params: Record) -> int:
    """Closed bars of the run's timeframe without which nothing is decided."""
    if not int(params.folds):
        return 0
    spans = [
        LEVEL_BARS * QUARTER_MS if params.rule == ADAPTIVE else 0,
        REGIME_BARS * FOUR_HOURS_MS if params.regime_filter else 0,
        RSI_BARS_PER_LENGTH * int(params.start_rsi_length) * int(params.start_rsi_ms),
        RSI_BARS_PER_LENGTH * int(params.stop_rsi_length) * int(params.stop_rsi_ms),
    ]
    return -(-max(spans) // int(params.timeframe_ms))


def feed_ms(params: Record) -> int:  # noqa: ARG001 - the contract's signature
    """No finer candles are needed."""
    return 0


@register_jitable
def fold_feed(fold: Record, params: Record, close_ms: int, close: float) -> None:
    """Nothing to take in."""


@register_jitable
def fold_bar(fold: Record, params: Record, bar: Record, indicators: Record) -> None:
    """Take in one closed bar."""
    indicators.start_signal = 0
    indicators.stop_signal = 0
    if params.folds == 1:
        open_ms = bar.close_ms - params.timeframe_ms
        if params.rule == ADAPTIVE:
            _take_quarter(fold, bar, open_ms)
        if params.regime_filter == 1:
            _take_four_hours(fold, bar, open_ms)
        if params.start_rsi_ms > 0:
            indicators.start_signal = _take_start(fold, params, bar, open_ms)
        if params.stop_rsi_ms > 0:
            indicators.stop_signal = _take_stop(fold, params, bar, open_ms)
    indicators.levels_ms = fold.levels_ms
    indicators.regime = fold.regime
    for index in range(LEVELS):
        indicators.levels[index] = fold.levels[index] if fold.levels_ms > 0 else np.nan


@register_jitable
def _take_quarter(fold: Record, bar: Record, open_ms: int) -> None:
    begins = open_ms - open_ms % QUARTER_MS
    if fold.quarter_open_ms not in (0, begins):  # the candle that closed it never came
        _close_quarter(fold)
    if fold.quarter_open_ms == 0:
        fold.quarter_open_ms = begins
        fold.quarter_high = bar.high
        fold.quarter_low = bar.low
    fold.quarter_high = max(fold.quarter_high, bar.high)
    fold.quarter_low = min(fold.quarter_low, bar.low)
    fold.quarter_close = bar.close
    if bar.close_ms % QUARTER_MS == 0:
        _close_quarter(fold)


@register_jitable
def _close_quarter(fold: Record) -> None:
    closed_ms = fold.quarter_open_ms + QUARTER_MS
    centre_step(fold, fold.quarter_high, fold.quarter_low, fold.quarter_close, closed_ms)
    fold.quarter_open_ms = 0


@register_jitable
def _take_four_hours(fold: Record, bar: Record, open_ms: int) -> None:
    begins = open_ms - open_ms % FOUR_HOURS_MS
    if fold.four_open_ms not in (0, begins):
        _close_four_hours(fold)
    if fold.four_open_ms == 0:
        fold.four_open_ms = begins
        fold.four_high = bar.high
        fold.four_low = bar.low
    fold.four_high = max(fold.four_high, bar.high)
    fold.four_low = min(fold.four_low, bar.low)
    fold.four_close = bar.close
    if bar.close_ms % FOUR_HOURS_MS == 0:
        _close_four_hours(fold)


@register_jitable
def _close_four_hours(fold: Record) -> None:
    regime_step(fold, fold.four_high, fold.four_low, fold.four_close)
    fold.four_open_ms = 0


@register_jitable
def _crossed(before: float, now: float, level: float, side: int) -> int:
    """1 when an oscillator has crossed a level in the asked direction on this bar."""
    up = before < level <= now
    down = before > level >= now
    return 1 if (up if side > 0 else down) else 0


@register_jitable
def _take_start(fold: Record, params: Record, bar: Record, open_ms: int) -> int:
    """Gather the RSI that starts the grid; 1 when its own candle closed now and it crossed."""
    length_ms = params.start_rsi_ms
    begins = open_ms - open_ms % length_ms
    found = 0
    if fold.start_open_ms not in (0, begins):
        found = _close_start(fold, params)
    fold.start_open_ms = begins
    fold.start_last = bar.close
    if bar.close_ms % length_ms == 0:
        found = _close_start(fold, params)
    return found


@register_jitable
def _close_start(fold: Record, params: Record) -> int:
    before = fold.start_value if fold.start_bars > params.start_rsi_length else np.nan
    if fold.start_bars > 0:
        change = fold.start_last - fold.start_close
        fold.start_gain, fold.start_loss = rsi_step(
            fold.start_gain, fold.start_loss, change, fold.start_bars, params.start_rsi_length
        )
        fold.start_value = rsi_value(fold.start_gain, fold.start_loss)
    fold.start_bars += 1
    fold.start_close = fold.start_last
    fold.start_open_ms = 0
    return _crossed(before, fold.start_value, params.start_rsi_level, params.start_rsi_side)


@register_jitable
def _take_stop(fold: Record, params: Record, bar: Record, open_ms: int) -> int:
    """The same for the RSI that stops it."""
    length_ms = params.stop_rsi_ms
    begins = open_ms - open_ms % length_ms
    found = 0
    if fold.stop_open_ms not in (0, begins):
        found = _close_stop(fold, params)
    fold.stop_open_ms = begins
    fold.stop_last = bar.close
    if bar.close_ms % length_ms == 0:
        found = _close_stop(fold, params)
    return found


@register_jitable
def _close_stop(fold: Record, params: Record) -> int:
    before = fold.stop_value if fold.stop_bars > params.stop_rsi_length else np.nan
    if fold.stop_bars > 0:
        change = fold.stop_last - fold.stop_close
        fold.stop_gain, fold.stop_loss = rsi_step(
            fold.stop_gain, fold.stop_loss, change, fold.stop_bars, params.stop_rsi_length
        )
        fold.stop_value = rsi_value(fold.stop_gain, fold.stop_loss)
    fold.stop_bars += 1
    fold.stop_close = fold.stop_last
    fold.stop_open_ms = 0
    return _crossed(before, fold.stop_value, params.stop_rsi_level, params.stop_rsi_side)


def indicator_columns(candles: Series, params: Record, feed: Series | None = None) -> Any:  # noqa: ARG001
    """One row a bar: `INDICATORS` records[n]; untouched memory where the grid reads prices only."""
    rows = records(INDICATORS, candles.closes.size)
    if not int(params.folds):
        return rows
    settled = records(PARAMS)
    settled[0] = params
    closes_ms = candles.open_ms + int(params.timeframe_ms)
    _fold_rows((records(FOLD), settled, records(BAR)), closes_ms, candles.highs, candles.lows, candles.closes, rows)
    return rows


@njit(cache=True, error_model="numpy", nogil=True)
def _fold_rows(  # noqa: PLR0917 - compiled functions take no keyword-only parameters
    held: tuple[Any, Any, Any],
    closes_ms: NDArray[np.int64],
    highs: NDArray[np.float64],
    lows: NDArray[np.float64],
    closes: NDArray[np.float64],
    rows: Any,
) -> None:
    """`fold_bar` over whole columns; `held`: fold, params and bar, arrays of length 1."""
    fold, params, bar = held[0][0], held[1][0], held[2][0]
    for index in range(closes.size):
        bar.close_ms = closes_ms[index]
        bar.high = highs[index]
        bar.low = lows[index]
        bar.close = closes[index]
        fold_bar(fold, params, bar, rows[index])
