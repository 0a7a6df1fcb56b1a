"""Spot on OKX: the exact requests, what is refused, and a round trip against the simulated exchange."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.simulator.stage import Venue, open_venue, venue
from tests.venues import goldens
from tests.venues.markets import Recorder, recorded
from tests.venues.stage import OWNER, placing, ref, soon

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Symbol
from tradingboost.core.instrument import InstrumentKind
from tradingboost.core.order import OrderType, Side
from tradingboost.kit.clock import SystemClock
from tradingboost.shared.interfaces.exchange import OutcomeClass
from tradingboost.venues.base import Endpoint, Keys
from tradingboost.venues.catalogue import Venues
from tradingboost.venues.okx import OkxAccount
from tradingboost.venues.ticket import Kind, Ticket

__all__ = ["open_venue", "venue"]
SPOT = Symbol("BTC-USDT")
D = Decimal


def asked(kind: Kind = Kind.MARKET, **changes: Any) -> Ticket:
    ticket, _ = goldens.ticket("okx", "market")
    return msgspec.structs.replace(ticket, symbol=SPOT, kind=kind, qty=D("0.01"), **changes)


async def sent(ticket: Ticket, *, hedge: bool = False) -> Any:
    recorder = Recorder()
    async with recorded("okx", recorder, hedge=hedge) as account:
        assert (await account._public.instrument(SPOT)).kind is InstrumentKind.SPOT
        await account.submit(ticket, 1e12, goldens.NOW + timedelta(seconds=5))
    (request,) = recorder.sent
    assert request["path"] == "api/v5/trade/batch-orders"
    (row,) = request["says"]
    return {name: value for name, value in row.items() if name not in ("instId", "clOrdId")}


async def test_a_spot_order_leaves_to_the_letter() -> None:
    market = {"tdMode": "cash", "side": "buy", "ordType": "market", "sz": "0.01", "tgtCcy": "base_ccy"}
    assert await sent(asked()) == market
    assert await sent(asked(), hedge=True) == market
    by_cost = msgspec.structs.replace(asked(), qty=D(0), cost=D("250.5"))
    assert await sent(by_cost) == {**market, "sz": "250.5", "tgtCcy": "quote_ccy"}
    assert await sent(asked(side=Side.SELL, reduce_only=True)) == {**market, "side": "sell"}
    limit = {"tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.01", "px": "40000.1"}
    assert await sent(asked(Kind.LIMIT, price=D("40000.1"))) == limit
    assert await sent(asked(Kind.POST_ONLY, price=D("40000.1"))) == {**limit, "ordType": "post_only"}


@pytest.mark.parametrize(
    "ticket",
    [
        asked(Kind.STOP, trigger=D(39000), side=Side.SELL, reduce_only=True),
        asked(Kind.TAKE, trigger=D(41000), side=Side.SELL, reduce_only=True),
        asked(attached_stop=D(39000), attached_client_order_id="SASTOP"),
    ],
)
async def test_a_stop_on_spot_is_refused_for_it_would_leave_on_margin(ticket: Ticket) -> None:
    with pytest.raises(InvalidInput) as caught:
        await sent(ticket)
    assert caught.value.details["capability"] == "spot_stop"


@pytest.fixture
async def account(venue: Venue) -> AsyncIterator[OkxAccount]:
    await venue.admin.trade(SPOT, "42000", volume="1")
    venues = Venues(SystemClock(), {OWNER.venue: Endpoint(rest=venue.at.rest, ws=venue.at.ws)})
    keys = Keys(api_key="demo-key", secret="demo-secret", passphrase="demo-pass")
    made = venues.account(OWNER, keys, Endpoint(), "last")
    assert isinstance(made, OkxAccount)
    await made.open()
    yield made
    await made.close()
    await venues.close()


async def coins(account: OkxAccount) -> Decimal:
    return next((balance.cash for balance in await account.balances() if balance.asset == "BTC"), D(0))


async def test_coins_are_bought_by_quantity_and_by_cost_and_sold_again(venue: Venue, account: OkxAccount) -> None:
    before = await coins(account)
    order = placing("SABUY", symbol=SPOT, qty=D("0.01"), type=OrderType.MARKET)
    assert (await account.place(order, soon())).kind is OutcomeClass.PLACED
    spend = asked(side=Side.BUY)
    spend = msgspec.structs.replace(spend, qty=D(0), cost=D(420), client_order_id="SACOST")
    until = SystemClock().now() + timedelta(seconds=5)
    assert (await account.submit(spend, soon(), until)).kind is OutcomeClass.PLACED
    await venue.admin.trade(SPOT, "42000", volume="1")
    found = await account.find(msgspec.structs.replace(ref("SACOST"), symbol=SPOT))
    assert found.report is not None
    assert (found.report.qty, found.report.cum_filled) == (found.report.cum_filled, D("0.01"))
    (fill,) = found.fills
    assert (fill.fee_currency, fill.fee < 0, fill.qty) == ("BTC", True, D("0.01"))
    held = await coins(account)
    assert D("0.0199") < held - before < D("0.02")
    sell = placing("SASELL", symbol=SPOT, side=Side.SELL, qty=D("0.01"), type=OrderType.MARKET, reduce_only=True)
    assert (await account.place(sell, soon())).kind is OutcomeClass.PLACED
    await venue.admin.trade(SPOT, "42000", volume="1")
    assert await coins(account) == held - D("0.01")


async def test_a_resting_spot_order_is_listed_and_cancelled_with_the_rest_of_its_symbol(account: OkxAccount) -> None:
    order = placing("SAREST", symbol=SPOT, qty=D("0.01"), type=OrderType.LIMIT, price=D("30000.5"))
    assert (await account.place(order, soon())).kind is OutcomeClass.PLACED
    (report,) = await account.open_orders()
    assert (report.symbol, report.qty, report.price) == (SPOT, D("0.01"), D("30000.5"))
    await account.cancel_all(SPOT)
    assert await account.open_orders() == []
