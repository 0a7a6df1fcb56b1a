"""Cancel and amend: wishes about what rests. A cancel may be repeated; an amend is read back when its reply is lost."""

from datetime import timedelta

import msgspec

from tradingboost.core import risk
from tradingboost.core.errors import InvalidInput, OutcomeUnknown, Unavailable
from tradingboost.core.order import OrderType, RequestKind, Resolution, Role
from tradingboost.kit.context import Context
from tradingboost.kit.crash import crash_point
from tradingboost.services.orders import repository as store
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.errors import not_amended, nothing_in_slot, take_not_amended
from tradingboost.services.orders.models import NOT_OFFERED, Attempt, OrderRow
from tradingboost.services.orders.service.accounts import Accounts
from tradingboost.services.orders.service.looking import Looker
from tradingboost.shared.interfaces.exchange import AmendOrder, Exchange, Outcome, OutcomeClass
from tradingboost.shared.interfaces.orders import AmendSlot, CancelSlot, OrderView

_DEADLINE = timedelta(seconds=10)


class Changer:
    """Ends and changes resting orders."""

    def __init__(
        self,
        context: Context,
        exchange: Exchange,
        accounts: Accounts,
        looker: Looker,
    ) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._exchange = exchange
        self._accounts = accounts
        self._submitter = looker.submitter
        self._looker = looker

    async def cancel(self, request: CancelSlot) -> OrderView | None:
        """See `Orders.cancel`."""
        async with self._db.read() as db:
            row = await store.live_in_slot(db, request.run_id, request.slot)
        if row is None:
            return None
        await self.cancel_row(row)
        return await self._view(row)

    async def cancel_row(self, row: OrderRow) -> Outcome:
        """Ask the venue to end one order; the end itself is believed from its reports only."""
        request_id = await self._note(row, RequestKind.CANCEL, None)
        crash_point("orders.cancel.before_call")
        try:
            outcome = await self._exchange.cancel(row.ref)
        except (Unavailable, OutcomeUnknown) as error:
            outcome = Outcome(kind=OutcomeClass.UNKNOWN, code=error.code, message=error.message)
        crash_point("orders.cancel.after_call")
        await self._resolve(request_id, outcome)
        if outcome.kind is OutcomeClass.GONE:
            await self._looker.look(row)
        return outcome

    async def amend(self, request: AmendSlot) -> OrderView:
        """See `Orders.amend`."""
        async with self._db.read() as db:
            row = await store.live_in_slot(db, request.run_id, request.slot)
        if row is None:
            raise nothing_in_slot(request.run_id, request.slot)
        if row.type is OrderType.TAKE:
            raise take_not_amended(request.slot)
        await self._check_form(row, request)
        wish = AmendOrder(ref=row.ref, qty=request.qty, price=request.price, trigger=request.trigger)
        outcome = await self.amend_row(row, wish)
        if outcome.kind is OutcomeClass.GONE and not await self._still_there(row):
            return await self._replace(row, request)
        if outcome.code == NOT_OFFERED and row.role is Role.STOP:
            return await self.move(row, wish, (request.reason, request.cause))
        return await self._view(row)

    async def move(self, row: OrderRow, wish: AmendOrder, why: tuple[str, str]) -> OrderView:
        """Where the venue amends no stop: another one first, and only once that rests the end of the old one.

        Whoever dies in between leaves two, of which the older goes (`sizing.wanted`); a second one can only reduce.

        Args:
            why: reason and cause of the other one; asked for twice with one cause it is one.
        """
        intent = msgspec.structs.replace(
            row.again(reason=why[0], cause=why[1]),
            qty=wish.qty if wish.qty is not None else row.in_force,
            trigger=wish.trigger if wish.trigger is not None else row.trigger,
        )
        placed = await self._submitter.submit(intent)
        if placed.state == "OPEN" and placed.order_id != row.order_id:  # else it is asked for the second time
            await self.cancel_row(row)
        return placed

    async def _check_form(self, row: OrderRow, request: AmendSlot) -> None:
        """New values lie on the instrument's grid and within its bounds, or nothing is sent."""
        instrument = await self._exchange.instrument(row.exchange, row.symbol)
        wanted = msgspec.structs.replace(
            row.again(reason=request.reason, cause=request.cause),
            qty=request.qty,
            price=request.price,
            trigger=request.trigger,
            reduce_only=True,
        )
        owner = risk.Exposure(
            account_owner=row.user_id, run_owner=row.user_id, account_id=row.account_id, legs_of=row.run_id
        )
        code = risk.check(wanted, owner, risk.Limits(), instrument, self._clock.now())
        if code is not None:
            raise not_amended(code)

    async def amend_row(self, row: OrderRow, wish: AmendOrder) -> Outcome:
        """Send new values for one resting order and remember them once the venue took them."""
        request_id = await self._note(row, RequestKind.AMEND, wish)
        try:
            outcome = await self._exchange.amend(wish)
        except OutcomeUnknown as error:
            outcome = Outcome(kind=OutcomeClass.UNKNOWN, code=error.code, message=error.message)
        except Unavailable as error:
            outcome = Outcome(kind=OutcomeClass.NOT_SENT, code=error.code, message=error.message)
        except InvalidInput as error:
            outcome = Outcome(kind=OutcomeClass.REFUSED, code=error.code, message=error.message)
        if row.role is Role.STOP:
            crash_point("protect.after_amend")
        await self._resolve(request_id, outcome)
        if outcome.kind is OutcomeClass.PLACED:
            async with self._db.transaction() as db:
                await store.set_wish(db, row.order_id, wish)
        return outcome

    async def _still_there(self, row: OrderRow) -> bool:
        """Look before concluding: triggered or ended by the venue is an answer too, and needs no new stop."""
        found = await self._looker.look(row)
        return found.report is not None

    async def _replace(self, row: OrderRow, request: AmendSlot) -> OrderView:
        """A stop that is proven absent is placed anew; a duplicate could only reduce."""
        async with self._db.transaction() as db:
            await store.update_order(db, row.order_id, ended_at=self._clock.now())
        intent = msgspec.structs.replace(
            row.again(reason=request.reason, cause=request.cause),
            qty=request.qty,
            price=request.price,
            trigger=request.trigger if row.type.is_trigger else None,
        )
        return await self._submitter.submit(intent)

    async def _note(self, row: OrderRow, kind: RequestKind, wish: object) -> str:
        now = self._clock.now()
        token = self._accounts.fence_token(row.account_id)
        attempt = Attempt(request_id=str(self._ids.uuid7()), sent_at=now, expires_at=now + _DEADLINE, fence_token=token)
        async with self._db.transaction() as db:
            await store.insert_request(db, row, kind, attempt, wish)
        return attempt.request_id

    async def _resolve(self, request_id: str, outcome: Outcome) -> None:
        resolution = Resolution.REFUSED if outcome.kind.definitely_not_placed else Resolution.ACKED
        if outcome.kind is OutcomeClass.UNKNOWN:
            resolution = Resolution.LOST
        async with self._db.transaction() as db:
            told = (outcome.kind.value, outcome.code, outcome.message)
            await store.resolve_request(db, request_id, resolution, told, self._clock.now())

    async def _view(self, row: OrderRow) -> OrderView:
        async with self._db.read() as db:
            return (await store.views(db, t.orders.c.order_id == row.order_id, 1))[0]
