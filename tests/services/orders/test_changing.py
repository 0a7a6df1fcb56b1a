"""Cancel and amend: wishes about what rests, believed only when the venue says so."""

import pytest
from tests.builders import ACCOUNT, BTC, RUN, D, a_hedge, a_stop, an_exit, an_intent
from tests.services.orders.desk import Desk
from tests.services.orders.fakes import Scripted

from tradingboost.core.errors import InvalidInput, NotFound, OutcomeUnknown, Unavailable
from tradingboost.core.ids import RunId, VenueOrderId
from tradingboost.core.order import OrderType, Phase, Resolution, Side
from tradingboost.services.orders import tables as t
from tradingboost.shared.events.orders import OrderCancelled, OrderRejected
from tradingboost.shared.interfaces.exchange import Outcome, OutcomeClass
from tradingboost.shared.interfaces.orders import AmendSlot, CancelSlot, OrderView

LOST = Outcome(kind=OutcomeClass.UNKNOWN, code="timeout", message="no reply")


def a_cancel(slot: str = "entry", run_id: RunId = RUN) -> CancelSlot:
    return CancelSlot(run_id=run_id, account_id=ACCOUNT, symbol=BTC, slot=slot, reason="not wanted")


def an_amend(trigger: str, qty: str = "10", slot: str = "sl") -> AmendSlot:
    return AmendSlot(
        run_id=RUN,
        account_id=ACCOUNT,
        symbol=BTC,
        slot=slot,
        qty=D(qty),
        price=None,
        trigger=D(trigger),
        reason="trailing",
        cause="seq:77",
    )


async def settle(desk: Desk, seconds: int = 3) -> None:
    for _ in range(seconds):
        desk.clock.advance(1)
        await desk.service.looker.settle_requests()


async def live(desk: Desk, slot: str) -> list[OrderView]:
    return [view for view in await desk.service.orders(ACCOUNT, open_only=True) if view.slot == slot]


async def filled_entry(desk: Desk) -> OrderView:
    """An entry that filled and whose stop is live."""
    entry = await desk.submit(an_intent())
    await desk.fill(entry.venue_order_id, "10", "50000")
    await desk.arm(entry)
    return entry


async def test_a_cancelled_order_ends_when_the_venue_says_so(desk: Desk) -> None:
    placed = await desk.submit(an_intent())
    asked = await desk.service.cancel(a_cancel())
    assert asked is not None
    assert asked.state == "OPEN"  # our request ends nothing
    assert placed.venue_order_id is not None
    await desk.hear(desk.exchange.report(placed.venue_order_id))
    assert (await desk.order("entry")).state == "CANCELLED"
    assert (await desk.order("sl")).state == "NOT_PLACED"  # its stop never existed
    assert await live(desk, "sl") == []


async def test_cancelling_an_empty_slot_or_somebody_else_s_asks_nobody(desk: Desk) -> None:
    await desk.submit(an_intent())
    assert await desk.service.cancel(a_cancel("tp:1")) is None
    assert await desk.service.cancel(a_cancel(run_id=RunId("another"))) is None
    assert desk.exchange.cancels == []


async def test_a_cancel_that_finds_the_order_gone_looks_before_it_concludes(desk: Desk) -> None:
    placed = await desk.submit(an_intent())
    assert placed.venue_order_id is not None
    desk.exchange.match(placed.venue_order_id, "10", "50000")
    asked = await desk.service.cancel(a_cancel())
    assert asked is not None
    assert (asked.state, asked.filled) == ("FILLED", D(10))


