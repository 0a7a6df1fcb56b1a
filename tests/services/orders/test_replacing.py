"""A position does not wait bare for a proof: a stop of unknown fate is replaced as soon as it can do no harm."""

import pytest
from tests.builders import ACCOUNT, D, a_stop, an_exit, an_intent
from tests.services.orders.desk import Desk
from tests.services.orders.fakes import Scripted
from tests.services.orders.test_unknown import look_for, lost

from tradingboost.core.order import OrderIntent, OrderType
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.settings import OrdersSettings
from tradingboost.shared.events.orders import OrderRejected
from tradingboost.shared.interfaces.exchange import PlaceOrder

ARRIVED_BY_S = OrdersSettings().submit_deadline_s + 5.0
"""Until then a stop that left in time may still arrive."""


async def states(desk: Desk) -> list[str]:
    """Of the stops in the slot, oldest first."""
    return [view.state for view in reversed(await desk.views()) if view.slot == "sl"]


async def unknown_stop(desk: Desk, *, reaches: bool = False) -> None:
    desk.exchange.script.append(lost(reaches=reaches))
    assert (await desk.submit(a_stop())).state == "UNKNOWN"


async def test_a_stop_that_is_not_listed_twice_is_replaced_long_before_its_absence_is_proven(desk: Desk) -> None:
    await unknown_stop(desk)
    await look_for(desk, ARRIVED_BY_S)
    assert await states(desk) == ["UNKNOWN"], "it may still arrive"
    await look_for(desk, 3)
    assert await states(desk) == ["UNKNOWN", "OPEN"]
    first, second = desk.exchange.sent
    assert (second.qty, second.trigger, second.side, second.reduce_only) == (D(10), D(49_000), first.side, True)
    assert second.client_order_id != first.client_order_id


async def test_the_first_stop_stays_unknown_until_the_full_proof_and_its_end_is_no_news(desk: Desk) -> None:
    await unknown_stop(desk)
    await look_for(desk, 59)
    assert await states(desk) == ["UNKNOWN", "OPEN"]
    await look_for(desk, 25)
    assert await states(desk) == ["NOT_PLACED", "OPEN"]
    assert await desk.room.told(OrderRejected) == [], "its run has a stop and would wish for another"
    assert len(desk.exchange.sent) == 2
    assert await desk.count(t.mode_causes) == 0


async def test_a_stop_that_shows_after_all_is_cancelled_beside_its_replacement(desk: Desk) -> None:
    await unknown_stop(desk, reaches=True)
    late = desk.exchange.resting.pop(next(iter(desk.exchange.resting)))
    await look_for(desk, ARRIVED_BY_S + 3)
    assert await states(desk) == ["UNKNOWN", "OPEN"]
    desk.exchange.resting[late.venue_order_id] = late
    await look_for(desk, 40)
    assert [ref.venue_order_id for ref in desk.exchange.cancels] == [late.venue_order_id]
    assert len(desk.exchange.resting) == 1, "one stop is left"


async def test_listings_that_could_not_be_read_prove_nothing(desk: Desk) -> None:
    await unknown_stop(desk)
    desk.exchange.blind = True
    await look_for(desk, 30)
    assert len(desk.exchange.sent) == 1
    desk.exchange.blind = False
    await look_for(desk, 4)
    assert await states(desk) == ["UNKNOWN", "OPEN"]


@pytest.mark.parametrize(
    "intent", [an_intent(), an_exit(), a_stop(type=OrderType.LIMIT, trigger=None, price=D(51_000))]
)
async def test_nothing_but_a_stop_is_replaced_before_the_full_proof(desk: Desk, intent: OrderIntent) -> None:
    desk.exchange.script.append(lost(reaches=False))
    await desk.submit(intent)
    await look_for(desk, 50)
    assert len(desk.exchange.sent) == 1


async def test_a_stop_that_was_lost_with_its_sender_minutes_ago_is_replaced_at_once(desk: Desk) -> None:
    class Died(BaseException):
        """The process ends between the claim and the reply."""

    async def die(request: PlaceOrder) -> None:
        raise Died

    desk.exchange.script.append(Scripted(reaches=False, before_reply=die))
    with pytest.raises(Died):
        await desk.submit(a_stop())
    desk.clock.advance(600)
    again = await Desk(desk.room, exchange=desk.exchange).open()
    await look_for(again, 4)
    assert await states(again) == ["PARKED", "OPEN"]


async def test_a_new_process_begins_the_short_proof_anew_and_places_one_replacement(desk: Desk) -> None:
    await unknown_stop(desk)
    await look_for(desk, ARRIVED_BY_S + 4)
    again = Desk(desk.room, exchange=desk.exchange)
    await again.service.reconcile(ACCOUNT)
    await look_for(again, 10)
    assert await states(again) == ["UNKNOWN", "OPEN"]
    assert len(desk.exchange.sent) == 2
