"""A ladder goes in one piece: what it leaves behind is what its orders would have left one by one."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from tests.builders import ACCOUNT, BTC, RUN, D, a_stop, an_exit, an_intent
from tests.servers import FreshDatabase
from tests.services.orders.desk import SETTINGS, Desk
from tests.services.orders.fakes import Scripted
from tests.services.rooms import Room, room

from tradingboost.core.errors import Conflict, InvalidInput, OutcomeUnknown, Unavailable
from tradingboost.core.order import OrderIntent, Resolution
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.tables import outbox
from tradingboost.services.orders import repository as store
from tradingboost.services.orders import tables as t
from tradingboost.shared.events.orders import OrderAccepted, OrderUnknown
from tradingboost.shared.interfaces.exchange import Outcome, OutcomeClass
from tradingboost.shared.interfaces.orders import CancelSlot

_OWN = {"order_id", "intent_id", "parent_order_id", "seq", "request_id", "saga_id", "business_key", "context"}
"""Columns with ids of their own, which no two orders share."""


@pytest.fixture
async def other_stage(fresh_database: FreshDatabase, redis_url: str, fake_clock: FakeClock) -> AsyncIterator[Room]:
    async with room(fresh_database, redis_url, fake_clock, "orders") as opened:
        yield opened


def ladder(*slots: str, **changes: Any) -> list[OrderIntent]:
    return [an_intent(slot=slot, **changes) for slot in slots or ("buy:1", "buy:2", "buy:3")]


async def left_behind(desk: Desk) -> dict[str, list[Any]]:
    """Every row of the ladder without the ids that are its own."""
    tables = (t.intents, t.orders, t.requests, t.sagas, t.leg_claims)
    return {
        one.name: sorted(
            (tuple(sorted((k, str(v)) for k, v in row._mapping.items() if k not in _OWN)) for row in rows), key=repr
        )
        for one in tables
        if (rows := await desk.rows(one)) is not None
    }


async def test_a_ladder_leaves_behind_what_its_orders_leave_one_by_one(stage: Room, other_stage: Room) -> None:
    together, alone = await Desk(stage).open(), await Desk(other_stage).open()
    views = await together.service.submit_batch(ladder())
    for intent in ladder():
        await alone.submit(intent)
    assert [(one.slot, one.state, one.venue_order_id) for one in views] == [
        ("buy:1", "OPEN", "v1"),
        ("buy:2", "OPEN", "v2"),
        ("buy:3", "OPEN", "v3"),
    ]
    assert together.exchange.batches == [3]
    assert await left_behind(together) == await left_behind(alone)
    for desk in (together, alone):
        told = [one for one in await desk.room.told(OrderAccepted) if isinstance(one, OrderAccepted)]
        assert [(one.slot, one.left) for one in told] == [(f"buy:{number}", D(10)) for number in (1, 2, 3)]


async def test_the_facts_of_a_ladder_are_numbered_without_a_gap(desk: Desk) -> None:
    await desk.service.submit_batch(ladder())
    await desk.service.submit_batch(ladder("buy:4", "buy:5"))
    rows = [row for row in await desk.rows(outbox) if row.type == "order.accepted"]
    assert [row.seq for row in sorted(rows, key=lambda row: row.position)] == [1, 2, 3, 4, 5]


async def test_the_record_of_a_whole_ladder_is_durable_before_any_of_it_is_sent(desk: Desk) -> None:
    seen: list[tuple[int, int]] = []

    async def look(_: Any) -> None:
        open_still = [row for row in await desk.rows(t.requests) if row.resolution == Resolution.NONE]
        seen.append((await desk.count(t.intents), len(open_still)))

    desk.exchange.script.extend([Scripted(before_reply=look)] * 3)
    await desk.service.submit_batch(ladder())
    assert seen == [(3, 3)] * 3


async def test_each_order_of_a_ladder_is_weighed_as_if_those_before_it_had_gone(stage: Room) -> None:
    desk = await limited(stage, max_run_notional_quote=12_000)
    views = await desk.service.submit_batch(ladder())  # 5 000 each
    assert [one.slot for one in views] == ["buy:1", "buy:2"]
    assert len(desk.exchange.sent) == 2
    assert (await desk.submit(ladder()[2])).deny_code == "limit_exceeded"


async def test_the_margin_of_a_ladder_is_not_spent_twice(stage: Room) -> None:
    desk = Desk(stage)
    desk.exchange.free = D(1_100)  # 5 000 at ten times takes 490
    await desk.open()
    assert len(await desk.service.submit_batch(ladder())) == 2
    desk.exchange.free = D(120)
    assert (await desk.submit(ladder()[2])).deny_code == "insufficient_balance"


async def test_where_the_first_may_not_go_nothing_is_decided(desk: Desk) -> None:
    await desk.switch("platform", "")
    assert await desk.service.submit_batch(ladder()) == []
    assert await desk.count(t.intents) == 0


async def test_a_ladder_that_was_outrun_is_left_to_be_decided_one_by_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = store.record

    async def outrun(*args: Any, **kwargs: Any) -> store.Recorded:
        monkeypatch.setattr(store, "record", recorded)
        await desk.submit(an_intent(slot="other"))
        return await recorded(*args, **kwargs)

    monkeypatch.setattr(store, "record", outrun)
    assert await desk.service.submit_batch(ladder()) == []
    assert [request.order_id for request in desk.exchange.sent] == [(await desk.order("other")).order_id]


async def test_a_ladder_handed_on_again_sends_only_what_was_not_sent(desk: Desk) -> None:
    first = await desk.service.submit_batch(ladder("buy:1", "buy:2"))
    again = await desk.service.submit_batch(ladder())
    assert [one.order_id for one in again[:2]] == [one.order_id for one in first]
    assert [one.state for one in again] == ["OPEN"] * 3
    assert len(desk.exchange.sent) == 3


@pytest.mark.parametrize("error", [OutcomeUnknown("venue_timeout", "No reply."), Conflict("already_sent", "Sent.")])
async def test_a_reply_that_is_lost_leaves_every_order_of_the_ladder_unknown(desk: Desk, error: Any) -> None:
    desk.exchange.batch_error = error
    views = await desk.service.submit_batch(ladder())
    assert [one.state for one in views] == ["UNKNOWN"] * 3
    assert len(await desk.room.told(OrderUnknown)) == 3
    assert {row.resolution for row in await desk.rows(t.requests)} == {Resolution.LOST}


async def test_what_never_left_is_refused_for_every_order_of_the_ladder(desk: Desk) -> None:
    desk.exchange.batch_error = Unavailable("rate_limited", "No room.")
    assert [one.state for one in await desk.service.submit_batch(ladder())] == ["REJECTED"] * 3


async def test_each_order_of_a_ladder_has_a_fate_of_its_own(desk: Desk) -> None:
    no = Outcome(kind=OutcomeClass.REFUSED, code="51008", message="no margin")
    lost = Outcome(kind=OutcomeClass.UNKNOWN, code="empty_answer", message="nothing")
    desk.exchange.script.extend([Scripted(), Scripted(reaches=False, answer=no), Scripted(answer=lost), Scripted()])
    views = await desk.service.submit_batch(ladder("buy:1", "buy:2", "buy:3", "buy:4"))
    assert [one.state for one in views] == ["OPEN", "REJECTED", "UNKNOWN", "OPEN"]


async def test_a_ladder_of_which_the_stream_told_first_is_opened_once(desk: Desk) -> None:
    async def tell(_: Any) -> None:
        await desk.hear(desk.exchange.report(next(reversed(desk.exchange.resting))))

    desk.exchange.script.extend([Scripted(before_reply=tell), Scripted(), Scripted(before_reply=tell)])
    views = await desk.service.submit_batch(ladder())
    assert [one.state for one in views] == ["OPEN"] * 3
    assert len(await desk.room.told(OrderAccepted)) == 3


async def test_a_slot_that_is_being_emptied_makes_the_ladder_wait(desk: Desk) -> None:
    await desk.submit(an_intent(slot="buy:2"))
    desk.exchange.cancel_script.append(Outcome(kind=OutcomeClass.UNKNOWN, code="no_reply", message=""))
    await desk.service.cancel(CancelSlot(run_id=RUN, account_id=ACCOUNT, symbol=BTC, slot="buy:2", reason="asked"))
    assert await desk.service.submit_batch(ladder(attempt=1)) == []
    assert len(desk.exchange.sent) == 1


async def test_what_reduces_goes_together_too_and_asks_for_no_claim(desk: Desk) -> None:
    exits = [an_exit(slot=f"tp{number}", price=Decimal(51_000 + number)) for number in (1, 2, 3)]
    assert [one.state for one in await desk.service.submit_batch(exits)] == ["OPEN"] * 3
    assert [row.decided for row in await desk.rows(t.leg_claims)] == [0]


async def test_a_process_whose_lease_was_taken_over_sends_no_ladder(desk: Desk, stage: Room) -> None:
    async with stage.db.transaction() as db:
        await db.execute(text("UPDATE ops.leases SET expires_at = clock_timestamp() - interval '1 s'"))
    await Desk(stage, instance="other").open()
    with pytest.raises(Unavailable, match="does not act for the account"):
        await desk.service.submit_batch(ladder())
    assert desk.exchange.sent == []
    assert await desk.count(t.orders) == 0


@pytest.mark.parametrize(
    "wishes",
    [
        [],
        ladder("buy:1", "buy:1"),
        [*ladder("buy:1"), an_exit()],
        [*ladder("buy:1"), a_stop()],
        [*ladder("buy:1"), an_intent(slot="buy:2", symbol="ETH-USDT-SWAP")],
        ladder(*(f"buy:{number}" for number in range(21))),
    ],
)
async def test_what_is_no_ladder_is_refused_before_anything_is_asked(desk: Desk, wishes: list[OrderIntent]) -> None:
    with pytest.raises(InvalidInput, match="Orders go together") as caught:
        await desk.service.submit_batch(wishes)
    assert caught.value.code == "not_a_ladder"
    assert await desk.count(t.intents) == 0


async def test_a_ladder_passes_every_point_a_lone_order_passes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[list[str]] = []
    where = "tradingboost.services.orders.service.submitting.crash_point"

    def note(name: str) -> None:
        passed[-1].append(name)

    monkeypatch.setattr(where, note)
    for work in (desk.submit(an_intent(slot="lone")), desk.service.submit_batch(ladder())):
        passed.append([])
        await work
    assert passed[0] == passed[1]
    assert len(passed[0]) == 5


async def limited(stage: Room, **limits: Any) -> Desk:
    return await Desk(stage, settings=SETTINGS.model_copy(update=limits)).open()
