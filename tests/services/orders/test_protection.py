"""A filled entry has a live stop or is left; children that protect nothing go; a fresh stop is never swept away."""

import asyncio

from tests.builders import ACCOUNT, BTC, RUN, D, a_hedge, a_stop, an_exit, an_intent
from tests.services.orders.desk import Desk
from tests.services.orders.fakes import Scripted

from tradingboost.core.errors import Refused, Unavailable
from tradingboost.core.ids import VenueOrderId
from tradingboost.core.order import OrderType, PositionSide, Side
from tradingboost.services.orders import tables as t
from tradingboost.shared.events.orders import ProtectionMissing
from tradingboost.shared.interfaces.exchange import Outcome, OutcomeClass, PlaceOrder
from tradingboost.shared.interfaces.orders import OrderView

NO = Scripted(reaches=False, answer=Outcome(kind=OutcomeClass.REFUSED, code="51280", message="not now"))


async def watch(desk: Desk, seconds: int) -> None:
    for _ in range(seconds):
        desk.clock.advance(1)
        await desk.sagas.drive()
        await desk.service.sweep()


async def saga(desk: Desk) -> tuple[str, str]:
    (row,) = await desk.rows(t.sagas)
    return row.state, row.step


async def missing_told(desk: Desk) -> list[str]:
    return [told.action for told in await desk.room.told(ProtectionMissing) if isinstance(told, ProtectionMissing)]


async def a_filled_entry(desk: Desk, qty: str = "10") -> OrderView:
    entry = await desk.submit(an_intent())
    await desk.fill(entry.venue_order_id, qty, "50000")
    desk.positions.hold(qty)
    return entry


async def test_an_entry_whose_stop_is_live_is_protected_without_any_act(desk: Desk) -> None:
    entry = await a_filled_entry(desk)
    assert await saga(desk) == ("RUNNING", "submitted")
    await desk.arm(entry)
    await watch(desk, 15)
    assert await saga(desk) == ("COMPLETED", "covered")
    assert len(desk.exchange.sent) == 1
    assert await missing_told(desk) == []


async def test_an_entry_that_waits_with_a_stop_of_its_own_hides_no_stop_that_rests(desk: Desk) -> None:
    entry = await a_filled_entry(desk)
    await desk.arm(entry)
    await desk.submit(an_intent(cause="seq:2"))
    await watch(desk, 15)
    assert len(desk.exchange.sent) == 2
    assert await missing_told(desk) == []


async def test_an_entry_that_never_filled_needs_no_protection(desk: Desk) -> None:
    entry = await desk.submit(an_intent())
    await watch(desk, 30)
    assert await saga(desk) == ("RUNNING", "submitted")
    assert entry.venue_order_id is not None
    await desk.hear(desk.exchange.end(entry.venue_order_id))
    await watch(desk, 1)
    assert await saga(desk) == ("COMPENSATED", "never filled")


async def test_a_missing_stop_is_placed_by_the_platform_after_a_short_grace(desk: Desk) -> None:
    await a_filled_entry(desk, "4")  # partly filled: the venue arms the stop it was given only for the whole
    await watch(desk, 3)
    assert len(desk.exchange.sent) == 1
    await watch(desk, 3)
    (_, stop) = desk.exchange.sent
    assert (stop.type, stop.qty, stop.trigger, stop.reduce_only) == (OrderType.STOP, D(4), D(49_000), True)
    assert await saga(desk) == ("COMPLETED", "covered")
    assert await missing_told(desk) == ["stop placed by the platform: OPEN"]


async def test_a_position_that_cannot_be_protected_is_left(desk: Desk) -> None:
    await a_filled_entry(desk)
    desk.exchange.script.extend([NO])
    await watch(desk, 10)
    stops = [request for request in desk.exchange.sent if request.type is OrderType.STOP]
    assert len(stops) == 1  # the same wish is not sent twice
    await watch(desk, 2)
    leaving = desk.exchange.sent[-1]
    assert (leaving.type, leaving.qty, leaving.reduce_only) == (OrderType.MARKET, D(10), True)
    await desk.fill(VenueOrderId("v2"), "10", "49900")
    desk.positions.hold("0")
    await watch(desk, 1)
    assert await saga(desk) == ("COMPLETED", "left")
    assert await missing_told(desk) == ["stop placed by the platform: REJECTED", "closed at market: OPEN"]
    assert len(desk.exchange.sent) == 3


