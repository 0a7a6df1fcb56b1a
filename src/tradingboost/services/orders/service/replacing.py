"""The short proof: a stop of unknown fate is replaced long before its absence is proven, since a second stop can only
reduce. The first one stays unknown until the full proof; should it show after all, it is cancelled."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.order import RequestKind, Role
from tradingboost.kit.context import Context
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.models import Attempt, OrderRow
from tradingboost.services.orders.service.accounts import Accounts
from tradingboost.services.orders.service.submitting import Submitter

APART = timedelta(seconds=2)
"""Two healthy complete listings this far apart, both later than the stop could still have arrived."""

_MOST = 10_000
_REASON = "in place of a stop whose fate is unknown"
_DONE = datetime.max.replace(tzinfo=UTC)


class Replacer:
    """Watches over stops whose submit has no outcome."""

    def __init__(self, context: Context, accounts: Accounts, submitter: Submitter) -> None:
        self._clock = context.clock
        self._ids = context.ids
        self._accounts = accounts
        self._submitter = submitter
        self._listed: dict[str, datetime] = {}
        """By request, when a healthy listing first showed nothing; forgotten with the process, and then begun anew."""

    async def absent(self, row: OrderRow, request: Any, settled_at: datetime, healthy: bool) -> datetime | None:
        """A listing did not show the order; place the replacement once that is proven twice.

        Args:
            settled_at: from then on nothing that left in time can still arrive.
            healthy: the listing was complete and the stream had no gap.

        Returns:
            When to list again; None = nothing here is in a hurry.
        """
        if row.role is not Role.STOP or not row.reduce_only or row.run_id is None:
            return None
        now = self._clock.now()
        if now < settled_at:
            return settled_at
        first = self._listed.setdefault(request.request_id, now) if healthy else None
        if first is _DONE:
            return None
        if first is None or now - first < APART:
            return (first or now) + APART
        await self._submitter.submit(row.again(reason=_REASON, cause=f"short:{row.order_id}"))
        self._listed[request.request_id] = _DONE
        if len(self._listed) > _MOST:
            del self._listed[next(iter(self._listed))]
        return None

    async def found(self, db: AsyncConnection, row: OrderRow, request: Any, now: datetime) -> None:
        """It rests after all: where another has taken its place, the settling of lost cancels takes it away."""
        self._listed.pop(request.request_id, None)
        if row.role is Role.STOP and await store.replaced(db, row):
            token = self._accounts.fence_token(row.account_id)
            attempt = Attempt(request_id=str(self._ids.uuid7()), sent_at=now, expires_at=now, fence_token=token)
            await store.insert_request(db, row, RequestKind.CANCEL, attempt)
