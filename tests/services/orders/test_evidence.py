"""Evidence in: late, repeated and reordered reports converge; strangers are adopted; children belong to their stop."""

import asyncio
import itertools
import random
from typing import Any

import pytest
from tests.builders import ACCOUNT, BTC, RUN, USER, VENUE, D, a_fill, a_report, a_stop, an_exit, an_intent, at
from tests.services.orders.desk import Desk, changed
from tests.services.orders.fakes import Scripted

from tradingboost.core.ids import ClientOrderId, VenueOrderId
from tradingboost.core.order import Fill, OrderType, Phase, PositionSide, Role, Side, VenueReport
from tradingboost.services.orders import tables as t
from tradingboost.services.orders.service.absorbing import Evidence
from tradingboost.shared.events.orders import OrderAccepted, OrderCancelled, OrderFilled, ProtectionPlaced
from tradingboost.shared.events.positions import MismatchCleared, MismatchFound
from tradingboost.shared.interfaces.exchange import Outcome, OutcomeClass


async def filled_told(desk: Desk) -> list[OrderFilled]:
    return [told for told in await desk.room.told(OrderFilled) if isinstance(told, OrderFilled)]


async def test_a_fill_is_told_once_with_what_is_left(desk: Desk) -> None:
    placed = await desk.submit(an_intent())
    first = await desk.fill(placed.venue_order_id, "4", "50000")
    await desk.hear(first)
    await desk.hear(desk.exchange.report(VenueOrderId("v1")), first)
    await desk.fill(placed.venue_order_id, "6", "49990")
    told = await filled_told(desk)
    assert [(event.filled_qty, event.cumulative_qty, event.left) for event in told] == [
        (D(4), D(4), D(6)),
        (D(6), D(10), D(0)),
    ]
    assert {event.slot for event in told} == {"entry"}
    view = await desk.order("entry")
    assert (view.state, view.filled, view.average_price) == ("FILLED", D(10), D(49_994))
    assert await desk.count(t.fills) == 2


async def test_a_late_fill_after_a_cancel_is_booked_and_raises_an_alert(desk: Desk) -> None:
    placed = await desk.submit(an_intent())
    assert placed.venue_order_id is not None
    await desk.hear(desk.exchange.end(placed.venue_order_id))
    assert (await desk.order("entry")).state == "CANCELLED"
    late = desk.exchange.match(placed.venue_order_id, "4", "50000")
    await desk.hear(late)
    await desk.hear(late)
    view = await desk.order("entry")
    assert (view.state, view.filled) == ("CANCELLED", D(4))
    assert len(await filled_told(desk)) == 1
    assert [row.kind for row in await desk.rows(t.alerts)] == ["late_evidence"]


async def test_an_ordinary_life_raises_no_alert(desk: Desk) -> None:
    placed = await desk.submit(an_intent())
    await desk.fill(placed.venue_order_id, "4", "50000")
    assert placed.venue_order_id is not None
    await desk.hear(desk.exchange.end(placed.venue_order_id))
    assert (await desk.order("entry")).state == "CANCELLED"
    (ended,) = await desk.room.told(OrderCancelled)
    assert isinstance(ended, OrderCancelled)
    assert ended.left == D(6)
    assert await desk.count(t.alerts) == 0


async def test_a_venue_that_counts_more_than_we_hold_books_nothing_until_the_fills_come(desk: Desk) -> None:
    placed = await desk.submit(an_intent())
    assert placed.venue_order_id is not None
    first, second = (desk.exchange.match(placed.venue_order_id, qty, "50000") for qty in ("4", "6"))
    await desk.hear(desk.exchange.report(placed.venue_order_id))
    assert (await desk.order("entry")).state == "OPEN"
    assert await filled_told(desk) == []
    await desk.hear(second)
    await desk.hear(first)
    assert (await desk.order("entry")).state == "FILLED"


