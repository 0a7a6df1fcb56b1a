"""The protective lane: while the database is away, whoever held the account keeps its positions covered.

Everything is decided from the venue's state and written to the journal before it is sent. It can only cover or reduce,
so that even two holders at once could do no harm; a newer token seen by the exchange ends it all the same.
"""

from collections.abc import Awaitable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final

import msgspec
import structlog

from tradingboost.core.errors import Conflict, InvalidInput, OutcomeUnknown, Refused, Unavailable
from tradingboost.core.ids import AccountId, RunId, Symbol
from tradingboost.core.order import OrderIntent, OrderType, RequestKind, Role, VenueReport, beside
from tradingboost.kit.context import Context
from tradingboost.kit.crash import crash_point
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.models import NOT_OFFERED, Attempt, OrderRow
from tradingboost.services.orders.service import protecting
from tradingboost.services.orders.service.accounts import Accounts
from tradingboost.services.orders.service.blackout import Asked, Blackout, Came, Sent
from tradingboost.services.orders.service.protecting import Found, Leg, Need
from tradingboost.services.orders.service.submitting import Submitter
from tradingboost.shared.interfaces.exchange import AccountSnapshot, AmendOrder, Exchange, OrderRef, Outcome
from tradingboost.shared.interfaces.exchange import OutcomeClass as Class
from tradingboost.shared.interfaces.orders import Flattened

log = structlog.get_logger(__name__)

_EVERY_S: Final = 5.0
_LONGEST_S: Final = 24 * 3600.0
_DEADLINE: Final = timedelta(seconds=5)
_UNKNOWN_S: Final = 12.0
"""A request of unknown fate may still arrive before its deadline; only then does its absence mean anything."""
_EXIT_S: Final = 10.0
"""A leg that is still held so long after it was left is left again."""
_PAGE_S: Final = 60.0
_NOBODY: Final = RunId("emergency")


class Known(msgspec.Struct, kw_only=True):
    """One account as it was when its lease was last renewed.

    Args:
        orders: of ours that rest or may rest, by client id.
        at_s, due_s: of the monotonic clock.
    """

    legs: list[Leg]
    orders: dict[str, OrderRow]
    at_s: float
    due_s: float = 0.0


