"""One decision a bar, each fact told to the kernel once, and memory never ahead of the record."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.builders import T0, D
from tests.services.rooms import Room
from tests.services.strategy.desk import FALL, GRID, Desk, World, cancelled, filled, rejected
from tests.services.strategy.test_starting import columns

from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import RunId
from tradingboost.core.market import Candle
from tradingboost.services.strategy import repository as store
from tradingboost.services.strategy import tables as t
from tradingboost.services.strategy.models import LiveRun
from tradingboost.shared.events.market import CandleClosed
from tradingboost.shared.events.strategy import SignalRaised

Story = Callable[[Desk], Awaitable[None]]


async def test_a_bar_is_decided_once_however_often_it_is_told(desk: Desk) -> None:
    await desk.start()
    candle = await desk.bar("50000")
    before = await desk.uttered(), await desk.rows(t.runs)
    await desk.tell(CandleClosed.of(candle))
    await desk.tell(CandleClosed.of(candle), said="again, as another event")
    assert len(await desk.rows(t.decisions)) == 1
    assert (await desk.uttered(), await desk.rows(t.runs)) == before


async def test_a_decision_names_its_bar_settings_and_code(desk: Desk) -> None:
    run = await desk.start()
    candle = await desk.bar("50000")
    (decision,) = await desk.rows(t.decisions)
    assert (decision.run_id, decision.bar_close_at, decision.bar_confirmed) == (run.run_id, candle.close_at, True)
    assert (decision.settings_version, decision.code_version) == (1, "0.1.0")


async def test_a_candle_of_before_the_start_is_not_decided(desk: Desk) -> None:
    await desk.start()
    for candle in desk.market.closed()[-3:]:
        await desk.tell(CandleClosed.of(candle))
    assert await desk.rows(t.decisions) == []


async def test_candles_told_in_the_wrong_order_are_folded_once_and_only_the_newest_is_decided(desk: Desk) -> None:
    run = await desk.start()
    older, newer = desk.market.close_bar("50020"), desk.market.close_bar("49980")
    await desk.tell(CandleClosed.of(newer))
    await desk.tell(CandleClosed.of(older))
    assert [row.bar_close_at for row in await desk.rows(t.decisions)] == [newer.close_at]
    assert (await desk.fold(run.run_id))["rsi"] == columns(desk.market.closed()[-402:]).rsi[-1]


async def test_a_gap_is_folded_without_deciding_and_the_indicators_are_as_if_there_was_none(desk: Desk) -> None:
    run = await desk.start()
    for close in ("49000", "48000", "47000"):  # a fall that would have been a signal
        desk.market.close_bar(close)
    candle = await desk.bar("46900")
    assert [row.bar_close_at for row in await desk.rows(t.decisions)] == [candle.close_at]
    batch = columns(desk.market.closed()[-404:])
    fold = await desk.fold(run.run_id)
    assert (fold["bars"], fold["rsi"]) == (404, batch.rsi[-1])


async def test_candles_caught_up_after_an_outage_are_folded_and_the_last_is_decided(desk: Desk) -> None:
    run = await desk.start()
    missed = [desk.market.close_bar(close) for close in ("49600", "49200", "48800")]
    for younger, candle in zip((2, 1, 0), missed, strict=True):
        await desk.tell(CandleClosed.of(candle, younger))
    assert [row.bar_close_at for row in await desk.rows(t.decisions)] == [missed[-1].close_at]
    assert (await desk.fold(run.run_id))["rsi"] == columns(desk.market.closed()[-403:]).rsi[-1]
    assert {row.at for row in await desk.rows(t.wishes)} == {missed[-1].close_at}


async def test_a_candle_that_comes_when_the_market_has_moved_on_is_only_folded(desk: Desk) -> None:
    run = await desk.start()
    candle = desk.market.close_bar("50000")
    await desk.tick("50000", at=candle.close_at + timedelta(seconds=31))
    await desk.tell(CandleClosed.of(candle))
    assert await desk.rows(t.decisions) == []
    assert (await desk.run(run.run_id)).last_bar_at == candle.close_at
    await desk.tick("50000", at=candle.close_at + timedelta(seconds=329))
    following = await desk.bar("50001")
    assert [row.bar_close_at for row in await desk.rows(t.decisions)] == [following.close_at]


async def test_a_missing_candle_that_cannot_be_fetched_stops_the_decision_until_it_can(desk: Desk) -> None:
    run = await desk.start()
    desk.market.close_bar("50010")
    newest = desk.market.close_bar("50020")
    desk.market.away.append(Unavailable("venue_away", "The venue is away."))
    with pytest.raises(Unavailable):
        await desk.tell(CandleClosed.of(newest))
    assert await desk.rows(t.decisions) == []
    await desk.tell(CandleClosed.of(newest))
    assert (await desk.fold(run.run_id))["bars"] == 402
    assert len(await desk.rows(t.decisions)) == 1


async def test_an_opening_names_its_decision_and_is_told_as_a_signal(desk: Desk) -> None:
    await desk.start()
    entry = await desk.fall()
    decision = (await desk.rows(t.decisions))[-1]
    newest = desk.market.closed()[-1]
    assert entry.cause == f"bar:5m:{newest.close_at:%Y-%m-%dT%H:%M:%SZ}"
    assert entry.decision_id in {row.decision_id for row in await desk.rows(t.decisions)}
    assert entry.fresh_until == desk.room.clock.now() + timedelta(seconds=30)
    assert (entry.reference_price, entry.settings_version, decision.wishes) == (newest.close, 1, 1)
    (signal,) = await desk.room.told(SignalRaised)
    assert isinstance(signal, SignalRaised)
    assert (signal.slot, signal.qty, signal.reference_price) == ("entry", entry.qty, newest.close)


# -- reports ---------------------------------------------------------------------------------------------------------


async def test_a_fill_reaches_the_kernel_once(desk: Desk) -> None:
    run = await desk.start()
    entry = await desk.enter()
    await desk.tell(filled(entry, price="49100"))
    state = await desk.state(run.run_id)
    assert (state["qty"], state["average"], state["dca_count"]) == (float(entry.qty), 49100.0, 1)


async def test_parts_of_a_fill_add_up_and_the_ladder_follows_the_last_one(desk: Desk) -> None:
    run = await desk.start()
    entry = await desk.fall()
    half = (entry.qty / 2).quantize(D("0.01"))
    await desk.tell(filled(entry, "49100", qty=half, left=entry.qty - half))
    assert not [row for row in await desk.rows(t.wishes) if row.slot.startswith("tp")]
    await desk.tell(filled(entry, "49100", qty=entry.qty - half))
    assert (await desk.state(run.run_id))["qty"] == float(entry.qty)
    assert {row.slot for row in await desk.rows(t.wishes)} >= {"tp:1", "tp:2", "tp:3"}


@pytest.mark.parametrize(
    ("code", "denied", "failures"),
    [("51000", False, (1, 0)), ("51008", False, (0, 1)), ("limit_exceeded", True, (0, 1))],
)
async def test_a_refused_entry_counts_as_a_failure_only_when_something_broke(
    desk: Desk, code: str, denied: bool, failures: tuple[int, int]
) -> None:
    run = await desk.start()
    entry = await desk.fall()
    assert (await desk.state(run.run_id))["opening"] == 1
    for _ in range(2):
        await desk.tell(rejected(entry, code, denied))
    state = await desk.state(run.run_id)
    assert (state["opening"], state["entry_failures"], state["margin_failures"]) == (0, *failures)


async def test_a_cancelled_entry_frees_the_run_for_the_next_signal(desk: Desk) -> None:
    run = await desk.start()
    entry = await desk.fall()
    await desk.tell(cancelled(entry))
    state = await desk.state(run.run_id)
    assert (state["opening"], state["side"]) == (0, 0)


async def test_reports_of_orders_that_no_run_here_placed_change_nothing(desk: Desk) -> None:
    await desk.start()
    entry = await desk.fall()
    before = await desk.rows(t.runs)
    stranger = RunId("0190b3a4-0000-7000-8000-00000000ffff")
    await desk.tell(filled(entry, "49100").__class__(**{**_fields(filled(entry, "49100")), "run_id": stranger}))
    await desk.tell(filled(entry, "49100").__class__(**{**_fields(filled(entry, "49100")), "run_id": None}))
    assert await desk.rows(t.runs) == before


def _fields(payload: Any) -> dict[str, Any]:
    return {name: getattr(payload, name) for name in payload.__struct_fields__}


# -- prices ----------------------------------------------------------------------------------------------------------


async def test_the_kernel_is_called_only_at_a_price_that_reaches_a_trigger(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await desk.start()
    await desk.enter()
    called: list[Any] = []
    honest = LiveRun.on_tick

    def counted(run: LiveRun, mark: Any, at: Any) -> list[Any]:
        called.append(mark)
        return list(honest(run, mark, at))

    monkeypatch.setattr(LiveRun, "on_tick", counted)
    found = await desk.service.triggers(run.venue, run.symbol)
    assert found.below is not None
    assert found.above is None
    for price in (found.below + 1, found.below + D("0.1"), found.below * 2):
        await desk.tick(str(price))
    assert called == []
    await desk.tick(str(found.below), at=T0 + timedelta(minutes=20))
    assert called == [found.below]
    assert (await desk.rows(t.wishes))[-1].slot == "add:2"


async def test_without_a_position_no_price_is_of_interest(desk: Desk) -> None:
    run = await desk.start()
    found = await desk.service.triggers(run.venue, run.symbol)
    assert (found.below, found.above) == (None, None)
    before = await desk.rows(t.runs)
    await desk.tick("1")
    assert await desk.rows(t.runs) == before


async def test_a_last_price_that_came_without_its_mark_reaches_no_trigger(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two travel in frames of their own: what a fill has just armed must not be fired by the mark before it."""
    run = await desk.start()
    called: list[Any] = []

    def noted(_run: LiveRun, mark: Any, _at: Any) -> list[Any]:
        called.append(mark)
        return []

    monkeypatch.setattr(LiveRun, "on_tick", noted)
    await desk.tick("40000", at=T0)
    await desk.enter()
    found = await desk.service.triggers(run.venue, run.symbol)
    assert found.below is not None
    assert found.below > 40_000
    await desk.tick("50001", at=T0, mark="40000")
    assert called == []
    await desk.tick("50001", at=T0, mark="40001")
    assert called == [D(40_001)]


