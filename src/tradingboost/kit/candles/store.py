"""The candle store: one plain file a column, so that a year is read by mapping it.

    candles/VENUE/SYMBOL/TIMEFRAME/series.json        what is there; written last, so it is the commit
                                   7.at.i64 7.open.f64 ... 7.volume.f64    the columns of generation 7
                                   lock               held by the one who writes

A column may be longer than `series.json` says: that is the rest of a write that was cut off, and the next one writes
over it. Candles that belong before stored ones make a new generation beside the old one.
"""

import fcntl
import mmap
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.core.candles import BAR_LENGTHS_MS, RawCandles, between, faults, gaps, ordered
from tradingboost.core.errors import Conflict, InvalidInput, NotFound
from tradingboost.kit.candles.atomic import replaced, sync_folder, told
from tradingboost.kit.candles.spans import Span, joined

_VERSION: Final = 1
_COLUMNS: Final = ("at.i64", "open.f64", "high.f64", "low.f64", "close.f64", "volume.f64")
_KINDS: Final = {"i64": np.dtype("<i8"), "f64": np.dtype("<f8")}
_ITEM: Final = 8
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
_LOOKS: Final = 5


class SeriesKey(msgspec.Struct, frozen=True, order=True):
    """Which candles: of whom, of what, how long."""

    venue: str
    symbol: str
    timeframe: str

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} of {self.venue}"

    @property
    def bar_ms(self) -> int:
        """Length of a candle."""
        return BAR_LENGTHS_MS[self.timeframe]


