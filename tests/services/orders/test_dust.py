"""Less than the venue trades is left alone: nothing is tried for ever, and it stands in nobody's way."""

from decimal import Decimal

import msgspec
import pytest
from tests.builders import ACCOUNT, BTC, RUN, D, an_exit, an_instrument, an_intent
from tests.services.orders.desk import Desk
from tests.services.orders.test_protection import missing_told, saga, watch

from tradingboost.core.errors import Refused
from tradingboost.core.order import OrderType, PositionSide
from tradingboost.services.orders.service.sizing import GRACE_S
from tradingboost.shared.interfaces.exchange import VenuePosition


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """The venue trades whole contracts and more."""
    desk.exchange.instruments[BTC] = an_instrument(min_qty=D(1))
    return desk


def hold(desk: Desk, qty: str) -> None:
    desk.positions.hold(qty)
    key, leg = next(iter(desk.positions.legs.items()))
    desk.positions.legs[key] = msgspec.structs.replace(leg, dust=abs(D(qty)) < 1)


async def an_entry(desk: Desk, qty: str) -> None:
    entry = await desk.submit(an_intent())
    await desk.fill(entry.venue_order_id, qty, "50000")
    hold(desk, qty)
    assert entry.venue_order_id is not None
    if D(qty) < 10:
        await desk.hear(desk.exchange.end(entry.venue_order_id))


async def test_an_entry_of_which_dust_filled_is_neither_covered_nor_left_for_ever(desk: Desk) -> None:
    await an_entry(desk, "0.4")
    await watch(desk, 30)
    assert await saga(desk) == ("COMPLETED", "dust")
    assert (len(desk.exchange.sent), await missing_told(desk), await desk.service.alerts()) == (1, [], [])


async def test_an_entry_that_goes_on_filling_is_covered_once_it_can_be(desk: Desk) -> None:
    entry = await desk.submit(an_intent())
    await desk.fill(entry.venue_order_id, "0.4", "50000")
    await watch(desk, 20)
    assert (await saga(desk), len(desk.exchange.sent)) == (("RUNNING", "submitted"), 1)
    await desk.fill(entry.venue_order_id, "5", "50000")
    await watch(desk, 6)
    assert (desk.exchange.sent[-1].type, desk.exchange.sent[-1].qty) == (OrderType.STOP, D("5.4"))
    assert await saga(desk) == ("COMPLETED", "covered")


async def a_stop_over_dust(desk: Desk) -> None:
    """Ten were held and protected; an exit left 0.4."""
    entry = await desk.submit(an_intent())
    await desk.fill(entry.venue_order_id, "10", "50000")
    await desk.arm(entry)
    leaving = await desk.submit(an_exit(qty=D("9.6")))
    await desk.fill(leaving.venue_order_id, "9.6", "50000")
    hold(desk, "0.4")


async def test_a_stop_is_not_brought_to_a_size_no_stop_can_have_and_is_swept(desk: Desk) -> None:
    await a_stop_over_dust(desk)
    for _ in range(5):
        desk.clock.advance(GRACE_S + 1)
        await desk.service.sizer.resize()
    assert desk.exchange.amends == []
    await watch(desk, 30)
    assert ([ref.is_algo for ref in desk.exchange.cancels[:1]], desk.exchange.resting) == ([True], {})
    await desk.service.guard.audit()
    assert len(desk.exchange.sent) == 2  # no stop is placed again


async def test_flatten_passes_dust_by(desk: Desk) -> None:
    await a_stop_over_dust(desk)
    done = await desk.ticking(desk.service.flatten(ACCOUNT, "r1"))
    assert (done.closed, done.failed, len(desk.exchange.sent)) == ([], {}, 2)


@pytest.mark.parametrize(("qty", "free"), [("0.99", True), ("-0.99", True), ("1", False), ("-1", False)])
async def test_a_run_starts_beside_dust_and_beside_nothing_more(desk: Desk, qty: str, free: bool) -> None:
    await desk.service.release(RUN)
    held = VenuePosition(
        symbol=BTC,
        position_side=PositionSide.LONG,
        qty=Decimal(qty),
        average_price=D(50_000),
        mark=D(50_000),
        liquidation_price=None,
    )
    desk.exchange.held = [held]
    if free:
        await desk.claim()
    else:
        with pytest.raises(Refused, match="position_in_the_way"):
            await desk.claim()
