"""Prices written down, where that is wished: by the second, and rather with a gap than late."""

from collections import deque
from typing import Final

import structlog

from tradingboost.core.errors import Conflict, OutcomeUnknown, Unavailable
from tradingboost.core.market import Tick
from tradingboost.kit.db import Database
from tradingboost.services.market import repository as store
from tradingboost.services.market.settings import MarketSettings

log = structlog.get_logger(__name__)
_MOST: Final = 20_000


class TickKeeper:
    """Collects ticks between two writes. While the database is away the oldest are let go."""

    def __init__(self, db: Database, settings: MarketSettings) -> None:
        self._db = db
        self._waiting: deque[Tick] = deque(maxlen=_MOST)
        self.wanted = settings.keep_ticks

    def add(self, tick: Tick) -> None:
        """Take a price to be written."""
        if self.wanted:
            self._waiting.append(tick)

    async def flush(self) -> int:
        """Write what waits; how many. What cannot be written waits on."""
        taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not taken:
            return 0
        try:
            async with self._db.transaction() as db:
                await store.store_ticks(db, taken)
        except (Unavailable, Conflict, OutcomeUnknown) as error:
            log.warning("ticks_wait", code=error.code, count=len(taken))
            room = _MOST - len(self._waiting)
            self._waiting.extendleft(reversed(taken[-room:] if room else []))
            return 0
        return len(taken)
