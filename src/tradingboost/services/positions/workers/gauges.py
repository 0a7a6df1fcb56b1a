"""What is held, and for how long without a stop, as metrics."""

from collections import Counter
from typing import Final

import structlog

from tradingboost.core.errors import Conflict, OutcomeUnknown, Unavailable
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.runtime import Life
from tradingboost.services.positions.service import PositionsService

log = structlog.get_logger(__name__)
EVERY_S: Final = 5.0


class Gauges:
    """Sets `position_uncovered_seconds` and `active_positions`; what was seen before and is over reads zero.

    A leg is covered as the facts about its stops say, those of the stop audit among them. Of several accounts with the
    same leg the worst counts: a metric names no person.
    """

    def __init__(self, service: PositionsService) -> None:
        self._service = service
        self._legs: set[tuple[str, str, str]] = set()
        self._markets: set[tuple[str, str]] = set()

    async def run(self, life: Life) -> None:
        """The loop."""
        while await life.sleep(EVERY_S):
            try:
                await self.set(life.metrics)
            except (Unavailable, Conflict, OutcomeUnknown) as error:
                log.warning("gauges_wait", code=error.code)

    async def set(self, metrics: Metrics) -> None:
        """One look at everything that is held."""
        bare_s: dict[tuple[str, str, str], float] = dict.fromkeys(self._legs, 0.0)
        held: Counter[tuple[str, str]] = Counter(dict.fromkeys(self._markets, 0))
        for leg in await self._service.held():
            name = (leg.venue, leg.symbol, leg.side)
            bare_s[name] = max(bare_s.get(name, 0.0), leg.bare_s)
            held[leg.venue, leg.symbol] += 1
        self._legs, self._markets = set(bare_s), set(held)
        for (venue, symbol, side), seconds in bare_s.items():
            metrics.position_uncovered.labels(exchange=venue, symbol=symbol, side=side).set(seconds)
        for (venue, symbol), count in held.items():
            metrics.active_positions.labels(exchange=venue, symbol=symbol).set(count)
