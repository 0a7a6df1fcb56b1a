"""The money path against the simulated exchange: real orders and exchange services, real ccxt, the venue's own truth.

Facts of the private stream go from the outbox to their handler by hand, and the clock can leap, so that a minute of
waiting for a proof takes no minute.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import func, select
from tests.builders import ID_KEYS, RUN
from tests.servers import FreshDatabase
from tests.services.exchange.stage import ACCOUNT, BTC, KEY_RING, OKX, USER, Linked
from tests.services.rooms import Room, room
from tests.simulator.stage import Venue

from tradingboost.core.ids import AccountId, Symbol
from tradingboost.core.order import OrderIntent, OrderType, PositionSide, Side
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.context import Context
from tradingboost.kit.ids import SystemIds
from tradingboost.kit.lease import Leases
from tradingboost.kit.tables import outbox
from tradingboost.services.exchange.service import ExchangeService
from tradingboost.services.exchange.settings import ExchangeSettings
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.handlers import Handlers
from tradingboost.services.orders.sagas import Sagas
from tradingboost.services.orders.service import OrdersService
from tradingboost.services.orders.settings import OrdersSettings
from tradingboost.shared.events.envelope import Event, decode
from tradingboost.shared.interfaces.orders import ClaimLegs, OrderView
from tradingboost.shared.interfaces.positions import Books, DecideMismatch, MismatchView, PositionView
from tradingboost.venues.base import Endpoint
from tradingboost.venues.catalogue import Venues
from tradingboost.venues.governor import Governor

ORDERS = {"path": "POST trade/batch-orders"}


class LeapingClock(SystemClock):
    """The machine's clock, which can be moved on at once."""

    def __init__(self) -> None:
        self.leapt_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.leapt_s)

    def monotonic(self) -> float:
        return super().monotonic() + self.leapt_s


@dataclass
class Folded:
    """Positions as the stored fills add up to, which is what the positions service books."""

    room: Room

    async def positions(self, account_id: AccountId, open_only: bool = True) -> list[PositionView]:
        f = t.fills.c
        held = (
            select(f.symbol, f.position_side, func.sum(f.signed_qty).label("qty"), func.max(f.price).label("price"))
            .where(f.account_id == account_id)
            .group_by(f.symbol, f.position_side)
        )
        async with self.room.db.read() as db:
            rows = (await db.execute(held)).all()
        return [_leg(account_id, row) for row in rows if row.qty or not open_only]

    async def position(self, account_id: AccountId, symbol: Symbol, position_side: PositionSide) -> PositionView | None:
        legs = await self.positions(account_id, open_only=False)
        return next((leg for leg in legs if (leg.symbol, leg.position_side) == (symbol, position_side)), None)

    async def books(self, account_id: AccountId) -> Books:
        raise AssertionError("orders reads no books")

    async def earned(self, account_id: AccountId, since: datetime) -> Decimal | None:
        raise AssertionError("nobody limits the loss of a day")

    async def mismatches(self, account_id: AccountId, every: bool = False) -> list[MismatchView]:
        raise AssertionError("nobody looks at mismatches")

    async def decide_mismatch(self, request: DecideMismatch) -> MismatchView:
        raise AssertionError("nobody looks at mismatches")

    async def settle(self, account_id: AccountId) -> None:
        return None


def _leg(account_id: AccountId, row: Any) -> PositionView:
    return PositionView(
        user_id=USER,
        account_id=account_id,
        venue=OKX,
        symbol=row.symbol,
        position_side=PositionSide(row.position_side),
        qty=row.qty,
        cost=row.qty * row.price,
        average_price=row.price,
        mark=None,
        realized_quote=Decimal(0),
        unrealized_quote=None,
        fees_quote=Decimal(0),
        funding_quote=Decimal(0),
        covered_qty=Decimal(0),
        stop_price=None,
        updated_at=datetime.fromisoformat("2026-01-01T00:00:00Z"),
    )