@pytest.mark.parametrize("seed", range(6))
async def test_evidence_in_any_order_ends_in_the_same_order(desk: Desk, seed: int) -> None:
    placed = await desk.submit(an_intent())
    assert placed.venue_order_id is not None
    frames = [a_report(client_order_id=placed.client_order_id)]
    fills = []
    for n, qty in enumerate((4, 3, 3)):
        fills.append(a_fill(trade_id=f"t{n}", qty=D(qty), at=at(n + 1), client_order_id=placed.client_order_id))
        total = sum((fill.qty for fill in fills), D(0))
        phase = Phase.ENDED if total == 10 else Phase.LIVE
        frames.append(changed(frames[0], cum_filled=total, updated_at=at(n + 1), phase=phase))
    heard: list[VenueReport | Fill] = [*frames, *fills, *frames[:2], *fills[1:]]
    random.Random(seed).shuffle(heard)
    for evidence in heard:
        await desk.hear(evidence)
    view = await desk.order("entry")
    assert (view.state, view.filled) == ("FILLED", D(10))
    told = await filled_told(desk)
    assert sorted(event.trade_id for event in told) == ["t0", "t1", "t2"]
    assert [event.cumulative_qty for event in told] == list(itertools.accumulate(event.filled_qty for event in told))
    assert await desk.count(t.facts) == 4
    assert await desk.count(t.alerts) == 0


async def test_an_overfilled_order_keeps_every_fill_and_entries_wait(desk: Desk) -> None:
    placed = await desk.submit(an_intent())
    await desk.fill(placed.venue_order_id, "10", "50000")
    await desk.hear(a_fill(trade_id="more", qty=D(1)))
    assert (await desk.order("entry")).filled == D(11)
    assert sum(told.filled_qty for told in await filled_told(desk)) == D(11)
    assert [row.kind for row in await desk.rows(t.alerts)] == ["overfilled"]
    assert [(row.symbol, row.mode) for row in await desk.rows(t.mode_causes)] == [(BTC, "NO_ENTRIES")]
    denied = await desk.submit(an_intent(slot="add:2", cause="bar:2"))
    assert denied.deny_code == "account_not_normal"


async def test_fills_heard_before_the_amendment_they_belong_to_restrict_only_until_it_is_told(desk: Desk) -> None:
    placed = await desk.submit(an_intent())
    assert placed.venue_order_id is not None
    await desk.hear(a_fill(trade_id="t1", qty=D(12), client_order_id=placed.client_order_id))
    assert await desk.count(t.mode_causes) == 1
    await desk.hear(a_report(client_order_id=placed.client_order_id, qty=D(12), cum_filled=D(12), updated_at=at(2)))
    assert await desk.count(t.mode_causes) == 0
    assert (await desk.order("entry")).state == "FILLED"


async def test_the_child_of_a_stop_inherits_its_slot_and_leg(desk: Desk) -> None:
    await desk.submit(a_stop())
    stop = desk.exchange.end(VenueOrderId("v1"), Phase.TRIGGERED)
    child = desk.exchange.rest(
        side="sell", type="market", qty=D(10), reduce_only=True, parent_venue_order_id=stop.venue_order_id
    )
    fill = desk.exchange.match(child.venue_order_id, "10", "48990")
    await desk.hear(stop, desk.exchange.report(child.venue_order_id), fill)
    states = {view.venue_order_id: (view.slot, view.state, view.run_id) for view in await desk.views()}
    assert states == {"v1": ("sl", "TRIGGERED", RUN), "v2": ("sl", "FILLED", RUN)}
    (told,) = await filled_told(desk)
    assert (told.slot, told.role, told.position_side, told.run_id) == ("sl", Role.STOP, PositionSide.LONG, RUN)


async def test_a_child_that_echoes_its_stop_s_id_is_a_row_of_its_own(desk: Desk) -> None:
    placed = await desk.submit(a_stop())
    stop = desk.exchange.end(VenueOrderId("v1"), Phase.TRIGGERED)
    await desk.hear(stop)
    child = desk.exchange.rest(
        client_order_id=placed.client_order_id,
        side="sell",
        type="market",
        qty=D(10),
        reduce_only=True,
        parent_venue_order_id=stop.venue_order_id,
        parent_client_order_id=placed.client_order_id,
    )
    fill = desk.exchange.match(child.venue_order_id, "10", "48990")
    await desk.hear(desk.exchange.report(child.venue_order_id), fill)
    rows = {row.venue_order_id: row for row in await desk.rows(t.orders)}
    assert (rows["v1"].cum_filled, rows["v2"].cum_filled) == (0, D(10))
    assert (rows["v2"].origin, rows["v2"].cl_ord_id, rows["v2"].parent_order_id) == ("CHILD", None, placed.order_id)


