"""Prices and closed candles of a venue by asking again and again; nothing is asked before something is watched."""

import asyncio
from datetime import datetime
from typing import Final, Protocol

import structlog

from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import Symbol
from tradingboost.core.instrument import Instrument
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.kit.clock import Clock
from tradingboost.venues.base import FeedSink

log = structlog.get_logger(__name__)
_EVERY_S: Final = 1.0
_MOST_NEW: Final = 100
"""Candles fetched at once after an absence; what is older is the backfill's."""


class Source(Protocol):
    """What is asked."""

    async def instrument(self, symbol: Symbol) -> Instrument:
        """The rules of one symbol."""
        ...

    async def price(self, symbol: Symbol) -> Tick:
        """The newest prices."""
        ...

    async def candles(
        self, symbol: Symbol, timeframe: Timeframe, limit: int, until: datetime | None = None
    ) -> list[Candle]:
        """Closed candles, oldest first."""
        ...


class PolledFeed:
    """Implements `venues.base.PublicFeed`.

    Args:
        every_s: seconds between two rounds of questions.
    """

    def __init__(self, source: Source, sink: FeedSink, clock: Clock, every_s: float = _EVERY_S) -> None:
        self._every_s = every_s
        self._source = source
        self._sink = sink
        self._clock = clock
        self._watched: dict[tuple[Symbol, Timeframe], datetime | None] = {}
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._away = False
        self._rounds = 0
        self.reconnects = 0

    async def run(self) -> None:
        """See `PublicFeed.run`."""
        while not self._stopping.is_set():
            if not self._watched:
                await self._changed.wait()
                continue
            try:
                await self._round()
            except Unavailable as error:
                await self._lost(error.code)
            except (KeyError, ValueError, ArithmeticError, TypeError, IndexError):
                log.exception("feed_unreadable")
                await self._lost("unreadable")
            await self._rest()

    async def watch(self, symbol: Symbol, timeframe: Timeframe) -> None:
        """See `PublicFeed.watch`; only candles that close from now on are told."""
        await self._source.instrument(symbol)
        if (symbol, timeframe) not in self._watched:
            newest = await self._source.candles(symbol, timeframe, 1)
            self._watched[symbol, timeframe] = newest[-1].open_at if newest else None
        self._changed.set()

    def frames(self) -> dict[str, int]:
        """See `PublicFeed.frames`: rounds of questions."""
        return {"polled": self._rounds} if self._rounds else {}

    async def stop(self) -> None:
        """See `PublicFeed.stop`."""
        self._stopping.set()
        self._changed.set()

    async def _round(self) -> None:
        for symbol in sorted({symbol for symbol, _ in self._watched}):
            await self._sink.tick(await self._source.price(symbol))
        for (symbol, timeframe), newest in list(self._watched.items()):
            if newest is not None and self._clock.now() < newest + 2 * timeframe.length:
                continue
            for candle in await self._source.candles(symbol, timeframe, 1 if newest is None else _MOST_NEW):
                if newest is None or candle.open_at > newest:
                    await self._sink.candle(candle)
                    self._watched[symbol, timeframe] = candle.open_at
        self._rounds += 1
        if self._away:
            self._away = False
            self.reconnects += 1
            await self._sink.back()

    async def _lost(self, reason: str) -> None:
        if not self._away:
            self._away = True
            log.warning("feed_lost", reason=reason)
            await self._sink.lost(reason)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._every_s):
                await self._stopping.wait()
        except TimeoutError:
            return
