"""The indicators of the run's timeframe: bar by bar for the live service, whole columns for a backtest, same bits."""

from typing import Any, Final

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.indicators.atr import atr, true_range
from tradingboost.indicators.rsi import rsi, rsi_step, rsi_value
from tradingboost.indicators.wilder import wilder
from tradingboost.strategies.contract import Record, records
from tradingboost.strategies.hyperrsi.state import INDICATORS

ATR_LENGTH: Final = 14
LEAST_BARS: Final = 250
BARS_PER_LENGTH: Final = 20
"""After this many times `rsi_length` the seed weighs less than 1e-8."""


def needs(params: Record) -> int:
    """Closed bars of warm-up on the run's timeframe."""
    return max(LEAST_BARS, BARS_PER_LENGTH * int(params.rsi_length))


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


def indicator_columns(
    opens: NDArray[np.float64],  # noqa: ARG001 - every strategy is handed the same four columns
    highs: NDArray[np.float64],
    lows: NDArray[np.float64],
    closes: NDArray[np.float64],
    params: Record,
) -> Any:
    """One row a bar.

    Shape:
        columns: float64[n], oldest first, last bar closed. Result: `INDICATORS` records[n].
    """
    rows = records(INDICATORS, closes.size)
    values = rsi(closes, int(params.rsi_length))
    rows.rsi = values
    rows.rsi_prev[:1] = np.nan
    rows.rsi_prev[1:] = values[:-1]
    rows.atr = atr(highs, lows, closes, ATR_LENGTH)
    return rows
