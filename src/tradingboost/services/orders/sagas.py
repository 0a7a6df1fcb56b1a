"""Sagas are rows. `open_with_protection`: a filled entry has a live stop at the venue, or it is closed.

Steps: submitted -> filled -> covered. The stop travels with the entry and the strategy restates it at once, so the saga
only watches; when nobody placed a stop in time it does so itself, and when even that fails it leaves the position.
`flatten_all` begins with the call and ends when the account is flat or a person was told; a later life goes on with it.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, OutcomeUnknown, Unavailable
from tradingboost.core.ids import OrderId
from tradingboost.core.order import OrderIntent, OrderType, PositionSide, Role, Side, beside
from tradingboost.kit.context import Context
from tradingboost.kit.crash import crash_after_commit, crash_point
from tradingboost.services.orders import repository as store
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.models import OrderRow
from tradingboost.services.orders.service import OrdersService, telling
from tradingboost.services.orders.settings import OrdersSettings
from tradingboost.shared.events.orders import ProtectionMissing

_FLATTEN = "flatten_all"
log = structlog.get_logger(__name__)

_DRIVEN = ("RUNNING", "WAITING", "COMPENSATING", "PARKED")
"""A parked saga has missed its deadline and a person was told; what it can still do it goes on doing."""


class Sagas:
    """Drives the rows of orders.sagas (begun in the transaction of the entry)."""

    def __init__(self, service: OrdersService, context: Context, settings: OrdersSettings) -> None:
        self._service = service
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._grace = timedelta(seconds=settings.protection_grace_s)
        self._deadline = timedelta(seconds=settings.protection_deadline_s)
        self._dust_at: dict[str, datetime] = {}
        """By saga, when it was last too little to be protected: what fills after that has its time from then."""

    async def drive(self) -> int:
        """One look at every saga that has not ended; returns how many there are."""
        active = await self._active(t.sagas.c.type != _FLATTEN)
        self._dust_at = {one.saga_id: self._dust_at[one.saga_id] for one in active if one.saga_id in self._dust_at}
        for saga in active:
            try:
                await self._protect(saga)
            except (Unavailable, Conflict, OutcomeUnknown) as error:  # one leg's trouble holds up no other's protection
                log.warning("protection_waits", saga_id=saga.saga_id, code=error.code)
        return len(active)

    async def go_on(self) -> None:
        """Bring to its end what an earlier life has begun to flatten."""
        for saga in await self._active(t.sagas.c.type == _FLATTEN):
            try:
                await self._service.go_on_flattening(saga.account_id, saga.context["request_id"])
            except (Unavailable, Conflict, OutcomeUnknown) as error:
                log.warning("flatten_waits", saga_id=saga.saga_id, code=error.code)

    async def _active(self, of_kind: ColumnElement[bool]) -> list[Any]:
        """Sagas of accounts we act for; whoever acts for the others drives theirs."""
        driven = t.sagas.c.state.in_(_DRIVEN) & t.sagas.c.ended_at.is_(None) & of_kind
        async with self._db.read() as db:
            found = (await db.execute(select(t.sagas).where(driven).limit(500))).all()
        return [saga for saga in found if saga.account_id in self._service.accounts.held]

    async def _protect(self, saga: Any) -> None:
        now = self._clock.now()
        async with self._db.transaction() as db:
            entry = await store.order_by_id(db, OrderId(saga.order_id))
            if entry.cum_filled == 0:
                if entry.ended_at is not None:
                    await self._end(db, saga.saga_id, "COMPENSATED", "never filled", now)
                return
            covered = await self._covered(db, entry)
            if covered or await self._left(db, entry):
                await self._end(db, saga.saga_id, "COMPLETED", "covered" if covered else "left", now)
                await store.clear_mode(db, (entry.account_id, entry.symbol), f"saga:{saga.saga_id}")
                return
            if await self._dust(db, entry):
                self._dust_at[saga.saga_id] = now
                if entry.ended_at is not None:
                    await self._end(db, saga.saga_id, "COMPLETED", "dust", now)
                    await store.clear_mode(db, (entry.account_id, entry.symbol), f"saga:{saga.saga_id}")
                return
            if saga.deadline_at is not None and now > saga.deadline_at and saga.state != "PARKED":
                await self._park(db, saga, entry, now)
            waited = now - max(entry.first_fill_at or now, self._dust_at.get(saga.saga_id, entry.created_at))
            if saga.step == "submitted":
                await self._step(db, saga.saga_id, "filled", now + self._deadline + self._grace, now)
        if waited > self._deadline:
            await self._act(entry, _exit_intent(entry, saga, now), "closed at market")
        elif waited > self._grace:
            await self._act(entry, _stop_intent(entry, saga), "stop placed by the platform")

    async def _park(self, db: AsyncConnection, saga: Any, entry: OrderRow, now: datetime) -> None:
        """Neither protected nor left in time: entries wait and a person is told; the exit is tried on."""
        await db.execute(update(t.sagas).where(t.sagas.c.saga_id == saga.saga_id).values(state="PARKED"))
        await store.set_mode(db, (entry.account_id, entry.symbol), f"saga:{saga.saga_id}", "NO_ENTRIES", now)
        said = (
            f"{entry.symbol}: the {entry.position_side} position of {entry.cum_filled} has no live stop and could not "
            "be closed in time; look at the venue and close it there. The platform goes on trying."
        )
        parked = msgspec.structs.replace(telling.Alarm.of(entry, "saga_parked", said), subject_id=saga.saga_id)
        await telling.alarm(db, str(self._ids.uuid7()), parked, now)

    async def _act(self, entry: OrderRow, intent: OrderIntent, action: str) -> None:
        placed = await self._service.submit(intent)
        if intent.type is OrderType.MARKET:
            crash_point("saga.compensate.after_call")
        payload = ProtectionMissing(
            user_id=entry.user_id,
            account_id=entry.account_id,
            exchange=entry.exchange,
            symbol=entry.symbol,
            position_side=entry.position_side,
            action=f"{action}: {placed.state}",
        )
        async with self._db.transaction() as db:
            alert = (entry.order_id, f"protection_missing:{intent.slot}", payload.action)
            ids = (str(self._ids.uuid7()), entry.account_id)
            if await store.raise_alert(db, ids, alert, self._clock.now()):
                await telling.tell(db, entry, payload)

    async def _covered(self, db: AsyncConnection, entry: OrderRow) -> bool:
        """A stop rests in the slot; a newer one that waits for the fill of another entry says nothing about it."""
        if entry.run_id is None:
            return False
        return await store.live_in_slot(db, entry.run_id, beside(entry.slot, "sl"), resting=True) is not None

    async def _dust(self, db: AsyncConnection, entry: OrderRow) -> bool:
        """What is held is less than the venue trades: no stop and no exit can be placed, so none is tried."""
        instrument = await self._service.looker.instrument(entry.exchange, entry.symbol)
        return 0 < abs(await store.net_fills(db, entry)) < instrument.min_qty

    async def _left(self, db: AsyncConnection, entry: OrderRow) -> bool:
        """The leg was closed again after the entry filled: a later order of the run that closes it has filled."""
        o = t.orders.c
        where = and_(
            o.run_id == entry.run_id,
            o.position_side == entry.position_side,
            o.seq > entry.seq,
            o.reduce_only.is_(True),
            o.cum_filled >= entry.cum_filled,
        )
        return (await db.execute(select(o.order_id).where(where).limit(1))).first() is not None

    async def _step(self, db: AsyncConnection, saga_id: str, step: str, deadline: datetime, now: datetime) -> None:
        await db.execute(update(t.sagas).where(t.sagas.c.saga_id == saga_id).values(step=step, deadline_at=deadline))
        await self._note(db, saga_id, step, now)

    async def _end(self, db: AsyncConnection, saga_id: str, state: str, step: str, now: datetime) -> None:
        await db.execute(
            update(t.sagas).where(t.sagas.c.saga_id == saga_id).values(state=state, step=step, ended_at=now)
        )
        await self._note(db, saga_id, step, now)

    async def _note(self, db: AsyncConnection, saga_id: str, step: str, now: datetime) -> None:
        values = {
            "saga_id": saga_id,
            "step": step,
            "idempotency_key": f"{saga_id}:{step}",
            "result": {},
            "done_at": now,
        }
        await db.execute(upsert(t.saga_steps).values(values).on_conflict_do_nothing())
        crash_point("saga.step.before_commit")
        crash_after_commit(db, "saga.step.after_commit")


def _stop_intent(entry: OrderRow, saga: Any) -> OrderIntent:
    """The stop the entry should have brought along, for what has filled."""
    intent = _reducing(entry, beside(entry.slot, "sl"), f"saga:{saga.saga_id}:stop:1")
    return msgspec.structs.replace(intent, type=OrderType.STOP, trigger=entry.attached_stop)


def _exit_intent(entry: OrderRow, saga: Any, now: datetime) -> OrderIntent:
    """A position that cannot be protected is left; tried anew every ten seconds until it worked."""
    attempt = int((now - (entry.first_fill_at or now)).total_seconds() // 10)
    return _reducing(entry, beside(entry.slot, "exit"), f"saga:{saga.saga_id}:exit:{attempt}")


def _reducing(entry: OrderRow, slot: str, cause: str) -> OrderIntent:
    assert entry.role is Role.OPENING
    return msgspec.structs.replace(
        entry.again(reason="protection", cause=cause),
        slot=slot,
        side=Side.SELL if entry.position_side is PositionSide.LONG else Side.BUY,
        type=OrderType.MARKET,
        qty=entry.cum_filled,
        price=None,
        trigger=None,
        reduce_only=True,
    )
