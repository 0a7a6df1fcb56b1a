"""Loops `positions` runs: prices in, and the venue's figures now and then."""

import structlog

from tradingboost.core.errors import Conflict, OutcomeUnknown, Refused, Unavailable
from tradingboost.kit.context import Context
from tradingboost.kit.feed import FeedReader, Source
from tradingboost.kit.runtime import Life, Worker
from tradingboost.services.positions.service import PositionsService
from tradingboost.services.positions.settings import PositionsSettings
from tradingboost.services.positions.workers import gauges
from tradingboost.services.positions.workers.equity import EquityKeeper
from tradingboost.services.positions.workers.mirror import Mirror
from tradingboost.shared.events.market import Ticked

log = structlog.get_logger(__name__)


class Workers:
    """Marks and settlement."""

    def __init__(self, context: Context, service: PositionsService, settings: PositionsSettings) -> None:
        self._redis = context.redis
        self._service = service
        self._every_s = settings.settle_every_s
        self._mirror = Mirror(context.redis, context.clock, service)
        self._equity = EquityKeeper(context, service)

    def all(self) -> list[Worker]:
        """The loops."""
        return [
            Worker("marks", self.marks),
            Worker("settle", self.settle, stall_after_s=300),
            Worker("mirror", self._mirror.run),
            Worker("equity", self._equity.run),
            Worker("gauges", gauges.Gauges(self._service).run),
        ]

    async def marks(self, life: Life) -> None:
        """Keep the newest mark of every symbol that is held."""
        sources: list[Source] = []
        reader: FeedReader[Ticked] | None = None
        while not life.stopping:
            life.beat()
            wanted = [Source(*held) for held in await self._service.held_symbols()]
            if wanted != sources or reader is None:
                sources, reader = wanted, FeedReader(self._redis, Ticked, wanted)
            if not sources:
                await life.sleep(0.5)
                continue
            try:
                for tick in (await reader.read()).values():
                    self._service.marks[tick.venue, tick.symbol] = tick.mark
                await life.sleep(0.2)
            except Unavailable as error:
                log.warning("marks_wait", code=error.code)
                reader = None
                await life.sleep(0.5)

    async def settle(self, life: Life) -> None:
        """Book bills and compare, account by account."""
        while await life.sleep(self._every_s):
            for account_id in await self._service.known_accounts():
                try:
                    await self._service.settle(account_id)
                except (
                    Unavailable,
                    Conflict,
                    OutcomeUnknown,
                    Refused,
                ) as error:  # keys revoked: nobody is flat by that
                    log.warning("settle_failed", account_id=account_id, code=error.code)
