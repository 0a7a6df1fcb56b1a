"""A lost reply is neither yes nor no: entries wait, the venue is asked, and nothing is sent again."""

import pytest
from tests.builders import ACCOUNT, D, an_exit, an_intent, at
from tests.services.orders.desk import Desk
from tests.services.orders.fakes import Scripted
from tests.services.rooms import Room

from tradingboost.core.errors import OutcomeUnknown
from tradingboost.services.orders import tables as t
from tradingboost.shared.events.orders import OrderParked, OrderRejected, OrderResolved, OrderUnknown
from tradingboost.shared.interfaces.exchange import Outcome, OutcomeClass, PlaceOrder

LOST = Outcome(kind=OutcomeClass.UNKNOWN, code="timeout", message="no reply in 5 s")


def lost(reaches: bool) -> Scripted:
    return Scripted(reaches=reaches, answer=LOST)


async def look_for(desk: Desk, seconds: float) -> None:
    """Let time pass as the settling loop lives it, two looks a second."""
    for _ in range(int(seconds * 2)):
        desk.clock.advance(0.5)
        await desk.service.looker.settle_requests()


async def open_restrictions(desk: Desk) -> int:
    return await desk.count(t.mode_causes)


async def test_a_lost_reply_is_unknown_and_blocks_entries_of_the_symbol_only_until_it_is_found(desk: Desk) -> None:
    desk.exchange.script.append(lost(reaches=True))
    unknown = await desk.submit(an_intent())
    assert unknown.state == "UNKNOWN"
    assert (await desk.submit(an_intent(slot="add:1"))).deny_code == "account_not_normal"
    assert (await desk.submit(an_exit())).state == "OPEN"  # reducing goes on
    await look_for(desk, 0.5)
    found = await desk.order("entry")
    assert (found.state, found.venue_order_id) == ("OPEN", "v1")
    assert await open_restrictions(desk) == 0
    assert (await desk.submit(an_intent(slot="add:1", attempt=1))).state == "OPEN"
    assert len([request for request in desk.exchange.sent if request.order_id == unknown.order_id]) == 1
    told = await desk.room.told(OrderUnknown, OrderResolved)
    assert [type(event) for event in told] == [OrderUnknown, OrderResolved]


async def test_an_error_that_says_nothing_is_unknown_too(desk: Desk) -> None:
    desk.exchange.script.append(Scripted(answer=OutcomeUnknown("bridge_lost", "The connection broke.")))
    assert (await desk.submit(an_intent())).state == "UNKNOWN"


async def test_an_unknown_order_that_filled_brings_its_fills(desk: Desk) -> None:
    desk.exchange.script.append(lost(reaches=True))
    await desk.submit(an_intent())
    desk.exchange.match(next(iter(desk.exchange.resting)), "10", "50000")
    await look_for(desk, 0.5)
    found = await desk.order("entry")
    assert (found.state, found.filled) == ("FILLED", D(10))


async def test_an_order_counts_as_absent_only_after_five_healthy_looks_over_a_minute(desk: Desk) -> None:
    desk.exchange.script.append(lost(reaches=False))
    await desk.submit(an_intent())
    await look_for(desk, 59)
    assert (await desk.order("entry")).state == "UNKNOWN"
    assert len(desk.exchange.looks) >= 5
    assert await desk.room.told(OrderRejected) == []
    await look_for(desk, 20)
    assert (await desk.order("entry")).state == "NOT_PLACED"
    assert (await desk.order("sl")).state == "NOT_PLACED"
    assert await open_restrictions(desk) == 0
    (told,) = await desk.room.told(OrderRejected)
    assert isinstance(told, OrderRejected)
    assert told.code == "not_placed"
    assert len(desk.exchange.sent) == 1
    assert (await desk.submit(an_intent(attempt=1))).state == "OPEN"
    assert len(desk.exchange.looks) <= 13  # the schedule, not every half second


async def test_a_failed_look_up_is_not_a_look(desk: Desk) -> None:
    desk.exchange.script.append(lost(reaches=False))
    await desk.submit(an_intent())
    desk.exchange.blind = True
    await look_for(desk, 70)
    assert (await desk.order("entry")).state == "UNKNOWN"
    desk.exchange.blind = False
    await look_for(desk, 1)
    assert (await desk.order("entry")).state == "UNKNOWN"  # one healthy look proves nothing yet


