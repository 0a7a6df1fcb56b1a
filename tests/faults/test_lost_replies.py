"""A reply that is lost says nothing: the order exists once, is never sent again, and is found by asking (F1, F48)."""

from decimal import Decimal
from typing import Any

import pytest
from tests.faults.conftest import BTC
from tests.faults.floor import Floor, floor_at
from tests.servers import FreshDatabase
from tests.simulator.stage import stepped_settings

from tradingboost.core.order import OrderType
from tradingboost.services.orders import tables as t
from tradingboost.sim.policy import Policy

VARIANTS = ("drop", "reset", "5xx", "50004", "51149", "truncate", "empty", "delay")
"""How the reply of an accepted order is lost."""
SCOPES = ("pending", "retained") if hasattr(Policy, "cl_ord_id_scope") else ("",)
"""For how long the venue refuses an id it has seen; it must not matter, since nothing is sent twice."""


async def unknown_then_found(floor: Floor, variant: str, **changes: Any) -> None:
    """One order whose reply is lost: UNKNOWN, entries wait, found within the minute, sent once, one at the venue."""
    await floor.fault(f"accept_then({variant})", count=1)
    lost = await floor.submit(variant, **changes)
    assert lost.state == "UNKNOWN", variant
    assert (await floor.submit(f"beside:{variant}")).deny_code == "account_not_normal"
    await floor.pass_s(2, 0.5)  # the looks after half a second and after one
    found = await floor.orders.order(lost.order_id)
    assert (found.order.state, found.unknown_since) in (("OPEN", None), ("FILLED", None)), variant
    (submit,) = found.requests
    assert (submit.resolution, submit.kind) == ("acked", "submit")
    assert await floor.posts(lost) == 1
    assert await floor.at_venue(lost) == 1
    assert await floor.rows(t.mode_causes) == []


@pytest.mark.parametrize("scope", SCOPES)
async def test_f01_an_order_whose_reply_is_lost_in_any_of_eight_ways_exists_once(
    impatient: None, open_venue: Any, fresh_database: FreshDatabase, redis_url: str, scope: str
) -> None:
    policy = {"taker_fill": "at_once", "slippage_ppm": 0, **({"cl_ord_id_scope": scope} if scope else {})}
    venue = await open_venue(stepped_settings(tls=False, policy=policy))
    await venue.admin.trade(BTC, "42000", volume="1")
    async with floor_at(venue, fresh_database, redis_url) as floor:
        for variant in VARIANTS:
            await unknown_then_found(floor, variant)
        await floor.sound()
        assert {row["text"]["state"] for row in (await floor.truth())["orders"]} == {"live"}
        assert await floor.rows(t.alerts) == []


async def test_f01_an_order_that_filled_while_its_reply_was_lost_brings_its_fill(floor: Floor) -> None:
    await unknown_then_found(floor, "drop", type=OrderType.MARKET, price=None)
    assert (await floor.order("drop")).filled == Decimal(1)
    await floor.sound()


@pytest.mark.parametrize("how", ["silence", "reset"])
async def test_f48_an_order_that_was_lost_on_its_way_is_proven_absent_by_complete_rounds_only(
    floor: Floor, how: str
) -> None:
    await floor.fault(f"drop_before_accept({how})", count=1)
    lost = await floor.submit("entry")
    assert lost.state == "UNKNOWN"
    await floor.pass_s(59)
    assert (await floor.order("entry")).state == "UNKNOWN"
    await floor.pass_s(20)
    assert (await floor.order("entry")).state == "NOT_PLACED"
    (request,) = (await floor.orders.order(lost.order_id)).requests
    assert request.rounds >= 5 - 1
    assert (await floor.posts(lost), await floor.at_venue(lost)) == (1, 0)
    assert (await floor.submit("entry", attempt=1)).state == "OPEN"
    await floor.sound()


@pytest.mark.parametrize("lag_s", [5, 45])
async def test_f48_an_index_that_lags_makes_no_false_absence(floor: Floor, lag_s: int) -> None:
    await floor.fault("accept_then(drop)", count=1)
    await floor.fault(f"index_lag({lag_s})", {})
    lost = await floor.submit("entry")
    assert lost.state == "UNKNOWN"
    await floor.pass_s(8)
    assert (await floor.order("entry")).state == "UNKNOWN"  # the venue's own time stands still: it knows of nothing
    await floor.venue.admin.advance(floor.venue.simulator.parts.exchange.now_us() // 1000 + lag_s * 1000 + 1)
    await floor.pass_s(8)
    assert (await floor.order("entry")).state == "OPEN"
    assert (await floor.posts(lost), await floor.at_venue(lost)) == (1, 1)
    await floor.sound()


async def test_f48_a_stream_with_a_gap_proves_nothing(floor: Floor) -> None:
    await floor.fault("drop_before_accept", count=1)
    await floor.submit("entry")
    await floor.pass_s(40)
    (request,) = (await floor.orders.order((await floor.order("entry")).order_id)).requests
    counted = request.rounds
    assert counted >= 5
    for info in await floor.venue.admin.connections():
        await floor.venue.admin.cut(info.conn_id)
    await floor.resynced()
    (request,) = (await floor.orders.order((await floor.order("entry")).order_id)).requests
    assert request.rounds < counted
    await floor.pass_s(40)
    assert (await floor.order("entry")).state == "UNKNOWN"  # without the gap it were proven by now
    await floor.pass_s(60)
    assert (await floor.order("entry")).state == "NOT_PLACED"


async def test_f02_a_resend_would_be_seen_because_every_post_of_an_id_is_counted(floor: Floor) -> None:
    order = await floor.submit("entry")
    again = await floor.orders.submit(floor.submits[0])
    assert again.order_id == order.order_id
    assert await floor.posts(order) == 1
