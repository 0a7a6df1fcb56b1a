"""What became of a request, stored: the venue has it, certainly has not, or nobody knows."""

from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.order import OrderStatus, Resolution, Role
from tradingboost.kit.context import Context
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.models import Claimed, OrderRow
from tradingboost.services.orders.service import telling
from tradingboost.services.orders.service.accounts import Accounts
from tradingboost.services.orders.service.authority import keys_refused
from tradingboost.shared.events.orders import OrderResolved, OrderUnknown
from tradingboost.shared.interfaces.exchange import Outcome, OutcomeClass

_OF_THE_MODE = ("51000", "position_mode_changed")
"""Refusals that may mean: the account is in another position mode than it was."""


class Settler:
    """Stores outcomes; every method works in the caller's transaction."""

    def __init__(self, context: Context, accounts: Accounts) -> None:
        self._clock = context.clock
        self._ids = context.ids
        self._accounts = accounts

    async def store(self, db: AsyncConnection, claimed: Claimed, outcome: Outcome) -> OrderRow | None:
        """Store what became of an attempt; the order if the venue took it."""
        if outcome.kind is OutcomeClass.PLACED:
            return await self._placed(db, claimed, outcome)
        await self._settle(db, claimed, outcome)
        return None

    async def _settle(self, db: AsyncConnection, claimed: Claimed, outcome: Outcome) -> None:
        now = self._clock.now()
        told = (outcome.kind.value, outcome.code, outcome.message)
        row = await store.order_by_id(db, claimed.row.order_id, lock=True)
        if outcome.kind.definitely_not_placed:
            await store.resolve_request(db, claimed.attempt.request_id, Resolution.REFUSED, told, now)
            if row.status is OrderStatus.NEW:
                await self.not_placed(db, row, now, (outcome.code, outcome.message))
            await self._end_late(db, claimed, row, now, found=row.status is not OrderStatus.NEW)
            await self._heed(db, row, outcome, now)
        else:
            await store.resolve_request(db, claimed.attempt.request_id, Resolution.LOST, told, now)
            if outcome.unmapped:
                said = f"The venue answered {outcome.code} ({outcome.message}), which nobody has judged; we ask."
                await telling.alarm(db, str(self._ids.uuid7()), telling.Alarm.of(row, "unmapped_outcome", said), now)
            if row.status is OrderStatus.NEW:
                await store.begin_unknown(db, row, now)
                unknown = OrderUnknown(
                    order_id=row.order_id, account_id=row.account_id, user_id=row.user_id, symbol=row.symbol, since=now
                )
                await telling.tell(db, row, unknown)

    async def _heed(self, db: AsyncConnection, row: OrderRow, outcome: Outcome, now: datetime) -> None:
        """A refusal that says something about the account and not about this order."""
        if outcome.kind is OutcomeClass.AUTH:
            await keys_refused(db, self._ids, (row.account_id, row.user_id), outcome.message or outcome.code, now)
        elif outcome.code in _OF_THE_MODE:
            self._accounts.doubt(row.account_id)

    async def _placed(self, db: AsyncConnection, claimed: Claimed, outcome: Outcome) -> OrderRow:
        now = self._clock.now()
        row = await store.acknowledged(db, claimed.row.order_id, (claimed.attempt.request_id, outcome.kind.value), now)
        found = row
        if row.status is OrderStatus.NEW:  # else the private stream was faster
            found = opened(row, outcome)
            await store.open_order(db, found)
            await telling.tell_accepted(db, found, found.order({}), now)
        await self._end_late(db, claimed, row, now, found=True)
        return found

    async def _end_late(self, db: AsyncConnection, claimed: Claimed, row: OrderRow, now: datetime, found: bool) -> None:
        """A reply so late that somebody may have begun to ask what became of it."""
        if now > claimed.attempt.expires_at:
            await self.end_unknown(db, row, now, found)

    async def end_unknown(self, db: AsyncConnection, row: OrderRow, now: datetime, found: bool) -> None:
        """The fate is known: let entries go on, and tell if they had to wait."""
        if not await store.end_unknown(db, row, now):
            return
        payload = OrderResolved(
            order_id=row.order_id, account_id=row.account_id, user_id=row.user_id, symbol=row.symbol, found=found
        )
        await telling.tell(db, row, payload)

    async def not_placed(self, db: AsyncConnection, row: OrderRow, now: datetime, told: tuple[str, str]) -> None:
        """It certainly does not rest: close it and its attached stop, and tell; `told` = (code, reason)."""
        await store.update_order(db, row.order_id, ended_at=now)
        attached = await store.attached_of(db, row.order_id)
        if attached is not None:  # its status stays NEW: only the venue's word ends an order, and it may yet speak
            await store.update_order(db, attached.order_id, ended_at=now)
        if row.role is Role.STOP and (await store.replaced(db, row) or await store.rests_beside(db, row)):
            return  # another stop rests in its slot: whoever wished it has it, or still has the one before
        await telling.tell_rejected(db, row, now, *told)


def opened(row: OrderRow, outcome: Outcome) -> OrderRow:
    """An order as it is once the venue has taken it."""
    return msgspec.structs.replace(row, status=OrderStatus.OPEN, venue_order_id=outcome.venue_order_id)
