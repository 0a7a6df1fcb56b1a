"""The promise of `TradingVenue`, kept by every venue over real sockets: one story, five manners.

OKX is told it by the simulated exchange; the others by small exchanges that speak as their vendors' pages say.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.simulator.stage import BTC, open_venue, stepped_settings
from tests.venues.markets import ACCOUNT, SYMBOLS
from tests.venues.small_exchanges import SMALL
from tests.venues.stage import Heard, placing, soon

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import ClientOrderId, Symbol, Venue
from tradingboost.core.order import Order, OrderStatus, OrderType, Phase, Side, merge_fill, merge_report
from tradingboost.kit.clock import SystemClock
from tradingboost.shared.interfaces.exchange import AmendOrder, OrderRef, OutcomeClass
from tradingboost.venues.base import Endpoint, Keys, Owner, TradingVenue
from tradingboost.venues.capabilities import Ask
from tradingboost.venues.catalogue import Venues

__all__ = ["open_venue"]
D = Decimal
FIRST, STOP = ClientOrderId("SANTX2PVNVARRKVHU7USXYMPL5YMAA"), ClientOrderId("SADXKW4KIGGETAGPPFM336F4YJWWNW")


@dataclass
class Stage:
    """A venue that is open and heard, and a hand that fills orders there and cuts its sockets."""

    venue: TradingVenue
    heard: Heard
    symbol: Symbol
    price: Decimal
    qty: Decimal
    fill: Callable[[Decimal], Awaitable[None]]
    cut: Callable[[], Awaitable[None]]
    pieces: int = 2

    def ref(self, name: ClientOrderId, *, algo: bool = False) -> OrderRef:
        return OrderRef(account_id=ACCOUNT, symbol=self.symbol, client_order_id=name, venue_order_id=None, is_algo=algo)

    def order(self, name: ClientOrderId, **changes: Any) -> Any:
        return placing(name, symbol=self.symbol, account_id=ACCOUNT, **changes)


@asynccontextmanager
async def reading(venues: Venues, venue: str, keys: Keys) -> AsyncIterator[tuple[TradingVenue, Heard]]:
    account = venues.account(Owner(account_id=ACCOUNT, venue=Venue(venue)), keys, Endpoint(), "last")
    heard = Heard()
    await account.open()
    stream = account.stream(heard)
    task = asyncio.create_task(stream.run())
    try:
        await stream.ready()
        yield account, heard
    finally:
        await stream.stop()
        await task
        await account.close()
        await venues.close()


@asynccontextmanager
async def small(venue: str) -> AsyncIterator[Stage]:
    keys = Keys(api_key="key", secret="a-secret-that-is-long-enough-to-sign-with", passphrase="pass")
    async with SMALL[venue]().running() as made:
        at = Endpoint(rest=f"http://{made.at}", ws=f"ws://{made.at}/stream")
        async with reading(Venues(SystemClock(), {Venue(venue): at}), venue, keys) as (account, heard):
            price = D(50000000) if venue == "upbit" else D(40000)
            yield Stage(
                account,
                heard,
                SYMBOLS[venue],
                price,
                D("0.01"),
                lambda qty: made.fill(_now(made, FIRST), qty),
                made.sockets[-1].close,  # type: ignore[arg-type]
            )


def _now(made: Any, name: str) -> str:
    """The id an order goes by at the exchange after amendments."""
    return name if made.found(name) else next(iter(made.orders.values())).client_id


@asynccontextmanager
async def simulated(opened: Callable[..., Any]) -> AsyncIterator[Stage]:
    exchange = await opened(stepped_settings())
    await exchange.admin.trade(BTC, "42000", volume="1")
    at = Endpoint(rest=exchange.at.rest, ws=exchange.at.ws)
    keys = Keys(api_key="demo-key", secret="demo-secret", passphrase="demo-pass")
    async with reading(Venues(SystemClock(), {Venue("okx"): at}), "okx", keys) as (account, heard):

        async def fill(qty: Decimal) -> None:
            await exchange.admin.trade(BTC, "38500", volume=str(qty))

        async def cut() -> None:
            for one in await exchange.admin.connections():
                await exchange.admin.cut(one.conn_id)

        yield Stage(account, heard, Symbol(BTC), D(40000), D(10), fill, cut, pieces=1)


@pytest.fixture(params=["okx", *SMALL])
async def stage(request: pytest.FixtureRequest, open_venue: Callable[..., Any]) -> AsyncIterator[Stage]:
    entered = simulated(open_venue) if request.param == "okx" else small(request.param)
    async with entered as made:
        yield made


async def test_an_order_rests_is_amended_and_fills_as_told_and_as_read(stage: Stage) -> None:
    venue, heard = stage.venue, stage.heard
    order = stage.order(FIRST, type=OrderType.LIMIT, price=stage.price, qty=stage.qty)
    placed = await venue.place(order, soon())
    assert (placed.kind, bool(placed.venue_order_id)) == (OutcomeClass.PLACED, True)
    await heard.until(lambda: heard.reports)
    assert (heard.reports[0].client_order_id, heard.reports[0].phase) == (FIRST, Phase.LIVE)
    before = heard.reports[0].created_at - timedelta(minutes=5)
    assert [one.client_order_id for one in await venue.open_orders()] == [FIRST]

    change = AmendOrder(ref=stage.ref(FIRST), qty=stage.qty, price=stage.price - 1000, trigger=None)
    if venue.capabilities.offers(Ask.AMEND_ORDER):
        assert (await venue.amend(change)).kind is OutcomeClass.PLACED
        (resting,) = await venue.open_orders()
        assert (resting.client_order_id, resting.price, resting.qty) == (FIRST, stage.price - 1000, stage.qty)
    else:
        with pytest.raises(InvalidInput):
            await venue.amend(change)

    for piece in range(1, stage.pieces + 1):
        await stage.fill(stage.qty / stage.pieces)
        await heard.until(lambda count=piece: len({fill.key for fill in heard.fills}) == count)
        found = await venue.find(stage.ref(FIRST))
        assert found.report is not None
        done = stage.qty * piece / stage.pieces
        assert (found.report.cum_filled, sum(fill.qty for fill in found.fills)) == (done, done)
        assert found.report.venue_order_id == placed.venue_order_id

    read = await venue.fills(before)
    assert sum(fill.qty for fill in read) == stage.qty
    assert {fill.key for fill in read} == {fill.key for fill in heard.fills}
    assert await venue.open_orders() == []
    (ended,) = await venue.ended_orders(before)
    assert (ended.client_order_id, ended.phase, ended.cum_filled) == (FIRST, Phase.ENDED, stage.qty)
    joined = Order(qty=stage.qty, lot=stage.qty / 10)
    for report in [*reversed(heard.reports), ended, *heard.reports]:
        joined = merge_report(joined, report)
    for fill in [*read, *heard.fills]:
        joined = merge_fill(joined, fill)
    assert (joined.status, joined.filled, joined.settling) == (OrderStatus.FILLED, stage.qty, False)
    if venue.capabilities.offers(Ask.SWAP) and venue.capabilities.offers(Ask.LEVERAGE):
        (held,) = await venue.positions()
        assert (held.symbol, held.qty) == (stage.symbol, stage.qty)


async def test_a_cancellation_that_comes_too_late_is_never_a_success(stage: Stage) -> None:
    order = stage.order(FIRST, type=OrderType.LIMIT, price=stage.price, qty=stage.qty)
    await stage.venue.place(order, soon())
    await stage.fill(stage.qty)
    await stage.heard.until(lambda: stage.heard.fills)
    late = await stage.venue.cancel(stage.ref(FIRST))
    assert late.kind in (OutcomeClass.GONE, OutcomeClass.UNKNOWN)
    found = await stage.venue.find(stage.ref(FIRST))
    assert found.report is not None
    assert sum(fill.qty for fill in found.fills) == stage.qty


async def test_a_stop_rests_beside_orders_and_is_cancelled_by_our_id(stage: Stage) -> None:
    venue = stage.venue
    below = stage.price - 1000
    order = stage.order(STOP, type=OrderType.STOP, side=Side.SELL, qty=stage.qty, trigger=below, reduce_only=True)
    if not venue.capabilities.offers(Ask.STOP):
        with pytest.raises(InvalidInput):
            await venue.place(order, soon())
        assert await venue.open_orders() == []
        return
    entry = stage.order(FIRST, type=OrderType.LIMIT, price=stage.price, qty=stage.qty)
    await venue.place(entry, soon())
    await stage.fill(stage.qty)
    await stage.heard.until(lambda: stage.heard.fills)
    assert (await venue.place(msgspec.structs.replace(order, trigger=D(20000)), soon())).kind is OutcomeClass.PLACED
    (stop,) = await venue.open_orders()
    assert (stop.client_order_id, stop.is_algo, stop.trigger) == (STOP, True, D(20000))
    found = await venue.find(stage.ref(STOP, algo=True))
    assert found.report is not None
    assert (found.report.phase, found.report.qty) == (Phase.LIVE, stage.qty)
    assert (await venue.cancel(stage.ref(STOP, algo=True))).kind is OutcomeClass.PLACED
    assert await venue.open_orders() == []


async def test_what_nobody_placed_is_absent(stage: Stage) -> None:
    for algo in (False, stage.venue.capabilities.offers(Ask.STOP)):
        found = await stage.venue.find(stage.ref(STOP, algo=algo))
        assert (found.report, found.fills) == (None, [])


async def test_a_lost_stream_is_told_once_it_is_back(stage: Stage) -> None:
    await stage.heard.until(lambda: stage.heard.stretches)  # so is its beginning: this process may succeed a dead one
    assert stage.heard.resyncs == []
    await stage.cut()
    await stage.heard.until(lambda: stage.heard.resyncs)
    assert len(set(stage.heard.stretches)) == 2
    order = stage.order(FIRST, type=OrderType.LIMIT, price=stage.price, qty=stage.qty)
    assert (await stage.venue.place(order, soon())).kind is OutcomeClass.PLACED
    await stage.heard.until(lambda: stage.heard.reports)
