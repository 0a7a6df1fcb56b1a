"""A venue that is slow, closed, or keeps another time: what it says is believed, what it does not say is not."""

from decimal import Decimal

import pytest
from tests.faults.floor import Floor
from tests.faults.test_protection import a_position, stops
from tests.services.exchange.stage import ACCOUNT

from tradingboost.core.errors import Unavailable
from tradingboost.core.order import OrderType
from tradingboost.services.orders import tables as t


async def test_f20_a_request_the_venue_had_no_room_for_was_not_placed(floor: Floor) -> None:
    await floor.fault("reject(50011)", count=1)
    refused = await floor.submit("entry")
    assert refused.state == "REJECTED"
    assert (await floor.posts(refused), await floor.at_venue(refused)) == (1, 0)
    assert await floor.rows(t.unknown_periods) == []
    shed = await floor.submit("entry", attempt=1)  # the venue had no room: the next one is not even written
    assert (shed.state, await floor.posts(shed)) == ("REJECTED", 0)
    assert (await floor.orders.order(shed.order_id)).requests[0].code == "rate_limited"
    floor.clock.leapt_s += 2
    assert (await floor.submit("entry", attempt=2)).state == "OPEN"
    await floor.sound()


async def test_f21_a_signature_refused_for_its_time_was_not_placed(floor: Floor) -> None:
    await floor.fault({"name": "reject", "code": "50102", "status": 401}, count=1)
    refused = await floor.submit("entry")
    assert refused.state == "REJECTED"
    assert (await floor.orders.order(refused.order_id)).requests[0].outcome == "clock"
    assert await floor.at_venue(refused) == 0
    assert await floor.rows(t.unknown_periods) == []
    await floor.sound()


async def test_f22_during_maintenance_nothing_is_read_as_flat_and_nothing_is_sent_twice(floor: Floor) -> None:
    await a_position(floor)
    await floor.fault("reject(50001)", {"path": "POST trade/*"})
    await floor.fault("reject(50001)", {"path": "GET trade/*"})
    await floor.fault("reject(50001)", {"path": "GET account/*"})
    lost = await floor.submit("buy:1")
    assert lost.state == "UNKNOWN"  # the code does not say whether it came before or after
    await floor.pass_s(50, 5)
    assert (await floor.submit("buy:2")).deny_code == "account_not_normal"
    with pytest.raises(Unavailable):
        await floor.orders.reconcile(ACCOUNT)
    assert [leg.qty for leg in await floor.legs()] == [Decimal(1)]
    assert (len(await stops(floor)), (await floor.order("sl")).state) == (1, "OPEN")
    await floor.venue.admin.heal()
    await floor.pass_s(75, 5)
    await floor.pass_s(240, 20)
    assert (await floor.order("buy:1")).state == "NOT_PLACED"
    assert (await floor.posts(lost), await floor.at_venue(lost)) == (1, 0)
    assert (await floor.submit("buy:3", type=OrderType.LIMIT)).state == "OPEN"
    await floor.sound()
