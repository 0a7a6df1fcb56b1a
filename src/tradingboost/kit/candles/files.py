"""Candle files: Parquet, Feather, CSV and freqtrade's JSON, read into columns and written as a whole.

The one reader of candle files; whoever wants whole ticks and lots puts what it gives on a grid (`sim.series`).
"""

import gzip
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.exceptions import PolarsError
from pyarrow import ArrowException

from tradingboost.core.candles import BAR_LENGTHS_MS, Fault, RawCandles, bar_length, faults
from tradingboost.core.errors import InvalidInput
from tradingboost.kit.candles.atomic import replaced
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.series import CandleSeries, on_grid

NUMBERS: Final = ("open", "high", "low", "close", "volume")
COLUMNS: Final = ("timestamp", *NUMBERS)
TIMES: Final = ("timestamp", "date", "open_time", "time", "datetime")
"""Names the column of open times goes by; freqtrade says `date`."""

MADE_UP: Final = "filled"
"""Column that marks candles no exchange printed."""

ENDINGS: Final = ".parquet, .feather, .csv, .json or .json.gz"


class CandleFile(msgspec.Struct, frozen=True):
    """A file as it was read, sound or not.

    Args:
        made_up: rows that are marked as filled in.
    """

    candles: RawCandles
    made_up: int
    faults: list[Fault]


def read(path: Path) -> RawCandles:
    """Read a candle file whose volume is in base currency.

    Raises:
        InvalidInput: the file is missing, has another shape or holds impossible candles.
    """
    found = look_into(path)
    if found.faults:
        worst = found.faults[0]
        text = worst.text.replace("hold ", "holds ", 1).replace("have ", "has ", 1).replace("are ", "is ", 1)
        raise _bad(f"candle_file_{worst.code}", path, f"{text}{_ADVICE.get(worst.code, '')}")
    return found.candles


def load(path: Path, instrument: Instrument) -> CandleSeries:
    """The same in whole ticks and lots of an instrument.

    Raises:
        InvalidInput: as `read`, or the prices are not of this instrument.
    """
    return on_grid(read(path), instrument)


_ADVICE: Final = {
    "order": "; convert-data --sort puts it in order",
    "doubles": "; convert-data --sort drops doubles that agree",
    "gaps": "; data check says where",
    "bars": ", such as 1m, 5m or 1h",
}


def look_into(path: Path) -> CandleFile:
    """Read a candle file and say what is wrong with its candles.

    Raises:
        InvalidInput: the file is missing or has another shape, so that there are no candles to speak of.
    """
    frame = _read(path)
    time = next((name for name in TIMES if name in frame.columns), "timestamp")
    missing = [name for name in (time, *NUMBERS) if name not in frame.columns]
    if missing:
        raise _bad("candle_file_columns", path, f"lacks the column {missing[0]!r}; it needs {', '.join(COLUMNS)}")
    if "funding_rate" in path.name:
        raise _bad("candle_file_funding", path, "holds funding rates, which are no candles; choose a file of prices")
    try:
        at = frame.select(_milliseconds(frame.schema[time], time))
        numbers = frame.select(pl.col(NUMBERS).cast(pl.Float64).fill_null(float("nan")))
        made_up = int(frame.select(pl.col(MADE_UP).cast(pl.Boolean).sum()).item()) if MADE_UP in frame.columns else 0
    except PolarsError:
        raise _bad("candle_file_types", path, "holds text where a number is expected") from None
    if at[time].null_count():
        raise _bad("candle_file_times", path, "has candles without a timestamp")
    at_ms = np.array(at[time].to_numpy(), np.int64)
    columns = [np.array(numbers[name].to_numpy(), np.float64) for name in NUMBERS]
    candles = RawCandles(_length(path, at_ms), at_ms, *columns)
    return CandleFile(candles, made_up, faults(candles))


def write(path: Path, candles: RawCandles, made_up: NDArray[np.bool_] | None = None) -> None:
    """Write a file of the kind its ending says, as a whole or not at all.

    Args:
        made_up: which rows no exchange printed; they get a mark in the file.

    Raises:
        InvalidInput: an ending that is not written, a file that exists, or a place that cannot be written.
        Unavailable: the disk is full.
    """
    if path.exists():
        raise InvalidInput("file_exists", f"{path} exists and is not overwritten; choose another name.")
    frame = pl.DataFrame(dict(zip(COLUMNS, (candles.at_ms, *candles.values), strict=True)))
    if made_up is not None:
        frame = frame.with_columns(pl.Series(MADE_UP, made_up))

    def put(out: BinaryIO) -> None:
        match path.suffix.lower():
            case ".parquet":
                frame.write_parquet(out)
            case ".feather":
                frame.write_ipc(out)
            case _:
                frame.write_csv(out)

    if path.suffix.lower() not in (".parquet", ".feather", ".csv"):
        raise InvalidInput("candle_file_kind", f"{path.name} has no ending that is written; use .parquet or .csv.")
    replaced(path, put)


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise InvalidInput("candle_file_missing", f"The candle file {path} does not exist; check the path.")
    kind = path.with_suffix("").suffix + path.suffix if path.suffix == ".gz" else path.suffix
    try:
        match kind.lower():
            case ".parquet":
                return pl.read_parquet(path)
            case ".feather" | ".arrow" | ".ipc":
                return pl.read_ipc(path)
            case ".csv":
                return pl.read_csv(path)
            case ".json":
                return _rows(path.read_bytes())
            case ".json.gz":
                return _rows(gzip.decompress(path.read_bytes()))
    except (PolarsError, ArrowException, OSError, EOFError, zlib.error, ValueError):
        raise _bad("candle_file_unreadable", path, f"is no readable {kind[1:]} file") from None
    raise _bad("candle_file_kind", path, f"has an unknown ending; use {ENDINGS}")


def _rows(text: bytes) -> pl.DataFrame:
    """freqtrade's and ccxt's JSON: rows of time, open, high, low, close, volume."""
    rows = msgspec.json.decode(text, type=list[tuple[int | float, Any, Any, Any, Any, Any]])
    return pl.DataFrame(rows, schema=list(COLUMNS), orient="row", infer_schema_length=None)


def _milliseconds(kind: pl.DataType, name: str) -> pl.Expr:
    column = pl.col(name)
    if kind == pl.String:
        column = column.str.to_datetime(time_unit="ms", time_zone="UTC")
    elif not isinstance(kind, pl.Datetime):
        return column.cast(pl.Int64)
    return column.dt.epoch("ms")


def _length(path: Path, at_ms: NDArray[np.int64]) -> int:
    """The length of the candles; a single one has that of the file's name, else a minute."""
    words = path.stem.replace("-", "_").split("_")
    named = next((BAR_LENGTHS_MS[word] for word in words if word in BAR_LENGTHS_MS), 60_000)
    return bar_length(at_ms) or named


def _bad(code: str, path: Path, what: str) -> InvalidInput:
    return InvalidInput(code, f"The candle file {path} {what}.", path=str(path))