async def test_after_two_minutes_without_proof_a_person_must_look(desk: Desk) -> None:
    desk.exchange.script.append(lost(reaches=True))
    await desk.submit(an_intent())
    desk.exchange.blind = True
    await look_for(desk, 125)
    assert (await desk.order("entry")).state == "PARKED"
    assert [row.kind for row in await desk.rows(t.alerts)] == ["order_parked"]
    assert len(await desk.room.told(OrderParked)) == 1
    assert (await desk.submit(an_intent(slot="add:1"))).state == "DENIED"
    desk.exchange.blind = False
    await look_for(desk, 2)
    assert (await desk.order("entry")).state == "OPEN"  # found at last: nothing is parked any more
    assert await open_restrictions(desk) == 0


async def test_a_parked_order_is_not_asked_after_without_end(desk: Desk) -> None:
    desk.exchange.script.append(lost(reaches=False))
    await desk.submit(an_intent())
    desk.exchange.blind = True
    await look_for(desk, 125)
    desk.exchange.blind = False
    await look_for(desk, 120)
    assert len(desk.exchange.looks) <= 3


async def test_an_order_whose_sender_died_is_asked_after_once_its_time_ran_out(desk: Desk, stage: Room) -> None:
    class Died(BaseException):
        """The process ends between the claim and the reply."""

    async def die(request: PlaceOrder) -> None:
        raise Died

    desk.exchange.script.append(Scripted(reaches=False, before_reply=die))
    with pytest.raises(Died):
        await desk.submit(an_intent())
    assert (await desk.submit(an_intent())).state == "SUBMITTING"  # the same intent is not sent again
    assert len(desk.exchange.sent) == 1
    await look_for(desk, 4)
    assert desk.exchange.looks == []
    await look_for(desk, 2)
    assert (await desk.submit(an_intent(slot="add:1"))).state == "DENIED"
    (period,) = await desk.rows(t.unknown_periods)
    assert period.began_at >= at(5)
    await look_for(desk, 80)
    assert (await desk.order("entry")).state == "NOT_PLACED"


async def test_a_reply_so_late_that_we_asked_already_lets_entries_go_on(desk: Desk) -> None:
    async def slow(request: PlaceOrder) -> None:
        hidden = desk.exchange.resting.pop(next(iter(desk.exchange.resting)))
        await look_for(desk, 8)  # the venue's index lags: not there yet
        assert await open_restrictions(desk) == 1
        desk.exchange.resting[hidden.venue_order_id] = hidden

    desk.exchange.script.append(Scripted(before_reply=slow))
    assert (await desk.submit(an_intent())).state == "OPEN"
    assert await open_restrictions(desk) == 0
    assert (await desk.submit(an_intent(slot="add:1"))).state == "OPEN"


async def test_evidence_that_comes_while_absence_is_concluded_wins(desk: Desk) -> None:
    desk.exchange.script.append(lost(reaches=True))
    await desk.submit(an_intent())
    hidden = desk.exchange.resting.pop(next(iter(desk.exchange.resting)))
    await look_for(desk, 55)
    await desk.hear(hidden)  # the stream speaks at last
    await look_for(desk, 30)
    order = await desk.order("entry")
    assert order.state == "OPEN"
    assert await desk.room.told(OrderRejected) == []
    assert [view.slot for view in await desk.service.orders(ACCOUNT, open_only=True)] == ["sl", "entry"]
    assert await open_restrictions(desk) == 0


async def test_even_a_proof_of_absence_gives_way_to_the_venue(desk: Desk) -> None:
    desk.exchange.script.append(lost(reaches=True))
    await desk.submit(an_intent())
    hidden = desk.exchange.resting.pop(next(iter(desk.exchange.resting)))
    await look_for(desk, 80)
    assert (await desk.order("entry")).state == "NOT_PLACED"
    desk.exchange.resting[hidden.venue_order_id] = hidden
    await desk.hear(hidden)
    await desk.fill(hidden.venue_order_id, "10", "50000")
    view = await desk.order("entry")
    assert (view.state, view.filled) == ("FILLED", D(10))
