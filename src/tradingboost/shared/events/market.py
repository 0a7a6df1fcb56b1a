"""What `market` tells."""

from datetime import datetime
from decimal import Decimal

from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.shared.events.envelope import Payload, event


@event("market.tick", lossy=True)
class Ticked(Payload, frozen=True, kw_only=True):
    """The newest prices of a symbol; older ones may be skipped."""

    venue: Venue
    symbol: Symbol
    at: datetime
    last: Decimal
    mark: Decimal

    @classmethod
    def of(cls, tick: Tick) -> "Ticked":
        """The feed entry of a tick."""
        return cls(**{field: getattr(tick, field) for field in cls.__struct_fields__})

    def tick(self) -> Tick:
        """The tick told of."""
        return Tick(**{field: getattr(self, field) for field in self.__struct_fields__})


@event("market.candle_closed")
class CandleClosed(Payload, frozen=True, kw_only=True):
    """A candle the venue confirmed as closed. Key: venue:symbol:timeframe.

    `younger`: how many candles had closed after it when it was told (after a lost stream); 0 = it is the newest.
    """

    venue: Venue
    symbol: Symbol
    timeframe: Timeframe
    open_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    younger: int = 0

    @classmethod
    def of(cls, candle: Candle, younger: int = 0) -> "CandleClosed":
        """The fact about a candle."""
        return cls(**{field: getattr(candle, field) for field in candle.__struct_fields__}, younger=younger)

    def candle(self) -> Candle:
        """The candle the fact is about."""
        return Candle(**{field: getattr(self, field) for field in Candle.__struct_fields__})


@event("market.feed_stalled")
class FeedStalled(Payload, frozen=True, kw_only=True):
    """No data for a symbol for too long; deciders wait."""

    venue: Venue
    symbol: Symbol
    since: datetime


@event("market.feed_resumed")
class FeedResumed(Payload, frozen=True, kw_only=True):
    """Data flows again and what was missed has been fetched."""

    venue: Venue
    symbol: Symbol
    since: datetime
