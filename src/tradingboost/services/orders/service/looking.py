"""Asking the venue: look-ups by id, the settling of lost replies, and the comparison of a whole account."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Conflict, OutcomeUnknown, Refused, TradingBoostError, Unavailable
from tradingboost.core.ids import AccountId, OrderId, Symbol, UserId, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.core.money import ZERO
from tradingboost.core.order import Fill, OrderStatus, Phase, RequestKind, Resolution, VenueReport
from tradingboost.kit.context import Context
from tradingboost.kit.crash import crash_point
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.models import OrderRow
from tradingboost.services.orders.service import telling
from tradingboost.services.orders.service.absorbing import Absorber, Evidence, Piece, in_venue_order
from tradingboost.services.orders.service.accounts import Accounts
from tradingboost.services.orders.service.authority import (
    about_keys,
    compare_mode,
    heed_venue,
    keys_accepted,
    keys_refused,
)
from tradingboost.services.orders.service.replacing import Replacer
from tradingboost.services.orders.service.submitting import Submitter
from tradingboost.shared.events.exchange import VenueRestricted
from tradingboost.shared.events.orders import OrderParked
from tradingboost.shared.interfaces.exchange import (
    AmendOrder,
    Exchange,
    Found,
    OrderRef,
    Outcome,
    OutcomeClass,
    Searched,
)
from tradingboost.shared.interfaces.positions import Positions

log = structlog.get_logger(__name__)

_LOOK_AT_S = (0.5, 1, 2, 4, 8, 15, 30, 45, 60, 75, 90, 105)
_PROOF = timedelta(seconds=60)
_PROOF_ROUNDS = 5
_PARK = timedelta(seconds=120)
_PARKED_LOOK = timedelta(seconds=60)
_SKEW = timedelta(seconds=5)
_MOST_SKEW = timedelta(seconds=30)
"""A venue further away lives in another time (a replay); its deadline is told in its own."""
_OVERLAP = timedelta(minutes=10)
_NEVER = datetime.max.replace(tzinfo=UTC)
_FORGOTTEN = timedelta(hours=2)
"""After this the venue's lists no longer show what was cancelled unfilled: silence proves nothing."""


