"""The money path set up for one account: the real service on real servers between neighbours kept in memory."""

import asyncio
from collections.abc import Awaitable, Sequence
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import func, insert, select
from tests.builders import ACCOUNT, BTC, ID_KEYS, RUN, T0, USER, VENUE
from tests.services.orders.fakes import FakeExchange, FakePositions, FakeUsers
from tests.services.rooms import Room

from tradingboost.core.ids import VenueOrderId
from tradingboost.core.order import Fill, OrderIntent, PositionSide, VenueReport
from tradingboost.kit.inbox import Handler
from tradingboost.kit.journal import Journal
from tradingboost.kit.lease import Leases
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.handlers import Handlers
from tradingboost.services.orders.sagas import Sagas
from tradingboost.services.orders.service import OrdersService
from tradingboost.services.orders.settings import OrdersSettings
from tradingboost.shared.events.envelope import Event, Payload, spec_of
from tradingboost.shared.events.exchange import VenueReported
from tradingboost.shared.interfaces.orders import ClaimLegs, OrderView

T = TypeVar("T")
_NAMESPACE = UUID(int=1)
SETTINGS = OrdersSettings()


class Desk:
    """One process of `orders` and everything around it."""

    def __init__(
        self,
        room: Room,
        instance: str = "test",
        exchange: FakeExchange | None = None,
        settings: OrdersSettings = SETTINGS,
        journal: Journal | None = None,
    ) -> None:
        self.room = room
        self.clock = room.clock
        self.exchange = exchange or FakeExchange(room.clock)
        self.positions = FakePositions(room.clock)
        self.users = FakeUsers()
        context = room.context(instance)
        self.leases = Leases(context.db, instance)
        neighbours = (self.users, self.exchange, self.positions)
        self.service = OrdersService(context, ID_KEYS, self.leases, neighbours, settings, journal=journal)
        self.handlers = Handlers(self.service, room.clock)
        self.sagas = Sagas(self.service, context, settings)

    async def open(self) -> "Desk":
        """Compared with the venue, and the run owns its symbol."""
        await self.service.reconcile(ACCOUNT)
        await self.claim()
        return self

    async def claim(self, **changes: Any) -> None:
        values: dict[str, Any] = {
            "run_id": RUN,
            "user_id": USER,
            "account_id": ACCOUNT,
            "venue": VENUE,
            "symbol": BTC,
            "leverage": 10,
        }
        await self.service.claim(ClaimLegs(**{**values, **changes}))

    async def submit(self, intent: OrderIntent) -> OrderView:
        return await self.service.submit(intent)

    async def hear(self, *evidence: VenueReport | Fill) -> None:
        """A frame of the private stream."""
        await self.handle(
            VenueReported(
                account_id=ACCOUNT,
                user_id=USER,
                reports=[told for told in evidence if isinstance(told, VenueReport)],
                fills=[told for told in evidence if isinstance(told, Fill)],
            )
        )

    async def handle(self, payload: Payload) -> None:
        """Whatever handler of ours hears this class, as the bus calls it."""
        async with self.room.db.transaction() as db:
            await self.handler(type(payload))(db, event_of(payload))

    def handler(self, of: type[Payload]) -> Handler:
        """What of ours hears this class."""
        return next(
            handler
            for subscription in self.handlers.subscriptions()
            for cls, handler in subscription.handlers.items()
            if cls is of
        )

    async def fill(self, venue_order_id: VenueOrderId | None, qty: str, price: str) -> Fill:
        """Something of an order matches and the stream tells it."""
        assert venue_order_id is not None
        fill = self.exchange.match(venue_order_id, qty, price)
        await self.hear(self.exchange.report(venue_order_id), fill)
        return fill

    async def arm(self, entry: OrderView, qty: str = "10", trigger: str = "49000") -> VenueReport:
        """The venue makes the stop that travelled with an entry live, and the stream tells it."""
        sent = next(request for request in self.exchange.sent if request.order_id == entry.order_id)
        stop = self.exchange.rest(
            client_order_id=sent.attached_client_order_id,
            is_algo=True,
            side="sell" if entry.position_side is PositionSide.LONG else "buy",
            type="stop",
            qty=Decimal(qty),
            trigger=Decimal(trigger),
            reduce_only=True,
        )
        await self.hear(stop)
        return stop

    async def order(self, slot: str) -> OrderView:
        """The newest order of a slot."""
        return next(view for view in await self.views() if view.slot == slot)

    async def views(self) -> list[OrderView]:
        return await self.service.orders(ACCOUNT, 100)

    async def rows(self, table: Any) -> Sequence[Any]:
        async with self.room.db.read() as db:
            return (await db.execute(select(table))).all()

    async def count(self, table: Any) -> int:
        async with self.room.db.read() as db:
            return int((await db.execute(select(func.count()).select_from(table))).scalar_one())

    async def switch(self, scope: str, key: str, level: str = "NO_ENTRIES") -> None:
        """Somebody sets a kill switch."""
        values = {
            "scope": scope,
            "key": key,
            "level": level,
            "reason": "test",
            "set_by": "test",
            "set_at": self.clock.now(),
        }
        async with self.room.db.transaction() as db:
            await db.execute(insert(t.kill_switches).values(values))

    async def ticking(self, work: Awaitable[T], step_s: float = 0.25) -> T:
        """Wait for something that sleeps on the test's clock."""
        task = asyncio.ensure_future(work)
        while not task.done():
            await asyncio.sleep(0.005)
            self.clock.advance(step_s)
        return task.result()


def event_of(payload: Payload, number: int = 0) -> Event[Any]:
    """An event as the bus hands it over; the same payload is another event under another number."""
    return Event(
        id=uuid5(_NAMESPACE, f"{number or ''}{payload!r}"),
        type=spec_of(type(payload)).type,
        version=1,
        occurred_at=T0,
        key="k",
        aggregate="a",
        seq=1,
        payload=payload,
        correlation_id=f"c{number or ''}",
    )


def changed(report: VenueReport, **values: Any) -> VenueReport:
    """The same order said differently."""
    return msgspec.structs.replace(report, **values)
