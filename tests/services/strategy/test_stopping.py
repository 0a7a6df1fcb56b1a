"""Stopping opens nothing any more and never hinders an exit; a run that is over gives its slot and legs back."""

import asyncio
from datetime import timedelta

import pytest
from tests.builders import ACCOUNT, BTC, T0, VENUE, D
from tests.services.rooms import Room
from tests.services.strategy.desk import FALL, Desk, World, cancelled, filled
from tests.services.strategy.test_starting import columns

from tradingboost.core.errors import NotFound, Unavailable
from tradingboost.core.ids import RunId
from tradingboost.core.market import Tick
from tradingboost.core.order import OrderIntent, Side
from tradingboost.services.strategy import tables as t
from tradingboost.shared.events.market import CandleClosed
from tradingboost.shared.events.strategy import RunStopped
from tradingboost.shared.interfaces.strategy import StopPolicy

KEEP, FLATTEN = StopPolicy.KEEP, StopPolicy.FLATTEN


def price(desk: Desk, text: str) -> None:
    """The market answers this price when it is asked."""
    desk.market.prices[BTC] = Tick(venue=VENUE, symbol=BTC, at=T0, last=D(text), mark=D(text))


def newest(desk: Desk, slot: str) -> OrderIntent:
    return [one for one in desk.orders.submitted if one.slot == slot][-1]


async def test_a_stopped_run_without_a_position_is_over_and_opens_nothing(desk: Desk) -> None:
    run = await desk.start()
    assert (await desk.service.stop(run.run_id, KEEP)).status == "stopping"
    await desk.service.starter.finish()
    row = await desk.run(run.run_id)
    assert (row.status, row.reason, row.ended_at) == ("stopped", "stopped by the user", desk.room.clock.now())
    assert (desk.orders.legs, desk.service.stepper.symbols()) == ({}, [])
    for close in FALL:
        await desk.bar(close)
    assert await desk.rows(t.wishes) == []


async def test_the_slot_and_the_symbol_are_free_once_a_run_is_over(stage: Room) -> None:
    desk = Desk(stage, max_symbols_per_user=1)
    first = await desk.start()
    await desk.service.stop(first.run_id, KEEP)
    await desk.service.starter.finish()
    second = await desk.start()
    assert desk.orders.legs == {(ACCOUNT, BTC): second.run_id}


async def test_a_stop_is_told_once_and_a_stopped_run_stays_stopped(desk: Desk) -> None:
    run = await desk.start()
    for policy in (KEEP, FLATTEN, KEEP):
        await desk.service.stop(run.run_id, policy)
    await desk.service.starter.finish()
    assert (await desk.service.stop(run.run_id, FLATTEN)).status == "stopped"
    (told,) = await desk.room.told(RunStopped)
    assert isinstance(told, RunStopped)
    assert (told.run_id, told.reason) == (run.run_id, "stopped by the user")


async def test_a_run_nobody_knows_cannot_be_stopped(desk: Desk) -> None:
    with pytest.raises(NotFound) as raised:
        await desk.service.stop(RunId("no-such-run"), KEEP)
    assert raised.value.code == "run_not_found"


async def test_stop_and_keep_leaves_the_exits_working_until_the_leg_is_flat(desk: Desk) -> None:
    run = await desk.start()
    entry = await desk.enter()
    before = len(desk.orders.calls)
    price(desk, "49100")
    await desk.service.stop(run.run_id, KEEP)
    await desk.service.hander.hand_on()
    await desk.service.starter.finish()
    assert (len(desk.orders.calls), (await desk.run(run.run_id)).status) == (before, "stopping")
    assert (await desk.service.triggers(run.venue, run.symbol)).below is None  # no adds
    for level in ("tp:1", "tp:2", "tp:3"):
        profit = newest(desk, level)
        await desk.tell(filled(profit, str(profit.price)))
        await desk.service.hander.hand_on()
    assert (await desk.state(run.run_id))["side"] == 0
    assert desk.orders.legs == {(ACCOUNT, BTC): run.run_id}
    stop = desk.orders.calls[-1]
    assert stop.slot == "sl"
    await desk.tell(cancelled(_protection(entry)))
    await desk.service.starter.finish()
    assert ((await desk.run(run.run_id)).status, desk.orders.legs) == ("stopped", {})


def _protection(entry: OrderIntent) -> OrderIntent:
    """The stop that travelled with the entry, as its own order reports itself."""
    return OrderIntent(
        **{
            **{name: getattr(entry, name) for name in entry.__struct_fields__},
            "slot": "sl",
            "side": Side.SELL,
            "reduce_only": True,
        }
    )


async def test_an_entry_on_its_way_when_the_run_is_stopped_still_gets_its_protection(desk: Desk) -> None:
    run = await desk.start()
    entry = await desk.fall()
    await desk.service.stop(run.run_id, KEEP)
    await desk.service.starter.finish()
    assert (await desk.run(run.run_id)).status == "stopping"
    await desk.tell(filled(entry, "49100"))
    await desk.service.hander.hand_on()
    assert {one.slot for one in desk.orders.submitted} >= {"tp:1", "tp:2", "tp:3"}


