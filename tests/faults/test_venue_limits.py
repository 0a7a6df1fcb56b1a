"""What a venue bears and how late it thinks it is: request limits, bans, clocks (F20, F21)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from tests.faults.floor import Floor, floor_at
from tests.faults.test_accounts import alerts, modes
from tests.faults.test_protection import a_position, moved_to, stops
from tests.servers import FreshDatabase
from tests.services.exchange.stage import ACCOUNT, OKX, order
from tests.simulator.stage import Venue

from tradingboost.core.errors import Unavailable
from tradingboost.core.order import OrderType, Side
from tradingboost.shared.interfaces.exchange import OutcomeClass, PlaceOrder

D = Decimal


@pytest.fixture
async def counted(venue: Venue, fresh_database: FreshDatabase, redis_url: str) -> AsyncIterator[Floor]:
    """A floor that counts its requests although the venue is on this machine."""
    async with floor_at(venue, fresh_database, redis_url, scale=1.0) as made:
        yield made


@pytest.fixture
async def timely(venue: Venue, fresh_database: FreshDatabase, redis_url: str) -> AsyncIterator[Floor]:
    """A floor that minds what time it is at the venue."""
    async with floor_at(venue, fresh_database, redis_url, max_clock_offset_s=5.0) as made:
        yield made


async def review(floor: Floor) -> None:
    """What the exchange's own loop does each second, and what orders then hears."""
    await floor.exchange.hindrances.review()
    await floor.told()


def resting(number: int, **changes: Any) -> PlaceOrder:
    return order(f"SAFLOOD{number}", **{"type": OrderType.LIMIT, "price": D(41_000), "good_for_s": 9, **changes})


async def test_f20_under_the_venues_own_limits_entries_are_shed_and_exits_and_stops_pass(counted: Floor) -> None:
    await counted.venue.admin.change_settings(limit_scale=1.0)
    await a_position(counted)
    sending = [asyncio.create_task(counted.exchange.place(resting(number))) for number in range(60)]
    await asyncio.sleep(0.05)
    leave = order("SALEAVE", side=Side.SELL, reduce_only=True)
    stop_moved, left = await asyncio.gather(moved_to(counted, "40500", "seq:2"), counted.exchange.place(leave))
    assert left.kind is OutcomeClass.PLACED
    assert stop_moved is None
    assert [row["slTriggerPx"] for row in await stops(counted)] == ["40500"]
    told = Counter((one.kind, one.code) for one in await asyncio.gather(*sending))
    assert told == {(OutcomeClass.PLACED, "0"): 35, (OutcomeClass.NOT_SENT, "rate_limited"): 25}  # one was the entry
    rows = (await counted.truth())["orders"]
    assert sum(row["text"]["clOrdId"].startswith("SAFLOOD") for row in rows) == 35
    state = counted.exchange.gateway.state(OKX)
    assert state.closed == []  # the venue itself never had to say no
    assert state.shed == {"entry": 25}


async def test_f20_a_ban_ends_entries_and_people_hear_of_it_while_stops_go_on(counted: Floor) -> None:
    await a_position(counted)
    await review(counted)
    await counted.fault({"name": "rate_ban", "s": 60, "patience": 0}, {})
    assert (await counted.submit("buy:1")).state == "REJECTED"  # 418
    shed = await counted.submit("buy:2")
    assert (shed.state, await counted.posts(shed)) == ("REJECTED", 0)
    assert (await counted.orders.order(shed.order_id)).requests[0].code == "rate_banned"
    await review(counted)
    assert await modes(counted) == [("NO_ENTRIES", "venue:rate_banned")]
    assert await alerts(counted) == ["rate_banned"]
    shown = await counted.exchange.stream_status(ACCOUNT)
    assert list(shown.hindered) == ["rate_banned"]
    assert shown.requests["sent entry"] == 4  # leverage set and read, and two orders
    assert (await counted.submit("buy:3")).deny_code == "account_not_normal"
    await counted.venue.admin.heal()
    await moved_to(counted, "40500", "seq:2")  # asks again when the venue may be asked
    assert [row["slTriggerPx"] for row in await stops(counted)] == ["40500"]
    counted.clock.leapt_s += 2
    await review(counted)
    assert await modes(counted) == []
    assert (await counted.submit("buy:4")).state == "OPEN"
    await counted.sound()


@pytest.mark.parametrize("skew_s", [5, -5])
async def test_f21_a_clock_five_seconds_off_is_measured_and_trading_goes_on(timely: Floor, skew_s: int) -> None:
    await timely.fault({"name": "clock_skew", "s": skew_s}, {})
    await timely.orders.reconcile(ACCOUNT)
    identity = await timely.exchange.connect(ACCOUNT)
    assert abs(identity.clock_offset_ms - skew_s * 1000) < 500
    assert (await timely.submit("entry")).state == "OPEN"
    await review(timely)
    assert await modes(timely) == []
    await timely.quiet()


@pytest.mark.parametrize("skew_s", [7200, -7200])
async def test_f21_a_clock_hours_off_ends_entries_and_stops_are_signed_in_the_venues_time(
    timely: Floor, skew_s: int
) -> None:
    await a_position(timely)
    await review(timely)
    await timely.fault({"name": "clock_skew", "s": skew_s}, {})
    refused = await timely.submit("buy:1")
    assert refused.state == "REJECTED"
    assert (await timely.orders.order(refused.order_id)).requests[0].outcome == "clock"
    assert await timely.at_venue(refused) == 0
    shed = await timely.submit("buy:2")
    assert (await timely.orders.order(shed.order_id)).requests[0].code == "clock_off"
    assert await timely.posts(shed) == 0
    await review(timely)
    assert await modes(timely) == [("NO_ENTRIES", "venue:clock_off")]
    assert await alerts(timely) == ["clock_off"]
    await moved_to(timely, "40500", "seq:2")
    assert [row["slTriggerPx"] for row in await stops(timely)] == ["40500"]
    await timely.fault("ws(abort)", {})
    await timely.resynced()  # the login of the stream is signed in the venue's time too
    await timely.orders.reconcile(ACCOUNT)
    await timely.venue.admin.heal()
    with suppress(Unavailable):  # its clock leapt back, which the next signature finds out
        await timely.orders.reconcile(ACCOUNT)
    await timely.orders.reconcile(ACCOUNT)
    await review(timely)
    assert await modes(timely) == []
    assert (await timely.submit("buy:3")).state == "OPEN"
    await timely.sound()