class Lane:
    """Looks after the accounts this process held when the database went away."""

    def __init__(
        self, context: Context, exchange: Exchange, accounts: Accounts, submitter: Submitter, blackout: Blackout
    ) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._exchange = exchange
        self._accounts = accounts
        self._submitter = submitter
        self._blackout = blackout
        self._known: dict[AccountId, Known] = {}
        self._sent = 0
        self._paged_s: dict[AccountId, float] = {}

    async def remember(self) -> None:
        """Take down what the accounts of this process have, as often as their leases are renewed."""
        held = self._accounts.held
        async with self._db.read() as db:
            rows = await store.live_orders_of(db, held) if held else []
        now_s = self._clock.monotonic()
        self._known = {one: _known([row for row in rows if row.account_id == one], now_s) for one in held}

    async def round(self) -> None:
        """One look at every account that is due."""
        now_s = self._clock.monotonic()
        for account_id, known in list(self._known.items()):
            if not self._blackout.away or account_id not in self._accounts.held:
                continue
            if now_s < known.due_s or now_s - known.at_s > _LONGEST_S:
                continue
            known.due_s = now_s + _EVERY_S
            try:
                await self._look(account_id, known)
            except Refused as error:
                if error.code == "lease_superseded":
                    del self._known[account_id]
                log.critical("lane_refused", account_id=account_id, code=error.code)
            except (Unavailable, Conflict, OutcomeUnknown) as error:  # no information: what rests stays
                log.warning("lane_waits", account_id=account_id, code=error.code)

    async def leave(self, account_id: AccountId, request_id: str) -> Flattened:
        """Close what is held at a person's word: entries are cancelled, legs left at market, stops go by the sweep."""
        known = self._known.get(account_id)
        if known is None:
            self._blackout.check()
            return Flattened(cancelled=0, closed=[], failed={})
        seen = await self._exchange.snapshot(account_id, None)
        entries = [one for one in seen.open_orders if _role(known, one) is Role.OPENING]
        for entry in entries:
            await self._cancel(known, entry)
        closed: list[Symbol] = []
        failed: dict[str, str] = {}
        for leg in known.legs:
            found = protecting.found_of(leg, seen)
            if found.qty < leg.stop.lot:
                continue
            outcome = await self._exit(leg, found, f"flatten {request_id}")
            if outcome.kind.definitely_not_placed:
                failed[leg.symbol] = f"{outcome.message} [{outcome.code}]"
            else:
                closed.append(leg.symbol)
        return Flattened(cancelled=len(entries), closed=closed, failed=failed)

    async def _look(self, account_id: AccountId, known: Known) -> None:
        seen = await self._exchange.snapshot(account_id, None)
        now_s = self._clock.monotonic()
        for place, before in enumerate(known.legs):
            found = protecting.found_of(before, seen)
            leg, needs = protecting.need(before, found, now_s)
            if needs is not Need.NOTHING:
                known.due_s = now_s + protecting.APART_S
            known.legs[place] = leg
            known.legs[place] = await self._act(known, leg, found, needs)
        await self._sweep(known, seen, now_s)

    async def _act(self, known: Known, leg: Leg, found: Found, needs: Need) -> Leg:
        if needs in (Need.NOTHING, Need.LOOK):
            return leg
        if needs is Need.EXIT:
            outcome = await self._exit(leg, found, "stop not placeable")
        elif needs is Need.MORE:
            outcome = await self._enlarge(known, leg, found)
        else:
            outcome = await self._restore(known, leg, found)
        now_s = self._clock.monotonic()
        waits_s = _EXIT_S if needs is Need.EXIT else protecting.APART_S
        waits_s = _UNKNOWN_S if outcome.kind is Class.UNKNOWN else waits_s
        leg = msgspec.structs.replace(leg, wait_until_s=now_s + waits_s)
        if outcome.kind.definitely_not_placed:
            leg = protecting.refused(leg, now_s)
            self._page(leg, needs, outcome)
        return leg

    def _page(self, leg: Leg, needs: Need, outcome: Outcome) -> None:
        """Nobody can be told through the database now; whoever reads the log of the process is."""
        now_s = self._clock.monotonic()
        if now_s - self._paged_s.get(leg.stop.account_id, -_PAGE_S) >= _PAGE_S:
            self._paged_s[leg.stop.account_id] = now_s
            facts = {"account_id": leg.stop.account_id, "symbol": leg.symbol, "code": outcome.code}
            log.critical("leg_unprotected", needs=needs.value, **facts)

    async def _sweep(self, known: Known, seen: AccountSnapshot, now_s: float) -> None:
        """Cancel children whose leg is flat, and after a minute entries that carry no stop of their own."""
        flat = {(leg.symbol, leg.position_side) for leg in known.legs if protecting.orphaned(leg, now_s)}
        late = self._blackout.began_s is not None and now_s - self._blackout.began_s >= protecting.UNCOVERED_ENTRY_S
        for report in seen.open_orders:
            row = known.orders.get(report.client_order_id or "")
            if row is None:
                continue
            child = row.role in (Role.STOP, Role.TAKE_PROFIT) and (row.symbol, row.position_side) in flat
            bare = row.role is Role.OPENING and row.attached_stop is None and late
            if child or bare:
                await self._cancel(known, report)

    async def _restore(self, known: Known, leg: Leg, found: Found) -> Outcome:
        intent = self._intent(leg, leg.stop.slot, found.qty, "restored while the database is away")
        intent = msgspec.structs.replace(intent, type=OrderType.STOP, trigger=leg.stop.trigger)
        row, outcome = await self._send(intent)
        known.orders[row.cl_ord_id or ""] = row
        return outcome

    async def _exit(self, leg: Leg, found: Found, why: str) -> Outcome:
        intent = self._intent(leg, beside(leg.stop.slot, "exit"), found.qty, f"left while the database is away: {why}")
        return (await self._send(msgspec.structs.replace(intent, type=OrderType.MARKET, trigger=None)))[1]

    def _intent(self, leg: Leg, slot: str, qty: Decimal, reason: str) -> OrderIntent:
        self._sent += 1
        cause = f"emg:{int(self._clock.now().timestamp() * 1000)}:{self._sent}"
        last = msgspec.structs.replace(leg.stop, run_id=leg.stop.run_id or _NOBODY)
        wish = last.again(reason=reason, cause=cause)
        changes = {"slot": slot, "side": leg.closing, "qty": qty, "price": None, "reduce_only": True}
        return msgspec.structs.replace(wish, **changes)

    async def _send(self, intent: OrderIntent) -> tuple[OrderRow, Outcome]:
        instrument = await self._exchange.instrument(intent.venue, intent.symbol)
        token = self._accounts.last_token(intent.account_id)
        claimed = self._submitter.drafter.draft(intent, instrument, token)
        seq = await self._blackout.note(Sent(intent=intent, row=claimed.row, attempt=claimed.attempt))
        crash_point("journal.after_append")
        outcome = await self._submitter.ask(claimed, journal_seq=seq)
        crash_point("journal.after_send")
        if outcome.code == "lease_superseded":
            raise Refused(outcome.code, outcome.message)
        await self._came(claimed.attempt, claimed.row, outcome)
        return claimed.row, outcome

    async def _enlarge(self, known: Known, leg: Leg, found: Found) -> Outcome:
        """Amend the largest stop so that all together cover the leg; where it cannot be amended, a second one does."""
        largest = max(found.stops, key=lambda stop: stop.qty)
        row = known.orders.get(largest.client_order_id or "", leg.stop)
        wanted = largest.qty + found.qty - found.covered
        wish = AmendOrder(ref=_ref(largest), qty=wanted, price=None, trigger=largest.trigger)
        attempt = await self._asked(row, RequestKind.AMEND, wish)
        outcome = await self._answered(attempt, row, self._exchange.amend(wish))
        if outcome.code != NOT_OFFERED:
            return outcome
        return await self._restore(known, leg, msgspec.structs.replace(found, qty=found.qty - found.covered))

    async def _cancel(self, known: Known, report: VenueReport) -> Outcome:
        row = known.orders[report.client_order_id or ""]
        attempt = await self._asked(row, RequestKind.CANCEL, None)
        return await self._answered(attempt, row, self._exchange.cancel(_ref(report)))

    async def _asked(self, row: OrderRow, kind: RequestKind, wish: AmendOrder | None) -> Attempt:
        now = self._clock.now()
        token = self._accounts.last_token(row.account_id)
        attempt = Attempt(request_id=str(self._ids.uuid7()), sent_at=now, expires_at=now + _DEADLINE, fence_token=token)
        await self._blackout.note(Asked(kind=kind, row=row, attempt=attempt, wish=wish))
        crash_point("journal.after_append")
        return attempt

    async def _answered(self, attempt: Attempt, row: OrderRow, call: Awaitable[Outcome]) -> Outcome:
        try:
            outcome = await call
        except (OutcomeUnknown, Unavailable, Conflict) as error:
            outcome = Outcome(kind=Class.UNKNOWN, code=error.code, message=error.message)
        except InvalidInput as error:
            outcome = Outcome(kind=Class.REFUSED, code=error.code, message=error.message)
        crash_point("journal.after_send")
        await self._came(attempt, row, outcome)
        return outcome

    async def _came(self, attempt: Attempt, row: OrderRow, outcome: Outcome) -> None:
        told = {"account_id": row.account_id, "symbol": row.symbol, "slot": row.slot}
        log.warning("lane_acted", kind=outcome.kind.value, code=outcome.code, **told)
        now = self._clock.now()
        came = Came(request_id=attempt.request_id, order_id=row.order_id, outcome=outcome, at=now)
        await self._blackout.keep(came)


def _known(rows: Sequence[OrderRow], now_s: float) -> Known:
    """What may be restored: the newest stop of every leg; rows come oldest first."""
    stops = {(row.symbol, row.position_side): row for row in rows if row.role is Role.STOP and row.trigger is not None}
    legs = [Leg(symbol=symbol, position_side=side, stop=row) for (symbol, side), row in stops.items()]
    return Known(legs=legs, orders={row.cl_ord_id: row for row in rows if row.cl_ord_id}, at_s=now_s)


def _role(known: Known, report: VenueReport) -> Role | None:
    row = known.orders.get(report.client_order_id or "")
    return None if row is None else row.role


def _ref(report: VenueReport) -> OrderRef:
    return OrderRef(
        account_id=report.account_id,
        symbol=report.symbol,
        client_order_id=report.client_order_id,
        venue_order_id=report.venue_order_id,
        is_algo=report.is_algo,
    )
