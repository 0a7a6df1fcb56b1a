"""A process of `strategy` on real servers, between neighbours kept in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import select
from tests.builders import ACCOUNT, BTC, T0, USER, VENUE, D
from tests.services.rooms import Room
from tests.services.strategy.neighbours import M5, FakeMarket, FakeOrders, FakeUsers

from tradingboost.core.ids import ClientOrderId, OrderId, RunId, VenueOrderId
from tradingboost.core.market import Candle, Tick
from tradingboost.core.money import ZERO
from tradingboost.core.order import OrderIntent
from tradingboost.kit.inbox import Inbox
from tradingboost.services.strategy import tables as t
from tradingboost.services.strategy.handlers import Handlers
from tradingboost.services.strategy.service import StrategyService
from tradingboost.services.strategy.settings import StrategySettings
from tradingboost.shared.events.envelope import Event, Payload, spec_of
from tradingboost.shared.events.market import CandleClosed
from tradingboost.shared.events.orders import OrderCancelled, OrderFilled, OrderRejected
from tradingboost.shared.interfaces.strategy import RunView, StartRun

_NAMESPACE = UUID(int=1)

HYPERRSI: dict[str, Any] = {
    "btc_investment": 100,
    "eth_investment": 100,
    "sol_investment": 100,
    "entry_option": "LEVEL",
    "direction": "LONG",
    "use_cooldown": False,
    "use_rsi_with_pyramiding": False,
    "use_sl": True,
    "sl_value": 2.0,
}
"""Enters long as soon as the RSI is below 30, adds by price alone."""

GRID: dict[str, Any] = {
    "enter_strategy": "long",
    "lower_price": "48000",
    "upper_price": "52000",
    "grid_num": 8,
    "investment": 1000,
    "leverage": 5,
    "initial_position": False,
}

FALL = ("49700", "49400", "49100")
"""Closes after which the RSI of the quiet market is far below 30."""


@dataclass
class World:
    """The neighbours, which outlive a process."""

    market: FakeMarket = field(default_factory=FakeMarket)
    orders: FakeOrders = field(default_factory=FakeOrders)
    users: FakeUsers = field(default_factory=FakeUsers)


class Desk:
    """One process; a second one with the same room and world is a restart, or a process beside it."""

    def __init__(self, room: Room, world: World | None = None, name: str = "hyperrsi", **settings: Any) -> None:
        self.room = room
        self.world = world or World()
        self.market, self.orders = self.world.market, self.world.orders
        neighbours = (self.world.users, self.market, self.orders)
        self.service = StrategyService(room.context(), neighbours, (name,), StrategySettings(**settings))
        self.name = name
        self._handlers = Handlers(self.service, name)

    async def start(self, **changes: Any) -> RunView:
        values: dict[str, Any] = {
            "user_id": USER,
            "account_id": ACCOUNT,
            "strategy": self.name,
            "symbol": BTC,
            "timeframe": M5,
            "params": HYPERRSI if self.name == "hyperrsi" else GRID,
        }
        return await self.service.start(StartRun(**{**values, **changes}))

    async def tell(self, payload: Payload, said: str = "") -> None:
        """A fact arrives, as the bus brings it; the same fact (and `said`) again is the same event."""
        for one in self._handlers.subscriptions():
            if type(payload) in one.handlers:
                types = [spec_of(cls).type for cls in one.handlers]
                inbox = Inbox(self.room.db, one.group, one.stream, types)
                await inbox.handle([(an_event(payload, said), one.handlers[type(payload)])])
                return
        raise AssertionError(f"{type(payload).__name__} is not heard")

    async def bar(self, close: str) -> Candle:
        """The next candle closes and is told of."""
        candle = self.market.close_bar(close)
        await self.tell(CandleClosed.of(candle))
        return candle

    async def fall(self) -> OrderIntent:
        """The market falls until the run enters; the entry is handed on."""
        for close in FALL:
            await self.bar(close)
            await self.service.hander.hand_on()
            if self.orders.submitted:
                return self.orders.submitted[-1]
        raise AssertionError("the run did not enter")

    async def enter(self) -> OrderIntent:
        """The same, and the entry fills."""
        entry = await self.fall()
        await self.tell(filled(entry, price="49100"))
        await self.service.hander.hand_on()
        return entry

    async def tick(self, price: str, at: datetime | None = None, mark: str | None = None) -> None:
        moment = at or self.market.closed()[-1].close_at
        await self.service.stepper.ticked(
            Tick(venue=VENUE, symbol=BTC, at=moment, last=D(price), mark=D(mark or price))
        )

    async def rows(self, table: Any) -> Sequence[Any]:
        order = table.c.seq if table is t.wishes else table.c[0]
        async with self.room.db.read() as db:
            return (await db.execute(select(table).order_by(order))).all()

    async def run(self, run_id: RunId) -> Any:
        """The stored row."""
        return next(row for row in await self.rows(t.runs) if row.run_id == run_id)

    async def state(self, run_id: RunId) -> dict[str, Any]:
        return dict(msgspec.json.decode((await self.run(run_id)).state)["fields"])

    async def fold(self, run_id: RunId) -> dict[str, Any]:
        return dict(msgspec.json.decode((await self.run(run_id)).fold)["fields"])

    async def uttered(self) -> list[tuple[Any, ...]]:
        """What the kernel wished, without the names that differ between two runs."""
        return [
            (row.seq, row.at, row.kind, row.slot, row.side, row.qty, row.price, row.trigger, row.reason)
            for row in await self.rows(t.wishes)
        ]


def an_event(payload: Payload, said: str = "") -> Event[Any]:
    return Event(
        id=uuid5(_NAMESPACE, said + repr(payload)),
        type=spec_of(type(payload)).type,
        version=1,
        occurred_at=T0,
        key="k",
        aggregate="a",
        seq=1,
        payload=payload,
        correlation_id="c",
    )


def _of(intent: OrderIntent) -> dict[str, Any]:
    return {
        "order_id": OrderId(intent.key),
        "client_order_id": ClientOrderId("c"),
        "user_id": intent.user_id,
        "account_id": intent.account_id,
        "run_id": intent.run_id,
        "exchange": intent.venue,
        "symbol": intent.symbol,
        "slot": intent.slot,
        "role": intent.role,
        "side": intent.side,
        "position_side": intent.position_side,
        "qty": intent.qty,
        "reason": "",
    }


def filled(intent: OrderIntent, price: str, qty: Decimal | None = None, left: Decimal = ZERO) -> OrderFilled:
    """The venue matched an order, all of it unless told otherwise."""
    amount = intent.qty if qty is None else qty
    return OrderFilled(
        **_of(intent),
        left=left,
        at=T0,
        event_type="fill",
        fill_id=f"{intent.key}:{left}",
        filled_qty=amount,
        fill_price=D(price),
        contract_size=D("0.01"),
        commission=D("-0.1"),
        fee_currency="USDT",
        liquidity="taker",
        cumulative_qty=intent.qty - left,
        last_price=D(price),
        timestamp=T0,
        venue_order_id=VenueOrderId("v"),
        trade_id="t",
    )


def rejected(intent: OrderIntent, code: str, denied: bool = False) -> OrderRejected:
    return OrderRejected(**_of(intent), left=intent.qty, at=T0, code=code, denied=denied)


def cancelled(intent: OrderIntent) -> OrderCancelled:
    return OrderCancelled(**_of(intent), left=intent.qty, at=T0)