async def test_a_person_is_told_of_a_missing_stop_once_and_not_every_second(desk: Desk) -> None:
    await a_filled_entry(desk)
    desk.exchange.script.extend([NO, NO, NO])
    await watch(desk, 29)
    assert len(await missing_told(desk)) == 2
    assert sorted(row.kind for row in await desk.rows(t.alerts)) == [
        "protection_missing:exit",
        "protection_missing:sl",
        "saga_parked",
    ]


async def test_a_saga_past_its_deadline_is_parked_with_an_alert_and_goes_on_trying(desk: Desk) -> None:
    await a_filled_entry(desk)
    desk.exchange.script.extend([NO] * 3)
    await watch(desk, 20)
    assert await saga(desk) == ("PARKED", "filled")
    (row,) = await desk.rows(t.sagas)
    (alert,) = [one for one in await desk.service.alerts() if one.kind == "saga_parked"]
    assert (alert.subject_id, alert.account_id) == (row.saga_id, ACCOUNT)
    assert (await desk.submit(an_intent(slot="add:1"))).deny_code == "account_not_normal"
    await watch(desk, 11)  # the exit of the next ten seconds is taken
    leaving = desk.exchange.sent[-1]
    assert leaving.type is OrderType.MARKET
    (resting,) = [one for one in desk.exchange.resting.values() if one.client_order_id == leaving.client_order_id]
    await desk.fill(resting.venue_order_id, "10", "49900")
    desk.positions.hold("0")
    await watch(desk, 1)
    assert await saga(desk) == ("COMPLETED", "left")
    assert await desk.count(t.mode_causes) == 0


async def test_a_leg_closed_before_its_stop_was_needed_is_not_protected_again(desk: Desk) -> None:
    await a_filled_entry(desk)
    leaving = await desk.submit(an_exit())
    await desk.fill(leaving.venue_order_id, "10", "50100")
    await watch(desk, 15)
    assert await saga(desk) == ("COMPLETED", "left")
    assert len(desk.exchange.sent) == 2


async def test_a_process_that_does_not_act_for_the_account_leaves_protection_to_who_does(desk: Desk) -> None:
    await a_filled_entry(desk)
    await desk.service.accounts.release()
    await watch(desk, 15)
    assert len(desk.exchange.sent) == 1
    assert await saga(desk) == ("RUNNING", "submitted")
    await desk.service.reconcile(ACCOUNT)
    await watch(desk, 1)
    assert len(desk.exchange.sent) == 2


async def test_an_orphan_that_cannot_be_cancelled_now_does_not_end_the_sweep(desk: Desk) -> None:
    await desk.submit(a_stop())
    await desk.submit(a_stop(slot="hedge:sl", position_side=PositionSide.SHORT, side=Side.BUY, trigger=D(51_000)))
    desk.clock.advance(60)
    desk.exchange.cancel_script.append(Refused("credentials_refused", "The venue does not accept the keys."))
    await desk.service.sweep()
    assert len(desk.exchange.cancels) == 2
    assert len(desk.exchange.resting) == 1
    await desk.service.sweep()
    assert desk.exchange.resting == {}


async def test_one_leg_s_trouble_holds_up_no_other_s_protection(desk: Desk) -> None:
    await a_filled_entry(desk)
    second = await desk.submit(an_intent(slot="add:1"))
    await desk.fill(second.venue_order_id, "10", "50000")
    desk.exchange.script.append(Scripted(reaches=False, answer=Unavailable("venue_away", "Away.")))
    await watch(desk, 5)
    placed = [request for request in desk.exchange.sent if request.type is OrderType.STOP]
    assert len(placed) == 2