async def test_the_nearest_triggers_of_a_grid_stand_on_both_sides_of_the_price(stage: Room) -> None:
    desk = Desk(stage, name="grid")
    run = await desk.start(params={**GRID, "post_only": False})
    await desk.bar("50000")
    found = await desk.service.triggers(run.venue, run.symbol)
    assert found.below is None or found.below < D(50_000)
    assert found.above is None or found.above > D(50_000)


async def test_a_refusal_is_told_with_the_price_of_the_fill_before_it_not_with_an_older_tick(stage: Room) -> None:
    """Private frames come before public ones: after a fill the newest tick still has the price of before."""
    desk = Desk(stage, name="grid")
    run = await desk.start()
    await desk.bar("50000")
    await desk.service.hander.hand_on()
    await desk.tick("50000", at=T0)
    buy = next(order for order in desk.orders.submitted if order.slot == "buy:3")
    fill = filled(buy, price="49500")
    await desk.tell(fill)
    await desk.service.hander.hand_on()
    sell = next(order for order in desk.orders.submitted if order.slot.startswith("sell"))
    await desk.tell(rejected(sell, "51008"))
    found = await desk.service.triggers(run.venue, run.symbol)
    assert (found.below, found.above) == (D("49499.9"), D("49500.1"))


# -- memory and record -----------------------------------------------------------------------------------------------


