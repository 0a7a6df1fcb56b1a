"""Candle files: Parquet, Feather or CSV into whole ticks and lots, with one plain sentence when that cannot be."""

from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
from polars.exceptions import PolarsError
from pyarrow import ArrowException

from tradingboost.core.errors import InvalidInput
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.scale import QUANTA

COLUMNS: Final = ("timestamp", "open", "high", "low", "close", "volume")
BAR_LENGTHS_MS: Final = tuple(minutes * 60_000 for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720, 1440))
_LATEST_MS: Final = 4_102_444_800_000  # 2100: a larger stamp is in microseconds or nanoseconds
_EARLIEST_MS: Final = 946_684_800_000  # 2000: a smaller one is in seconds


class CandleSeries(msgspec.Struct, frozen=True):
    """Candles of one instrument, oldest first.

    Shape:
        at_ms: int64[n] open times · prices in ticks, volume in lots: int64[n].
    """

    bar_ms: int
    at_ms: npt.NDArray[np.int64]
    open: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]
    low: npt.NDArray[np.int64]
    close: npt.NDArray[np.int64]
    volume: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at_ms)


def load(path: Path, instrument: Instrument) -> CandleSeries:
    """Read a candle file whose volume is in base currency.

    Raises:
        InvalidInput: the file is missing, has another shape or holds impossible candles.
    """
    frame = _read(path)
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise _bad("candle_file_columns", path, f"lacks the column {missing[0]!r}; it needs {', '.join(COLUMNS)}")
    if frame.is_empty():
        raise _bad("candle_file_empty", path, "holds no candle")
    try:
        frame = frame.select(pl.col("timestamp").cast(pl.Int64), pl.col(COLUMNS[1:]).cast(pl.Float64))
    except PolarsError:
        raise _bad("candle_file_types", path, "holds text where a number is expected") from None
    if any(frame[name].null_count() or not frame[name].is_finite().all() for name in COLUMNS[1:]):
        raise _bad("candle_file_gaps", path, "holds an empty or infinite price or volume")
    return _series(path, frame, instrument)


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise InvalidInput("candle_file_missing", f"The candle file {path} does not exist; check the path.")
    try:
        match path.suffix.lower():
            case ".parquet":
                return pl.read_parquet(path)
            case ".feather" | ".arrow" | ".ipc":
                return pl.read_ipc(path)
            case ".csv":
                return pl.read_csv(path)
    except (PolarsError, ArrowException, OSError, ValueError):
        raise _bad("candle_file_unreadable", path, f"is no readable {path.suffix[1:]} file") from None
    raise _bad("candle_file_kind", path, "has an unknown ending; use .parquet, .feather or .csv")


def _series(path: Path, frame: pl.DataFrame, instrument: Instrument) -> CandleSeries:
    at_ms = frame["timestamp"].to_numpy().astype(np.int64)
    if frame["timestamp"].null_count() or at_ms.min() < _EARLIEST_MS or at_ms.max() > _LATEST_MS:
        raise _bad("candle_file_times", path, "has timestamps that are not milliseconds since 1970")
    steps = np.diff(at_ms)
    if len(steps) and steps.min() <= 0:
        raise _bad("candle_file_order", path, "is not sorted by time or holds a candle twice")
    bar_ms = int(steps.min()) if len(steps) else 60_000
    if bar_ms not in BAR_LENGTHS_MS or (at_ms % bar_ms).any():
        raise _bad("candle_file_bars", path, "has candles of no known length, such as 1m, 5m or 1h")
    tick = instrument.tick_q / QUANTA
    o, h, l, c = (np.rint(frame[name].to_numpy() / tick).astype(np.int64) for name in COLUMNS[1:5])
    if l.min() <= 0:
        raise _bad("candle_file_prices", path, f"holds a price below one tick of {instrument.inst_id}")
    if (h < np.maximum(o, c)).any() or (l > np.minimum(o, c)).any():
        raise _bad("candle_file_shape", path, "holds a candle whose high or low is inside its body")
    volume = np.rint(frame["volume"].to_numpy() / _base_per_lot(instrument, c)).astype(np.int64)
    if volume.min() < 0:
        raise _bad("candle_file_volume", path, "holds a negative volume")
    return CandleSeries(bar_ms, at_ms, o, h, l, c, volume)


def _base_per_lot(instrument: Instrument, close: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    lot = instrument.lot_base_q / QUANTA
    if instrument.ct_type == "inverse":
        return np.asarray(lot / (close * (instrument.tick_q / QUANTA)), np.float64)
    return np.full(len(close), lot)


def _bad(code: str, path: Path, what: str) -> InvalidInput:
    return InvalidInput(code, f"The candle file {path} {what}.", path=str(path))
