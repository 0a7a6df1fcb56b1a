"""The use cases of `orders`, put together."""

import asyncio
from decimal import Decimal
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.client_id import IdKeys
from tradingboost.core.errors import OutcomeUnknown, Unavailable
from tradingboost.core.ids import AccountId, OrderId, RunId, Symbol
from tradingboost.core.money import ZERO
from tradingboost.core.order import OrderIntent, OrderStatus, PositionSide
from tradingboost.kit.context import Context
from tradingboost.kit.journal import Journal
from tradingboost.kit.lease import Leases
from tradingboost.services.orders import repository as store
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.errors import hedge_mode_required, leg_busy, leverage_differs, position_in_the_way
from tradingboost.services.orders.service import telling
from tradingboost.services.orders.service.absorbing import Absorber
from tradingboost.services.orders.service.accounts import Accounts
from tradingboost.services.orders.service.blackout import Blackout
from tradingboost.services.orders.service.changing import Changer
from tradingboost.services.orders.service.flattening import Flattener
from tradingboost.services.orders.service.guarding import Guard
from tradingboost.services.orders.service.importing import Importer
from tradingboost.services.orders.service.lane import Lane
from tradingboost.services.orders.service.limiting import Limiter
from tradingboost.services.orders.service.looking import Looker
from tradingboost.services.orders.service.overseeing import Overseer
from tradingboost.services.orders.service.resolving import Resolver
from tradingboost.services.orders.service.sizing import Sizer
from tradingboost.services.orders.service.submitting import Submitter
from tradingboost.services.orders.settings import OrdersSettings
from tradingboost.shared.events.positions import MismatchFound
from tradingboost.shared.interfaces.exchange import Exchange
from tradingboost.shared.interfaces.orders import (
    AlertView,
    AmendSlot,
    CancelSlot,
    ClaimLegs,
    FillView,
    Flattened,
    MismatchResolved,
    OrderDetail,
    OrderView,
    OwnLimits,
    ResolveMismatch,
    SetLimits,
    SetSwitch,
    SettleOrder,
    Switch,
)
from tradingboost.shared.interfaces.positions import Positions
from tradingboost.shared.interfaces.users import Accounts as LinkedAccounts

_PATIENCE_S: Final = 4.0
"""A database that does not renew a lease for so long is away, whatever its sockets say."""