@pytest.mark.parametrize("heard", [True, False])
async def test_stop_and_flatten_closes_the_leg_at_market_at_once(desk: Desk, heard: bool) -> None:
    run = await desk.start()
    entry = await desk.enter()
    if heard:
        await desk.tick("49100")
    else:
        price(desk, "49100")
    await desk.service.stop(run.run_id, FLATTEN)
    await desk.service.hander.hand_on()
    close = desk.orders.submitted[-1]
    assert (close.slot, close.type, close.reduce_only, close.qty) == ("exit", "market", True, entry.qty)
    await desk.tell(filled(close, "49100"))
    assert (await desk.state(run.run_id))["side"] == 0


async def test_without_any_price_a_flatten_waits_for_the_next_candle(desk: Desk) -> None:
    run = await desk.start()
    await desk.enter()
    await desk.service.stop(run.run_id, FLATTEN)
    await desk.service.hander.hand_on()
    assert desk.orders.submitted[-1].slot != "exit"
    await desk.bar("49000")
    await desk.service.hander.hand_on()
    assert desk.orders.submitted[-1].slot == "exit"


async def test_a_grid_that_is_stopped_cancels_its_openings_and_ends_when_they_are_gone(stage: Room) -> None:
    desk = Desk(stage, name="grid")
    run = await desk.start()
    await desk.bar("50000")
    await desk.tick("50000")
    await desk.service.hander.hand_on()
    resting = list(desk.orders.submitted)
    assert resting
    await desk.service.stop(run.run_id, KEEP)
    await desk.service.starter.finish()
    assert (await desk.run(run.run_id)).status == "stopping"  # the cancels are stored, not yet handed on
    await desk.service.hander.hand_on()
    asked = {call.slot for call in desk.orders.calls if not isinstance(call, OrderIntent)}
    assert asked == {one.slot for one in resting}
    for order in resting:
        await desk.tell(cancelled(order))
    await desk.service.starter.finish()
    assert ((await desk.run(run.run_id)).status, desk.orders.legs) == ("stopped", {})


async def test_the_end_waits_while_orders_is_away(desk: Desk) -> None:
    run = await desk.start()
    desk.orders.release_script.append(Unavailable("orders_away", "Orders is away."))
    await desk.service.stop(run.run_id, KEEP)
    await desk.service.starter.finish()
    assert (await desk.run(run.run_id)).status == "stopping"
    await desk.service.starter.finish()
    assert (await desk.run(run.run_id)).status == "stopped"


async def test_a_run_whose_process_died_before_its_end_ends_in_the_next(stage: Room) -> None:
    world = World()
    dead = Desk(stage, world)
    run = await dead.start()
    await dead.service.stop(run.run_id, KEEP)
    following = Desk(stage, world)
    await following.service.starter.resume_all()
    await following.service.starter.finish()
    assert ((await following.run(run.run_id)).status, world.orders.legs) == ("stopped", {})


# -- after a restart -------------------------------------------------------------------------------------------------


async def test_a_restart_compares_the_account_before_anything_and_watches_again(stage: Room) -> None:
    world = World()
    await Desk(stage, world).start()
    world.orders.reconciled.clear()
    world.market.watched.clear()
    following = Desk(stage, world)
    world.orders.reconcile_script.append(Unavailable("venue_away", "The venue is away."))
    resumed = asyncio.ensure_future(following.service.starter.resume_all())
    while not resumed.done():
        await asyncio.sleep(0.005)
        stage.clock.advance(0.25)
    await resumed
    assert world.orders.reconciled == [ACCOUNT]
    assert world.market.watched == [(BTC, "5m")]


async def test_candles_of_the_down_time_are_folded_and_not_decided(stage: Room) -> None:
    world = World()
    run = await Desk(stage, world).start()
    missed = [world.market.close_bar(close) for close in FALL]
    following = Desk(stage, world)
    await following.service.starter.resume_all()
    for candle in missed:
        await following.tell(CandleClosed.of(candle))
    assert await following.rows(t.decisions) == []
    assert (await following.fold(run.run_id))["rsi"] == columns(world.market.closed()[-403:]).rsi[-1]


async def test_after_a_restart_the_triggers_are_watched_before_the_first_candle(stage: Room) -> None:
    world = World()
    before = Desk(stage, world)
    run = await before.start()
    await before.enter()
    wanted = await before.service.triggers(run.venue, run.symbol)
    following = Desk(stage, world)
    await following.service.starter.resume_all()
    assert await following.service.triggers(run.venue, run.symbol) == wanted
    assert wanted.below is not None
    await following.tick(str(wanted.below), at=T0 + timedelta(minutes=30))
    assert (await following.rows(t.wishes))[-1].slot == "add:2"


async def test_an_ended_run_is_not_resumed(stage: Room) -> None:
    world = World()
    desk = Desk(stage, world)
    run = await desk.start()
    await desk.service.stop(run.run_id, KEEP)
    await desk.service.starter.finish()
    world.orders.reconciled.clear()
    await Desk(stage, world).service.starter.resume_all()
    assert world.orders.reconciled == []
