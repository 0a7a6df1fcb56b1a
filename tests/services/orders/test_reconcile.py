"""Comparing an account with the venue: missed evidence is fetched, strangers are adopted, old history is not ours."""

import pytest
from tests.builders import ACCOUNT, BTC, USER, VENUE, D, a_stop, an_exit, an_intent
from tests.services.orders.desk import Desk
from tests.services.rooms import Room

from tradingboost.core.errors import Refused, Unavailable
from tradingboost.core.ids import RunId, VenueOrderId
from tradingboost.core.order import Phase, PositionSide
from tradingboost.services.orders import tables as t
from tradingboost.shared.events.exchange import StreamResynced
from tradingboost.shared.interfaces.exchange import VenuePosition


async def test_fills_missed_by_the_stream_are_fetched_once(desk: Desk) -> None:
    placed = await desk.submit(an_intent())
    assert placed.venue_order_id is not None
    desk.exchange.match(placed.venue_order_id, "4", "50000")
    for _ in range(2):
        desk.clock.advance(60)
        await desk.service.reconcile(ACCOUNT)
    assert ((await desk.order("entry")).state, (await desk.order("entry")).filled) == ("PARTIAL", D(4))
    desk.exchange.match(placed.venue_order_id, "6", "50000")
    desk.clock.advance(60)
    await desk.service.reconcile(ACCOUNT)
    assert (await desk.order("entry")).state == "FILLED"
    assert await desk.count(t.fills) == 2


async def test_an_order_that_ended_unheard_is_looked_up(desk: Desk) -> None:
    placed = await desk.submit(an_exit())
    assert placed.venue_order_id is not None
    desk.exchange.end(placed.venue_order_id)
    desk.clock.advance(3600)
    await desk.service.reconcile(ACCOUNT)
    assert (await desk.order("exit")).state == "CANCELLED"


async def test_a_late_fill_of_an_ended_order_is_booked_by_the_sweep(desk: Desk) -> None:
    placed = await desk.submit(an_intent())
    assert placed.venue_order_id is not None
    await desk.hear(desk.exchange.end(placed.venue_order_id))
    desk.clock.advance(3600)
    await desk.service.reconcile(ACCOUNT)
    late = desk.exchange.match(placed.venue_order_id, "4", "50000")
    del desk.exchange.ended[placed.venue_order_id]  # the venue's list of ended orders has forgotten it already
    desk.clock.advance(60)
    await desk.service.reconcile(ACCOUNT)
    assert late.at < desk.clock.now()
    assert (await desk.order("entry")).filled == D(4)


async def test_the_child_of_a_stop_that_fired_unheard_keeps_its_slot(desk: Desk) -> None:
    await desk.submit(a_stop())
    stop = desk.exchange.end(VenueOrderId("v1"), Phase.TRIGGERED)
    child = desk.exchange.rest(
        side="sell", type="market", qty=D(10), reduce_only=True, parent_venue_order_id=stop.venue_order_id
    )
    desk.exchange.match(child.venue_order_id, "10", "48990")
    desk.clock.advance(60)
    await desk.service.reconcile(ACCOUNT)
    slots = {(view.slot, view.state) for view in await desk.views()}
    assert slots == {("sl", "TRIGGERED"), ("sl", "FILLED")}


async def test_what_rests_at_the_first_look_is_adopted_and_older_history_is_not(stage: Room) -> None:
    desk = Desk(stage)
    resting = desk.exchange.rest()
    old = desk.exchange.rest()
    desk.exchange.match(old.venue_order_id, "10", "50000")
    desk.clock.advance(60)
    for _ in range(3):
        await desk.service.reconcile(ACCOUNT)
        desk.clock.advance(60)
    (adopted,) = await desk.views()
    assert (adopted.venue_order_id, adopted.slot, adopted.run_id) == (resting.venue_order_id, "external", None)
    assert await desk.count(t.fills) == 0


async def test_an_account_that_could_not_be_read_opens_nothing(stage: Room) -> None:
    desk = Desk(stage)
    await desk.claim()
    desk.exchange.blind = True
    with pytest.raises(Unavailable):
        await desk.service.reconcile(ACCOUNT)
    assert (await desk.submit(an_intent())).deny_code == "account_not_normal"
    desk.exchange.blind = False
    await desk.service.reconcile(ACCOUNT)
    assert (await desk.submit(an_intent(attempt=1))).state == "OPEN"
    assert desk.positions.settled == [ACCOUNT]


def regained(stretch: str) -> StreamResynced:
    return StreamResynced(account_id=ACCOUNT, user_id=USER, venue=VENUE, reason="reconnected", stretch=stretch)


async def test_a_stream_that_had_a_gap_asks_for_a_comparison(desk: Desk) -> None:
    await desk.handle(regained("a"))
    await desk.handle(regained(""))  # of a process that names no stretches yet
    assert desk.handlers.resync == {ACCOUNT: ""}


async def test_what_was_read_within_a_stretch_is_not_compared_for_its_beginning(desk: Desk) -> None:
    desk.exchange.stretch = "a"
    await desk.service.reconcile(ACCOUNT)
    await desk.handle(regained("a"))
    assert desk.handlers.resync == {}
    await desk.handle(regained("b"))
    assert desk.handlers.resync == {ACCOUNT: "b"}


async def test_every_reading_overlaps_the_one_before(desk: Desk) -> None:
    first = desk.clock.now()
    desk.exchange.asked_since.clear()
    placed = await desk.submit(an_intent())
    desk.clock.advance(3600)
    assert placed.venue_order_id is not None
    fill = desk.exchange.match(placed.venue_order_id, "4", "50000")
    await desk.service.reconcile(ACCOUNT)
    desk.clock.advance(60)
    await desk.service.reconcile(ACCOUNT)
    earlier, later = desk.exchange.asked_since
    assert earlier == first
    assert later is not None
    assert (fill.at - later).total_seconds() == 600


async def test_a_run_does_not_start_on_top_of_somebody_elses_position(desk: Desk) -> None:
    desk.exchange.held = [
        VenuePosition(
            symbol=BTC,
            position_side=PositionSide.LONG,
            qty=D(3),
            average_price=D(50_000),
            mark=D(50_000),
            liquidation_price=None,
        )
    ]
    with pytest.raises(Refused, match="position_in_the_way"):
        await desk.claim(run_id=RunId("another"))
