"""Mistakes grids are known for, where only the service can show them (docs/traps-grid-backtest.md)."""

import asyncio
from collections import Counter

import pytest
from tests.builders import D
from tests.services.rooms import Room
from tests.services.strategy.desk import Desk, World, cancelled, filled

from tradingboost.core.errors import Unavailable
from tradingboost.core.order import OrderIntent
from tradingboost.services.strategy import tables as t
from tradingboost.shared.interfaces.strategy import RunView, StopPolicy
from tradingboost.strategies.contract import state_to_json

KEEP = StopPolicy.KEEP


async def working(desk: Desk) -> RunView:
    """A grid whose first orders rest."""
    run = await desk.start()
    await desk.bar("50000")
    await desk.tick("50000")
    await desk.service.hander.hand_on()
    assert desk.orders.submitted
    return run


def opening(desk: Desk, slot: str) -> OrderIntent:
    return next(one for one in desk.orders.submitted if one.slot == slot)


async def test_trap_a_fill_told_three_times_beside_a_replan_places_its_partner_once(stage: Room) -> None:
    desk = Desk(stage, name="grid")
    run = await working(desk)
    bought = opening(desk, "buy:3")
    price = str(bought.price)
    await asyncio.gather(*(desk.tell(filled(bought, price)) for _ in range(3)), desk.bar(price), desk.tick(price))
    await desk.service.hander.hand_on()
    assert Counter(one.slot for one in desk.orders.submitted)["sell:4"] == 1
    assert (await desk.state(run.run_id))["cell_held_lots"][3] == int(bought.qty / D("0.01"))


async def test_trap_an_instrument_that_cannot_be_looked_up_does_not_block_the_start(
    stage: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(stage, name="grid")

    async def away(*_: object) -> None:
        raise Unavailable("venue_away", "The venue is away.")

    monkeypatch.setattr(desk.market, "instrument", away)
    with pytest.raises(Unavailable):
        await desk.start()
    assert (await desk.rows(t.runs), desk.orders.legs) == ([], {})


async def test_trap_a_stop_that_failed_is_told_as_done_and_forgets_the_run(stage: Room) -> None:
    """With the venue away the run stays `stopping`, keeps its state, and goes on asking."""
    desk = Desk(stage, name="grid")
    run = await working(desk)
    resting = list(desk.orders.submitted)
    real, away = desk.orders.cancel, [True]

    async def cancel(request: object) -> object:
        if away[0]:
            raise Unavailable("venue_away", "The venue is away.")
        return await real(request)  # type: ignore[arg-type]

    desk.orders.cancel = cancel  # type: ignore[method-assign, assignment]
    await desk.service.stop(run.run_id, KEEP)
    for _ in range(3):
        await desk.service.hander.hand_on()
        await desk.service.starter.finish()
        assert (await desk.run(run.run_id)).status == "stopping"
    assert any((await desk.state(run.run_id))["order_live"])
    away[0] = False
    stage.clock.advance(60)
    await desk.service.hander.hand_on()
    asked = {call.slot for call in desk.orders.calls if not isinstance(call, OrderIntent)}
    assert asked == {one.slot for one in resting}
    for order in resting:
        await desk.tell(cancelled(order))
    await desk.service.starter.finish()
    assert (await desk.run(run.run_id)).status == "stopped"


@pytest.mark.parametrize("stopped", [True, False])
async def test_trap_a_run_is_stopped_in_the_database_and_its_worker_goes_on(stage: Room, stopped: bool) -> None:
    """Another process stops it; the one that has it in memory reads that in its next step."""
    world = World()
    worker, other = Desk(stage, world, "grid"), Desk(stage, world, "grid")
    run = await working(worker)
    bought = opening(worker, "buy:3")
    await worker.tell(filled(bought, str(bought.price)))
    await worker.service.hander.hand_on()
    sold = opening(worker, "sell:4")
    if stopped:
        await other.service.stop(run.run_id, KEEP)
    before = len(await worker.rows(t.wishes))
    await worker.tell(filled(sold, str(sold.price)))
    await worker.tick("50400")
    await worker.bar("50400")
    later = [row.slot for row in (await worker.rows(t.wishes))[before:] if row.kind == "place"]
    assert ("buy:3" in later) is not stopped
    assert stopped is not any(slot.startswith("buy") for slot in later)


@pytest.mark.parametrize("kept", [0, 1, 2, 3])
async def test_trap_a_start_that_dies_between_two_of_its_orders_leaves_or_repeats_some(stage: Room, kept: int) -> None:
    world = World()
    dead = Desk(stage, world, "grid")
    await dead.start()
    await dead.bar("50000")
    await dead.tick("50000")
    world.orders.script.extend([None] * kept + [Unavailable("died", "The process died here.")])
    await dead.service.hander.hand_on()
    assert len(world.orders.submitted) == kept
    world.orders.script.clear()
    stage.clock.advance(1)
    following = Desk(stage, world, "grid")
    await following.service.starter.resume_all()
    await following.service.hander.hand_on()
    slots = [one.slot for one in world.orders.submitted]
    assert sorted(slots) == ["buy:0", "buy:1", "buy:2", "buy:3"]


async def test_trap_fills_told_at_the_same_time_are_counted_by_read_modify_write(stage: Room) -> None:
    """Two processes book two fills at once; the counters are the fold of both."""
    world = World()
    one, two = Desk(stage, world, "grid"), Desk(stage, world, "grid")
    run = await working(one)
    high, low = opening(one, "buy:3"), opening(one, "buy:2")
    told = ((one, high), (two, low))
    await asyncio.gather(*(desk.tell(filled(order, str(order.price))) for desk, order in told))
    state = await one.state(run.run_id)
    assert [state["cell_held_lots"][cell] for cell in (2, 3)] == [int(o.qty / D("0.01")) for o in (low, high)]
    alone = sum(fee(order) for order in (high, low))
    assert state["fees"] == pytest.approx(alone, abs=2)


def fee(order: OrderIntent) -> float:
    """Of a maker, in ticks times lots."""
    assert order.price is not None
    return float(order.price / D("0.1") * order.qty / D("0.01") * D("0.0002"))


async def test_trap_state_is_written_under_one_name_and_read_under_another(stage: Room) -> None:
    """What a step stored is what the next process starts from."""
    world = World()
    writer = Desk(stage, world, "grid")
    run = await working(writer)
    bought = opening(writer, "buy:3")
    await writer.tell(filled(bought, str(bought.price)))
    reader = Desk(stage, world, "grid")
    async with stage.db.transaction() as db:
        loaded = await reader.service.stepper.load(db, run.run_id)
    assert loaded is not None
    assert state_to_json(loaded.state) == (await writer.run(run.run_id)).state
    assert loaded.state[0].cell_held_lots[3] > 0
