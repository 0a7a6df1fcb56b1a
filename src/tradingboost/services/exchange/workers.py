"""Loops `exchange` runs: watching over the streams, each of which reads in a task of its own, and over the venues."""

import structlog

from tradingboost.core.errors import BrokenInvariant, Conflict, NotFound, OutcomeUnknown, TradingBoostError, Unavailable
from tradingboost.kit.runtime import Life, Worker
from tradingboost.services.exchange.service import ExchangeService
from tradingboost.services.exchange.service.accounts import Connected
from tradingboost.services.exchange.service.verifying import Custodian
from tradingboost.services.exchange.settings import ExchangeSettings

log = structlog.get_logger(__name__)


class Workers:
    """The watches."""

    def __init__(self, service: ExchangeService, settings: ExchangeSettings) -> None:
        self._service = service
        self._every_s = settings.instruments_every_s
        self._keys_every_s = settings.credentials_every_s

    def all(self) -> list[Worker]:
        """The loops."""
        return [
            Worker("streams", self.watch),
            Worker("hindrances", self.review),
            Worker("instruments", self.refresh, stall_after_s=2 * self._every_s),
        ]

    async def watch(self, life: Life) -> None:
        """A stream that ended is opened again; one that ended by a broken invariant takes the process down."""
        while await life.sleep(1.0):
            for found in self._service.accounts.all():
                if found.replaced:
                    await self._renew(found)
                if not found.reading.done():
                    continue
                failure = None if found.reading.cancelled() else found.reading.exception()
                if isinstance(failure, BrokenInvariant):
                    raise failure
                try:
                    await self._service.connect(found.account.account_id)
                except TradingBoostError as error:
                    log.warning("stream_not_reopened", account_id=found.account.account_id, code=error.code)

    async def _renew(self, found: Connected) -> None:
        try:
            await self._service.accounts.renew(found.account.account_id)
        except TradingBoostError as error:
            log.warning("account_not_renewed", account_id=found.account.account_id, code=error.code)

    async def keys(self, life: Life, custodian: Custodian) -> None:
        """Look after keys that wait for the venue, are due for a check, or are over."""
        while await life.sleep(self._keys_every_s):
            try:
                await custodian.review()
            except (Unavailable, OutcomeUnknown, Conflict, NotFound) as error:
                log.warning("keys_not_reviewed", code=error.code)

    async def review(self, life: Life) -> None:
        """Tell what keeps accounts from opening anything, as it begins and ends."""
        while await life.sleep(1.0):
            try:
                await self._service.hindrances.review()
            except (Unavailable, OutcomeUnknown) as error:
                log.warning("hindrances_not_told", code=error.code)

    async def refresh(self, life: Life) -> None:
        """Read the rules of instruments again now and then, of every venue an account is connected to."""
        while await life.sleep(self._every_s):
            for venue in sorted({found.account.venue for found in self._service.accounts.all()}):
                try:
                    await self._service.rules.refresh(venue)
                except Unavailable as error:
                    log.warning("instruments_not_read", venue=venue, code=error.code)
