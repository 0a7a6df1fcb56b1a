"""Candles of a made-up market, as a file."""

from pathlib import Path
from typing import Final

from tradingboost.app.replay.bars import doubles, walked
from tradingboost.core.candles import RawCandles
from tradingboost.core.errors import InvalidInput
from tradingboost.core.market import Timeframe
from tradingboost.kit.candles import files
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.scale import QUANTA

_MOST_MINUTES: Final = 3_000_000


def generated(seed: int, instrument: Instrument, timeframe: Timeframe, days: int, output: Path) -> int:
    """Write a made-up market, the same for the same seed; gives the number of candles.

    Raises:
        InvalidInput: too long, or the file exists.
    """
    if days * 1440 > _MOST_MINUTES:
        most = _MOST_MINUTES // 1440
        raise InvalidInput("too_many_candles", f"{days} days are more than are made at once; ask for at most {most}.")
    series = walked(seed, instrument, timeframe, days * 1440 // timeframe.minutes)
    num, den = instrument.tick
    prices = [doubles(column, num, den) for column in series.values[:4]]
    volume = doubles(series.volume, instrument.lot_base_q, QUANTA)
    files.write(output, RawCandles(series.bar_ms, series.at_ms, *[*prices, volume]))
    return len(series)
