"""The use cases of `exchange`."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from tradingboost.core.errors import Conflict, Unavailable
from tradingboost.core.ids import AccountId, ClientOrderId, Symbol, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.core.money import ZERO
from tradingboost.core.order import Fill, VenueReport
from tradingboost.kit.context import Context
from tradingboost.kit.crash import crash_point
from tradingboost.kit.crypto import KeyRing
from tradingboost.services.exchange import repository as store
from tradingboost.services.exchange.service.accounts import Accounts, Connected
from tradingboost.services.exchange.service.credentials import Purpose
from tradingboost.services.exchange.service.emergency import Emergency
from tradingboost.services.exchange.service.hindering import Hindrances
from tradingboost.services.exchange.service.rules import Rulebook
from tradingboost.services.exchange.settings import ExchangeSettings
from tradingboost.shared.interfaces.exchange import (
    AccountSnapshot,
    AmendOrder,
    Bill,
    Found,
    Identity,
    OrderRef,
    Outcome,
    OutcomeClass,
    PlaceOrder,
    Searched,
    StreamStatus,
)
from tradingboost.shared.interfaces.users import Accounts as LinkedAccounts
from tradingboost.venues.base import TradingVenue
from tradingboost.venues.catalogue import Venues
from tradingboost.venues.lanes import Lane, lane, of_amending, of_placing

_REPLACED = "The account's API keys were replaced at this moment; the account is connected anew, try again shortly."
ALREADY_SENT: Final = "already_sent"
_SEARCHED_BEFORE = timedelta(minutes=1)
"""Lists are read from this long before the order was sent, so that no clock can hide it."""


class ExchangeService:
    """Implements `shared.interfaces.exchange.Exchange`."""

    def __init__(
        self, context: Context, users: LinkedAccounts, key_ring: KeyRing, venues: Venues, settings: ExchangeSettings
    ) -> None:
        self._db = context.db
        self._clock = context.clock
        self._venues = venues
        self.accounts = Accounts(context, users, key_ring, venues, settings)
        self.gateway = venues.governor
        self.rules = Rulebook(context, venues)
        self.hindrances = Hindrances(context, self.accounts, self.rules, venues, settings)
        self._emergency = Emergency()

    async def connect(self, account_id: AccountId) -> Identity:
        """Open the account and its stream."""
        return (await self.accounts.connected(account_id)).identity

    async def instrument(self, venue: Venue, symbol: Symbol) -> Instrument:
        """The rules in force."""
        return await self.rules.instrument(venue, symbol)

    async def set_leverage(self, account_id: AccountId, symbol: Symbol, leverage: int, margin_mode: str) -> int:
        """Set and read back; from now on the account's sizes are made for the rules in force."""
        connected = await self.accounts.connected(account_id)
        await self.rules.begin(account_id, connected.account.venue, symbol)
        with lane(Lane.ENTRY):
            return await connected.venue.set_leverage(symbol, leverage, margin_mode)

    async def place(self, request: PlaceOrder) -> Outcome:
        """Claim the id for ever, then write once, before the deadline or not at all."""
        (outcome,) = await self.place_batch([request])
        if outcome.code == ALREADY_SENT:
            raise Conflict(ALREADY_SENT, outcome.message, client_order_id=request.client_order_id)
        return outcome

    async def place_batch(self, requests: list[PlaceOrder]) -> list[Outcome]:
        """The same for several: what the first may not open with, none may."""
        first = requests[0]
        connected = self.accounts.get(first.account_id)
        if connected is None:  # an order does not wait for a login
            raise Unavailable("account_not_connected", "The account is not connected yet; connect it first.")
        if not first.reduce_only:
            hindrance = await self._unsure_keys(connected, first) or await self.hindrances.of_entry(connected, first)
            if hindrance is not None:
                return [Outcome(kind=OutcomeClass.NOT_SENT, code=hindrance[0], message=hindrance[1])] * len(requests)
        expires_at = min(one.expires_at for one in requests)
        deadline = self._clock.monotonic() + (expires_at - self._clock.now()).total_seconds()
        openings = 0 if first.reduce_only else len(requests)
        connected.sign(openings)
        try:
            told = await self._claim(connected, requests)
            going = [one for one in requests if one.client_order_id not in told]
            if going:
                crash_point("exchange.sent.after_commit")
                crash_point("exchange.submit.before_write")
                told |= zip(
                    (one.client_order_id for one in going), await _written(connected, going, deadline), strict=True
                )
        finally:
            connected.sign(-openings)
        crash_point("exchange.submit.after_reply")
        if any(one.kind is OutcomeClass.CLOCK for one in told.values()):
            await self.hindrances.read_again(connected)
        return [told[one.client_order_id] for one in requests]

    async def _unsure_keys(self, connected: Connected, request: PlaceOrder) -> tuple[str, str] | None:
        """(code, sentence) where an opening must not be signed with the keys this account is connected with."""
        if await self.accounts.current(connected, Purpose.ENTRY, request.credential_version):
            return None
        return "credentials_replaced", _REPLACED

    async def _claim(self, connected: Connected, requests: list[PlaceOrder]) -> dict[ClientOrderId, Outcome]:
        """Use the ids up; gives those that must not go: used before, or to be signed with a key that was replaced."""
        first = requests[0]
        if first.journal_seq is not None:
            self._emergency.claim(first)
            return {}
        keys, kept_back = connected.opened.sealed, dict[ClientOrderId, Outcome]()
        async with self._db.read() as db:  # one statement that commits itself
            claimed = await store.claim(db, requests, keys.credential_id, keys.version)
            for one in requests:
                if one.client_order_id in claimed:
                    self._emergency.saw(one)
                elif not one.reduce_only and not await store.was_sent(db, one.client_order_id):
                    connected.replaced = True
                    kept_back[one.client_order_id] = _replaced()
                else:
                    kept_back[one.client_order_id] = _already_sent()
        return kept_back

    async def cancel(self, ref: OrderRef) -> Outcome:
        """Ask for the end of an order."""
        venue = await self._venue(ref.account_id)
        with lane(Lane.CANCEL):
            return await venue.cancel(ref)

    async def amend(self, request: AmendOrder) -> Outcome:
        """Change a resting order in place."""
        venue = await self._venue(request.ref.account_id)
        with lane(of_amending(request.ref)):
            return await venue.amend(request)

    async def find(self, ref: OrderRef) -> Found:
        """One healthy look-up by id."""
        venue = await self._venue(ref.account_id)
        with lane(Lane.CANCEL):
            return await venue.find(ref)

    async def search(self, ref: OrderRef, since: datetime) -> Searched:
        """One round of an absence proof: every place the order could show up in, and a control read."""
        connected = await self.accounts.connected(ref.account_id)
        venue = connected.venue
        with lane(Lane.CANCEL):
            identity, found, live, held = await asyncio.gather(
                venue.identity(), venue.find(ref), venue.open_orders(), venue.positions()
            )
            since += timedelta(milliseconds=identity.clock_offset_ms) - _SEARCHED_BEFORE
            ended, fills = await asyncio.gather(venue.ended_orders(since), venue.fills(since))
        self._noted(connected, identity)
        report = found.report or next((one for one in [*live, *ended] if _is(one, ref)), None)
        known_as = report.venue_order_id if report is not None else ref.venue_order_id
        return Searched(
            report=report,
            fills=found.fills or [fill for fill in fills if _is(fill, ref) or fill.venue_order_id == known_as],
            held=sum((leg.qty for leg in held if leg.symbol == ref.symbol), ZERO),
            healthy=connected.stream.healthy,
            clock_offset_ms=identity.clock_offset_ms,
        )

    async def snapshot(self, account_id: AccountId, since: datetime | None) -> AccountSnapshot:
        """A complete reading, stamped in the venue's time; a part that fails fails the whole."""
        with lane(Lane.PROTECT if since is None else Lane.DATA):  # without history it is what the stop audit asks
            return await self._snapshot(account_id, since)

    async def _snapshot(self, account_id: AccountId, since: datetime | None) -> AccountSnapshot:
        connected = await self.accounts.connected(account_id)
        venue, begun, stretch = connected.venue, self._clock.now(), connected.stream.stretch
        identity, orders, positions, balances = await asyncio.gather(
            venue.identity(), venue.open_orders(), venue.positions(), venue.balances()
        )
        ended: list[VenueReport] = []
        fills: list[Fill] = []
        bills: list[Bill] = []
        if since is not None:
            ended, fills, bills = await asyncio.gather(
                venue.ended_orders(since), venue.fills(since), venue.bills(since)
            )
        self._noted(connected, identity)
        return AccountSnapshot(
            account_id=account_id,
            venue=connected.account.venue,
            identity=identity,
            open_orders=orders,
            ended_orders=ended,
            positions=positions,
            balances=balances,
            fills=fills,
            bills=bills,
            taken_at=begun + timedelta(milliseconds=identity.clock_offset_ms),
            stretch=stretch,
        )

    async def stream_status(self, account_id: AccountId) -> StreamStatus:
        """Progress of the private stream and state of its venue; an account that is not connected has none."""
        connected = self.accounts.get(account_id)
        if connected is None:
            return StreamStatus(frames={}, healthy=False)
        state = self.gateway.state(connected.account.venue)
        counted = {"sent": state.sent, "waited": state.waited, "shed": state.shed}
        return StreamStatus(
            frames=connected.stream.frames(),
            healthy=connected.stream.healthy,
            hindered=self.hindrances.told(account_id),
            clock_offset_ms=connected.identity.clock_offset_ms,
            requests={f"{fate} {lane}": count for fate, lanes in counted.items() for lane, count in lanes.items()},
            closed=[f"{one.window} for {one.seconds_left} s" for one in state.closed],
        )

    def _noted(self, connected: Connected, identity: Identity) -> None:
        connected.identity, connected.read_s = identity, self._clock.monotonic()

    async def _venue(self, account_id: AccountId) -> TradingVenue:
        return (await self.accounts.connected(account_id)).venue


async def _written(connected: Connected, going: list[PlaceOrder], deadline_s: float) -> list[Outcome]:
    with lane(of_placing(going[0])):
        if len(going) == 1:
            return [await connected.venue.place(going[0], deadline_s)]
        return await connected.venue.place_batch(going, deadline_s)


def _already_sent() -> Outcome:
    message = "This client order id was handed to the venue before; ask what became of it."
    return Outcome(kind=OutcomeClass.UNKNOWN, code=ALREADY_SENT, message=message)


def _replaced() -> Outcome:
    return Outcome(kind=OutcomeClass.NOT_SENT, code="credentials_replaced", message=_REPLACED)


def _is(told: VenueReport | Fill, ref: OrderRef) -> bool:
    return ref.client_order_id is not None and told.client_order_id == ref.client_order_id