class StoredSeries(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the catalogue.

    Args:
        covered: stretches that were asked for in full; what is absent in them, the exchange did not have.
        missing: candles absent between the first and the last.
    """

    key: SeriesKey
    version: int = _VERSION
    generation: int = 0
    rows: int = 0
    first_ms: int = 0
    last_ms: int = 0
    missing: int = 0
    covered: list[Span] = []


class CandleStore:
    """Every stored series below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def catalogue(self) -> list[StoredSeries]:
        """What is stored, in order of name."""
        found = [_entry(path) for path in sorted(self.root.glob("*/*/*/series.json"))]
        return sorted((one for one in found if one is not None), key=lambda one: one.key)

    def find(self, key: SeriesKey) -> StoredSeries | None:
        """The entry of one series, None when nothing is stored."""
        return _entry(self._folder(key) / "series.json")

    def read(self, key: SeriesKey, span: Span | None = None) -> RawCandles:
        """The candles, mapped and not copied; changing them does not change the store.

        Raises:
            NotFound: nothing is stored under that name.
            InvalidInput: the store is damaged.
        """
        folder = self._folder(key)
        for _ in range(_LOOKS):
            entry = self.find(key)
            if entry is None:
                break
            try:
                columns = [_mapped(folder / f"{entry.generation}.{name}", entry.rows) for name in _COLUMNS]
            except FileNotFoundError:
                continue  # a writer has put a new generation in its place
            candles = RawCandles(key.bar_ms, *columns)
            return candles if span is None else between(candles, *span)
        if entry is None:
            raise NotFound("candles_not_stored", f"No candles of {key} are stored; get them with download-data.")
        raise _damaged(folder)

    @contextmanager
    def writing(self, key: SeriesKey) -> Iterator["Writer"]:
        """The right to change one series.

        Raises:
            Conflict: another process has it.
            InvalidInput, Unavailable: the place cannot be written.
        """
        folder = self._folder(key)
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"Another process writes the candles of {key}; wait until it is done."
                raise Conflict("candles_busy", message) from None
            yield Writer(folder, self.find(key) or StoredSeries(key=key))
        finally:
            os.close(handle)

    def _folder(self, key: SeriesKey) -> Path:
        for part in (key.venue, key.symbol):
            if not _NAME.fullmatch(part):
                raise InvalidInput("bad_name", f"{part!r} is no name of an exchange or symbol, such as BTC-USDT-SWAP.")
        if key.timeframe not in BAR_LENGTHS_MS:
            known = ", ".join(BAR_LENGTHS_MS)
            raise InvalidInput("unknown_timeframe", f"{key.timeframe!r} is not a timeframe; choose one of {known}.")
        return self.root / key.venue / key.symbol / key.timeframe


class Writer:
    """Adds candles to one series; each call is on the disk when it returns, or has changed nothing."""

    def __init__(self, folder: Path, entry: StoredSeries) -> None:
        self._folder = folder
        self.entry = entry
        with told(folder):
            for stray in [*folder.glob("*.i64"), *folder.glob("*.f64"), *folder.glob(".*.new")]:
                if not stray.name.startswith(f"{entry.generation}."):
                    stray.unlink()
            sizes = [(folder / f"{entry.generation}.{name}").stat().st_size for name in _COLUMNS] if entry.rows else []
        if any(size < entry.rows * _ITEM for size in sizes):
            raise _damaged(folder)

    def add(self, candles: RawCandles, covered: list[Span]) -> int:
        """Add candles and the stretches they answer for; gives how many were new.

        Raises:
            InvalidInput: `candles_disagree`, one of them is stored with other numbers; `candles_unsound`.
            Unavailable: the disk is full.
        """
        if len(candles):
            self._check(candles)
        entry = self.entry
        spans = joined([*entry.covered, *covered])
        if not len(candles) or not entry.rows or int(candles.at_ms[0]) > entry.last_ms:
            if len(candles):
                self._append(candles)
            self._commit(entry.generation, entry.rows + len(candles), spans, candles)
            return len(candles)
        return self._merge(candles, spans)

    def _check(self, candles: RawCandles) -> None:
        if candles.bar_ms != self.entry.key.bar_ms and len(candles) > 1:
            message = f"These candles are not of {self.entry.key.timeframe}; choose the matching timeframe."
            raise InvalidInput("timeframe_differs", message)
        wrong = faults(msgspec.structs.replace(candles, bar_ms=self.entry.key.bar_ms))
        if wrong:
            message = f"The candles of {self.entry.key} {wrong[0].text}; nothing was stored of them."
            raise InvalidInput("candles_unsound", message, at_ms=wrong[0].at_ms)

    def _append(self, candles: RawCandles) -> None:
        entry = self.entry
        with told(self._folder):
            for name, column in zip(_COLUMNS, (candles.at_ms, *candles.values), strict=True):
                path = self._folder / f"{entry.generation}.{name}"
                with path.open("r+b" if entry.rows else "wb") as out:
                    out.truncate(entry.rows * _ITEM)
                    out.seek(0, os.SEEK_END)
                    _put(out, column, name)
            sync_folder(self._folder)

    def _merge(self, candles: RawCandles, spans: list[Span]) -> int:
        entry, folder = self.entry, self._folder
        stored = [_mapped(folder / f"{entry.generation}.{name}", entry.rows) for name in _COLUMNS]
        added = (candles.at_ms, *candles.values)
        both = [np.concatenate((old, new)) for old, new in zip(stored, added, strict=True)]
        whole, _ = ordered(RawCandles(entry.key.bar_ms, *both))
        generation = entry.generation + 1
        with told(folder):
            for name, column in zip(_COLUMNS, (whole.at_ms, *whole.values), strict=True):
                with (folder / f"{generation}.{name}").open("wb") as out:
                    _put(out, column, name)
            sync_folder(folder)
        before = entry.rows
        self._commit(generation, len(whole), spans, whole)
        with told(folder):
            for name in _COLUMNS:
                (folder / f"{entry.generation}.{name}").unlink()
        return len(whole) - before

    def _commit(self, generation: int, rows: int, spans: list[Span], candles: RawCandles) -> None:
        """The one moment at which anything changes for a reader."""
        entry, missing = self.entry, sum(gap.missing for gap in gaps(candles))
        first, last = entry.first_ms, entry.last_ms
        if len(candles):
            last = int(candles.at_ms[-1])
            if not entry.rows or generation != entry.generation:
                first = int(candles.at_ms[0])
            else:
                missing += entry.missing + (int(candles.at_ms[0]) - entry.last_ms) // entry.key.bar_ms - 1
        else:
            missing = entry.missing
        made = StoredSeries(
            key=entry.key,
            generation=generation,
            rows=rows,
            first_ms=first,
            last_ms=last,
            missing=missing,
            covered=spans,
        )
        text = msgspec.json.format(msgspec.json.encode(made))
        replaced(self._folder / "series.json", lambda out: out.write(text))
        self.entry = made


def _put(out: BinaryIO, column: NDArray[Any], name: str) -> None:
    out.write(np.ascontiguousarray(column, _KINDS[name[-3:]]).tobytes())
    out.flush()
    os.fsync(out.fileno())


def _mapped(path: Path, rows: int) -> NDArray[Any]:
    kind = _KINDS[path.suffix[1:]]
    if not rows:
        return np.empty(0, kind)
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size < rows * _ITEM:
            raise _damaged(path.parent)
        # copy-on-write: the arrays are writable, which keeps them the type compiled functions are made for
        return np.frombuffer(mmap.mmap(file.fileno(), rows * _ITEM, access=mmap.ACCESS_COPY), kind)


def _entry(path: Path) -> StoredSeries | None:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=StoredSeries)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError):
        raise _damaged(path.parent) from None
    if found.version != _VERSION:
        message = f"{path.parent} was written by another version of this program; use that one, or move it away."
        raise InvalidInput("candle_store_version", message, path=str(path.parent))
    return found


def _damaged(folder: Path) -> InvalidInput:
    message = f"The stored candles in {folder} are damaged; move that folder away and download them again."
    return InvalidInput("candle_store_damaged", message, path=str(folder))