@dataclass
class Floor:
    """One account of one person, compared and claimed, at a venue that can be made to fail."""

    room: Room
    venue: Venue
    clock: LeapingClock
    exchange: ExchangeService
    orders: OrdersService
    handlers: Handlers
    sagas: Sagas
    heard: int = 0
    submits: list[OrderIntent] = field(default_factory=list)

    async def open(self) -> "Floor":
        await self.orders.reconcile(ACCOUNT)
        await self.claim()
        return self

    async def claim(self) -> None:
        await self.orders.claim(
            ClaimLegs(run_id=RUN, user_id=USER, account_id=ACCOUNT, venue=OKX, symbol=BTC, leverage=10)
        )

    async def submit(self, slot: str, **changes: Any) -> OrderView:
        """A limit buy of one contract at 41 000 that rests."""
        intent = an_entry(slot, **changes)
        self.submits.append(intent)
        return await self.orders.submit(intent)

    async def fault(self, action: str | dict[str, Any], match: dict[str, str] | None = None, **when: Any) -> None:
        await self.venue.admin.add_fault(action, match=ORDERS if match is None else match, when=when or None)

    async def told(self) -> int:
        """Let orders hear what the private streams told so far; how many facts."""
        facts = select(outbox).where(outbox.c.position > self.heard).order_by(outbox.c.position)
        async with self.room.db.read() as db:
            rows = (await db.execute(facts)).mappings().all()
        done = 0
        for row in rows:
            self.heard = row["position"]
            payload = decode(row["type"], row["schema_version"], orjson.dumps(row["payload"]))
            for subscription in self.handlers.subscriptions():
                handler = subscription.handlers.get(type(payload))
                if handler is None:
                    continue
                done += 1
                async with self.room.db.transaction() as db:
                    await handler(db, _event(row, payload))
        return done

    async def quiet(self) -> None:
        """Until every frame the venue sent on this account's sockets was stored, and orders has heard of it."""
        async with asyncio.timeout(10):
            while True:
                frames = (await self.exchange.stream_status(ACCOUNT)).frames
                sent = {one.conn_id: one.sent for one in await self.venue.admin.connections()}
                if frames == {name: sent.get(name) for name in frames}:
                    break
                await asyncio.sleep(0.01)
        await self.told()

    async def pass_s(self, seconds: float, step_s: float = 1.0) -> None:
        """Let time pass as the settling and the protecting loop live it."""
        for _ in range(round(seconds / step_s)):
            self.clock.leapt_s += step_s
            await self.orders.looker.settle_requests()
            await self.orders.accounts.renew()

    async def resynced(self) -> None:
        """Until the stream is back and orders has heard of the gap."""
        async with asyncio.timeout(10):
            while not self.handlers.resync or not (await self.exchange.stream_status(ACCOUNT)).healthy:
                await asyncio.sleep(0.01)
                await self.told()

    async def order(self, slot: str) -> OrderView:
        return next(view for view in await self.orders.orders(ACCOUNT, 500) if view.slot == slot)

    async def legs(self) -> list[PositionView]:
        """What is held, as our fills add up."""
        return await Folded(self.room).positions(ACCOUNT)

    async def truth(self) -> dict[str, Any]:
        return await self.venue.admin.truth("1")

    async def posts(self, order: OrderView) -> int:
        """How often the venue was sent this order's id, whatever became of it."""
        report = await self.venue.admin.requests(cl_ord_id=order.client_order_id)
        return int(report["post_count"][order.client_order_id])

    async def at_venue(self, order: OrderView) -> int:
        """How many orders of this id the venue holds or held."""
        rows = (await self.truth())["orders"]
        return sum(row["text"]["clOrdId"] == order.client_order_id for row in rows)

    async def rows(self, table: Any) -> Any:
        async with self.room.db.read() as db:
            return (await db.execute(select(table))).all()

    async def sound(self) -> None:
        """Healed, compared once more: our fills and open orders are exactly the venue's."""
        await self.venue.admin.heal()
        await self.quiet()
        await self.orders.reconcile(ACCOUNT)
        truth = await self.truth()
        theirs = sorted((row["text"]["ordId"], row["text"]["tradeId"], row["text"]["fillSz"]) for row in truth["fills"])
        ours = sorted((row.venue_order_id, row.trade_id, _plain(row.qty)) for row in await self.rows(t.fills))
        assert ours == theirs
        live = {row["text"]["ordId"] for row in truth["orders"] if row["text"]["state"] in ("live", "partially_filled")}
        live |= {row["text"]["algoId"] for row in truth["algos"] if row["text"]["state"] == "live"}
        known = {row.venue_order_id for row in await self.rows(t.orders) if row.ended_at is None and row.venue_order_id}
        assert known == live


def an_entry(slot: str, **changes: Any) -> OrderIntent:
    values: dict[str, Any] = {
        "user_id": USER,
        "account_id": ACCOUNT,
        "run_id": RUN,
        "venue": OKX,
        "symbol": BTC,
        "slot": slot,
        "side": Side.BUY,
        "position_side": PositionSide.LONG,
        "type": OrderType.LIMIT,
        "qty": Decimal(1),
        "price": Decimal(41_000),
        "reference_price": Decimal(42_000),
        "reason": "test",
        "cause": "seq:1",
    }
    return OrderIntent(**{**values, **changes})


def _event(row: Any, payload: Any) -> Event[Any]:
    return Event(
        id=row["event_id"],
        type=row["type"],
        version=row["schema_version"],
        occurred_at=row["occurred_at"],
        key=row["key"],
        aggregate=row["aggregate"],
        seq=row["seq"],
        payload=payload,
        correlation_id="test",
    )


def _plain(qty: Decimal) -> str:
    return f"{qty.normalize():f}"


@asynccontextmanager
async def floor_at(
    venue: Venue, fresh_database: FreshDatabase, redis_url: str, scale: float | None = None, **of_exchange: Any
) -> AsyncIterator[Floor]:
    """Orders and exchange on one database, the account open at this venue.

    Our clock leaps and the venue's does not, so a difference of clocks ends entries only where a test asks for it.
    """
    clock: Any = LeapingClock()
    chosen = ExchangeSettings(**{"stop_trigger_by": "last", "max_clock_offset_s": 1e9, **of_exchange})
    at = Endpoint(rest=venue.at.rest, ws=venue.at.ws)
    async with room(fresh_database, redis_url, clock, "orders", "exchange") as opened:
        context = Context(db=opened.db, redis=opened.redis, clock=clock, ids=SystemIds(), instance="test")
        users = Linked(at)
        venues = Venues(clock, {OKX: at}, Governor(clock, scale=scale))
        exchange = ExchangeService(context, users, KEY_RING, venues, chosen)
        leases = Leases(opened.db, "test")
        settings = OrdersSettings()
        orders = OrdersService(context, ID_KEYS, leases, (users, exchange, Folded(opened)), settings)
        made = Floor(
            room=opened,
            venue=venue,
            clock=clock,
            exchange=exchange,
            orders=orders,
            handlers=Handlers(orders, clock),
            sagas=Sagas(orders, context, settings),
        )
        try:
            yield await made.open()
        finally:
            await exchange.accounts.close()
            await venues.close()
