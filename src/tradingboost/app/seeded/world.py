"""The money path in a world that is all ours: one account, a venue in memory, a clock and ids that repeat.

Every operation is a method, so that a seed or a state machine may choose which comes next and with what fate; `check`
holds at every moment and `compared` once everything was healed.
"""

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson
from sqlalchemy import text

from tradingboost.app.seeded.neighbours import ACCOUNT, RUN, USER, Folded, Owners
from tradingboost.app.seeded.venue import BTC, MARK, VENUE, Fate, SeededVenue
from tradingboost.core.client_id import IdKeys
from tradingboost.core.errors import TradingBoostError
from tradingboost.core.money import ZERO
from tradingboost.core.order import OrderIntent, OrderType, PositionSide, Side
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.context import Context
from tradingboost.kit.db import Database
from tradingboost.kit.ids import SequentialIds
from tradingboost.kit.journal import Journal
from tradingboost.kit.lease import Leases
from tradingboost.kit.redis import Redis
from tradingboost.services.orders import module as orders
from tradingboost.services.orders.settings import OrdersSettings
from tradingboost.shared.events.envelope import Event, Payload, spec_of
from tradingboost.shared.events.exchange import StreamResynced, VenueReported
from tradingboost.shared.interfaces.orders import AmendSlot, CancelSlot, ClaimLegs, FillView, OrderView

_KEYS: Final = IdKeys({"A": bytes(range(32))}, "S")
_TRAVELS: Final = "attached to the entry"
"""A stop that travels is held for gone with its entry, without a proof, until the venue tells of it."""
_LONG_S: Final = 3600.0
_CLEAR: Final = text(
    "TRUNCATE orders.intents, orders.orders, orders.requests, orders.facts, orders.fills, orders.leg_claims, "
    "orders.sagas, orders.saga_steps, orders.unknown_periods, orders.mode_causes, orders.kill_switches, "
    "orders.kill_switch_history, orders.alerts, orders.reconciled, bus.aggregates, bus.outbox, "
    "ops.leases, ops.lease_history RESTART IDENTITY"
)
_EVENTS: Final = text("SELECT type, aggregate, seq, payload FROM bus.outbox ORDER BY position")