class OrdersService:
    """Implements `shared.interfaces.orders.Orders`."""

    def __init__(
        self,
        context: Context,
        id_keys: IdKeys,
        leases: Leases,
        neighbours: tuple[LinkedAccounts, Exchange, Positions],
        settings: OrdersSettings,
        *,
        journal: Journal | None = None,
    ) -> None:
        users, exchange, positions = neighbours
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        self._exchange = exchange
        self.accounts = Accounts(users, leases)
        self.absorber = Absorber(context.ids, id_keys)
        self.blackout = Blackout(context.clock, journal)
        asked = (exchange, positions)
        submitter = Submitter(context, id_keys, asked, self.accounts, settings, blackout=self.blackout)
        self.importer = Importer(context, submitter, self.blackout)
        self.lane = Lane(context, exchange, self.accounts, submitter, self.blackout)
        self.looker = Looker(context, (exchange, positions), self.accounts, self.absorber, submitter)
        self._changer = Changer(context, exchange, self.accounts, self.looker)
        self._flattener = Flattener(context, positions, self._changer, self.looker)
        self.sizer = Sizer(context, self._changer, self.looker)
        self.absorber.changed = self.sizer.touch
        self.guard = Guard(context, exchange, positions, self.looker)
        self.limiter = Limiter(context, exchange, positions, self.accounts)
        self._resolver = Resolver(context, asked, self.absorber, self.looker)
        self._overseer = Overseer(context, positions, self._changer, self.looker)
        self._submitter = submitter

    async def submit(self, intent: OrderIntent) -> OrderView:
        """Record, claim, send once."""
        await self.importer.cleared()
        return await self._submitter.submit(intent)

    async def submit_batch(self, intents: list[OrderIntent]) -> list[OrderView]:
        """Record, claim and send together."""
        await self.importer.cleared()
        return await self._submitter.submit_batch(intents)

    async def cancel(self, request: CancelSlot) -> OrderView | None:
        """Ask for the end of what rests in a slot."""
        await self.importer.cleared()
        return await self._changer.cancel(request)

    async def amend(self, request: AmendSlot) -> OrderView:
        """Change what rests in a slot."""
        await self.importer.cleared()
        return await self._changer.amend(request)

    async def claim(self, request: ClaimLegs) -> Decimal:
        """Own the legs; in net mode both legs of a symbol are one claim."""
        snapshot = await self._exchange.snapshot(request.account_id, None)
        apart = snapshot.identity.position_mode == "hedge"
        if request.side_by_side and not apart:
            raise hedge_mode_required(request.symbol, snapshot.identity.position_mode)
        instrument = await self._exchange.instrument(request.venue, request.symbol)
        tradable = max(instrument.min_qty, instrument.lot)  # less than that is dust, which nobody can close
        if any(held.symbol == request.symbol and abs(held.qty) >= tradable for held in snapshot.positions):
            raise position_in_the_way(request.symbol)
        async with self._db.transaction() as db:
            for name in (PositionSide.LONG, PositionSide.SHORT) if apart else ("net",):
                leg = (request.account_id, request.symbol, name)
                owner = await store.claim_leg(db, leg, (request.run_id, request.user_id), self._clock.now())
                if owner != request.run_id:
                    raise leg_busy(request.account_id, request.symbol, owner)
        set_to = await self._exchange.set_leverage(
            request.account_id, request.symbol, request.leverage, request.margin_mode
        )
        if set_to != request.leverage:
            await self.release(request.run_id)
            raise leverage_differs(request.symbol, request.leverage, set_to)
        async with self._db.transaction() as db:
            await store.note_leverage(db, request.run_id, set_to)
        self.accounts.read(request.account_id, snapshot.balances)
        return sum((one.available for one in snapshot.balances if one.asset == instrument.settle), ZERO)

    async def release(self, run_id: RunId) -> None:
        """Give the run's legs back."""
        async with self._db.transaction() as db:
            await store.release_legs(db, run_id)

    async def orders(self, account_id: AccountId, limit: int = 50, open_only: bool = False) -> list[OrderView]:
        """Newest first."""
        o = t.orders.c
        where = o.account_id == account_id
        if open_only:
            where = where & o.ended_at.is_(None) & (o.status <= OrderStatus.OPEN)
        async with self._db.read() as db:
            return await store.views(db, where, min(limit, 1000))

    async def fills(self, account_id: AccountId, after_seq: int = 0, limit: int = 1000) -> list[FillView]:
        """Oldest first."""
        async with self._db.read() as db:
            return await store.fill_views(db, account_id, after_seq, min(limit, 10_000))

    async def reconcile(self, account_id: AccountId) -> None:
        """Compare with the venue and adopt what it says."""
        await self.importer.cleared()
        await self.looker.reconcile(account_id)
        await self.sizer.touch_all(account_id)

    async def restrict(
        self, db: AsyncConnection, where: tuple[AccountId, Symbol], cause: str, restricted: bool
    ) -> None:
        """No openings on a symbol while a cause stands, in the caller's transaction."""
        if restricted:
            await store.set_mode(db, where, cause, "NO_ENTRIES", self._clock.now())
        else:
            await store.clear_mode(db, where, cause)

    async def alarm(self, db: AsyncConnection, subject_id: str, kind: str, said: str, leg: MismatchFound) -> None:
        """Tell a person about a leg, in the caller's transaction."""
        one = telling.Alarm(
            subject_id=subject_id,
            kind=kind,
            message=said,
            account_id=leg.account_id,
            user_id=leg.user_id,
            symbol=leg.symbol,
        )
        await telling.alarm(db, str(self._ids.uuid7()), one, self._clock.now())

    async def flatten(self, account_id: AccountId, request_id: str) -> Flattened:
        """Cancel openings, close legs, then let the stops go."""
        if self.blackout.away:
            return await self.lane.leave(account_id, request_id)
        await self.importer.cleared()
        return await self._flattener.flatten(account_id, request_id)

    async def go_on_flattening(self, account_id: AccountId, request_id: str) -> None:
        """Take up a flatten that was interrupted."""
        await self._flattener.go_on(account_id, request_id)

    async def order(self, order_id: OrderId) -> OrderDetail:
        """One order with its evidence."""
        return await self._overseer.order(order_id)

    async def end(self, order_id: OrderId) -> OrderDetail:
        """Ask for the end of one order."""
        return await self._overseer.end(order_id)

    async def settle(self, request: SettleOrder) -> OrderDetail:
        """A person's word about an unknown order."""
        return await self._overseer.settle(request)

    async def alerts(self, account_id: AccountId | None = None, every: bool = False) -> list[AlertView]:
        """Newest first."""
        return await self._overseer.alerts(account_id, every)

    async def acknowledge(self, alert_id: str, by: str) -> AlertView:
        """A person has taken note."""
        return await self._overseer.acknowledge(alert_id, by)

    async def switches(self) -> list[Switch]:
        """Kill switches that stand."""
        return await self._overseer.switches()

    async def switch(self, request: SetSwitch) -> list[Switch]:
        """Set or clear a kill switch."""
        return await self._overseer.switch(request)

    async def limits(self, account_id: AccountId) -> list[OwnLimits]:
        """What people set for an account and its owner."""
        return await self.limiter.limits(account_id)

    async def set_limits(self, request: SetLimits, by: str) -> list[OwnLimits]:
        """Limit an account, or all of a person's."""
        return await self.limiter.set_limits(request, by)

    async def resolve_mismatch(self, request: ResolveMismatch, by: str) -> MismatchResolved:
        """Do what a person decided about a mismatch."""
        await self.importer.cleared()
        return await self._resolver.resolve(request, by)

    async def known_accounts(self) -> list[AccountId]:
        """Accounts that were ever compared with their venue."""
        async with self._db.read() as db:
            return await store.known_accounts(db)

    async def unknown(self) -> int:
        """How many orders have an unknown fate."""
        async with self._db.read() as db:
            return await store.count_unknown(db)

    async def deaf(self) -> list[AccountId]:
        """Accounts we act for whose private stream is away, also where that could not be asked."""
        found = []
        for account_id in self.accounts.held:
            try:
                healthy = (await self._exchange.stream_status(account_id)).healthy
            except (Unavailable, OutcomeUnknown):
                healthy = False
            if not healthy:
                found.append(account_id)
        return found

    async def renew(self) -> None:
        """Keep the right to act for our accounts, and take down what they have for the time without a database."""
        if self.blackout.away:
            return
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self.accounts.renew()
                await self.lane.remember()
        except TimeoutError:
            self.blackout.begin()
        except (Unavailable, OutcomeUnknown) as error:
            if not self.blackout.heed(error):
                raise

    async def protect(self) -> None:
        """While the database is away, or is owed something: ask whether it is there, else look after what is held."""
        if (self.blackout.away or self.blackout.owed) and not await self.importer.back():
            await self.lane.round()

    async def sweep(self) -> None:
        """Cancel children of ours that protect nothing any more."""
        await self._flattener.sweep()