class Looker:
    """Settles by asking what could not be settled by hearing."""

    def __init__(
        self,
        context: Context,
        neighbours: tuple[Exchange, Positions],
        accounts: Accounts,
        absorber: Absorber,
        submitter: Submitter,
    ) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._exchange, self._positions = neighbours
        self.accounts = accounts
        self._absorber = absorber
        self.submitter = submitter
        self._replacer = Replacer(context, accounts, submitter)

    async def heed_venue(self, db: AsyncConnection, told: VenueRestricted) -> None:
        """Entries wait while something at the venue stands against them, and a person hears of it once."""
        await heed_venue(db, self._ids, told, self._clock.now())

    async def absorb(self, owner: tuple[AccountId, UserId], evidence: Evidence) -> None:
        """Take evidence in, in a transaction of its own."""
        pieces = [Piece(evidence=one) for one in in_venue_order(evidence)]
        async with self._db.transaction() as db:
            await self._absorber.absorb(db, owner, pieces, self.instrument, self._clock.now())

    async def instrument(self, venue: Venue, symbol: Symbol) -> Instrument:
        """The rules of a symbol."""
        return await self._exchange.instrument(venue, symbol)

    async def look(self, row: OrderRow) -> Found:
        """One healthy look-up of one order; what it shows is taken in."""
        found = await self._exchange.find(row.ref)
        reports = [found.report] if found.report is not None else []
        await self.absorb((row.account_id, row.user_id), Evidence(reports=reports, fills=found.fills))
        return found

    async def settle_requests(self) -> int:
        """Look after every attempt whose outcome is not known; returns how many there were."""
        async with self._db.read() as db:
            pending = await store.open_requests(db, self._clock.now())
        for request in pending:
            try:
                await self._settle(request)
            except (Unavailable, Refused, Conflict) as error:  # no information is not "no": the round does not count
                log.warning("look_up_failed", code=error.code, order_id=request.order_id)
                await self._later(request, 1)
                await self._park_if_late(request)
                if about_keys(error):
                    await self._keys_refused(request.account_id, error)
        return len(pending)

    async def _settle(self, request: Any) -> None:
        async with self._db.read() as db:
            row = await store.order_by_id(db, OrderId(request.order_id))
        found = await self.look(row)
        if request.kind != RequestKind.SUBMIT:
            await self._settle_change(row, request, found)
            return
        if found.report is not None or found.fills or row.status is not OrderStatus.NEW:
            await self._resolved(row, request, found=True)
            return
        await self._not_found(row, request)

    async def _settle_change(self, row: OrderRow, request: Any, found: Found) -> None:
        """A lost cancel is repeated while the order rests; a lost amendment only if its values are not there."""
        outcome = Outcome(kind=OutcomeClass.PLACED, code="", message="settled by a look-up")
        if found.report is not None and found.report.phase is Phase.LIVE:
            try:
                outcome = await self._repeat(row, request, found.report) or outcome
            except OutcomeUnknown as error:
                outcome = Outcome(kind=OutcomeClass.UNKNOWN, code=error.code, message=error.message)
        if outcome.kind is OutcomeClass.UNKNOWN:
            await self._later(request, 1)
            return
        resolution = Resolution.REFUSED if outcome.kind.definitely_not_placed else Resolution.ACKED
        told = (outcome.kind.value, outcome.code, outcome.message)
        async with self._db.transaction() as db:
            await store.resolve_request(db, request.request_id, resolution, told, self._clock.now())

    async def _repeat(self, row: OrderRow, request: Any, live: VenueReport) -> Outcome | None:
        if request.kind == RequestKind.CANCEL:
            return await self._exchange.cancel(row.ref)
        wish = msgspec.convert(request.wish, AmendOrder)
        async with self._db.read() as db:
            superseded = await store.amended_since(db, request)
        if superseded:
            return None
        outcome = None if _amended(live, wish) else await self._exchange.amend(wish)
        if outcome is None or outcome.kind is OutcomeClass.PLACED:
            async with self._db.transaction() as db:
                await store.set_wish(db, row.order_id, wish)
        return outcome

    async def _later(self, request: Any, seconds: float) -> None:
        async with self._db.transaction() as db:
            at = self._clock.now() + timedelta(seconds=seconds)
            await store.look_again(db, request.request_id, request.rounds, at)

    async def _park_if_late(self, request: Any) -> None:
        """A venue that cannot be asked proves nothing, but after two minutes a person must know."""
        now = self._clock.now()
        if request.kind != RequestKind.SUBMIT or now - request.sent_at <= _PARK:
            return
        async with self._db.read() as db:
            row = await store.order_by_id(db, OrderId(request.order_id))
        if row.status is OrderStatus.NEW and not row.parked_reason:
            await self._park(row, now)

    async def _not_found(self, row: OrderRow, request: Any) -> None:
        """By its id it is not there; one complete round of every other place it could show up in."""
        round_ = await self._exchange.search(row.ref, request.sent_at)
        if round_.report is not None or round_.fills:  # the look-up by id lags behind
            seen = [round_.report] if round_.report is not None else []
            await self.absorb((row.account_id, row.user_id), Evidence(reports=seen, fills=round_.fills))
            await self._resolved(row, request, found=True)
            return
        now = self._clock.now()
        waited = now - request.sent_at
        counted = waited < _FORGOTTEN and round_.healthy and await self._as_booked(row, round_)
        rounds = request.rounds + counted
        skew = min(timedelta(milliseconds=abs(round_.clock_offset_ms)), _MOST_SKEW)
        settled_at = request.expires_at + skew + _SKEW
        lasted = now - (request.proof_began_at or now)
        hurry = await self._replacer.absent(row, request, settled_at, round_.healthy) or _NEVER
        if rounds >= _PROOF_ROUNDS and lasted >= _PROOF and now >= settled_at:
            await self._resolved(row, request, found=False)
        elif row.parked_reason:  # a person was told; healthy rounds still count toward the proof
            async with self._db.transaction() as db:
                await store.count_round(db, request, counted, now, min(now + _PARKED_LOOK, hurry))
        elif waited > _PARK:
            async with self._db.transaction() as db:
                await store.count_round(db, request, counted, now, min(now + _PARKED_LOOK, hurry))
            await self._park(row, now)
        else:
            after = next((s for s in _LOOK_AT_S if timedelta(seconds=s) > waited), 120)
            async with self._db.transaction() as db:
                at = min(request.sent_at + timedelta(seconds=after), hurry)
                await store.count_round(db, request, counted, now, max(at, now + timedelta(seconds=0.5)))
                locked = await store.order_by_id(db, row.order_id, lock=True)
                submit = await store.submit_request(db, row.order_id)
                if locked.status is OrderStatus.NEW and submit is not None and submit.resolution < Resolution.ABSENT:
                    await store.begin_unknown(db, row, now)  # unless the reply came while we looked

    async def settled(self, row: OrderRow, request: Any, found: bool, said: str) -> None:
        """A person asked: it was found now, or it is not there by their word."""
        await self._resolved(row, request, found, said)

    async def _resolved(self, row: OrderRow, request: Any, found: bool, said: str = "") -> None:
        now = self._clock.now()
        told = (
            ("found", "", "found by id")
            if found
            else ("absent", "not_placed", said or "proven absent by repeated look-ups")
        )
        async with self._db.transaction() as db:
            locked = await store.order_by_id(db, row.order_id, lock=True)
            if not found and locked.status is not OrderStatus.NEW:
                return  # the venue spoke while we concluded; the next look finds it
            resolution = Resolution.ACKED if found else Resolution.ABSENT
            await store.resolve_request(db, request.request_id, resolution, told, now)
            if found:
                await self._replacer.found(db, row, request, now)
            else:
                await self.submitter.settler.not_placed(db, locked, now, ("not_placed", told[2]))
            if locked.parked_reason:
                await store.update_order(db, row.order_id, parked_reason="")
            await self.submitter.settler.end_unknown(db, row, now, found)

    async def _park(self, row: OrderRow, now: datetime) -> None:
        reason = "Neither found nor proven absent within two minutes; look at the venue and settle it by hand."
        async with self._db.transaction() as db:
            await store.begin_unknown(db, row, now)
            await store.park(db, row, (str(self._ids.uuid7()), reason), now)
            payload = OrderParked(
                order_id=row.order_id, account_id=row.account_id, user_id=row.user_id, symbol=row.symbol, reason=reason
            )
            await telling.tell(db, row, payload)

    async def _as_booked(self, row: OrderRow, round_: Searched) -> bool:
        """The venue holds what our fills add up to; a difference may be the order itself."""
        legs = await self._positions.positions(row.account_id)
        ours = sum((leg.qty for leg in legs if leg.symbol == row.symbol), ZERO)
        return abs(ours - round_.held) < row.lot

    async def _keys_refused(self, account_id: AccountId, error: TradingBoostError) -> None:
        owner = (account_id, (await self.accounts.account(account_id)).user_id)
        async with self._db.transaction() as db:
            await keys_refused(db, self._ids, owner, error.message, self._clock.now())

    async def reconcile(self, account_id: AccountId) -> None:
        """Compare one account with the venue; until it succeeded nothing opens."""
        try:
            await self._compared(account_id)
        except (Refused, Conflict) as error:
            if about_keys(error):
                self.accounts.not_ready(account_id)
                await self._keys_refused(account_id, error)
            raise

    async def _compared(self, account_id: AccountId) -> None:
        account = await self.accounts.account(account_id)
        await self.accounts.own(account_id)
        await self._exchange.connect(account_id)
        async with self._db.read() as db:
            read = await store.read_until(db, account_id)
        since = max(read.watermark - _OVERLAP, read.opened_at) if read is not None else None
        snapshot = await self._exchange.snapshot(account_id, since)
        crash_point("reconcile.after_fetch")
        seen = [*snapshot.ended_orders, *snapshot.open_orders]
        owner = (account_id, account.user_id)
        reported = {report.venue_order_id for report in seen}
        async with self._db.read() as db:
            known = reported | await store.known_venue_ids(db, account_id, {f.venue_order_id for f in snapshot.fills})
        fills = [fill for fill in snapshot.fills if fill.venue_order_id in known]
        await self.absorb(owner, Evidence(reports=seen, fills=fills))
        for fill in snapshot.fills:
            if fill.venue_order_id not in known:
                known.add(fill.venue_order_id)
                await self._adopt(owner, fill)
        crash_point("reconcile.after_adopt")
        open_ids = {report.venue_order_id for report in snapshot.open_orders}
        async with self._db.read() as db:
            silent = [row for row in await store.live_orders(db, account_id) if row.venue_order_id not in open_ids]
        for row in silent:
            if row.venue_order_id is not None:
                await self.look(row)
        async with self._db.transaction() as db:
            newest = max((fill.at for fill in snapshot.fills), default=read.watermark if read else snapshot.taken_at)
            await store.set_watermark(db, account_id, newest, self._clock.now())
            await keys_accepted(db, account_id)
            await compare_mode(db, self._ids, owner, snapshot.identity.position_mode, self._clock.now())
        self.accounts.read(account_id, snapshot.balances)
        await self._positions.settle(account_id)
        crash_point("reconcile.before_ready")
        self.accounts.compared(account_id, snapshot.stretch)

    async def _adopt(self, owner: tuple[AccountId, UserId], fill: Fill) -> None:
        """A match of an order nobody mentioned: ask what it is before it gets a row (it may be a stop's child)."""
        ref = OrderRef(
            account_id=owner[0],
            symbol=fill.symbol,
            client_order_id=None,
            venue_order_id=fill.venue_order_id,
            is_algo=False,
        )
        found = await self._exchange.find(ref)
        reports = [found.report] if found.report is not None else []
        await self.absorb(owner, Evidence(reports=reports, fills=[fill, *found.fills]))


def _amended(live: VenueReport, wish: AmendOrder) -> bool:
    """Whether the venue's values are the wished ones."""
    pairs = ((wish.qty, live.qty), (wish.price, live.price), (wish.trigger, live.trigger))
    return all(wanted is None or wanted == found for wanted, found in pairs)
