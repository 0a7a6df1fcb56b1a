"""The candles of a replay: from a file or from a seeded walk, moved to now, on the instrument's grid."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.backtest.model import Candles
from tradingboost.core.candles import sliced
from tradingboost.core.errors import InvalidInput
from tradingboost.core.market import Timeframe
from tradingboost.kit.candles.files import load
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.scale import QUANTA
from tradingboost.sim.series import CandleSeries
from tradingboost.simulator.synthetic import Walk

WEEK_MS: Final = 7 * 86_400_000
WALK_BEGINS_MS: Final = 1_700_006_400_000  # a Wednesday, 00:00 UTC
_MINUTE_US: Final = 60_000_000


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """A contiguous stretch of candles of one instrument.

    Args:
        series: prices in ticks, volumes in lots; the first `warmup` bars are history.
        shift_ms: what was added to the original times (whole weeks), so that the replay begins no earlier than now.
    """

    instrument: Instrument
    timeframe: Timeframe
    series: CandleSeries
    warmup: int
    shift_ms: int

    def __len__(self) -> int:
        return len(self.series)

    @property
    def start_ms(self) -> int:
        """Open time of the first bar that is replayed."""
        return int(self.series.at_ms[self.warmup])

    @property
    def began(self) -> datetime:
        """When that bar opened, in the time of the candles before they were moved."""
        return datetime.fromtimestamp((self.start_ms - self.shift_ms) / 1000, UTC)

    def price(self, ticks: int) -> str:
        """Ticks as decimal text."""
        return plain(Decimal(int(ticks)) * self.instrument.tick_q / QUANTA)

    def qty(self, lots: int) -> str:
        """Lots as decimal text."""
        return plain(Decimal(int(lots)) * self.instrument.lot_q / QUANTA)

    def history(self) -> list[list[str | int]]:
        """The warm-up as rows of (open time, open, high, low, close, volume)."""
        s = self.series
        columns = (s.open, s.high, s.low, s.close)
        return [
            [int(s.at_ms[i]), *(self.price(column[i]) for column in columns), self.qty(s.volume[i])]
            for i in range(self.warmup)
        ]

    def candles(self) -> Candles:
        """The same bars as the backtest reads them: prices as the correctly rounded double of the decimal."""
        num, den = self.instrument.tick
        s = self.series
        columns = [doubles(column, num, den) for column in (s.open, s.high, s.low, s.close)]
        return Candles(
            timeframe_ms=s.bar_ms,
            open_ms=s.at_ms,
            opens=columns[0],
            highs=columns[1],
            lows=columns[2],
            closes=columns[3],
            volumes=doubles(s.volume, self.instrument.lot_base_q, QUANTA),
        )


def from_file(
    path: Path, instrument: Instrument, warmup: int, count: int | None, now: datetime, *, skip: int = 0
) -> Bars:
    """The first stretch without a gap of a candle file.

    Args:
        warmup: bars of history before the replay.
        count: bars to replay, None for all there are.
        skip: bars of the file to leave out first.

    Raises:
        InvalidInput: the file cannot be read, or holds too few bars in one piece.
    """
    series = sliced(load(path, instrument), skip)
    missing = np.flatnonzero(np.diff(series.at_ms) != series.bar_ms)
    whole = int(missing[0]) + 1 if missing.size else len(series)
    wanted = warmup + (count if count is not None else max(whole - warmup, 1))
    if whole < wanted:
        raise InvalidInput(
            "too_few_candles",
            f"{path.name} holds {whole} candles without a gap and {wanted} are needed "
            f"({warmup} of them to warm the indicators up); replay fewer minutes or take another file.",
            have=whole,
            need=wanted,
        )
    return _moved(sliced(series, 0, wanted), instrument, warmup, now)


def synthetic(seed: int, instrument: Instrument, timeframe: Timeframe, bars: tuple[int, int], now: datetime) -> Bars:
    """A seeded market, the same for the same seed; `bars` = (warm-up, replayed)."""
    return _moved(walked(seed, instrument, timeframe, sum(bars)), instrument, bars[0], now)


def walked(seed: int, instrument: Instrument, timeframe: Timeframe, total: int) -> CandleSeries:
    """The candles of a seeded random walk from `WALK_BEGINS_MS` on."""
    minutes = timeframe.minutes
    num, den = instrument.tick
    start = 60_000 * den // num if instrument.base == "BTC" else 3_000 * den // num
    walk = Walk(seed, instrument.inst_id, start, 220, 2_000)
    small = walk.history(WALK_BEGINS_MS * 1000 + total * minutes * _MINUTE_US, total * minutes, 6)
    columns = np.array([[c.open, c.high, c.low, c.close, c.lots] for c in small], np.int64).reshape(total, minutes, 5)
    at_ms = WALK_BEGINS_MS + np.arange(total, dtype=np.int64) * minutes * 60_000
    return CandleSeries(
        minutes * 60_000,
        at_ms,
        columns[:, 0, 0].copy(),
        columns[:, :, 1].max(axis=1),
        columns[:, :, 2].min(axis=1),
        columns[:, -1, 3].copy(),
        columns[:, :, 4].sum(axis=1),
    )


def _moved(series: CandleSeries, instrument: Instrument, warmup: int, now: datetime) -> Bars:
    """Shift by whole weeks (so weekdays and funding times stay) until the first replayed bar is not in the past."""
    now_ms = int(now.astimezone(UTC).timestamp() * 1000)
    behind = max(now_ms - int(series.at_ms[warmup]), 0)
    shift = -(-behind // WEEK_MS) * WEEK_MS
    moved: NDArray[np.int64] = series.at_ms + shift
    minutes = series.bar_ms // 60_000
    timeframe = next((one for one in Timeframe if one.minutes == minutes), None)
    if timeframe is None:
        raise InvalidInput("unknown_timeframe", f"Candles of {minutes} minutes are not traded here.")
    return Bars(
        instrument=instrument,
        timeframe=timeframe,
        series=msgspec.structs.replace(series, at_ms=moved),
        warmup=warmup,
        shift_ms=shift,
    )


def doubles(steps: NDArray[np.int64], num: int, den: int) -> NDArray[np.float64]:
    """Whole steps of num/den as correctly rounded doubles: exact integers, one division."""
    return steps.astype(np.float64) * float(num) / float(den)


def plain(value: Decimal) -> str:
    """Decimal text without exponent and trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
