"""Loops `market` runs: one public stream a venue, and what was watched before."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from tradingboost.core.errors import Conflict, NotFound, OutcomeUnknown, Unavailable
from tradingboost.kit.runtime import Life, Worker
from tradingboost.services.market.service import MarketService
from tradingboost.venues.base import PublicFeed

log = structlog.get_logger(__name__)
_LATE_EVERY_S = 2.0
_UPKEEP_EVERY_S = 60.0
_TICKS_EVERY_S = 1.0


class Workers:
    """The streams."""

    def __init__(self, service: MarketService) -> None:
        self._service = service
        self._resumed = False

    def all(self) -> list[Worker]:
        """The loops."""
        streams = [Worker(f"feed:{venue}", self._stream(feed)) for venue, feed in self._service.feeds.items()]
        kept = [Worker("ticks", self.ticks)] if self._service.ticks.wanted else []
        return [
            *streams,
            Worker("resume", self.resume, finite=True),
            Worker("late", self.late),
            Worker("upkeep", self.upkeep),
            *kept,
        ]

    async def not_ready(self) -> str | None:
        """Why candles and prices do not flow yet."""
        return None if self._resumed else "what was watched before is not watched again yet"

    def _stream(self, feed: PublicFeed) -> Callable[[Life], Awaitable[None]]:
        async def read(life: Life) -> None:
            task = asyncio.ensure_future(feed.run())
            try:
                while not task.done() and await life.sleep(1.0):
                    continue
                await feed.stop()
                await task
            finally:
                task.cancel()
                await asyncio.wait({task})

        return read

    async def resume(self, life: Life) -> None:
        """Watch again what was watched; tried for as long as the venue is away."""
        while not life.stopping:
            try:
                await self._service.resume()
                self._resumed = True
                return
            except Unavailable as error:
                log.warning("watch_waits", code=error.code)
                await life.sleep(1.0)

    async def late(self, life: Life) -> None:
        """Fetch what a silent candle channel did not tell."""
        while await life.sleep(_LATE_EVERY_S):
            try:
                await self._service.fetch_late()
            except (Unavailable, NotFound, OutcomeUnknown) as error:
                log.warning("late_candles_wait", code=error.code)

    async def upkeep(self, life: Life) -> None:
        """Put longer candles together and forget what is too old."""
        while await life.sleep(_UPKEEP_EVERY_S):
            try:
                await self._service.upkeep.run(life)
            except (Unavailable, Conflict, OutcomeUnknown) as error:  # all of it can be done again
                log.warning("upkeep_waits", code=error.code)

    async def ticks(self, life: Life) -> None:
        """Write the prices heard."""
        while await life.sleep(_TICKS_EVERY_S):
            await self._service.ticks.flush()
        await self._service.ticks.flush()
