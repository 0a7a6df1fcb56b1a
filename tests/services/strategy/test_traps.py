"""Mistakes systems of this kind are known for, of which no other test here is the proof (docs/traps.md)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from tests.builders import ACCOUNT, BTC, T0, D
from tests.services.rooms import Room
from tests.services.strategy.desk import FALL, HYPERRSI, Desk, World, cancelled, filled, rejected

from tradingboost.core.errors import InvalidInput, Unavailable
from tradingboost.core.ids import Symbol
from tradingboost.core.market import Timeframe
from tradingboost.core.order import OrderIntent
from tradingboost.services.strategy import tables as t
from tradingboost.shared.events.market import CandleClosed
from tradingboost.shared.events.strategy import RunStopped
from tradingboost.shared.interfaces.strategy import StopPolicy
from tradingboost.strategies import get

ETH = Symbol("ETH-USDT-SWAP")


async def test_trap_a_candle_nothing_traded_in_is_dropped(desk: Desk) -> None:
    run = await desk.start()
    for _ in range(3):
        candle = msgspec.structs.replace(desk.market.close_bar("50000"), volume=D(0))
        desk.market._candles[BTC][-1] = candle
        await desk.tell(CandleClosed.of(candle))
    assert len(await desk.rows(t.decisions)) == 3
    assert (await desk.fold(run.run_id))["bars"] == 403


async def test_trap_two_workers_decide_the_same_bar(stage: Room) -> None:
    """The second one takes over in the middle of the first one's step."""
    world = World()
    one, two = Desk(stage, world), Desk(stage, world)
    await one.start()
    for close in FALL:
        candle = world.market.close_bar(close)
        ways = (CandleClosed.of(candle), "to the one"), (CandleClosed.of(candle), "to the other")
        await asyncio.gather(*(desk.tell(*way) for desk, way in zip((one, two), ways, strict=True)))
        await asyncio.gather(one.service.hander.hand_on(), two.service.hander.hand_on())
    assert len(await one.rows(t.decisions)) == len(FALL)
    assert [row.slot for row in await one.rows(t.wishes)] == ["entry"]
    assert [intent.slot for intent in world.orders.submitted] == ["entry"]


async def test_trap_a_position_that_cannot_be_asked_for_is_taken_for_flat(stage: Room) -> None:
    """After a restart nothing is decided and nothing handed on before the account could be compared."""
    world = World()
    before = Desk(stage, world)
    await before.start()
    await before.enter()
    taken = len(world.orders.calls)
    world.orders.reconcile_script.extend([Unavailable("venue_away", "The venue is away.")] * 200)
    following = Desk(stage, world)
    resumed = asyncio.ensure_future(following.service.starter.resume_all())
    for _ in range(240):  # sixty seconds
        await asyncio.sleep(0)
        stage.clock.advance(0.25)
    assert not resumed.done()
    assert len(world.orders.calls) == taken
    world.orders.reconcile_script.clear()
    while not resumed.done():
        await asyncio.sleep(0.005)
        stage.clock.advance(0.25)
    await resumed
    for close in FALL:
        await following.bar(close)
        await following.service.hander.hand_on()
    assert "entry" not in [intent.slot for intent in world.orders.submitted[1:]]


async def test_trap_a_take_profit_told_twice_moves_the_stop_twice(desk: Desk) -> None:
    run = await desk.start(params={**HYPERRSI, "use_sl": True})
    await desk.enter()
    profit = next(intent for intent in desk.orders.submitted if intent.slot == "tp:1")
    before = len(await desk.uttered())
    await desk.tell(filled(profit, str(profit.price)))
    once, state = await desk.uttered(), await desk.state(run.run_id)
    for _ in range(3):
        await desk.tell(filled(profit, str(profit.price)))
    await desk.tell(cancelled(profit))  # an end that comes behind its last fill
    assert await desk.uttered() == once
    assert await desk.state(run.run_id) == state
    assert [one[2:4] for one in once[before:]] == [("amend", "sl")]
    assert state["tp_filled"] == 1