async def _fails_at_the_end(desk: Desk, candle: Candle) -> None:
    async def fail() -> None:
        async with desk.room.db.transaction() as db:
            await desk.service.stepper.candle_closed(db, candle)
            raise RuntimeError("something else in the batch failed")

    with pytest.raises(RuntimeError):
        await fail()


async def _fails_in_the_middle(desk: Desk, candle: Candle) -> None:
    async def refuse(*_: object) -> None:
        raise Unavailable("database_slow", "The database took too long.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "insert_wishes", refuse)
        with pytest.raises(Unavailable):
            await desk.tell(CandleClosed.of(candle))


@pytest.mark.parametrize("fail", [_fails_at_the_end, _fails_in_the_middle])
async def test_a_step_whose_transaction_failed_leaves_nothing_in_memory(
    desk: Desk, another_stage: Room, fail: Callable[[Desk, Candle], Awaitable[None]]
) -> None:
    calm = Desk(another_stage)
    runs = [await one.start() for one in (desk, calm)]
    for close in FALL:
        candle = desk.market.close_bar(close)
        await fail(desk, candle)
        await desk.tell(CandleClosed.of(candle))
        await calm.bar(close)
    assert await desk.uttered() == await calm.uttered() != []
    assert await desk.state(runs[0].run_id) == await calm.state(runs[1].run_id)
    assert await desk.fold(runs[0].run_id) == await calm.fold(runs[1].run_id)


async def test_a_failed_step_is_forgotten_even_when_another_process_steps_to_the_same_version(stage: Room) -> None:
    world = World()
    one, two = Desk(stage, world), Desk(stage, world)
    run = await one.start()
    await one.bar("50000")
    lost = world.market.close_bar("49990")
    await _fails_at_the_end(one, lost)  # in its memory the run is at the next version already
    await two.tell(CandleClosed.of(lost))  # ... which the record reaches by another's hand
    await one.bar("50001")
    assert (await one.fold(run.run_id))["bars"] == 403
    assert (await one.fold(run.run_id))["rsi"] == columns(world.market.closed()[-403:]).rsi[-1]


async def test_two_facts_in_one_transaction_build_on_each_other(desk: Desk, another_stage: Room) -> None:
    calm = Desk(another_stage)
    runs = [await one.start() for one in (desk, calm)]
    candles = [desk.market.close_bar(close) for close in FALL]
    async with desk.room.db.transaction() as db:
        for candle in candles:
            await desk.service.stepper.candle_closed(db, candle)
    for close in FALL:
        await calm.bar(close)
    assert await desk.uttered() == await calm.uttered() != []
    assert await desk.fold(runs[0].run_id) == await calm.fold(runs[1].run_id)


async def _story(desk: Desk, between: Story) -> None:
    """A fall, the entry, an add, a take-profit; `between` happens after every step."""
    entry = None
    for close in FALL:
        await desk.bar(close)
        await desk.service.hander.hand_on()
        await between(desk)
        entry = entry or next(iter(desk.orders.submitted), None)
    assert entry is not None
    await desk.tell(filled(entry, "49100"))
    await between(desk)
    await desk.bar("49150")
    await between(desk)
    await desk.tick("47500", at=T0 + timedelta(minutes=40))
    await desk.service.hander.hand_on()
    await between(desk)
    add = next(one for one in desk.orders.submitted if one.slot == "add:2")
    await desk.tell(filled(add, "47500"))
    await between(desk)
    first = [one for one in desk.orders.submitted if one.slot == "tp:1"][-1]
    await desk.tell(filled(first, str(first.price)))


async def test_a_run_restarted_between_any_two_steps_wishes_the_same(stage: Room, another_stage: Room) -> None:
    async def nothing(_: Desk) -> None:
        return

    calm = Desk(another_stage)
    await calm.start()
    await _story(calm, nothing)

    world = World()
    restarted = Desk(stage, world)
    await restarted.start()

    async def restart(desk: Desk) -> None:
        fresh = Desk(stage, world)
        await fresh.service.starter.resume_all()
        desk.service = fresh.service
        desk._handlers = fresh._handlers

    await _story(restarted, restart)
    assert await restarted.uttered() == await calm.uttered()
    assert len(await calm.uttered()) > 8
