"""A deploy with open positions: leases are given back, and the next process ends what the last one began (F45)."""

import dataclasses
from decimal import Decimal

from tests.builders import ID_KEYS
from tests.faults.floor import Floor, Folded
from tests.services.exchange.stage import ACCOUNT, BTC, Linked

from tradingboost.core.order import OrderType
from tradingboost.kit.context import Context
from tradingboost.kit.ids import SystemIds
from tradingboost.kit.lease import Leases
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.handlers import Handlers
from tradingboost.services.orders.sagas import Sagas
from tradingboost.services.orders.service import OrdersService
from tradingboost.services.orders.settings import OrdersSettings
from tradingboost.venues.base import Endpoint

IN_MID_SAGA, RESTING = 5, 15


def next_version(floor: Floor) -> Floor:
    """The process that takes over: other leases, nothing in memory, the same record."""
    db, clock = floor.room.db, floor.clock
    context = Context(db=db, redis=floor.room.redis, clock=clock, ids=SystemIds(), instance="next")
    users = Linked(Endpoint(rest=floor.venue.at.rest, ws=floor.venue.at.ws))
    settings = OrdersSettings()
    neighbours = (users, floor.exchange, Folded(floor.room))
    orders = OrdersService(context, ID_KEYS, Leases(db, "next"), neighbours, settings)
    sagas = Sagas(orders, context, settings)
    return dataclasses.replace(floor, orders=orders, handlers=Handlers(orders, clock), sagas=sagas)


async def states(floor: Floor) -> list[str]:
    return sorted(row.state for row in await floor.rows(t.sagas))


async def test_f45_the_next_process_takes_over_at_once_and_ends_the_sagas_that_were_under_way(floor: Floor) -> None:
    for n in range(IN_MID_SAGA + RESTING):
        price = Decimal(41_500 if n < IN_MID_SAGA else 40_000) + n
        assert (await floor.submit(f"buy:{n}", price=price, trigger=Decimal(39_000))).state == "OPEN"
    await floor.fault("accept_then(drop)", count=1)
    lost = await floor.submit("buy:lost", price=Decimal(40_100), trigger=Decimal(39_000))
    await floor.quiet()
    await floor.venue.admin.trade(BTC, "41400", volume="100")
    await floor.quiet()
    assert [leg.qty for leg in await floor.legs()] == [Decimal(IN_MID_SAGA)]
    assert set(await states(floor)) == {"RUNNING"}
    token = floor.orders.accounts.fence_token(ACCOUNT)

    await floor.orders.accounts.release()
    taken = next_version(floor)
    await taken.orders.reconcile(ACCOUNT)  # the lease was given back: nobody waits for it to run out
    assert taken.orders.accounts.fence_token(ACCOUNT) == token + 1

    await taken.quiet()
    for _ in range(5):
        await taken.sagas.drive()
        await taken.pass_s(3)
    assert await states(taken) == ["COMPLETED"] * IN_MID_SAGA + ["RUNNING"] * (RESTING + 1)
    assert (await taken.order("buy:lost")).state == "OPEN"
    assert (await taken.posts(lost), await taken.at_venue(lost)) == (1, 1)
    late = await floor.submit("buy:late")  # the old one sends nothing, should a piece of it still be awake
    assert (late.state, await taken.at_venue(late)) == ("DENIED", 0)
    held = [row["text"] for row in (await taken.truth())["algos"] if row["text"]["state"] == "live"]
    assert sum(Decimal(row["sz"]) for row in held) >= IN_MID_SAGA, "a position stands without a stop for all of it"
    assert (await taken.submit("add:1", type=OrderType.MARKET, price=None, trigger=Decimal(39_000))).state == "OPEN"
    await taken.sound()
