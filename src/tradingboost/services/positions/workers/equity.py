"""What each account is worth, written down once a minute for curves over time. Nothing is decided by it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final

import structlog

from tradingboost.core.errors import Conflict, OutcomeUnknown, Unavailable
from tradingboost.core.ids import AccountId
from tradingboost.core.money import ZERO
from tradingboost.kit.context import Context
from tradingboost.kit.forgetting import Forgetter
from tradingboost.kit.runtime import Life
from tradingboost.services.positions import repository as store
from tradingboost.services.positions.service import PositionsService
from tradingboost.services.positions.tables import SERIES
from tradingboost.shared.interfaces.positions import PositionView

log = structlog.get_logger(__name__)
_EVERY_S: Final = 60


class EquityKeeper:
    """Writes snapshots, and forgets old ones."""

    def __init__(self, context: Context, service: PositionsService) -> None:
        self._db = context.db
        self._clock = context.clock
        self._service = service
        self._forgetter = Forgetter(context.db, {series: series.keep for series in SERIES if series.keep is not None})

    async def run(self, life: Life) -> None:
        """Once a minute, as long as the process lives."""
        while await life.sleep(_EVERY_S):
            try:
                await self.write()
                await self._forgetter.run(life)
            except (Unavailable, Conflict, OutcomeUnknown) as error:
                log.warning("equity_waits", code=error.code)

    async def write(self) -> int:
        """A snapshot of every account; how many rows."""
        now = self._clock.now()
        async with self._db.read() as db:
            balances, legs = await store.balances(db), await store.open_legs(db)
        views = [leg.view(self._service.marks.get((leg.exchange, leg.symbol)), now) for leg in legs]
        rows = list(snapshots(balances, views, now.replace(second=0, microsecond=0)))
        if rows:
            async with self._db.transaction() as db:
                await store.insert_equity(db, rows)
        return len(rows)


def snapshots(
    balances: Iterable[tuple[AccountId, str, Decimal]], legs: Iterable[PositionView], at: datetime
) -> Iterator[dict[str, object]]:
    """One row an account and asset. A leg without a known mark makes the worth of its asset unknown, not smaller."""
    held: dict[tuple[AccountId, str], Decimal | None] = {}
    for leg in legs:
        key = (leg.account_id, leg.symbol.split("-")[1])
        known = held.get(key, ZERO)
        held[key] = None if known is None or leg.unrealized_quote is None else known + leg.unrealized_quote
    for account_id, asset, cash in balances:
        open_now = held.get((account_id, asset), ZERO)
        equity = None if open_now is None else cash + open_now
        yield {
            "account_id": account_id,
            "asset": asset,
            "at": at,
            "cash": cash,
            "unrealized": open_now,
            "equity": equity,
        }