@pytest.mark.parametrize("answer", [LOST, OutcomeUnknown("bridge", "Broke."), Unavailable("venue_away", "Away.")])
async def test_a_lost_cancel_is_repeated_while_the_order_rests(
    desk: Desk, answer: Outcome | OutcomeUnknown | Unavailable
) -> None:
    placed = await desk.submit(an_intent())
    desk.exchange.cancel_script.extend([answer, LOST])
    await desk.service.cancel(a_cancel())
    assert placed.venue_order_id in desk.exchange.resting
    await settle(desk)
    assert placed.venue_order_id not in desk.exchange.resting
    assert len(desk.exchange.cancels) == 3
    await settle(desk)
    assert len(desk.exchange.cancels) == 3
    assert [row.resolution for row in await desk.rows(t.requests) if row.kind == "cancel"] == [Resolution.ACKED]


async def test_the_next_order_of_a_slot_waits_for_the_end_of_the_one_before(desk: Desk) -> None:
    placed = await desk.submit(an_intent())
    await desk.service.cancel(a_cancel())
    with pytest.raises(Unavailable, match="still ending"):
        await desk.submit(an_intent(cause="seq:2"))
    assert placed.venue_order_id is not None
    await desk.hear(desk.exchange.report(placed.venue_order_id))
    assert (await desk.submit(an_intent(cause="seq:2"))).state == "OPEN"


async def test_the_attached_stop_becomes_the_slot_sl_and_is_amended_in_place(desk: Desk) -> None:
    await filled_entry(desk)
    (stop,) = await live(desk, "sl")
    assert (stop.state, stop.trigger) == ("OPEN", D(49_000))
    amended = await desk.service.amend(an_amend("49500"))
    assert (amended.order_id, amended.trigger) == (stop.order_id, D(49_500))
    assert len(desk.exchange.sent) == 1  # the entry alone: nothing was cancelled, nothing placed anew
    assert desk.exchange.cancels == []
    (resting,) = desk.exchange.resting.values()
    assert resting.trigger == D(49_500)


async def test_where_a_stop_cannot_be_amended_another_rests_before_the_old_one_goes(desk: Desk) -> None:
    desk.exchange.amends_stops = False
    await filled_entry(desk)
    (old,) = await live(desk, "sl")
    seen: list[int] = []

    async def look(_: object) -> None:
        seen.append(len(desk.exchange.cancels))

    desk.exchange.script.append(Scripted(before_reply=look))
    moved = await desk.service.amend(an_amend("49500"))
    assert seen == [0]
    assert (moved.state, moved.slot, moved.trigger, moved.qty) == ("OPEN", "sl", D(49_500), D(10))
    assert [ref.venue_order_id for ref in desk.exchange.cancels] == [old.venue_order_id]
    assert [one.trigger for one in desk.exchange.resting.values()] == [D(49_500)]
    assert old.venue_order_id is not None
    await desk.hear(desk.exchange.report(old.venue_order_id))
    (told,) = [one for one in await desk.room.told(OrderCancelled) if isinstance(one, OrderCancelled)]
    assert told.run_id is None  # the run has its stop
    assert (await desk.service.amend(an_amend("49500"))).order_id == moved.order_id  # asked again, it is the same
    assert [one.trigger for one in desk.exchange.resting.values()] == [D(49_500)]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Outcome(kind=OutcomeClass.REFUSED, code="51280", message="too late"), "REJECTED"),
        (LOST, "UNKNOWN"),
    ],
)
async def test_the_old_stop_stays_while_the_new_one_is_not_known_to_rest(
    desk: Desk, answer: Outcome, state: str
) -> None:
    desk.exchange.amends_stops = False
    await filled_entry(desk)
    desk.exchange.script.append(Scripted(reaches=False, answer=answer))
    assert (await desk.service.amend(an_amend("49500"))).state == state
    assert desk.exchange.cancels == []
    assert [one.trigger for one in desk.exchange.resting.values()] == [D(49_000)]
    assert [one for one in await desk.room.told(OrderRejected) if isinstance(one, OrderRejected)] == []