async def test_trap_a_run_that_failed_too_often_is_told_again_and_again_and_goes_on(desk: Desk) -> None:
    """Three refusals in a row end it: one message, nothing opened any more, and the slot and the leg free."""
    run = await desk.start()
    refused: list[OrderIntent] = []
    for close in range(49_900, 48_000, -100):
        await desk.bar(str(close))
        await desk.service.hander.hand_on()
        for entry in desk.orders.submitted[len(refused) :]:
            refused.append(entry)
            await desk.tell(rejected(entry, "51000"))
        await desk.service.starter.finish()
    assert [one.slot for one in refused] == ["entry"] * 3
    (told,) = await desk.room.told(RunStopped)
    assert isinstance(told, RunStopped)
    assert told.run_id == run.run_id
    assert ((await desk.run(run.run_id)).status, desk.orders.legs) == ("stopped", {})


# -- stopping and starting -------------------------------------------------------------------------------------------


async def _steps(desk: Desk, before: Callable[[int], Awaitable[None]]) -> None:
    """A fall, the entry, its fill, a bar, a take-profit: `before` is called before each."""
    number = 0
    for close in FALL:
        await before(number)
        await desk.bar(close)
        await desk.service.hander.hand_on()
        number += 1
    await before(number)
    for entry in [one for one in desk.orders.submitted if one.slot == "entry"]:
        await desk.tell(filled(entry, "49100"))
        await desk.service.hander.hand_on()
        await before(number + 1)
        await desk.bar("49200")
        await before(number + 2)
        profit = next((one for one in desk.orders.submitted if one.slot == "tp:1"), entry)
        await desk.tell(filled(profit, str(profit.price or "49100")))


@pytest.mark.parametrize("moment", range(len(FALL) + 3))
async def test_trap_a_stop_during_a_decision_is_overwritten_by_running(desk: Desk, moment: int) -> None:
    run = await desk.start()

    async def before(step: int) -> None:
        if step == moment:
            stop = desk.service.stop(run.run_id, StopPolicy.KEEP)
            await asyncio.gather(stop, desk.tick("49150"))
        status = (await desk.run(run.run_id)).status
        assert status in (("stopping", "stopped") if step >= moment else ("running",))

    await _steps(desk, before)
    await desk.service.starter.finish()
    assert (await desk.run(run.run_id)).status in ("stopping", "stopped")
    opened = [one.slot for one in desk.orders.submitted if not one.reduce_only and one.slot != "entry"]
    assert opened == []


async def test_trap_stopping_one_symbol_kills_the_entry_of_another(desk: Desk) -> None:
    entering = await desk.start()
    other = await desk.start(symbol=ETH)
    entry = await desk.fall()
    await desk.service.stop(other.run_id, StopPolicy.FLATTEN)
    await desk.service.hander.hand_on()
    await desk.service.starter.finish()
    await desk.tell(filled(entry, "49100"))
    await desk.service.hander.hand_on()
    assert (await desk.run(entering.run_id)).status == "running"
    assert {one.slot for one in desk.orders.submitted if one.run_id == entering.run_id} >= {"entry", "tp:1"}
    assert desk.orders.legs == {(ACCOUNT, BTC): entering.run_id}


async def test_trap_a_stop_frees_the_preferred_timeframe_and_not_the_one_of_the_run(stage: Room) -> None:
    desk = Desk(stage, max_symbols_per_user=1)
    for timeframe in (Timeframe.M5, Timeframe.M15, Timeframe.H1):
        run = await desk.start(
            timeframe=timeframe, params={**HYPERRSI, "use_trend_logic": False, "use_trend_close": False}
        )
        await desk.service.stop(run.run_id, StopPolicy.KEEP)
        await desk.service.starter.finish()
        assert (desk.orders.legs, desk.service.stepper.symbols()) == ({}, [])


async def test_trap_a_start_checks_fewer_keys_than_the_schema(desk: Desk) -> None:
    bad = {"leverage": 0, "entry_option": "whatever", "use_sl": "maybe", "no_such_key": 1}
    with pytest.raises(InvalidInput) as schema:
        get("hyperrsi").validate(bad)
    with pytest.raises(InvalidInput) as start:
        await desk.start(params=bad)
    errors: Any = start.value.details["errors"]
    assert errors == schema.value.details["errors"]
    assert {error["key"] for error in errors} == set(bad)
    assert desk.orders.legs == {}


async def test_trap_a_run_gets_a_new_record_with_every_candle_or_restart(stage: Room) -> None:
    world = World()
    first = Desk(stage, world)
    run = await first.start()
    for close in FALL:
        await first.bar(close)
    following = Desk(stage, world)
    await following.service.starter.resume_all()
    await following.bar("49000")
    (row,) = await following.rows(t.runs)
    assert (row.run_id, row.started_at) == (run.run_id, T0)
