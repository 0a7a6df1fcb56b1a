"""The database is away: what that forbids, and the journal that stands in for it."""

from collections import deque
from datetime import datetime
from typing import Final

import msgspec
import structlog

from tradingboost.core.errors import Conflict, OutcomeUnknown, TradingBoostError, Unavailable
from tradingboost.core.ids import OrderId
from tradingboost.core.order import OrderIntent, RequestKind
from tradingboost.kit.clock import Clock
from tradingboost.kit.journal import Journal
from tradingboost.services.orders.models import Attempt, OrderRow
from tradingboost.shared.interfaces.exchange import AmendOrder, Outcome

log = structlog.get_logger(__name__)
_AWAY: Final = "database_down"
_MAYBE_STORED: Final = "database_commit_unknown"
_MOST_KEPT: Final = 10_000


class Sent(msgspec.Struct, frozen=True, kw_only=True, tag="sent"):
    """An order that goes out without a row; `row` becomes one."""

    intent: OrderIntent
    row: OrderRow
    attempt: Attempt


class Asked(msgspec.Struct, frozen=True, kw_only=True, tag="asked"):
    """A cancel or an amendment (`wish`) of an order that has a row, or a line before this one."""

    kind: RequestKind
    row: OrderRow
    attempt: Attempt
    wish: AmendOrder | None = None


class Came(msgspec.Struct, frozen=True, kw_only=True, tag="came"):
    """What became of an attempt, also of one that was recorded while the database was there."""

    request_id: str
    order_id: OrderId
    outcome: Outcome
    at: datetime


Line = Sent | Asked | Came


class Blackout:
    """Whether the database is away, and what has to be told to it afterwards.

    Args:
        journal: None = there is none, so that nothing at all is sent while the database is away.
    """

    def __init__(self, clock: Clock, journal: Journal | None) -> None:
        self._clock = clock
        self.journal = journal
        self.began_s: float | None = None
        """Since when the database is away, by the monotonic clock; None while it is there."""
        self.frozen = False
        """Neither the database nor the journal takes anything: nothing is sent."""
        self.kept: deque[Came] = deque(maxlen=_MOST_KEPT)
        """Outcomes that could not be stored; the journal has them too, if it can be written."""

    @property
    def away(self) -> bool:
        """The database does not answer, as far as this process knows."""
        return self.began_s is not None

    @property
    def owed(self) -> bool:
        """Something happened that the database has not been told."""
        return bool(self.kept) or (self.journal is not None and self.journal.pending)

    def heed(self, error: TradingBoostError) -> bool:
        """Note that the database is away, if that is what the error says."""
        if error.code != _AWAY:
            return False
        self.begin()
        return True

    def begin(self) -> None:
        """It does not answer."""
        if self.began_s is None:
            self.began_s = self._clock.monotonic()
            log.error("database_away")

    def end(self) -> None:
        """It answers again."""
        if self.began_s is not None:
            log.warning("database_back", away_s=round(self._clock.monotonic() - self.began_s, 1))
        self.began_s, self.frozen = None, False

    def check(self) -> None:
        """Nothing that needs a committed intent may begin.

        Raises:
            Unavailable: `database_down`, at once instead of after a time-out of the driver.
        """
        if self.away:
            message = "The database does not answer, so nothing new is sent; open stops still protect. Try again later."
            raise Unavailable("database_down", message)

    async def note(self, line: Line) -> int:
        """Put a line on the disk before what it says is done; returns its number.

        Raises:
            Unavailable: it could not be written; nothing may be sent.
        """
        try:
            seq = await self._journal().append(msgspec.json.encode(line))
        except (Unavailable, Conflict) as error:
            if not self.frozen:
                log.critical("account_frozen", code=error.code, reason=error.message)
            self.frozen = True
            raise Unavailable("journal_not_written", error.message) from error
        self.frozen = False
        return seq

    async def keep(self, came: Came) -> None:
        """Hold an outcome that could not be stored until it can be."""
        self.kept.append(came)
        try:
            await self.note(came)
        except Unavailable as error:
            log.warning("outcome_only_in_memory", order_id=came.order_id, code=error.code)

    def _journal(self) -> Journal:
        if self.journal is None:
            raise Unavailable("journal_not_written", "There is no journal, so nothing is sent without a database.")
        return self.journal

    async def close(self) -> None:
        """Let go of the journal."""
        if self.journal is not None:
            self.journal.close()


def gone(error: TradingBoostError) -> bool:
    """Whether an error means that the database is away, or may not have committed."""
    return isinstance(error, Unavailable | OutcomeUnknown) and error.code in (_AWAY, _MAYBE_STORED)
