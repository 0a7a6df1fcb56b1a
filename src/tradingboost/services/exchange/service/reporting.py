"""What is heard on a private stream becomes facts: one a frame and symbol, those that wait together stored together."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

import structlog

from tradingboost.core.errors import Conflict, OutcomeUnknown, Unavailable
from tradingboost.core.ids import Symbol
from tradingboost.core.order import Fill, VenueReport
from tradingboost.kit import outbox
from tradingboost.kit.crash import crash_point
from tradingboost.kit.db import Database
from tradingboost.shared.events.envelope import Payload
from tradingboost.shared.events.exchange import StreamResynced, VenueReported
from tradingboost.shared.interfaces.users import Account
from tradingboost.venues.base import Facts

log = structlog.get_logger(__name__)
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

    async def reported(self, *frames: Facts) -> None:
        """Store what frames say, per symbol."""
        await _kept(lambda: self._store([one for frame in frames for one in self._events(*frame)], len(frames)))

    async def resynced(self, reason: str, stretch: str) -> None:
        """Store that what was told before may not have been heard."""
        payload = StreamResynced(
            account_id=self._account.account_id,
            user_id=self._account.user_id,
            venue=self._account.venue,
            reason=reason[:500],
            stretch=stretch,
        )
        await _kept(lambda: self._store([self._event(None, payload)], 1))

    async def _store(self, events: Sequence[dict[str, Any]], frames: int) -> None:
        """One statement that is the whole transaction; a crash point is passed once a frame."""
        for _ in range(frames):
            crash_point("exchange.report.before_commit")
        async with self._db.statement() as db:
            await outbox.store(db, *events)
        for _ in range(frames):
            crash_point("exchange.report.after_commit")

    def _events(self, reports: Sequence[VenueReport], fills: Sequence[Fill]) -> Iterator[dict[str, Any]]:
        for symbol in sorted({one.symbol for one in reports} | {one.symbol for one in fills}):
            payload = VenueReported(
                account_id=self._account.account_id,
                user_id=self._account.user_id,
                reports=[one for one in reports if one.symbol == symbol],
                fills=[one for one in fills if one.symbol == symbol],
            )
            yield self._event(symbol, payload)

    def _event(self, symbol: Symbol | None, payload: Payload) -> dict[str, Any]:
        account = self._account
        return outbox.event_values(
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
