"""Loops `exchange` runs: watching over the streams, each of which reads in a task of its own."""

import structlog

from tradingboost.core.errors import BrokenInvariant, TradingBoostError
from tradingboost.kit.runtime import Life, Worker
from tradingboost.services.exchange.service import ExchangeService

log = structlog.get_logger(__name__)


class Workers:
    """The watch."""

    def __init__(self, service: ExchangeService) -> None:
        self._service = service

    def all(self) -> list[Worker]:
        """The loops."""
        return [Worker("streams", self.watch)]

    async def watch(self, life: Life) -> None:
        """A stream that ended is opened again; one that ended by a broken invariant takes the process down."""
        while await life.sleep(1.0):
            for found in self._service.accounts.all():
                if not found.reading.done():
                    continue
                failure = None if found.reading.cancelled() else found.reading.exception()
                if isinstance(failure, BrokenInvariant):
                    raise failure
                try:
                    await self._service.connect(found.account.account_id)
                except TradingBoostError as error:
                    log.warning("stream_not_reopened", account_id=found.account.account_id, code=error.code)
