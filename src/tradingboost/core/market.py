"""Ticks, candles and the fold from small candles to large ones."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Symbol, Venue


class Timeframe(StrEnum):
    """Candle lengths the platform decides on, all anchored at 00:00 UTC."""

    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    D1 = "1d"

    @property
    def minutes(self) -> int:
        """Length in minutes."""
        return int(self.value[:-1]) * {"m": 1, "h": 60, "d": 1440}[self.value[-1]]

    @property
    def length(self) -> timedelta:
        """Length as a duration."""
        return timedelta(minutes=self.minutes)

    def open_of(self, at: datetime) -> datetime:
        """Open time of the candle that contains `at`."""
        epoch_s = int(at.timestamp())
        return datetime.fromtimestamp(epoch_s - epoch_s % (self.minutes * 60), UTC)

    @classmethod
    def parse(cls, text: str) -> "Timeframe":
        """Read `5m`, `1H` and the like.

        Raises:
            InvalidInput: not one of the members; the message lists them.
        """
        try:
            return cls(text.strip().lower())
        except ValueError:
            known = ", ".join(cls)
            raise InvalidInput("unknown_timeframe", f"{text!r} is not a timeframe; choose one of {known}.") from None


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """The newest prices of a symbol. `mark` drives stops and triggers, `last` drives sizing."""

    venue: Venue
    symbol: Symbol
    at: datetime
    last: Decimal
    mark: Decimal


class Candle(msgspec.Struct, frozen=True, kw_only=True):
    """A closed candle. `open_at` names it; `volume` is in base coin."""

    venue: Venue
    symbol: Symbol
    timeframe: Timeframe
    open_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    @property
    def close_at(self) -> datetime:
        """The instant it closed, which is the open of the next one."""
        return self.open_at + self.timeframe.length


def fold(candles: Iterable[Candle], timeframe: Timeframe) -> Iterator[Candle]:
    """Fold contiguous closed candles into complete larger ones; a larger candle with a missing part is not made.

    Args:
        candles: one symbol, one timeframe that divides `timeframe`, oldest first.
        timeframe: the larger length.
    """
    parts: list[Candle] = []
    for candle in candles:
        opens = timeframe.open_of(candle.open_at)
        follows = bool(parts) and candle.open_at == parts[-1].close_at and opens == timeframe.open_of(parts[0].open_at)
        if not follows:
            parts = []
        if parts or candle.open_at == opens:
            parts.append(candle)
        if parts and parts[0].open_at == opens and candle.close_at == opens + timeframe.length:
            yield _joined(parts, timeframe)
            parts = []


def _joined(parts: list[Candle], timeframe: Timeframe) -> Candle:
    first, last = parts[0], parts[-1]
    return Candle(
        venue=first.venue,
        symbol=first.symbol,
        timeframe=timeframe,
        open_at=first.open_at,
        open=first.open,
        high=max(part.high for part in parts),
        low=min(part.low for part in parts),
        close=last.close,
        volume=sum((part.volume for part in parts), Decimal(0)),
    )
