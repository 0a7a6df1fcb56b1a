"""Wishes are stored first and handed on second: in their order, again after a failure, and by whoever comes next."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.builders import ACCOUNT, BTC, T0, USER
from tests.services.rooms import Room
from tests.services.strategy.desk import FALL, HYPERRSI, Desk, World, filled

from tradingboost.core.errors import Conflict, InvalidInput, OutcomeUnknown, Refused, Unavailable
from tradingboost.core.ids import Symbol
from tradingboost.core.order import OrderIntent
from tradingboost.services.strategy import tables as t
from tradingboost.services.strategy.service.handing import ladder_of
from tradingboost.shared.events.market import CandleClosed
from tradingboost.shared.interfaces.orders import AmendSlot, CancelSlot

AWAY = Unavailable("venue_away", "The venue is away.")
RACE = Conflict("database_race", "Another transaction won the race; run this one again.")


def slots(desk: Desk) -> list[tuple[str, str]]:
    """What orders was asked for, in the order of the calls."""
    kinds = {OrderIntent: "place", CancelSlot: "cancel", AmendSlot: "amend"}
    return [(kinds[type(call)], call.slot) for call in desk.orders.calls]


async def wished(desk: Desk) -> list[tuple[str, str]]:
    return [(row.kind, row.slot) for row in await desk.rows(t.wishes)]


async def test_a_wish_is_on_record_before_orders_hears_of_it(desk: Desk) -> None:
    await desk.start()
    known: list[int] = []

    async def look(intent: OrderIntent) -> None:
        where = (t.wishes.c.run_id == intent.run_id) & t.wishes.c.done_at.is_(None)
        async with desk.room.db.read() as db:
            known.append(int((await db.execute(select(func.count()).where(where))).scalar_one()))

    desk.orders.before = look
    await desk.fall()
    assert known == [1]


async def test_a_commit_with_wishes_wakes_the_one_who_hands_them_on(desk: Desk) -> None:
    await desk.start()
    desk.service.stepper.wake.clear()
    await desk.bar("50000")
    assert not desk.service.stepper.wake.is_set()
    for close in FALL:
        await desk.bar(close)
    assert desk.service.stepper.wake.is_set()


async def test_wishes_are_handed_on_exactly_in_their_order(stage: Room) -> None:
    desk = Desk(stage, name="grid")
    await desk.start()
    await desk.bar("50000")
    await desk.service.hander.hand_on()
    asked = await wished(desk)
    assert slots(desk) == asked
    assert len(asked) >= 4


async def test_f45_asked_to_stop_it_finishes_the_wish_in_hand_and_leaves_the_others_to_the_next_process(
    stage: Room,
) -> None:
    world = World()
    desk = Desk(stage, world, "grid")
    await desk.start()
    await desk.bar("50000")

    async def asked_to_stop(_: OrderIntent) -> None:
        desk.service.hander.drain()

    desk.orders.before = asked_to_stop
    await desk.service.hander.hand_on()
    asked = await wished(desk)
    assert slots(desk) == asked[:1]
    assert [row.done_at is None for row in await desk.rows(t.wishes)] == [False] + [True] * (len(asked) - 1)
    desk.orders.before = None
    following = Desk(stage, world, "grid")
    await following.service.hander.hand_on()
    assert slots(following) == asked


async def test_a_ladder_goes_together_and_is_done_in_one_piece(stage: Room) -> None:
    desk = Desk(stage, name="grid")
    desk.orders.together = 20
    await desk.start()
    await desk.bar("50000")
    await desk.service.hander.hand_on()
    asked = await wished(desk)
    assert slots(desk) == asked
    assert desk.orders.ladders == [len(asked)]
    assert {row.result for row in await desk.rows(t.wishes)} == {"OPEN"}
    assert desk.service.hander.handed == len(asked)


async def test_what_stops_a_ladder_goes_alone_and_the_rest_goes_together_again(stage: Room) -> None:
    desk = Desk(stage, name="grid")
    desk.orders.together = 20
    await desk.start()
    await desk.bar("50000")
    desk.orders.script.extend([None, Refused("kill_switch_active", "Entries are off.")])
    await desk.service.hander.hand_on()
    rows = await desk.rows(t.wishes)
    assert [row.result for row in sorted(rows, key=lambda row: row.seq)] == [
        "OPEN",
        "kill_switch_active",
        *["OPEN"] * (len(rows) - 2),
    ]
    assert desk.orders.ladders == [1, len(rows) - 2]


async def test_a_ladder_that_has_to_wait_waits_whole(stage: Room) -> None:
    desk = Desk(stage, name="grid")
    desk.orders.together = 20
    await desk.start()
    await desk.bar("50000")

    async def away(_: OrderIntent) -> None:
        raise AWAY

    desk.orders.before = away
    await desk.service.hander.hand_on()
    assert all(row.done_at is None for row in await desk.rows(t.wishes))
    desk.orders.before = None
    await desk.service.hander.hand_on()
    assert slots(desk) == await wished(desk)


async def test_only_plain_orders_in_slots_of_their_own_make_a_ladder() -> None:
    def wish(slot: str, kind: str = "place", of: str = "limit", *, reduce_only: bool = False) -> dict[str, Any]:
        return {"slot": slot, "kind": kind, "type": of, "reduce_only": reduce_only}

    many = [wish(f"buy:{number}") for number in range(30)]
    assert len(ladder_of(many)) == 20
    assert ladder_of(many[:1]) == []
    for other in (
        wish("x", "cancel"),
        wish("x", "amend"),
        wish("sl", of="stop"),
        wish("tp", reduce_only=True),
        many[0],
    ):
        assert ladder_of([*many[:3], other, *many[4:]]) == many[:3]


async def test_a_wish_that_was_handed_on_is_not_handed_on_again(desk: Desk) -> None:
    await desk.start()
    await desk.fall()
    before = list(desk.orders.tried)
    assert await desk.service.hander.hand_on() == 0
    assert desk.orders.tried == before
    desk.service.stepper.wake.clear()  # as the loop does that hands on
    assert (await desk.service.progress()).unsent_intents == 0


@pytest.mark.parametrize("error", [AWAY, RACE, OutcomeUnknown("reply_lost", "The reply was lost.")])
async def test_a_wish_that_could_not_be_handed_on_is_tried_again_as_the_same_intent(stage: Room, error: Any) -> None:
    desk = Desk(stage, name="grid")
    await desk.start()
    await desk.bar("50000")
    asked = await wished(desk)
    desk.orders.script.extend([None, error, error])
    await desk.service.hander.hand_on()
    assert slots(desk) == asked[:1]
    assert [row.done_at is None for row in await desk.rows(t.wishes)] == [False] + [True] * (len(asked) - 1)
    await desk.service.hander.hand_on()
    assert slots(desk) == asked[:1]
    await desk.service.hander.hand_on()
    assert slots(desk) == asked
    second = [intent.key for intent in desk.orders.tried[1:4]]
    assert len(set(second)) == 1


async def test_a_reply_that_was_lost_after_orders_took_the_wish_makes_no_second_intent(desk: Desk) -> None:
    await desk.start()

    async def take_and_lose(intent: OrderIntent) -> None:
        desk.orders.before = None
        desk.orders.calls.append(intent)
        raise OutcomeUnknown("reply_lost", "The reply was lost.")

    desk.orders.before = take_and_lose
    await desk.fall()
    await desk.service.hander.hand_on()
    assert slots(desk) == [("place", "entry")]
    (row,) = await desk.rows(t.wishes)
    assert row.result == "OPEN"


@pytest.mark.parametrize(
    "error",
    [
        Conflict("leg_busy", "The leg belongs to another run."),
        Refused("kill_switch_active", "Entries are off."),
        InvalidInput("bad_price", "The price is off."),
    ],
)
async def test_a_refused_wish_is_noted_with_its_reason_and_the_next_goes_on(stage: Room, error: Any) -> None:
    desk = Desk(stage, name="grid")
    await desk.start()
    await desk.bar("50000")
    desk.orders.script.append(error)
    await desk.service.hander.hand_on()
    rows = await desk.rows(t.wishes)
    assert rows[0].result == error.code
    assert {row.result for row in rows[1:]} == {"OPEN"}
    assert all(row.done_at is not None for row in rows)


async def test_a_run_whose_entry_was_refused_is_told_and_may_enter_again(desk: Desk) -> None:
    run = await desk.start()
    desk.orders.script.append(InvalidInput("bad_price", "The price is off."))
    for close in FALL:
        await desk.bar(close)
        await desk.service.hander.hand_on()
    state = await desk.state(run.run_id)
    assert (state["opening"], state["entry_failures"]) == (1, 1)
    assert slots(desk) == [("place", "entry")]


async def test_runs_are_handed_on_side_by_side_so_that_one_cannot_hold_another_up(desk: Desk) -> None:
    first = await desk.start()
    ether = Symbol("ETH-USDT-SWAP")
    second = await desk.start(symbol=ether)
    both = asyncio.Barrier(2)

    async def wait_for_the_other(_: OrderIntent) -> None:
        await asyncio.wait_for(both.wait(), 5)

    desk.orders.before = wait_for_the_other
    for close in FALL[:1]:
        for symbol in (BTC, ether):
            await desk.tell(CandleClosed.of(desk.market.close_bar(close, symbol)))
    await desk.service.hander.hand_on()
    assert {intent.run_id for intent in desk.orders.submitted} == {first.run_id, second.run_id}


async def test_what_a_process_stored_before_it_died_is_handed_on_by_the_next(stage: Room) -> None:
    world = World()
    dead = Desk(stage, world)
    await dead.start()
    for close in FALL:
        await dead.bar(close)
    asked = await wished(dead)
    assert world.orders.calls == []
    following = Desk(stage, world)
    await following.service.starter.resume_all()
    await following.service.hander.hand_on()
    assert slots(following) == asked != []


async def test_a_process_does_not_touch_the_wishes_of_another_strategy(stage: Room) -> None:
    world = World()
    grid, other = Desk(stage, world, "grid"), Desk(stage, world)
    await grid.start()
    await grid.bar("50000")
    assert await other.service.hander.hand_on() == 0
    assert (await other.service.progress()).unsent_intents == 0
    assert (await grid.service.progress()).unsent_intents > 0


async def test_the_protection_of_an_entry_follows_its_fill(desk: Desk) -> None:
    await desk.start()
    entry = await desk.fall()
    assert entry.trigger is not None
    await desk.tell(filled(entry, "49100"))
    await desk.service.hander.hand_on()
    exits = [call for call in desk.orders.calls if call is not entry]
    assert {call.slot for call in exits} >= {"tp:1", "tp:2", "tp:3"}
    assert all(call.reduce_only for call in desk.orders.submitted if call is not entry)
    assert sum(call.qty for call in desk.orders.submitted if call.slot.startswith("tp")) == entry.qty


async def test_only_openings_go_stale_and_their_time_is_half_a_candle_at_most(stage: Room) -> None:
    desk = Desk(stage, fresh_s=1000.0)
    await desk.start()
    entry = await desk.enter()
    assert entry.fresh_until == stage.clock.now() + timedelta(seconds=150)
    assert {one.fresh_until for one in desk.orders.submitted if one is not entry} == {None}


async def test_wishes_can_be_read_page_by_page(stage: Room) -> None:
    desk = Desk(stage, name="grid")
    run = await desk.start()
    await desk.bar("50000")
    every = await desk.service.decisions(run.run_id)
    pages = [await desk.service.decisions(run.run_id, after, 2) for after in range(0, len(every), 2)]
    assert [one for page in pages for one in page] == every
    assert [one.seq for one in every] == list(range(1, len(every) + 1))
    assert every[0].at == T0 + timedelta(minutes=5)


async def test_every_intent_carries_its_owner_and_run(desk: Desk) -> None:
    run = await desk.start(params=HYPERRSI)
    entry = await desk.enter()
    owners = {(one.user_id, one.account_id, one.run_id, one.symbol) for one in desk.orders.submitted}
    assert owners == {(USER, ACCOUNT, run.run_id, BTC)}
    assert entry.cause.startswith("bar:5m:")
    assert len({one.key for one in desk.orders.submitted}) == len(desk.orders.submitted)
