"""What Binance, Bitget, Bybit and Upbit tell everybody: instruments, closed candles, prices. Quirks are below it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final

from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.shared.calls import safe
from tradingboost.venues.answers import MANNERS
from tradingboost.venues.base import Endpoint, FeedSink, PublicFeed
from tradingboost.venues.call import Call
from tradingboost.venues.polling import PolledFeed
from tradingboost.venues.rest_call import RestCaller
from tradingboost.venues.transport import Transport

_PAUSE_S: Final = 0.15

Listed = dict[Symbol, tuple[Instrument, Decimal]]


class RestPublic(ABC):
    """Implements `venues.base.PublicVenue` and `CandleHistory`; a venue fills in the four readers below."""

    VENUE: ClassVar[Venue]
    BARS: ClassVar[Mapping[Timeframe, str]]
    PAGE: ClassVar[int]
    EXAMPLE: ClassVar[str]

    def __init__(self, transport: Transport, endpoint: Endpoint) -> None:
        self.transport = transport
        self.endpoint = endpoint
        self.venue_clock = transport.venue_clock(self.VENUE, self.time_ms)
        self._caller: RestCaller | None = None
        self._listed: Listed = {}
        self._loading = asyncio.Lock()

    @property
    def caller(self) -> RestCaller:
        """Calls of an instance without keys."""
        if self._caller is None:
            from tradingboost.venues import library

            instance = library.opened(self.VENUE, self.transport, self.endpoint, None)
            self._caller = RestCaller(instance, MANNERS[self.VENUE])
        return self._caller

    @abstractmethod
    async def _read_instruments(self) -> Listed: ...

    @abstractmethod
    async def _read_candles(
        self, symbol: Symbol, timeframe: Timeframe, limit: int, until: datetime | None
    ) -> list[Candle]: ...

    @abstractmethod
    async def _read_price(self, symbol: Symbol) -> Tick: ...

    @abstractmethod
    async def time_ms(self) -> int:
        """The venue's time."""
        ...

    async def instruments(self, refresh: bool = False) -> dict[Symbol, Instrument]:
        """See `PublicVenue.instruments`; while they are read again, those known are in force."""
        if refresh or not self._listed:
            async with self._loading:
                if refresh or not self._listed:
                    self._listed = await self._read_instruments()
        return {symbol: one for symbol, (one, _) in self._listed.items()}

    async def rules(self, symbol: Symbol) -> tuple[Instrument, Decimal]:
        """The rules of one symbol, and the least value of an order in quote currency.

        Raises:
            NotFound: it is not listed, or its rules are incomplete.
        """
        if not self._listed:
            await self.instruments()
        found = self._listed.get(symbol)
        if found is None:
            message = f"{self.VENUE} lists no {symbol}; use its own name, such as {self.EXAMPLE}."
            raise NotFound("unknown_symbol", message)
        return found

    async def instrument(self, symbol: Symbol) -> Instrument:
        """See `CandleHistory.instrument`."""
        return (await self.rules(symbol))[0]

    def bar(self, timeframe: Timeframe) -> str:
        """The venue's word for a length of candles.

        Raises:
            InvalidInput: it has none.
        """
        if timeframe not in self.BARS:
            raise InvalidInput("unknown_timeframe", f"{self.VENUE} has no {timeframe.value} candles.")
        return self.BARS[timeframe]

    async def candles(
        self, symbol: Symbol, timeframe: Timeframe, limit: int, until: datetime | None = None
    ) -> list[Candle]:
        """See `PublicVenue.candles`."""
        await self.rules(symbol)
        found: dict[datetime, Candle] = {}
        before = until
        while len(found) < limit:
            page = await self._closed_page(symbol, timeframe, before)
            fresh = [candle for candle in page if candle.open_at not in found]
            if not fresh:
                break
            found |= {candle.open_at: candle for candle in fresh}
            before = min(found)
        return [found[at] for at in sorted(found)][-limit:]

    @property
    def page_bars(self) -> int:
        """See `CandleHistory.page_bars`."""
        return self.PAGE

    @property
    def pause_s(self) -> float:
        """See `CandleHistory.pause_s`."""
        return _PAUSE_S

    @safe
    async def history(self, symbol: Symbol, timeframe: Timeframe, since: datetime, until: datetime) -> list[Candle]:
        """See `CandleHistory.history`."""
        bars = min(-((since - until) // timeframe.length), self.PAGE)
        found = await self.candles(symbol, timeframe, bars, until)
        return [candle for candle in found if candle.open_at >= since]

    async def _closed_page(self, symbol: Symbol, timeframe: Timeframe, until: datetime | None) -> list[Candle]:
        """Closed bars only: none of these venues marks them, so the clock decides, with a second's doubt."""
        now = self.transport.clock.now() - timedelta(seconds=1)
        page = await self._read_candles(symbol, timeframe, self.PAGE, until)
        whole = [candle for candle in page if candle.open_at + timeframe.length <= now]
        return [candle for candle in whole if until is None or candle.open_at < until]

    async def price(self, symbol: Symbol) -> Tick:
        """See `PublicVenue.price`."""
        await self.rules(symbol)
        return await self._read_price(symbol)

    def feed(self, sink: FeedSink) -> PublicFeed:
        """See `PublicVenue.feed`."""
        return PolledFeed(self, sink, self.transport.clock)

    async def close(self) -> None:
        """Let go of the instance."""
        if self._caller is not None:
            await self._caller.close()
            self._caller = None

    async def _rows(self, call: Call) -> list[Any]:
        found: list[Any] = await self.caller.ask(call)
        return found
