"""The submit path: record and claim in one transaction, send once, store the outcome in another."""

from datetime import datetime, timedelta
from enum import Enum

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.client_id import IdKeys
from tradingboost.core.errors import (
    BrokenInvariant,
    Conflict,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from tradingboost.core.ids import OrderId
from tradingboost.core.instrument import Instrument
from tradingboost.core.order import OrderIntent, OrderStatus, OrderType, Resolution, Role, beside, second_leg
from tradingboost.kit.context import Context
from tradingboost.kit.crash import crash_point
from tradingboost.kit.lease import Lease
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.models import Attempt, OrderRow, view
from tradingboost.services.orders.repository import Fate
from tradingboost.services.orders.service import telling
from tradingboost.services.orders.service.accounts import Accounts
from tradingboost.services.orders.service.authority import keys_refused
from tradingboost.services.orders.service.blackout import Blackout, Came, gone
from tradingboost.services.orders.service.weighing import Weighed, Weigher
from tradingboost.services.orders.settings import OrdersSettings
from tradingboost.shared.events.orders import OrderResolved, OrderUnknown
from tradingboost.shared.interfaces.exchange import Exchange, Outcome, OutcomeClass, PlaceOrder
from tradingboost.shared.interfaces.orders import OrderView
from tradingboost.shared.interfaces.positions import Positions

_PROTECTION = "protection"
"""The reason the stop audit and the sagas give: something is held without a stop, so this goes first."""
_OF_THE_MODE = ("51000", "position_mode_changed")
"""Refusals that may mean: the account is in another position mode than it was."""


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """An order that may now be sent, exactly once."""

    row: OrderRow
    attached: OrderRow | None
    attempt: Attempt
    credential_version: int = 0
    """Of the keys it was decided under; older ones must not sign it."""


class _Short(Enum):
    """An opening that our own figures do not cover."""

    BY_OUR_FIGURES = 1


class Submitter:
    """Turns an intent into at most one order at the venue."""

    def __init__(
        self,
        context: Context,
        id_keys: IdKeys,
        neighbours: tuple[Exchange, Positions],
        accounts: Accounts,
        settings: OrdersSettings,
        *,
        blackout: Blackout,
    ) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._id_keys = id_keys
        self._blackout = blackout
        self._exchange = neighbours[0]
        self._weigher = Weigher(neighbours, accounts, settings)
        self._accounts = accounts
        self._settings = settings

    async def submit(self, intent: OrderIntent) -> OrderView:
        """See `Orders.submit`."""
        instrument = await self._exchange.instrument(intent.venue, intent.symbol)
        claimed = await self._claimed(intent, instrument, sure=False)
        if claimed is _Short.BY_OUR_FIGURES:  # what we think is free may be old: ask before anybody is told no
            await self._weigher.read_again(intent.account_id)
            claimed = await self._claimed(intent, instrument, sure=True)
        crash_point("orders.intent.after_commit")
        opened = await self.send(claimed) if isinstance(claimed, Claimed) else None
        if opened is not None:
            return view(opened, Resolution.ACKED, "")
        async with self._db.read() as db:
            return await store.view_of_intent(db, intent.key)

    async def _claimed(self, intent: OrderIntent, instrument: Instrument, *, sure: bool) -> "Claimed | _Short | None":
        """Weigh, record and claim; None when it is denied, or the same intent was there already."""
        async with self._db.read() as db:
            weighed = await self._weigher.check(db, intent, instrument, self._clock.now())
        if weighed.deny == "insufficient_balance" and not sure:
            return _Short.BY_OUR_FIGURES
        if not weighed.deny:
            draft, lease = self._draft(intent, instrument)
            crash_point("orders.intent.before_commit")
            async with self._db.statement() as db:
                fate, draft = await self._record(db, intent, draft, lease, weighed)
            if fate is not Fate.OUTRUN:
                return draft if fate is Fate.CLAIMED else None
        return await self._in_turn(intent, instrument, sure=sure)

    async def _in_turn(self, intent: OrderIntent, instrument: Instrument, *, sure: bool) -> "Claimed | _Short | None":
        """Denied, or outrun by another opening of the symbol: nobody decides about it until this is stored."""
        async with self._db.transaction() as db:
            if not intent.reduce_only:
                await store.lock_leg(db, intent.account_id, intent.symbol)
            weighed = await self._weigher.check(db, intent, instrument, self._clock.now())
            if weighed.deny == "insufficient_balance" and not sure:
                return _Short.BY_OUR_FIGURES
            if weighed.deny:
                await self._deny(db, intent, instrument, weighed.deny)
                return None
            draft, lease = self._draft(intent, instrument)
            fate, draft = await self._record(db, intent, draft, lease, weighed)
            if fate is Fate.OUTRUN:  # a switch was set, or the claim given back, between two statements
                raise Conflict("database_race", "Something else about this symbol was decided meanwhile; decide again.")
        return draft if fate is Fate.CLAIMED else None

    async def send(self, claimed: Claimed) -> OrderRow | None:
        """Send a claimed order and store what became of it; an unreadable reply is UNKNOWN.

        Returns:
            The order as stored when the venue took it; what became of the others has to be read.
        """
        crash_point("orders.claim.after_commit")
        stop = claimed.row.role is Role.STOP
        if stop:
            crash_point("protect.before_place")
        try:
            outcome = await self.ask(claimed)
        except BrokenInvariant as error:  # nobody can say how far it came
            await self._store_outcome(claimed, Outcome(kind=OutcomeClass.UNKNOWN, code=error.code, message=str(error)))
            raise
        if stop:
            crash_point("protect.after_place")
        return await self._store_outcome(claimed, outcome)

    async def ask(self, claimed: Claimed, journal_seq: int | None = None) -> Outcome:
        """Hand an order to the venue and judge what came back.

        Args:
            journal_seq: of the line that stands for the stored claim while the database is away.
        """
        try:
            return await self._exchange.place(self._request(claimed, journal_seq))
        except (OutcomeUnknown, Conflict) as error:  # `already_sent`: an earlier call got through, so ask
            return Outcome(kind=OutcomeClass.UNKNOWN, code=error.code, message=error.message)
        except Unavailable as error:
            return Outcome(kind=OutcomeClass.NOT_SENT, code=error.code, message=error.message)
        except (InvalidInput, NotFound, Refused) as error:
            return Outcome(kind=OutcomeClass.REFUSED, code=error.code, message=error.message)

    def draft(self, intent: OrderIntent, instrument: Instrument, token: int) -> Claimed:
        """An order and its one attempt that no row stands for."""
        now = self._clock.now()
        row = self._row(str(self._ids.uuid7()), intent, instrument, now)
        return Claimed(row=row, attached=None, attempt=self._attempt(now, token))

    async def store(self, db: AsyncConnection, claimed: Claimed, outcome: Outcome) -> OrderRow | None:
        """Store what became of an attempt; the order if the venue took it."""
        if outcome.kind is OutcomeClass.PLACED:
            return await self._placed(db, claimed, outcome)
        await self._settle(db, claimed, outcome)
        return None

    async def _store_outcome(self, claimed: Claimed, outcome: Outcome) -> OrderRow | None:
        try:
            opened = await self._taken(claimed, outcome)
            if opened is None:
                async with self._db.transaction() as db:
                    opened = await self.store(db, claimed, outcome)
                    crash_point("orders.outcome.before_commit")
        except (Unavailable, OutcomeUnknown) as error:
            if gone(error):  # it is told as soon as the database is back
                self._blackout.heed(error)
                row, at = claimed.row, self._clock.now()
                came = Came(request_id=claimed.attempt.request_id, order_id=row.order_id, outcome=outcome, at=at)
                await self._blackout.keep(came)
            raise
        crash_point("orders.outcome.after_commit")
        return opened

    async def _taken(self, claimed: Claimed, outcome: Outcome) -> OrderRow | None:
        """What nearly always happens: the venue takes it in time, and nothing else is known of it yet."""
        now = self._clock.now()
        if outcome.kind is not OutcomeClass.PLACED or now > claimed.attempt.expires_at:
            return None
        opened = _opened(claimed.row, outcome)
        told = telling.accepted(opened, opened.order({}), now)
        crash_point("orders.outcome.before_commit")
        async with self._db.statement() as db:
            stored = await store.taken(db, opened, (claimed.attempt.request_id, outcome.kind.value), told, now)
        return opened if stored else None

    def _attempt(self, now: datetime, token: int) -> Attempt:
        return Attempt(  # lint: skip order-retries -- the record of the one attempt, nothing repeats
            request_id=str(self._ids.uuid7()),
            sent_at=now,
            expires_at=now + timedelta(seconds=self._settings.submit_deadline_s),
            fence_token=token,
        )

    def _draft(self, intent: OrderIntent, instrument: Instrument) -> tuple[Claimed, Lease]:
        """An order as it may be claimed, and the lease that claims it."""
        lease, now = self._accounts.lease(intent.account_id), self._clock.now()
        row = self._row(str(self._ids.uuid7()), intent, instrument, now)
        attempt = self._attempt(now, lease.token)
        return Claimed(row=row, attached=self._attached(row, intent, now), attempt=attempt), lease

    async def _record(
        self, db: AsyncConnection, intent: OrderIntent, draft: Claimed, lease: Lease, weighed: Weighed
    ) -> tuple[Fate, Claimed]:
        made, saga_id = (draft.row, draft.attached, draft.attempt), str(self._ids.uuid7())
        fate, version = await store.record(db, intent, made, lease, leg=weighed.leg, saga_id=saga_id)
        if fate is Fate.NOT_HELD:
            raise self._accounts.superseded(intent.account_id)
        if fate is Fate.CLAIMED:
            self._accounts.spend(intent.account_id, weighed.settle, weighed.margin_quote)
        return fate, msgspec.structs.replace(draft, credential_version=version)

    async def _deny(self, db: AsyncConnection, intent: OrderIntent, instrument: Instrument, code: str) -> None:
        now, intent_id = self._clock.now(), str(self._ids.uuid7())
        if await store.insert_intent(db, intent_id, intent, code, now):
            denied = msgspec.structs.replace(self._row(intent_id, intent, instrument, now), ended_at=now)
            await store.insert_order(db, denied)
            await telling.tell_denied(db, denied, now, code)

    def _row(self, intent_id: str, intent: OrderIntent, instrument: Instrument, now: datetime) -> OrderRow:
        triggered = intent.type.is_trigger
        return OrderRow(
            order_id=OrderId(str(self._ids.uuid7())),
            intent_id=intent_id,
            origin="INTENT",
            parent_order_id=None,
            user_id=intent.user_id,
            account_id=intent.account_id,
            run_id=intent.run_id,
            exchange=intent.venue,
            symbol=intent.symbol,
            slot=intent.slot,
            role=intent.role,
            side=intent.side,
            position_side=intent.position_side,
            type=intent.type,
            is_algo=triggered,
            reduce_only=intent.reduce_only,
            qty=intent.qty,
            lot=instrument.lot,
            contract_size=instrument.contract_size,
            price=intent.price,
            trigger=intent.trigger if triggered else None,
            attached_stop=None if triggered else intent.trigger,
            reference_price=intent.reference_price,
            reason=intent.reason,
            cl_ord_id=self._id_keys.sign(intent.key, intent.venue, intent.account_id),
            id_tag_valid=True,
            venue_order_id=None,
            status=OrderStatus.NEW,
            created_at=now,
        )

    def _attached(self, parent: OrderRow, intent: OrderIntent, now: datetime) -> OrderRow | None:
        """The stop that travels with an entry; the venue arms it when the entry is completely filled."""
        if parent.attached_stop is None or parent.role is not Role.OPENING:
            return None
        key = msgspec.structs.replace(intent, slot=f"{intent.slot}/sl").key  # entries of one bar have a stop each
        return msgspec.structs.replace(
            parent,
            order_id=OrderId(str(self._ids.uuid7())),
            intent_id=None,
            origin="ATTACHED",
            parent_order_id=parent.order_id,
            slot=beside(parent.slot, "sl"),
            role=Role.STOP,
            side=telling.opposite(parent.side),
            type=OrderType.STOP,
            is_algo=True,
            reduce_only=True,
            price=None,
            trigger=parent.attached_stop,
            attached_stop=None,
            reason="attached to the entry",
            cl_ord_id=self._id_keys.sign(key, intent.venue, intent.account_id),
            created_at=now,
        )

    def _request(self, claimed: Claimed, journal_seq: int | None) -> PlaceOrder:
        row, attached = claimed.row, claimed.attached
        assert row.cl_ord_id is not None
        return PlaceOrder(
            account_id=row.account_id,
            order_id=row.order_id,
            client_order_id=row.cl_ord_id,
            symbol=row.symbol,
            side=row.side,
            position_side=row.position_side,
            type=row.type,
            qty=row.qty,
            price=row.price,
            trigger=row.trigger,
            reduce_only=row.reduce_only,
            attached_stop=row.attached_stop,
            attached_client_order_id=attached.cl_ord_id if attached else None,
            margin_mode="cross",
            expires_at=claimed.attempt.expires_at,
            fence_token=claimed.attempt.fence_token,
            credential_version=claimed.credential_version,
            second_leg=second_leg(row.slot),
            journal_seq=journal_seq,
            urgent=row.reason == _PROTECTION,
        )

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
        opened = row
        if row.status is OrderStatus.NEW:  # else the private stream was faster
            opened = _opened(row, outcome)
            await store.open_order(db, opened)
            await telling.tell_accepted(db, opened, opened.order({}), now)
        await self._end_late(db, claimed, row, now, found=True)
        return opened

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
        if row.role is Role.STOP and await store.replaced(db, row):
            return  # another stop rests in its slot: whoever wished it has it
        await telling.tell_rejected(db, row, now, *told)


def _opened(row: OrderRow, outcome: Outcome) -> OrderRow:
    """An order as it is once the venue has taken it."""
    return msgspec.structs.replace(row, status=OrderStatus.OPEN, venue_order_id=outcome.venue_order_id)
