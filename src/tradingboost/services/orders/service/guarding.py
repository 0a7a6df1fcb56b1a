"""The stop audit: a stop that vanished at the venue is noticed, proven gone and placed again, or else the leg is left.

Only what nobody of us ended is restored. A stop a strategy took away stays away, and one it restates by itself within a
moment needs no help.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from tradingboost.core.errors import Conflict, OutcomeUnknown, Refused, Unavailable
from tradingboost.core.ids import AccountId, OrderId
from tradingboost.core.order import OrderIntent, OrderType
from tradingboost.kit.context import Context
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.models import OrderRow
from tradingboost.services.orders.service import telling
from tradingboost.services.orders.service.looking import Looker
from tradingboost.shared.interfaces.exchange import Exchange
from tradingboost.shared.interfaces.positions import Positions, PositionView

log = structlog.get_logger(__name__)

EVERY_S: Final = 15.0
_AGAIN_S: Final = 2.0
"""Between the two listings that prove a stop absent."""
_GRACE: Final = timedelta(seconds=3)


class Guard:
    """Watches the stops of the accounts this process acts for."""

    def __init__(self, context: Context, exchange: Exchange, positions: Positions, looker: Looker) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._exchange = exchange
        self._positions = positions
        self._looker = looker
        self._due_s: dict[AccountId, float] = {}
        self._missed: set[OrderId] = set()

    async def audit(self) -> None:
        """Look at every account that is due."""
        held = self._looker.accounts.held
        for account_id in held:
            now_s = self._clock.monotonic()
            if now_s < self._due_s.get(account_id, 0):
                continue
            self._due_s[account_id] = now_s + EVERY_S
            try:
                await self._audit(account_id)
            except (Unavailable, Conflict, OutcomeUnknown, Refused) as error:  # no information: what is known stays
                log.warning("stop_audit_failed", account_id=account_id, code=error.code)
        self._due_s = {account_id: due for account_id, due in self._due_s.items() if account_id in held}

    async def _audit(self, account_id: AccountId) -> None:
        legs = await self._positions.positions(account_id)
        async with self._db.read() as db:
            stops = await store.live_stops(db, account_id)
        if stops:
            listed = {one.venue_order_id for one in (await self._exchange.snapshot(account_id, None)).open_orders}
            for row in stops:
                if row.venue_order_id not in listed:
                    await self._not_listed(row)
                else:
                    self._missed.discard(row.order_id)
        for leg in legs:
            if not leg.dust:
                await self._restore(leg)

    async def _not_listed(self, row: OrderRow) -> None:
        """Ended, says the venue; or it knows of nothing, and then a second complete listing must say so too."""
        found = await self._looker.look(row)
        if found.report is None and row.order_id in self._missed:
            await self._gone(row)
        elif found.report is None:
            self._missed.add(row.order_id)
        self._due_s[row.account_id] = self._clock.monotonic() + _AGAIN_S  # look again: gone for sure, or to be restored

    async def _gone(self, row: OrderRow) -> None:
        self._missed.discard(row.order_id)
        now = self._clock.now()
        async with self._db.transaction() as db:
            locked = await store.order_by_id(db, row.order_id, lock=True)
            if not locked.live:
                return
            await store.update_order(db, row.order_id, ended_at=now)
            await telling.tell_uncovered(db, locked)

    async def _restore(self, leg: PositionView) -> None:
        now = self._clock.now()
        async with self._db.read() as db:
            last = await store.vanished_stop(db, (leg.account_id, leg.symbol, leg.position_side))
        if last is None or last.run_id is None or last.ended_at is None:
            return
        if now - last.ended_at < _GRACE:  # its strategy may restate it
            self._due_s[leg.account_id] = self._clock.monotonic() + _AGAIN_S
            return
        placed = await self._looker.submitter.submit(_again(last, leg))
        done = f"placed again: {placed.state}"
        if placed.state in ("REJECTED", "DENIED"):
            left = await self._looker.submitter.submit(_leaving(last, leg, now))
            done = f"refused again, closed at market: {left.state}"
        said = f"{leg.symbol}: the stop at {last.trigger} vanished at the venue; {done}."
        async with self._db.transaction() as db:
            alarm = telling.Alarm.of(last, "stop_vanished", said)
            await telling.alarm(db, str(self._ids.uuid7()), alarm, now)


def _again(last: OrderRow, leg: PositionView) -> OrderIntent:
    """The same stop for what is held now."""
    wish = last.again(reason="protection", cause=f"guard:{last.order_id}")
    return msgspec.structs.replace(wish, type=OrderType.STOP, qty=abs(leg.qty), price=None, reduce_only=True)


def _leaving(last: OrderRow, leg: PositionView, now: datetime) -> OrderIntent:
    """A position that cannot be protected is left; tried anew with every audit until it worked."""
    cause = f"guard:{last.order_id}:exit:{int(now.timestamp() // EVERY_S)}"
    changes = {"slot": "exit", "type": OrderType.MARKET, "trigger": None, "cause": cause}
    return msgspec.structs.replace(_again(last, leg), **changes)
