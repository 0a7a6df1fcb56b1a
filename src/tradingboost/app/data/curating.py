"""Candles people bring, look at and mend: each step writes something new, and nothing in silence."""

from pathlib import Path

import msgspec
import numpy as np

from tradingboost.app.data.loading import key_of
from tradingboost.app.instruments import symbol_of
from tradingboost.core.candles import (
    Fault,
    Gap,
    RawCandles,
    bar_name,
    faults,
    filled,
    gaps,
    ordered,
    resampled,
)
from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.core.market import Timeframe
from tradingboost.kit.candles import files
from tradingboost.kit.candles.spans import stretches, uncovered
from tradingboost.kit.candles.store import CandleStore, SeriesKey

_GAPS_TOLD = 200


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be known about candles before one trusts them.

    Args:
        missing: candles absent between the first and the last.
        never_printed: of those, how many the exchange was asked for and does not have; None for a file.
        made_up: candles marked as filled in.
    """

    name: str
    timeframe: str
    rows: int
    first_ms: int
    last_ms: int
    faults: list[Fault]
    missing: int
    never_printed: int | None
    gaps: list[Gap]
    zero_volume: int
    made_up: int

    @property
    def sound(self) -> bool:
        """Nothing to mend: no fault, and no gap but those the exchange itself has."""
        return not self.faults and self.missing == (self.never_printed or 0)


class Converted(msgspec.Struct, frozen=True, kw_only=True):
    """Where candles went."""

    source: str
    target: str
    rows: int
    added: int
    dropped: int


def imported(store: CandleStore, path: Path, venue: str | None, symbol: str | None, *, sort: bool) -> Converted:
    """Put a file's candles into the store.

    Args:
        sort: put them in order and drop doubles that agree, instead of refusing.

    Raises:
        InvalidInput: they cannot be used, or differ from stored ones.
        NotFound: the name does not tell the symbol.
    """
    name = symbol_of(path, symbol)
    candles, dropped = _sound(path, sort=sort)
    made_up = files.look_into(path).made_up
    if made_up:
        message = f"{path.name} holds {made_up} candles that were filled in; the store keeps only what was printed."
        raise InvalidInput("candles_made_up", message, path=str(path), made_up=made_up)
    key = key_of(path, venue, name, bar_name(candles.bar_ms))
    with store.writing(key) as writer:
        added = writer.add(candles, stretches(candles))
    return Converted(source=str(path), target=str(key), rows=len(candles), added=added, dropped=dropped)


def converted(path: Path, output: Path, *, sort: bool, timeframe: str | None = None) -> Converted:
    """Write a file's candles as another file, put together to a longer timeframe where asked."""
    candles, dropped = _sound(path, sort=sort)
    return _written(str(path), candles, output, dropped, timeframe)


def exported(store: CandleStore, key: SeriesKey, output: Path) -> Converted:
    """Write stored candles as a file."""
    return _written(str(key), store.read(key), output, 0, None)


def _written(source: str, candles: RawCandles, output: Path, dropped: int, timeframe: str | None) -> Converted:
    longer = resampled(candles, Timeframe.parse(timeframe).minutes * 60_000) if timeframe else candles
    files.write(output, longer)
    return Converted(source=source, target=str(output), rows=len(longer), added=len(longer), dropped=dropped)


def _sound(path: Path, *, sort: bool) -> tuple[RawCandles, int]:
    if not sort:
        return files.read(path), 0
    candles, dropped = ordered(files.look_into(path).candles)
    wrong = faults(candles)
    if wrong:
        raise InvalidInput("candle_file_unsound", f"The candles of {path.name} {wrong[0].text}; sorting does not help.")
    return candles, dropped


def checked_file(path: Path) -> Checked:
    """Look into a file, sound or not."""
    found = files.look_into(path)
    candles = found.candles
    times = np.unique(candles.at_ms)
    alone = RawCandles(candles.bar_ms, times, *(times.astype(np.float64) for _ in candles.values))
    return _checked(path.name, candles, found.faults, gaps(alone) if not _misdated(found.faults) else [], found.made_up)


def checked_series(store: CandleStore, key: SeriesKey) -> Checked:
    """Look into a stored series."""
    candles = store.read(key)
    entry = store.find(key)
    absent = gaps(candles)
    covered = entry.covered if entry is not None else []
    unasked = sum(
        (end - first) // key.bar_ms
        for gap in absent
        for first, end in uncovered((gap.after_ms + key.bar_ms, gap.until_ms), covered)
    )
    found = _checked(str(key), candles, faults(candles), absent, 0)
    return msgspec.structs.replace(found, never_printed=found.missing - unasked)


def _misdated(found: list[Fault]) -> bool:
    return any(fault.code in ("times", "empty", "bars") for fault in found)


def _checked(name: str, candles: RawCandles, wrong: list[Fault], absent: list[Gap], made_up: int) -> Checked:
    return Checked(
        name=name,
        timeframe=bar_name(candles.bar_ms),
        rows=len(candles),
        first_ms=int(candles.at_ms.min()) if len(candles) else 0,
        last_ms=int(candles.at_ms.max()) if len(candles) else 0,
        faults=wrong,
        missing=sum(gap.missing for gap in absent),
        never_printed=None,
        gaps=absent[:_GAPS_TOLD],
        zero_volume=int((candles.volume == 0).sum()),
        made_up=made_up,
    )


def filled_in(candles: RawCandles, output: Path) -> tuple[int, int]:
    """Write the candles without gaps to a new file in which the made-up ones are marked; (rows, made up).

    Raises:
        InvalidInput: there is no gap, or the file exists.
    """
    whole, made_up = filled(candles)
    if not made_up.any():
        raise InvalidInput("no_gap", "These candles have no gap; there is nothing to fill.")
    files.write(output, whole, made_up)
    return len(whole), int(made_up.sum())


def source_of(store: CandleStore, path: Path | None, key: SeriesKey | None) -> RawCandles:
    """Candles of a file or of the store.

    Raises:
        InvalidInput: neither was named.
        NotFound: nothing is stored under that name, or it is empty.
    """
    if path is not None:
        return files.read(path)
    if key is None:
        raise InvalidInput("candles_unnamed", "Name a candle file, or stored candles with -p BTC-USDT-SWAP -i 5m.")
    found = store.read(key)
    if not len(found):
        raise NotFound("candles_not_stored", f"No candles of {key} are stored; get them with download-data.")
    return found
