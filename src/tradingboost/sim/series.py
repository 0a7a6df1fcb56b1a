"""Candles on an instrument's grid: whole ticks and lots."""

import numpy as np
from numpy.typing import NDArray

from tradingboost.core.candles import CandleColumns, RawCandles
from tradingboost.core.errors import InvalidInput
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.scale import QUANTA


class CandleSeries(CandleColumns, frozen=True):
    """Candles of one instrument: prices in ticks, volume in lots, int64[n]."""


def on_grid(raw: RawCandles, instrument: Instrument) -> CandleSeries:
    """The nearest ticks and lots.

    Raises:
        InvalidInput: `candle_file_prices`, a price is below one tick of the instrument.
    """
    tick = instrument.tick_q / QUANTA
    o, h, l, c = (np.rint(column / tick).astype(np.int64) for column in raw.values[:4])
    if len(raw) and l.min() <= 0:
        raise InvalidInput(
            "candle_file_prices",
            f"The candles hold a price below one tick of {instrument.inst_id}; they belong to another instrument.",
        )
    volume = np.rint(raw.volume / _base_per_lot(instrument, c)).astype(np.int64)
    return CandleSeries(raw.bar_ms, raw.at_ms, o, h, l, c, volume)


def _base_per_lot(instrument: Instrument, close: NDArray[np.int64]) -> NDArray[np.float64]:
    lot = instrument.lot_base_q / QUANTA
    if instrument.ct_type == "inverse":
        return np.asarray(lot / (close * (instrument.tick_q / QUANTA)), np.float64)
    return np.full(len(close), lot)
