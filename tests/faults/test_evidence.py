"""Evidence that comes twice, late, or in any order: the same order, each fill booked once (F4, F7, F8, F9, F47)."""

from itertools import permutations
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import D, a_fill, a_report, an_intent, an_order, at
from tests.services.orders.conftest import desk, stage
from tests.services.orders.desk import Desk
from tests.services.orders.fakes import Scripted

from tradingboost.core.ids import VenueOrderId
from tradingboost.core.order import Fill, Order, OrderStatus, Phase, VenueReport, merge_fill, merge_report
from tradingboost.services.orders import tables as t
from tradingboost.shared.events.orders import OrderFilled
from tradingboost.shared.interfaces.exchange import PlaceOrder

__all__ = ["desk", "stage"]
ACK, DONE = a_report(), a_report(phase=Phase.ENDED, cum_filled=D(10), updated_at=at(3))
FILLS = (a_fill(at=at(1)), a_fill(trade_id="t2", qty=D(6), at=at(2)))


def joined(evidence: tuple[VenueReport | Fill, ...]) -> Order:
    order = an_order()
    for one in evidence:
        order = merge_report(order, one) if isinstance(one, VenueReport) else merge_fill(order, one)
    return order


def test_f04_all_24_orders_of_ack_two_fills_and_done_give_one_final_state() -> None:
    evidence: list[VenueReport | Fill] = [ACK, *FILLS, DONE]
    found = [joined(order) for order in permutations(evidence)]
    assert len(found) == 24
    assert all(one == found[0] for one in found)
    assert (found[0].status, found[0].filled, found[0].settling) == (OrderStatus.FILLED, D(10), False)


async def test_f04_in_every_order_the_service_stores_and_tells_the_same(desk: Desk) -> None:
    outcomes = set()
    for n, order in enumerate(permutations(("ack", "first", "second", "done"))):
        placed = await desk.submit(an_intent(slot=f"buy:{n}", qty=D("0.1"), trigger=None))
        assert placed.venue_order_id is not None
        ack = desk.exchange.report(placed.venue_order_id)
        first = desk.exchange.match(placed.venue_order_id, "0.04", "50000")
        second = desk.exchange.match(placed.venue_order_id, "0.06", "50000")
        told: dict[str, VenueReport | Fill] = {
            "ack": ack,
            "first": first,
            "second": second,
            "done": desk.exchange.report(placed.venue_order_id),
        }
        for name in order:
            await desk.hear(told[name])
        end = await desk.order(f"buy:{n}")
        outcomes.add((end.state, end.filled, end.average_price))
    assert outcomes == {("FILLED", D("0.1"), D(50_000))}
    assert len(await desk.room.told(OrderFilled)) == 48


@pytest.mark.parametrize("seed", range(3))
async def test_f07_each_fill_told_one_to_five_times_reordered_and_late_is_booked_once(desk: Desk, seed: int) -> None:
    dice = Random(seed)
    placed = await desk.submit(an_intent(trigger=None))
    assert placed.venue_order_id is not None
    fills = [desk.exchange.match(placed.venue_order_id, "2", "50000") for _ in range(5)]
    told = [fill for fill in fills for _ in range(dice.randint(1, 5))]
    dice.shuffle(told)
    for fill in told:
        await desk.hear(fill)
    desk.clock.advance(40 * 60)
    for fill in fills:
        await desk.hear(fill)
    assert await desk.count(t.fills) == 5
    assert len(await desk.room.told(OrderFilled)) == 5  # a repeated one is not told again
    end = await desk.order("entry")
    assert (end.state, end.filled) == ("FILLED", D(10))


async def test_f08_one_trade_id_at_two_orders_is_two_fills(desk: Desk) -> None:
    orders = [await desk.submit(an_intent(slot=slot, trigger=None)) for slot in ("buy:1", "buy:2")]
    for order in orders:
        assert order.venue_order_id is not None
        fill = desk.exchange.match(order.venue_order_id, "10", "50000")
        await desk.hear(msgspec.structs.replace(fill, trade_id="7"))
    assert [view.filled for view in await desk.views()] == [D(10), D(10)]
    assert await desk.count(t.fills) == 2


@given(st.permutations([*range(8)]), st.integers(1, 4))
def test_f09_a_cumulative_amount_reveals_a_gap_and_books_nothing(order: list[int], size: int) -> None:
    total = D(4 * size)
    fills = [a_fill(trade_id=f"t{n}", qty=D(size), at=at(n)) for n in range(4)]
    counts = [a_report(qty=total, cum_filled=D(size * (n + 1)), updated_at=at(n)) for n in range(4)]
    evidence: list[VenueReport | Fill] = [*fills, *counts]
    found = an_order(qty=total)
    heard: set[str] = set()
    for index in order:
        one = evidence[index]
        if isinstance(one, Fill):
            heard.add(one.trade_id)
            found = merge_fill(found, one)
        else:
            found = merge_report(found, one)
        assert found.filled == D(size * len(heard))
        assert found.cum_filled >= found.filled
    assert (found.filled, found.status) == (total, OrderStatus.FILLED)


@pytest.mark.parametrize("timing", ["before the reply", "after the reply", "after the end"])
async def test_f47_a_fill_beside_a_cancellation_is_applied_whenever_it_is_told(desk: Desk, timing: str) -> None:
    placed = await desk.submit(an_intent(trigger=None))
    name = placed.venue_order_id
    assert name is not None
    if timing == "before the reply":
        await desk.fill(name, "4", "50000")
    await desk.service.end(placed.order_id)
    ended = desk.exchange.report(name)
    late = None if timing == "before the reply" else desk.exchange.match(name, "4", "50000")
    if timing == "after the reply":
        assert late is not None
        await desk.hear(late)
    await desk.hear(ended)
    if timing == "after the end":
        assert late is not None
        await desk.hear(late)
    end = await desk.order("entry")
    assert (end.state, end.filled) == ("CANCELLED", D(4))
    alerts = [one.kind for one in await desk.service.alerts()]
    assert alerts == (["late_evidence"] if timing == "after the end" else [])


async def test_f47_a_cancellation_that_found_nothing_is_no_end_before_the_fills_are_known(desk: Desk) -> None:
    async def fill_unheard(request: PlaceOrder) -> None:
        desk.exchange.match(VenueOrderId("v1"), "10", "50000")

    desk.exchange.script.append(Scripted(before_reply=fill_unheard))
    placed = await desk.submit(an_intent(trigger=None))
    await desk.service.end(placed.order_id)  # the venue says gone, and does not say why
    assert ((await desk.order("entry")).state, await desk.count(t.fills)) == ("FILLED", 1)
