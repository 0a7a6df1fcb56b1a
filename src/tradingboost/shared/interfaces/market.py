"""Market: instruments, candles and the feed of prices. One public stream serves every user."""

from datetime import datetime
from typing import Protocol

import msgspec

from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.shared.calls import repeatable, safe


class FeedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far the public stream has been read.

    Args:
        frames: handled per connection, named by the venue's connection id.
        published: the newest entry of each price feed (`venue:symbol`).
    """

    frames: dict[str, int]
    reconnects: int
    published: dict[str, str] = {}


class Market(Protocol):
    """The only reader of public venue data."""

    @safe
    async def instrument(self, venue: Venue, symbol: Symbol) -> Instrument:
        """The rules in force, or NotFound."""
        ...

    @safe
    async def rules_at(self, venue: Venue, symbol: Symbol, at: datetime) -> Instrument:
        """The rules as they were known at a moment, from the store; NotFound where nobody had watched the symbol."""
        ...

    @safe
    async def candles(
        self, venue: Venue, symbol: Symbol, timeframe: Timeframe, limit: int, until: datetime | None = None
    ) -> list[Candle]:
        """Closed candles, oldest first, contiguous; fetched from the venue where the store has holes."""
        ...

    @safe
    async def price(self, venue: Venue, symbol: Symbol) -> Tick:
        """The newest tick, or Unavailable `no_price`."""
        ...

    @repeatable
    async def watch(self, venue: Venue, symbol: Symbol, timeframe: Timeframe) -> None:
        """Keep the symbol's ticks and closed candles flowing; returns when the subscription is confirmed."""
        ...

    @safe
    async def feed_status(self) -> FeedStatus:
        """Progress of the public streams."""
        ...
