"""Loops `orders` runs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import structlog

from tradingboost.core.errors import Conflict, OutcomeUnknown, Refused, Unavailable
from tradingboost.core.ids import AccountId
from tradingboost.kit.runtime import Life, Worker, first_error
from tradingboost.services.orders.sagas import Sagas
from tradingboost.services.orders.service import OrdersService
from tradingboost.services.orders.settings import OrdersSettings

_DEAF_EVERY_S = 10.0
"""An account whose stream is away is compared this often: only a reading tells revoked keys from a broken line."""
AT_ONCE: Final = 8
"""Comparisons on their way at a time; each mostly waits for the venue."""

log = structlog.get_logger(__name__)


class Workers:
    """Settling of lost replies, protection, and comparison with the venue.

    Args:
        resync: accounts whose stream had a gap; filled by the handlers, emptied here.
    """

    def __init__(
        self, service: OrdersService, sagas: Sagas, resync: dict[AccountId, str], settings: OrdersSettings
    ) -> None:
        self._service = service
        self._sagas = sagas
        self._resync = resync
        self._every_s = settings.reconcile_every_s

    def all(self) -> list[Worker]:
        """The loops."""
        return [
            Worker("lease", self.lease),
            Worker("lane", self.lane),
            Worker("settle", self.settle),
            Worker("protect", self.protect),
            Worker("flatten", self.flatten),
            Worker("resize", self.resize),
            Worker("guard", self.guard),
            Worker("gauges", self.gauges),
            Worker("reconcile", self.reconcile, stall_after_s=300),
        ]

    async def lease(self, life: Life) -> None:
        """Keep the right to act for the accounts we hold."""
        while await life.sleep(3.0):
            await self._service.renew()

    async def lane(self, life: Life) -> None:
        """Without a database: cover and reduce, and notice that it is back."""
        while await life.sleep(0.5):
            await self._service.protect()

    async def settle(self, life: Life) -> None:
        """Ask after every attempt whose outcome is unknown."""
        while await life.sleep(0.5):
            await self._with_database(self._service.looker.settle_requests)

    async def protect(self, life: Life) -> None:
        """Watch that every filled entry is covered, and sweep what protects nothing."""
        while await life.sleep(1.0):
            await self._with_database(self._sagas.drive)
            await self._with_database(self._service.sweep)

    async def flatten(self, life: Life) -> None:
        """Go on with what was to be flat when an earlier life ended."""
        while await life.sleep(2.0):
            await self._with_database(self._sagas.go_on)

    async def resize(self, life: Life) -> None:
        """Let the stops follow what fills."""
        while await life.sleep(0.25):
            await self._with_database(self._service.sizer.resize)

    async def guard(self, life: Life) -> None:
        """Compare stops with those at the venue, and losses with limits: every 15 s, or after a doubt."""
        while await life.sleep(1.0):
            await self._with_database(self._service.guard.audit)
            await self._with_database(self._service.limiter.audit)

    async def gauges(self, life: Life) -> None:
        """Show from outside how many orders nobody knows the fate of."""
        while await life.sleep(5.0):
            try:
                life.metrics.orders_unknown.plain.set(await self._service.unknown())
            except (Unavailable, OutcomeUnknown) as error:
                log.warning("gauges_wait", code=error.code)

    async def _with_database(self, work: Callable[[], Awaitable[object]]) -> None:
        """One piece of work, once nothing is owed to the database; while that is away there is none."""
        try:
            await self._service.importer.cleared()
            await work()
        except (Unavailable, OutcomeUnknown) as error:
            if not self._service.blackout.heed(error):
                raise

    async def reconcile(self, life: Life) -> None:
        """Compare accounts whose stream had a gap at once; every account at the start, and now and then.

        Also those without a run: what they hold is protected all the same.
        """
        waited_s = self._every_s
        while await life.sleep(1.0):
            waited_s += 1.0
            if self._service.blackout.away:
                continue
            due: set[AccountId] = set()
            if waited_s % _DEAF_EVERY_S == 0:
                due = set(await self._service.deaf())
            if waited_s >= self._every_s:
                waited_s = 0.0
                due |= set(await self._service.known_accounts())
            lost = set(self._service.accounts.lost)  # by a stall of this process: nobody else may want them
            self._service.accounts.lost.clear()
            wanted = iter(sorted(due | lost | set(self._resync)))
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(AT_ONCE):
                        group.create_task(self._compare(wanted, life))
            except BaseExceptionGroup as errors:
                raise first_error(errors) from errors

    async def _compare(self, wanted: Iterator[AccountId], life: Life) -> None:
        """Take one account after the other from what all of them share."""
        for account_id in wanted:
            life.beat()
            heard = self._resync.get(account_id)
            try:
                await self._service.reconcile(account_id)
                if self._resync.get(account_id) == heard:  # else there was another gap meanwhile
                    self._resync.pop(account_id, None)
            except (Unavailable, Conflict, OutcomeUnknown, Refused) as error:  # one account's keys hold up no other
                log.warning("reconcile_failed", account_id=account_id, code=error.code)
