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
from tradingboost.strategies.grid.settled import ADAPTIVE, PARAMS, TO_START, TO_STOP

QUARTER: Final = 0
FOUR_HOURS: Final = 1

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


FOLD: Final = np.dtype(
    [
        # candles that are gathered from shorter ones (QUARTER, FOUR_HOURS)
        ("gathered_open_ms", np.int64, (2,)),  # 0 = nothing gathered
        ("gathered_high", np.float64, (2,)),
        ("gathered_low", np.float64, (2,)),
        ("gathered_close", np.float64, (2,)),
        *CENTRE_FIELDS,
        *REGIME_FIELDS,
        # the RSI that starts the grid and the one that stops it (TO_START, TO_STOP)
        ("rsi_open_ms", np.int64, (2,)),
        ("rsi_last", np.float64, (2,)),  # close gathered so far
        ("rsi_bars", np.int64, (2,)),
        ("rsi_close", np.float64, (2,)),  # of the bar before
        ("rsi_gain", np.float64, (2,)),
        ("rsi_loss", np.float64, (2,)),
        ("rsi_value", np.float64, (2,)),
    ],
    align=True,
)


def needs(params: Record) -> int:
    """Closed bars of the run's timeframe without which nothing is decided."""
    if not int(params.folds):
        return 0
    spans = [
        LEVEL_BARS * QUARTER_MS if params.rule == ADAPTIVE else 0,
        REGIME_BARS * FOUR_HOURS_MS if params.regime_filter else 0,
        *(RSI_BARS_PER_LENGTH * int(params.rsi_length[k]) * int(params.rsi_ms[k]) for k in (TO_START, TO_STOP)),
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
            _gather(fold, bar, open_ms, QUARTER)
        if params.regime_filter == 1:
            _gather(fold, bar, open_ms, FOUR_HOURS)
        indicators.start_signal = _take_rsi(fold, params, bar, open_ms, TO_START)
        indicators.stop_signal = _take_rsi(fold, params, bar, open_ms, TO_STOP)
    indicators.levels_ms = fold.levels_ms
    indicators.regime = fold.regime
    for index in range(LEVELS):
        indicators.levels[index] = fold.levels[index] if fold.levels_ms > 0 else np.nan


@register_jitable
def _gather(fold: Record, bar: Record, open_ms: int, which: int) -> None:
    """Add a bar to the longer candle it lies in; one that ends with it closes."""
    length_ms = QUARTER_MS if which == QUARTER else FOUR_HOURS_MS
    begins = open_ms - open_ms % length_ms
    if fold.gathered_open_ms[which] not in (0, begins):  # the bar that closed it never came
        _close_gathered(fold, which)
    if fold.gathered_open_ms[which] == 0:
        fold.gathered_open_ms[which] = begins
        fold.gathered_high[which] = bar.high
        fold.gathered_low[which] = bar.low
    fold.gathered_high[which] = max(fold.gathered_high[which], bar.high)
    fold.gathered_low[which] = min(fold.gathered_low[which], bar.low)
    fold.gathered_close[which] = bar.close
    if bar.close_ms % length_ms == 0:
        _close_gathered(fold, which)


@register_jitable
def _close_gathered(fold: Record, which: int) -> None:
    high, low, close = fold.gathered_high[which], fold.gathered_low[which], fold.gathered_close[which]
    if which == QUARTER:
        centre_step(fold, high, low, close, fold.gathered_open_ms[which] + QUARTER_MS)
    else:
        regime_step(fold, high, low, close)
    fold.gathered_open_ms[which] = 0


@register_jitable
def _crossed(before: float, now: float, level: float, side: int) -> int:
    """1 when an oscillator has crossed a level in the asked direction on this bar."""
    up = before < level <= now
    down = before > level >= now
    return 1 if (up if side > 0 else down) else 0


@register_jitable
def _take_rsi(fold: Record, params: Record, bar: Record, open_ms: int, which: int) -> int:
    """Gather the RSI that starts or stops the grid; 1 when its own candle closed now and it crossed."""
    length_ms = params.rsi_ms[which]
    if length_ms == 0:
        return 0
    begins = open_ms - open_ms % length_ms
    found = 0
    if fold.rsi_open_ms[which] not in (0, begins):
        found = _close_rsi(fold, params, which)
    fold.rsi_open_ms[which] = begins
    fold.rsi_last[which] = bar.close
    if bar.close_ms % length_ms == 0:
        found = _close_rsi(fold, params, which)
    return found


@register_jitable
def _close_rsi(fold: Record, params: Record, which: int) -> int:
    bars, length = fold.rsi_bars[which], params.rsi_length[which]
    before = fold.rsi_value[which] if bars > length else np.nan
    if bars > 0:
        change = fold.rsi_last[which] - fold.rsi_close[which]
        fold.rsi_gain[which], fold.rsi_loss[which] = rsi_step(
            fold.rsi_gain[which], fold.rsi_loss[which], change, bars, length
        )
        fold.rsi_value[which] = rsi_value(fold.rsi_gain[which], fold.rsi_loss[which])
    fold.rsi_bars[which] += 1
    fold.rsi_close[which] = fold.rsi_last[which]
    fold.rsi_open_ms[which] = 0
    return _crossed(before, fold.rsi_value[which], params.rsi_level[which], params.rsi_side[which])


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