async def test_children_without_a_position_are_swept_within_half_a_minute(desk: Desk) -> None:
    entry = await a_filled_entry(desk)
    await desk.arm(entry)
    await desk.submit(an_exit(slot="tp:1", type=OrderType.LIMIT, price=D(51_000)))
    leaving = await desk.submit(an_exit())
    await desk.fill(leaving.venue_order_id, "10", "50100")
    desk.positions.hold("0")
    await watch(desk, 15)
    assert desk.exchange.cancels == []
    await watch(desk, 15)
    assert {ref.is_algo for ref in desk.exchange.cancels} == {True, False}
    assert desk.exchange.resting == {}


async def test_the_stop_of_an_entry_that_rested_long_and_just_filled_is_not_swept(desk: Desk) -> None:
    entry = await desk.submit(an_intent())
    desk.positions.hold("0")
    desk.clock.advance(3600)
    await desk.fill(entry.venue_order_id, "10", "50000")
    await desk.arm(entry)
    await desk.service.sweep()  # the books have not heard of the fill yet
    assert desk.exchange.cancels == []


async def test_orders_made_elsewhere_are_never_swept(desk: Desk) -> None:
    await desk.hear(
        desk.exchange.rest(side="sell", type="stop", is_algo=True, trigger=D(49_000), reduce_only=True),
        desk.exchange.rest(side="sell", reduce_only=True, price=D(51_000)),
    )
    await watch(desk, 60)
    assert desk.exchange.cancels == []


async def test_flatten_cancels_entries_closes_the_leg_and_lets_the_stop_go_last(desk: Desk) -> None:
    entry = await a_filled_entry(desk)
    stop = await desk.arm(entry)
    await desk.submit(an_intent(slot="add:1"))
    steps: list[str] = []

    async def closes(_: object) -> None:
        steps.append(f"stop rests: {stop.venue_order_id in desk.exchange.resting}")
        assert (await desk.submit(an_intent(slot="add:2"))).deny_code == "account_not_normal"
        desk.exchange.match(next(reversed(desk.exchange.resting)), "10", "49900")
        desk.positions.hold("0")

    desk.exchange.script.append(Scripted(before_reply=closes))
    done = await desk.ticking(desk.service.flatten(ACCOUNT, "r1"))
    assert (done.closed, done.failed) == ([BTC], {})
    assert steps == ["stop rests: True"]
    assert desk.exchange.resting == {}
    leaving = desk.exchange.sent[-1]
    assert (leaving.type, leaving.qty, leaving.reduce_only) == (OrderType.MARKET, D(10), True)
    assert await desk.count(t.mode_causes) == 0


async def test_flatten_closes_both_legs_each_on_its_own_side(desk: Desk) -> None:
    desk.positions.hold("10")
    desk.positions.hold("-5", PositionSide.SHORT)

    async def closes(request: PlaceOrder) -> None:
        desk.exchange.match(next(reversed(desk.exchange.resting)), str(request.qty), "49900")
        desk.positions.hold("0", request.position_side)

    desk.exchange.script.extend([Scripted(before_reply=closes), Scripted(before_reply=closes)])
    done = await desk.ticking(desk.service.flatten(ACCOUNT, "r1"))
    assert (done.closed, done.failed) == ([BTC, BTC], {})
    assert [(one.side, one.position_side, one.qty, one.reduce_only) for one in desk.exchange.sent] == [
        (Side.SELL, PositionSide.LONG, D(10), True),
        (Side.BUY, PositionSide.SHORT, D(5), True),
    ]


async def test_a_leg_that_does_not_close_is_reported_and_keeps_its_stop(desk: Desk) -> None:
    entry = await a_filled_entry(desk)
    stop = await desk.arm(entry)
    desk.exchange.script.append(NO)
    done = await desk.ticking(desk.service.flatten(ACCOUNT, "r1"))
    assert done.closed == []
    assert "not closed yet" in done.failed[BTC]
    assert stop.venue_order_id in desk.exchange.resting
    assert await desk.count(t.mode_causes) == 0


