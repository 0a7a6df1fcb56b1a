"""One leg, one stop, of its size: the next step from whatever rests, never covering less on the way."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import ACCOUNT, BTC, RUN, D, a_stop, an_exit, an_intent
from tests.services.orders.desk import Desk

from tradingboost.core.errors import OutcomeUnknown
from tradingboost.core.order import PositionSide
from tradingboost.services.orders.models import OrderRow
from tradingboost.services.orders.service.sizing import GRACE_S, Step, wanted
from tradingboost.shared.events.orders import OrderCancelled, ProtectionPlaced
from tradingboost.shared.interfaces.orders import OrderView

LOT = D("0.01")


def stop(seq: int, qty: Decimal, origin: str = "INTENT", reason: str = "sl") -> OrderRow:
    """A stop that rests."""
    made: OrderRow = msgspec.convert(
        {
            **dict.fromkeys(OrderRow.__struct_fields__),
            "order_id": f"o{seq}",
            "seq": seq,
            "origin": origin,
            "user_id": "u",
            "account_id": ACCOUNT,
            "run_id": RUN,
            "exchange": "okx",
            "symbol": BTC,
            "slot": "sl",
            "role": "stop",
            "side": "sell",
            "position_side": PositionSide.LONG,
            "type": "stop",
            "is_algo": True,
            "reduce_only": True,
            "qty": qty,
            "lot": LOT,
            "contract_size": 1,
            "reason": reason,
            "id_tag_valid": True,
            "status": 1,
            "cum_filled": 0,
            "parked_reason": "",
            "created_at": "2026-01-01T00:00:00Z",
        },
        OrderRow,
        strict=False,
    )
    return made


STEPS = [
    pytest.param("10", [("10", "INTENT", "sl")], (Step.DONE, None, "0"), id="it fits"),
    pytest.param("10", [("10.005", "INTENT", "sl")], (Step.DONE, None, "0"), id="less than a lot is nothing"),
    pytest.param("10", [("4", "INTENT", "sl")], (Step.AMEND, 0, "10"), id="too small"),
    pytest.param("10", [("15", "INTENT", "sl")], (Step.AMEND, 0, "10"), id="too large"),
    pytest.param("10", [("4", "INTENT", "sl"), ("6", "INTENT", "protection")], (Step.DONE, None, "0"), id="together"),
    pytest.param("10", [("4", "INTENT", "sl"), ("3", "INTENT", "protection")], (Step.AMEND, 0, "7"), id="too little"),
    pytest.param("10", [("10", "INTENT", "sl"), ("10", "ATTACHED", "attached")], (Step.CANCEL, 1, "0"), id="twice"),
    pytest.param(
        "10", [("10", "ATTACHED", "a"), ("3", "INTENT", "protection")], (Step.CANCEL, 1, "0"), id="platform's"
    ),
    pytest.param(
        "10", [("8", "INTENT", "sl"), ("10", "ATTACHED", "a")], (Step.AMEND, 0, "10"), id="first the kept one"
    ),
]


@pytest.mark.parametrize(("held", "stops", "step"), STEPS)
def test_the_next_step(held: str, stops: list[tuple[str, str, str]], step: tuple[Step, int | None, str]) -> None:
    rows = [stop(n, D(qty), origin, reason) for n, (qty, origin, reason) in enumerate(stops)]
    want = wanted(D(held), rows, LOT)
    chosen = None if step[1] is None else rows[step[1]]
    assert (want.step, want.stop, want.qty) == (step[0], chosen, D(step[2]))


@given(
    held=st.integers(1, 50),
    sizes=st.lists(st.tuples(st.integers(1, 60), st.sampled_from(["INTENT", "ATTACHED"])), min_size=1, max_size=4),
)
def test_step_by_step_the_stops_come_to_fit_and_cover_no_less_on_the_way(
    held: int, sizes: list[tuple[int, str]]
) -> None:
    rows = [stop(n, D(qty), origin) for n, (qty, origin) in enumerate(sizes)]
    for _ in range(2 * len(rows) + 1):
        before = sum(row.qty for row in rows)
        want = wanted(D(held), rows, LOT)
        if want.step is Step.DONE:
            break
        if want.step is Step.CANCEL:
            assert want.stop is not None
            rows.remove(want.stop)
        else:
            rows = [msgspec.structs.replace(row, qty=want.qty) if row is want.stop else row for row in rows]
        assert sum(row.qty for row in rows) >= min(before, held)
    assert sum(row.qty for row in rows) == held


async def rests(desk: Desk, placed: OrderView) -> None:
    """The stream tells of an order."""
    assert placed.venue_order_id is not None
    await desk.hear(desk.exchange.report(placed.venue_order_id))


async def watched(desk: Desk, seconds: float) -> None:
    for _ in range(round(seconds / 0.25)):
        desk.clock.advance(0.25)
        await desk.service.sizer.resize()


async def test_an_amendment_of_the_run_that_is_on_its_way_is_waited_for(desk: Desk) -> None:
    entry = await desk.submit(an_intent(trigger=None))
    placed = await desk.submit(a_stop(qty=D(4)))
    await rests(desk, placed)
    await desk.fill(entry.venue_order_id, "4", "50000")
    await desk.fill(entry.venue_order_id, "2", "50000")
    desk.exchange.amend_script.append(OutcomeUnknown("venue_timeout", "No reply."))
    await watched(desk, GRACE_S)
    assert len(desk.exchange.amends) == 1
    await watched(desk, 2)
    assert len(desk.exchange.amends) == 1  # its fate is asked after first
    await watched(desk, 5)
    assert [amend.qty for amend in desk.exchange.amends] == [D(6), D(6)]


@pytest.mark.parametrize("filled", ["4", "6"])
async def test_where_a_stop_cannot_be_amended_one_of_the_right_size_takes_its_place(desk: Desk, filled: str) -> None:
    desk.exchange.amends_stops = False
    entry = await desk.submit(an_intent(trigger=None))
    await desk.fill(entry.venue_order_id, filled, "50000")
    old = await desk.submit(a_stop(qty=D(5)))
    await rests(desk, old)
    await watched(desk, 2)
    (new,) = [one for one in desk.exchange.resting.values() if one.is_algo]
    assert (new.qty, new.trigger) == (D(filled), D(49_000))
    assert [ref.venue_order_id for ref in desk.exchange.cancels] == [old.venue_order_id]
    assert old.venue_order_id is not None
    await desk.hear(desk.exchange.report(old.venue_order_id), new)
    sent = len(desk.exchange.sent)
    await watched(desk, 5)
    assert len(desk.exchange.sent) == sent  # and there it rests


async def test_a_stop_that_was_moved_and_not_taken_away_goes_and_the_new_one_stays(desk: Desk) -> None:
    desk.exchange.amends_stops = False
    entry = await desk.submit(an_intent(trigger=None))
    await desk.fill(entry.venue_order_id, "10", "50000")
    old = await desk.submit(a_stop())
    await rests(desk, old)
    new = await desk.submit(a_stop(cause="seq:2", trigger=D(49_500)))  # whoever moved it died here
    await rests(desk, new)
    await watched(desk, 2)
    assert [ref.venue_order_id for ref in desk.exchange.cancels] == [old.venue_order_id]


async def test_a_run_whose_second_stop_is_taken_away_does_not_hear_that_it_has_none(desk: Desk) -> None:
    entry = await desk.submit(an_intent())
    await desk.fill(entry.venue_order_id, "10", "50000")
    attached = await desk.arm(entry)
    placed = await desk.submit(a_stop())
    await rests(desk, placed)
    await watched(desk, 2)
    assert [ref.venue_order_id for ref in desk.exchange.cancels] == [attached.venue_order_id]
    await desk.hear(desk.exchange.report(attached.venue_order_id))
    (ended,) = await desk.room.told(OrderCancelled)
    assert isinstance(ended, OrderCancelled)
    assert ended.run_id is None


async def test_a_leg_that_is_flat_or_that_no_run_trades_is_left_as_it_is(desk: Desk) -> None:
    placed = await desk.submit(a_stop())
    await rests(desk, placed)
    await watched(desk, 2)
    entry = await desk.submit(an_intent(qty=D(4), trigger=None))
    await desk.service.release(RUN)
    await desk.fill(entry.venue_order_id, "4", "50000")
    await watched(desk, 2)
    assert (desk.exchange.amends, desk.exchange.cancels) == ([], [])


async def test_nothing_is_resized_for_an_account_another_process_acts_for(desk: Desk) -> None:
    entry = await desk.submit(an_intent())
    await desk.fill(entry.venue_order_id, "4", "50000")
    await desk.service.accounts.release()
    await watched(desk, 3)
    assert len(desk.exchange.sent) == 1


async def test_an_entry_s_first_piece_gets_the_stop_the_venue_arms_with_the_last(desk: Desk) -> None:
    entry = await desk.submit(an_intent())
    await desk.fill(entry.venue_order_id, "4", "50000")
    await watched(desk, 1)
    (_, sent) = desk.exchange.sent
    assert (sent.qty, sent.trigger, sent.reduce_only) == (D(4), D(49_000), True)
    leaving = await desk.submit(an_exit(qty=D(4)))
    await desk.fill(leaving.venue_order_id, "4", "50100")
    await watched(desk, 2)
    assert len(desk.exchange.sent) == 3


async def test_what_covers_a_leg_is_told_as_the_sum_of_its_stops(desk: Desk) -> None:
    entry = await desk.submit(an_intent())
    await desk.fill(entry.venue_order_id, "10", "50000")
    attached = await desk.arm(entry)
    placed = await desk.submit(a_stop(qty=D(3), trigger=D(49_500)))
    await rests(desk, placed)
    assert placed.venue_order_id is not None
    await desk.hear(desk.exchange.end(attached.venue_order_id))
    await desk.hear(desk.exchange.end(placed.venue_order_id))
    told = [event for event in await desk.room.told(ProtectionPlaced) if isinstance(event, ProtectionPlaced)]
    assert [(event.covered_qty, event.stop_price) for event in told] == [
        (D(10), D(49_000)),
        (D(13), D(49_500)),
        (D(3), D(49_500)),
        (D(0), None),
    ]


async def test_a_life_that_begins_fits_the_stops_to_what_filled_while_nobody_was_there(desk: Desk) -> None:
    entry = await desk.submit(an_intent(trigger=None))
    placed = await desk.submit(a_stop(qty=D(4)))
    await rests(desk, placed)
    await desk.fill(entry.venue_order_id, "4", "50000")
    await watched(desk, 2)
    assert entry.venue_order_id is not None
    desk.exchange.match(entry.venue_order_id, "6", "50000")
    again = Desk(desk.room, exchange=desk.exchange)
    again.clock.advance(60)
    await again.service.reconcile(ACCOUNT)
    await watched(again, 1)
    assert [amend.qty for amend in desk.exchange.amends] == [D(10)]