async def test_amending_a_stop_that_is_proven_absent_places_a_new_one(desk: Desk) -> None:
    entry = await desk.submit(an_intent())
    await desk.fill(entry.venue_order_id, "10", "50000")  # and the venue never arms the stop it was given
    placed = await desk.service.amend(an_amend("49500"))
    assert (placed.state, placed.slot, placed.trigger, placed.reduce_only) == ("OPEN", "sl", D(49_500), True)
    assert [view.order_id for view in await live(desk, "sl")] == [placed.order_id]
    assert len(desk.exchange.sent) == 2


async def test_a_stop_that_was_only_thought_absent_is_not_forgotten(desk: Desk) -> None:
    entry = await desk.submit(an_intent())
    await desk.fill(entry.venue_order_id, "10", "50000")
    await desk.service.amend(an_amend("49500"))
    await desk.arm(entry)  # the venue arms it after all
    assert {view.trigger for view in await live(desk, "sl")} == {D(49_000), D(49_500)}


async def test_amending_a_stop_that_triggered_meanwhile_places_nothing(desk: Desk) -> None:
    await desk.submit(a_stop())
    desk.exchange.end(VenueOrderId("v1"), Phase.TRIGGERED)
    amended = await desk.service.amend(an_amend("49500"))
    assert amended.state == "TRIGGERED"
    assert len(desk.exchange.sent) == 1


async def test_amending_an_empty_slot_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound, match="Nothing rests"):
        await desk.service.amend(an_amend("49500"))


async def test_a_lost_amendment_is_read_back_and_not_sent_again_when_it_arrived(desk: Desk) -> None:
    await filled_entry(desk)
    stop_id = next(iter(desk.exchange.resting))
    desk.exchange.amend_script.append(LOST)
    await desk.service.amend(an_amend("49500"))
    arrived = desk.exchange.resting[stop_id]
    desk.exchange.resting[stop_id] = type(arrived)(
        **{name: getattr(arrived, name) for name in arrived.__struct_fields__} | {"trigger": D(49_500)}
    )
    await settle(desk)
    assert len(desk.exchange.amends) == 1
    assert (await desk.order("sl")).trigger == D(49_500)


async def test_a_lost_amendment_that_did_not_arrive_is_sent_again(desk: Desk) -> None:
    await filled_entry(desk)
    desk.exchange.amend_script.append(LOST)
    await desk.service.amend(an_amend("49500"))
    await settle(desk)
    assert len(desk.exchange.amends) == 2
    (resting,) = desk.exchange.resting.values()
    assert resting.trigger == D(49_500)


async def test_a_lost_amendment_is_not_repeated_over_a_newer_one(desk: Desk) -> None:
    await filled_entry(desk)
    desk.exchange.amend_script.append(LOST)
    await desk.service.amend(an_amend("49500"))
    desk.clock.advance(0.5)
    await desk.service.amend(an_amend("49700"))
    await settle(desk)
    (resting,) = desk.exchange.resting.values()
    assert resting.trigger == D(49_700)
    assert len(desk.exchange.amends) == 2


async def test_no_change_is_asked_for_without_the_lease(desk: Desk) -> None:
    await desk.submit(an_exit(slot="tp:1", type=OrderType.LIMIT, price=D(51_000)))
    await desk.service.accounts.release()
    with pytest.raises(Unavailable, match="does not act"):
        await desk.service.cancel(a_cancel("tp:1"))
    with pytest.raises(Unavailable, match="does not act"):
        await desk.service.amend(an_amend("49500", slot="tp:1"))
    assert (desk.exchange.cancels, desk.exchange.amends) == ([], [])


async def test_a_take_profit_at_a_trigger_is_not_amended_into_a_stop(desk: Desk) -> None:
    await desk.submit(a_hedge(slot="hedge:tp", type=OrderType.TAKE, side=Side.BUY, trigger=D(49_000), reduce_only=True))
    with pytest.raises(InvalidInput, match="cancel it and place a new one"):
        await desk.service.amend(an_amend("49500", slot="hedge:tp"))
    assert desk.exchange.amends == []