async def test_flatten_leaves_orders_made_elsewhere_alone(desk: Desk) -> None:
    theirs = desk.exchange.rest(price=D(40_000))
    await desk.hear(theirs)
    await desk.submit(a_stop())
    done = await desk.ticking(desk.service.flatten(ACCOUNT, "r1"))
    assert (done.cancelled, done.closed, done.failed) == (1, [], {})
    assert list(desk.exchange.resting) == [theirs.venue_order_id]
    assert {view.run_id for view in await desk.views()} == {RUN, None}


async def test_a_hedge_without_a_stop_gets_its_own_and_is_left_alone_when_that_fails(desk: Desk) -> None:
    entry = await desk.submit(an_intent())
    await desk.arm(entry)  # the main leg's stop covers nothing but the main leg
    hedge = await desk.submit(a_hedge())
    await desk.fill(hedge.venue_order_id, "5", "50000")
    desk.positions.hold("-5", PositionSide.SHORT)
    desk.exchange.script.append(NO)
    await watch(desk, 5)
    stop = desk.exchange.sent[-1]
    assert (stop.type, stop.side, stop.position_side, stop.trigger) == (
        OrderType.STOP,
        Side.BUY,
        PositionSide.SHORT,
        D(51_000),
    )
    assert {view.slot for view in await desk.views() if view.type is OrderType.STOP} == {"sl", "hedge:sl"}
    await watch(desk, 7)
    leaving = desk.exchange.sent[-1]
    assert (leaving.type, leaving.position_side, leaving.qty) == (OrderType.MARKET, PositionSide.SHORT, D(5))
    assert (await desk.order("hedge:exit")).state == "OPEN"


async def test_closing_the_main_leg_does_not_count_as_leaving_the_hedge(desk: Desk) -> None:
    hedge = await desk.submit(a_hedge())
    await desk.fill(hedge.venue_order_id, "5", "50000")
    leaving = await desk.submit(an_exit())
    await desk.fill(leaving.venue_order_id, "10", "50100")
    await watch(desk, 5)
    stop = desk.exchange.sent[-1]
    assert (stop.type, stop.qty, stop.trigger) == (OrderType.STOP, D(5), D(51_000))


async def test_a_flatten_whose_process_dies_in_the_middle_is_brought_to_its_end_by_the_next_one(desk: Desk) -> None:
    entry = await a_filled_entry(desk)
    await desk.arm(entry)
    dying = asyncio.Event()

    async def dies(_: object) -> None:
        dying.set()
        await asyncio.sleep(60)

    desk.exchange.script.append(Scripted(before_reply=dies))
    call = asyncio.create_task(desk.service.flatten(ACCOUNT, "r1"))
    await dying.wait()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert (await desk.submit(an_intent(slot="add:1"))).deny_code == "account_not_normal"
    again = Desk(desk.room, exchange=desk.exchange)
    again.positions.hold("10")
    await again.service.reconcile(ACCOUNT)
    leaving = next(one for one in desk.exchange.resting.values() if one.type is OrderType.MARKET)
    desk.exchange.match(leaving.venue_order_id, "10", "49900")
    again.positions.hold("0")
    await desk.ticking(again.sagas.go_on())
    rows = {row.type: row.state for row in await again.rows(t.sagas)}
    assert rows["flatten_all"] == "COMPLETED"
    assert await again.count(t.mode_causes) == 0
    assert len([one for one in desk.exchange.sent if one.type is OrderType.MARKET]) == 1
    assert desk.exchange.resting == {}


async def test_what_a_flatten_could_not_close_is_parked_and_a_person_is_told(desk: Desk) -> None:
    await a_filled_entry(desk)
    desk.exchange.script.append(NO)
    await desk.ticking(desk.service.flatten(ACCOUNT, "r1"))
    row = next(row for row in await desk.rows(t.sagas) if row.type == "flatten_all")
    (alert,) = [one for one in await desk.service.alerts() if one.kind == "flatten_incomplete"]
    assert (row.state, alert.subject_id) == ("PARKED", row.saga_id)
    await desk.ticking(desk.sagas.go_on())
    assert len(desk.exchange.sent) == 2