async def test_an_order_made_elsewhere_is_adopted_as_external_and_owned_by_no_run(desk: Desk) -> None:
    theirs = desk.exchange.rest(client_order_id=ClientOrderId("e847386590ce4dBCsomethingelse0"))
    await desk.hear(theirs)
    await desk.fill(theirs.venue_order_id, "10", "50000")
    (row,) = await desk.rows(t.orders)
    assert (row.origin, row.run_id, row.slot, row.id_tag_valid) == ("EXTERNAL", None, "external", False)
    (told,) = await filled_told(desk)
    assert told.run_id is None


async def test_an_order_met_by_the_stream_and_by_a_comparison_at_once_is_adopted_once(desk: Desk) -> None:
    theirs = desk.exchange.rest(client_order_id=ClientOrderId("e847386590ce4dBCsomethingelse0"))
    fill = desk.exchange.match(theirs.venue_order_id, "10", "50000")
    met = Evidence(reports=[desk.exchange.report(theirs.venue_order_id)], fills=[fill])
    await asyncio.gather(*(desk.service.looker.absorb((ACCOUNT, USER), met) for _ in range(8)))
    (row,) = await desk.rows(t.orders)
    assert (row.origin, row.cum_filled) == ("EXTERNAL", D(10))
    assert len(await filled_told(desk)) == 1


@pytest.mark.parametrize(
    ("side", "reduce_only", "leg"),
    [
        (Side.BUY, False, PositionSide.LONG),
        (Side.SELL, False, PositionSide.SHORT),
        (Side.SELL, True, PositionSide.LONG),
        (Side.BUY, True, PositionSide.SHORT),
    ],
)
async def test_a_stranger_s_order_belongs_to_the_leg_it_opens_or_reduces(
    desk: Desk, side: Side, reduce_only: bool, leg: PositionSide
) -> None:
    await desk.hear(desk.exchange.rest(side=side, reduce_only=reduce_only))
    (view,) = await desk.views()
    assert view.position_side is leg


async def test_a_stop_of_ours_tells_how_much_it_covers_until_it_ends(desk: Desk) -> None:
    placed = await desk.submit(a_stop())
    assert placed.venue_order_id is not None
    await desk.hear(desk.exchange.report(placed.venue_order_id))
    await desk.hear(desk.exchange.end(placed.venue_order_id, Phase.TRIGGERED))
    told = [event for event in await desk.room.told(ProtectionPlaced) if isinstance(event, ProtectionPlaced)]
    assert [(event.covered_qty, event.stop_price) for event in told] == [(D(10), D(49_000)), (D(0), None)]


async def test_an_order_the_venue_rejects_is_not_told_as_accepted(desk: Desk) -> None:
    lost = Outcome(kind=OutcomeClass.UNKNOWN, code="timeout", message="")
    desk.exchange.script.append(Scripted(answer=lost))
    await desk.submit(an_exit(type=OrderType.LIMIT, price=D(51_000)))
    (resting,) = desk.exchange.resting.values()
    await desk.hear(changed(resting, phase=Phase.REJECTED, reason="too far"))
    assert (await desk.order("exit")).state == "REJECTED"
    assert await desk.room.told(OrderAccepted) == []


async def test_entries_wait_while_the_books_and_the_venue_disagree(desk: Desk) -> None:
    where: dict[str, Any] = {
        "user_id": USER,
        "account_id": ACCOUNT,
        "exchange": VENUE,
        "symbol": BTC,
        "position_side": PositionSide.LONG,
    }
    found = MismatchFound(**where, ours=D(10), venue=D(7))
    for _ in range(2):
        await desk.handle(found)
    assert (await desk.submit(an_intent())).deny_code == "account_not_normal"
    assert (await desk.submit(an_exit())).state == "OPEN"
    (alert,) = await desk.service.alerts()
    assert (alert.kind, "hold 10 and the venue 7" in alert.message) == ("position_mismatch", True)
    await desk.handle(MismatchCleared(**where))
    assert (await desk.submit(an_intent(attempt=1))).state == "OPEN"


@pytest.mark.parametrize(
    ("side", "leg", "closes"), [("sell", "long", True), ("buy", "short", True), ("buy", "long", False)]
)
async def test_an_order_by_hand_says_by_its_leg_whether_it_closes(
    desk: Desk, side: str, leg: str, closes: bool
) -> None:
    await desk.hear(desk.exchange.rest(side=side, position_side=leg, price=D(50_000)))
    (view,) = await desk.views()
    assert (view.slot, view.position_side, view.reduce_only) == ("external", PositionSide(leg), closes)
