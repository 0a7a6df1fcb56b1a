"""Files of trades as a source of prints: every trade at its own price and size, in the order of its time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.exceptions import PolarsError

from tradingboost.core.errors import InvalidInput
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.rows import Candle
from tradingboost.sim.scale import QUANTA

TIMES: Final = ("timestamp", "time", "transact_time", "ts")
PRICES: Final = ("price", "px")
SIZES: Final = ("amount", "size", "qty", "quantity", "sz")
_MINUTE_MS: Final = 60_000
_MOST_BARS: Final = 50_000


class TradeFile(msgspec.Struct, frozen=True):
    """The trades of one instrument: milliseconds, ticks, lots; int64[n], oldest first."""

    at_ms: NDArray[np.int64]
    ticks: NDArray[np.int64]
    lots: NDArray[np.int64]

    def bars(self, cut: int, shift_ms: int) -> tuple[Candle, ...]:
        """The minutes of the first `cut` trades that end before the next one, without a gap, newest 50,000."""
        minutes = self.at_ms[:cut] // _MINUTE_MS
        if cut < len(self.at_ms):
            minutes = minutes[minutes < self.at_ms[cut] // _MINUTE_MS]
        if not len(minutes):
            return ()
        count = len(minutes)
        begins = np.flatnonzero(np.diff(minutes, prepend=minutes[0] - 1))
        ends = np.append(begins[1:], count) - 1
        ticks, lots = self.ticks[:count], self.lots[:count]
        columns = (
            minutes[begins],
            ticks[begins],
            np.maximum.reduceat(ticks, begins),
            np.minimum.reduceat(ticks, begins),
            ticks[ends],
            np.add.reduceat(lots, begins),
        )
        return tuple(_gapless(columns, shift_ms))[-_MOST_BARS:]

    def prints(self, cut: int, shift_ms: int) -> Iterator[tuple[int, int, int]]:
        """(at_us, ticks, lots) of the later trades."""
        for index in range(cut, len(self.at_ms)):
            yield (int(self.at_ms[index]) + shift_ms) * 1000, int(self.ticks[index]), int(self.lots[index])


def _gapless(columns: tuple[NDArray[np.int64], ...], shift_ms: int) -> Iterator[Candle]:
    """Candles of (minute, open, high, low, close, lots); a minute without a trade is flat at the close before it."""
    last: tuple[int, int] | None = None
    for minute, opened, high, low, close, lots in zip(*(column.tolist() for column in columns), strict=True):
        if last is not None:
            flat = last[1]
            for missing in range(max(last[0] + 1, minute - _MOST_BARS), minute):
                yield Candle((missing * _MINUTE_MS + shift_ms) * 1000, flat, flat, flat, flat, 0, 0)
        yield Candle((minute * _MINUTE_MS + shift_ms) * 1000, opened, high, low, close, lots, close * lots)
        last = (minute, close)


def load(path: Path, instrument: Instrument) -> TradeFile:
    """Read a file of trades: Parquet, Feather or CSV with a time (ms), a price and a size in base currency.

    Raises:
        InvalidInput: the file is missing, has another shape, is not in order of time or is of another instrument.
    """
    frame = _read(path)
    found = [next((name for name in names if name in frame.columns), "") for names in (TIMES, PRICES, SIZES)]
    for name, names in zip(found, (TIMES, PRICES, SIZES), strict=True):
        if not name:
            raise _bad("trade_file_columns", path, f"has no column {' or '.join(names)}")
    try:
        at_ms = np.array(frame[found[0]].cast(pl.Int64).to_numpy(), np.int64)
        price, size = (np.array(frame[name].cast(pl.Float64).to_numpy(), np.float64) for name in found[1:])
    except (PolarsError, ValueError):
        raise _bad("trade_file_types", path, "holds something else where a number is expected") from None
    if not len(at_ms) or (np.diff(at_ms) < 0).any():
        raise _bad("trade_file_order", path, "is empty or not sorted by time")
    if not (np.isfinite(price).all() and np.isfinite(size).all()):
        raise _bad("trade_file_types", path, "holds something else where a number is expected")
    ticks = np.rint(price / (instrument.tick_q / QUANTA)).astype(np.int64)
    if ticks.min() <= 0:
        raise _bad("trade_file_prices", path, f"holds a price below one tick of {instrument.inst_id}")
    per_lot = instrument.lot_base_q / QUANTA
    lots = size * price / per_lot if instrument.ct_type == "inverse" else size / per_lot
    return TradeFile(at_ms, ticks, np.maximum(np.rint(lots).astype(np.int64), 1))


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise _bad("trade_file_missing", path, "does not exist")
    try:
        match path.suffix.lower():
            case ".parquet":
                return pl.read_parquet(path)
            case ".feather":
                return pl.read_ipc(path)
            case ".csv":
                return pl.read_csv(path)
    except (PolarsError, OSError):
        raise _bad("trade_file_unreadable", path, f"is no readable {path.suffix[1:]} file") from None
    raise _bad("trade_file_kind", path, "has an unknown ending; use .parquet, .feather or .csv")


def _bad(code: str, path: Path, what: str) -> InvalidInput:
    return InvalidInput(code, f"The file of trades {path} {what}.", path=str(path))
