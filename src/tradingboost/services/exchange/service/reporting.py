"""What is heard on a private stream becomes a fact: one frame, one transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, OutcomeUnknown, Unavailable
from tradingboost.core.ids import Symbol
from tradingboost.core.order import Fill, VenueReport
from tradingboost.kit import outbox
from tradingboost.kit.crash import crash_point
from tradingboost.kit.db import Database
from tradingboost.shared.events.envelope import Payload
from tradingboost.shared.events.exchange import StreamResynced, VenueReported
from tradingboost.shared.interfaces.users import Account

log = structlog.get_logger(__name__)
Told = tuple[Symbol | None, Payload]
_PAUSES_S: Final = (0.05, 0.2, 0.5, 1.0)


class Reporter:
    """Implements `venues.base.StreamSink` for one account.

    A database that is away is waited for: the frame is not counted as handled before, and the wire behind it fills up
    to its bound and is then dropped, which ends in a resynchronisation. Repeating after a lost COMMIT reply may tell a
    thing twice, which changes nothing for whoever joins it.
    """

    def __init__(self, db: Database, account: Account) -> None:
        self._db = db
        self._account = account

    async def reported(self, reports: list[VenueReport], fills: list[Fill]) -> None:
        """Store what a frame says, per symbol."""
        symbols = sorted({one.symbol for one in reports} | {one.symbol for one in fills})
        payloads: list[Told] = [
            (
                symbol,
                VenueReported(
                    account_id=self._account.account_id,
                    user_id=self._account.user_id,
                    reports=[one for one in reports if one.symbol == symbol],
                    fills=[one for one in fills if one.symbol == symbol],
                ),
            )
            for symbol in symbols
        ]
        await _kept(lambda: self._emit(payloads))

    async def resynced(self, reason: str) -> None:
        """Store that the stream had a gap."""
        payload = StreamResynced(
            account_id=self._account.account_id,
            user_id=self._account.user_id,
            venue=self._account.venue,
            reason=reason[:500],
        )
        await _kept(lambda: self._emit([(None, payload)]))

    async def _emit(self, payloads: list[Told]) -> None:
        if len(payloads) == 1:  # as nearly always: one statement that is the whole transaction
            crash_point("exchange.report.before_commit")
            async with self._db.statement() as db:
                await self._told(db, *payloads[0])
        else:
            async with self._db.transaction() as db:
                for symbol, payload in payloads:
                    await self._told(db, symbol, payload)
                crash_point("exchange.report.before_commit")
        crash_point("exchange.report.after_commit")

    async def _told(self, db: AsyncConnection, symbol: Symbol | None, payload: Payload) -> None:
        account = self._account
        await outbox.emit(
            db,
            payload,
            key=f"{account.user_id}:{account.venue}:{symbol or account.account_id}",
            aggregate=f"venue:{account.account_id}:{symbol or 'stream'}",
            user_id=account.user_id,
        )


async def _kept(store: Callable[[], Awaitable[None]]) -> None:
    """Store, however long the database takes to come back."""
    failures = 0
    while True:
        try:
            await store()
            return
        except (Unavailable, Conflict, OutcomeUnknown) as error:
            log.warning("report_waits", code=error.code, attempt=failures + 1)
            await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
            failures += 1