class World:
    """One life after another of `orders` on one database, and the venue between them."""

    def __init__(self, db: Database, folder: Path) -> None:
        self._db = db
        self._folder = folder
        self.clock = FakeClock()
        self._ids = SequentialIds()
        self._wishes = 0
        self._events = 0
        self.venue = SeededVenue(self.clock, ACCOUNT)
        self.refusals: dict[str, int] = {}
        """Errors that an operation met and that are answers, by code."""

    async def open(self) -> "World":
        """A database without a past, the account compared, the symbol claimed."""
        async with self._db.transaction() as db:
            await db.execute(_CLEAR)
        await self.restart()
        claim = ClaimLegs(run_id=RUN, user_id=USER, account_id=ACCOUNT, venue=VENUE, symbol=BTC, leverage=10)
        await self._parts.service.claim(claim)
        return self

    def close(self) -> None:
        """Let go of the journal."""
        journal = self._parts.service.blackout.journal
        assert journal is not None
        journal.close()

    # -- operations --------------------------------------------------------------------------------------------------

    async def restart(self) -> None:
        """The process dies and another one begins: what was not stored is gone."""
        if self._wishes or hasattr(self, "_parts"):
            self.close()
        positions = Folded(self.clock)
        context = Context(
            db=self._db, redis=Redis("redis://127.0.0.1:1"), clock=self.clock, ids=self._ids, instance="seeded"
        )
        self._parts = orders.parts(
            context,
            (Owners(), self.venue, positions),
            _KEYS,
            OrdersSettings(),
            journal=Journal(self._folder),
            leases=Leases(self._db, "seeded", ttl_s=_LONG_S, margin_s=1.0),
        )
        positions.asks = self._parts.service
        await self._parts.service.importer.open()
        await self._tried(self._parts.service.reconcile(ACCOUNT))

    async def enter(self, slot: int, qty: Decimal, fate: Fate, market: bool) -> None:
        """An opening order with its stop attached."""
        changes: dict[str, Any] = {"type": OrderType.MARKET if market else OrderType.LIMIT}
        changes |= {"price": None if market else MARK, "trigger": Decimal(49_000)}
        await self._submit(f"buy:{slot}", Side.BUY, qty, fate, changes)

    async def climb(self, rungs: int, qty: Decimal, fate: Fate) -> None:
        """Several opening orders in one go, with a stop each; what cannot go together goes by itself."""
        changes: dict[str, Any] = {"price": MARK, "trigger": Decimal(49_000)}
        wishes = [self._wish(f"buy:{slot}", Side.BUY, qty, changes) for slot in range(rungs)]
        self.venue.fate = fate
        await self._tried(self._climbed(wishes))
        self.venue.fate = Fate.HONEST

    async def _climbed(self, wishes: list[OrderIntent]) -> None:
        placed = await self._parts.service.submit_batch(wishes)
        for wish in wishes[len(placed) :]:
            await self._parts.service.submit(wish)

    async def leave(self, qty: Decimal, fate: Fate, market: bool) -> None:
        """A reducing order."""
        changes: dict[str, Any] = {"type": OrderType.MARKET if market else OrderType.LIMIT, "reduce_only": True}
        changes |= {"price": None if market else MARK}
        await self._submit("exit" if market else "tp:1", Side.SELL, qty, fate, changes)

    async def protect(self, qty: Decimal, fate: Fate) -> None:
        """A stop of its own."""
        changes: dict[str, Any] = {"type": OrderType.STOP, "reduce_only": True, "trigger": Decimal(48_000)}
        await self._submit("sl", Side.SELL, qty, fate, changes)

    async def cancel(self, slot: str, fate: Fate) -> None:
        """The end of what rests in a slot."""
        self.venue.fate = fate
        wish = CancelSlot(run_id=RUN, account_id=ACCOUNT, symbol=BTC, slot=slot, reason="seeded")
        await self._tried(self._parts.service.cancel(wish))

    async def restate(self, qty: Decimal, fate: Fate) -> None:
        """New values for the stop."""
        self.venue.fate = fate
        self._wishes += 1
        wish = AmendSlot(
            run_id=RUN,
            account_id=ACCOUNT,
            symbol=BTC,
            slot="sl",
            qty=qty,
            price=None,
            trigger=Decimal(48_500),
            reason="seeded",
            cause=f"seq:{self._wishes}",
        )
        await self._tried(self._parts.service.amend(wish))

    async def fill(self, nth: int, qty: Decimal) -> None:
        """A plain order matches."""
        resting = [one for one in self.venue.resting() if not one.is_algo]
        if resting:
            self.venue.fill(resting[nth % len(resting)], qty)

    async def end(self, nth: int) -> None:
        """The venue, or its user, ends something."""
        resting = self.venue.resting()
        if resting:
            self.venue.end(resting[nth % len(resting)])

    async def trigger(self, nth: int) -> None:
        """The price reaches a stop."""
        stops = [one for one in self.venue.resting() if one.is_algo]
        if stops:
            self.venue.trigger(stops[nth % len(stops)])

    async def by_hand(self, qty: Decimal, buys: bool) -> None:
        """Somebody else trades the account."""
        side = Side.BUY if buys else Side.SELL
        made = self.venue.rest(side=side, qty=qty, price=MARK, reduce_only=not buys)
        self.venue.fill(made, qty)

    async def hear(self, places: list[int], again: bool) -> None:
        """Frames come in this order, by their place among those that wait; twice if `again`."""
        for place in places:
            if not self.venue.frames:
                return
            self.venue.frames.rotate(-(place % len(self.venue.frames)))
            reports, fills = self.venue.frames.popleft()
            told = VenueReported(account_id=ACCOUNT, user_id=USER, reports=reports, fills=fills)
            for _ in range(2 if again else 1):
                await self._handle(told)

    async def gap(self) -> None:
        """The stream breaks: what waits is lost, and the next thing told is that there was a gap."""
        self.venue.frames.clear()
        self.venue.healthy = False
        await self._handle(StreamResynced(account_id=ACCOUNT, user_id=USER, venue=VENUE, reason="seeded"))

    async def blind(self, blind: bool) -> None:
        """The venue can not be reached, or can again."""
        self.venue.blind = blind

    async def pass_s(self, seconds: int) -> None:
        """The loops of the service live so many seconds."""
        service = self._parts.service
        for _ in range(seconds):
            self.clock.advance(1)
            await self._tried(service.importer.cleared())
            for work in (service.looker.settle_requests, self._parts.sagas.drive, service.sweep):
                await self._tried(work())
            await self._tried(service.sizer.resize())
            await self._tried(service.guard.audit())

    async def compare(self) -> None:
        """One comparison with the venue."""
        await self._tried(self._parts.service.reconcile(ACCOUNT))

    async def outage(self, seconds: int) -> None:
        """The database is said to be away, and back again."""
        service = self._parts.service
        await self._tried(service.renew())
        service.blackout.begin()
        for _ in range(seconds):
            self.clock.advance(1)
            await self._tried(service.lane.round())
        service.blackout.end()
        await self._tried(service.importer.cleared())

    async def take_note(self) -> None:
        """A person acknowledges every alert."""
        for alert in await self._parts.service.alerts():
            await self._parts.service.acknowledge(alert.alert_id, "seeded")

    # -- judgement ---------------------------------------------------------------------------------------------------

    async def check(self) -> list[str]:
        """What is wrong at this moment, one sentence each."""
        broken = [f"{name} was posted {count} times" for name, count in self.venue.posts.items() if count > 1]
        theirs = {(fill.venue_order_id, fill.trade_id): fill.qty for fill in self.venue.fills}
        ours = await self._fills()
        if len({(fill.order_id, fill.seq) for fill in ours}) != len(ours):
            broken.append("a fill is stored twice")
        if sum((fill.qty for fill in ours), ZERO) > sum(theirs.values(), ZERO):
            broken.append("we hold more fills than the venue made")
        taken = {one.client_order_id for one in self.venue.orders.values()}
        for view in await self._views():
            proven = view.state == "NOT_PLACED" and view.reason != _TRAVELS
            if proven and view.client_order_id in taken:
                broken.append(f"{view.slot} is said to be absent and the venue has it")
            if view.filled > view.qty and view.type is not OrderType.STOP:
                broken.append(f"{view.slot} of {view.qty} has filled {view.filled}")
        return broken

    async def compared(self) -> list[str]:
        """Heal everything, let five minutes pass, and compare with the venue's truth."""
        self.venue.blind, self.venue.fate = False, Fate.HONEST
        while self.venue.frames:
            await self.hear([0], again=False)
        await self.compare()
        for _ in range(20):
            await self.pass_s(15)
            while self.venue.frames:
                await self.hear([0], again=False)
            await self.compare()
        broken = await self.check()
        broken += await self._books()
        views = await self._views()
        waiting = [view for view in views if view.state in ("UNKNOWN", "SUBMITTING", "INTENT")]
        broken += [f"{view.slot} is still {view.state}" for view in waiting]
        return broken

    async def _books(self) -> list[str]:
        ours = await self._fills()
        held = sum((fill.side.sign * fill.qty for fill in ours), ZERO)
        broken = []
        if len(ours) != len(self.venue.fills) or held != self.venue.held:
            broken.append(
                f"we hold {len(ours)} fills and {held}, the venue {len(self.venue.fills)} and {self.venue.held}"
            )
        resting = {one.venue_order_id for one in self.venue.resting()}
        live = {view.venue_order_id for view in await self._parts.service.orders(ACCOUNT, 1000, True)} - {None}
        if live != resting:
            broken.append(f"we believe {sorted(map(str, live - resting))} rest, and miss {sorted(resting - live)}")
        return broken

    async def digest(self) -> tuple[int, str]:
        """(events, hash of all that was told): the same seed must give the same."""
        async with self._db.read() as db:
            rows = (await db.execute(_EVENTS)).all()
        hashed = hashlib.sha256()
        for row in rows:
            hashed.update(orjson.dumps([*row], option=orjson.OPT_SORT_KEYS))
        return len(rows), hashed.hexdigest()

    # -- means -------------------------------------------------------------------------------------------------------

    async def _submit(self, slot: str, side: Side, qty: Decimal, fate: Fate, changes: dict[str, Any]) -> None:
        self.venue.fate = fate
        await self._tried(self._parts.service.submit(self._wish(slot, side, qty, changes)))
        self.venue.fate = Fate.HONEST

    def _wish(self, slot: str, side: Side, qty: Decimal, changes: dict[str, Any]) -> OrderIntent:
        self._wishes += 1
        intent = OrderIntent(
            user_id=USER,
            account_id=ACCOUNT,
            run_id=RUN,
            venue=VENUE,
            symbol=BTC,
            slot=slot,
            side=side,
            position_side=PositionSide.LONG,
            qty=qty,
            reference_price=MARK,
            reason="seeded",
            cause=f"seq:{self._wishes}",
            type=OrderType.LIMIT,
        )
        return msgspec.structs.replace(intent, **changes)

    async def _tried(self, work: Any) -> None:
        """An error of the taxonomy is an answer too; a broken invariant is none."""
        try:
            await work
        except TradingBoostError as error:
            if error.kind == "broken_invariant":
                raise
            self.refusals[error.code] = self.refusals.get(error.code, 0) + 1

    async def _handle(self, payload: Payload) -> None:
        subscriptions = self._parts.handlers.subscriptions()
        handler = next(one.handlers[type(payload)] for one in subscriptions if type(payload) in one.handlers)
        self._events += 1
        event: Event[Any] = Event(
            id=self._ids.uuid7(),
            type=spec_of(type(payload)).type,
            version=1,
            occurred_at=self.clock.now(),
            key="k",
            aggregate="a",
            seq=self._events,
            payload=payload,
            correlation_id="seeded",
        )
        async with self._db.transaction() as db:
            await handler(db, event)

    async def _fills(self) -> list[FillView]:
        return await self._parts.service.fills(ACCOUNT, 0, 10_000)

    async def _views(self) -> list[OrderView]:
        return await self._parts.service.orders(ACCOUNT, 1000)
