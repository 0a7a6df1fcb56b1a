"""A run decides with what its owner has set: with all of it, and with nothing older."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from sqlalchemy import insert
from tests.builders import BTC, USER, D
from tests.servers import FreshDatabase
from tests.services.rooms import Room, room
from tests.services.strategy.desk import HYPERRSI, Desk, World, filled
from tests.services.strategy.neighbours import FakeUsers

from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.kit.aggregates import newest
from tradingboost.kit.clock import FakeClock
from tradingboost.services.strategy import tables as t
from tradingboost.services.users import tables as people
from tradingboost.services.users.service import UsersService
from tradingboost.services.users.settings import UsersSettings
from tradingboost.shared.events.strategy import RunStarted
from tradingboost.shared.events.users import PresetChanged, SettingsUpdated
from tradingboost.shared.interfaces.strategy import StopPolicy
from tradingboost.shared.interfaces.users.presets import EditPreset, NewPreset, Preset
from tradingboost.shared.interfaces.users.settings import AskEffective, Effective, SaveSetting
from tradingboost.shared.user_settings.addresses import Address, address, aggregate

ON_BTC, PARAMS = address("params", scope=f"okx:{BTC}"), address("params")


class RealSettings(FakeUsers):
    """The accounts are pretended, the settings are not."""

    service: UsersService

    async def effective(self, asked: AskEffective) -> Effective:
        return await self.service.effective(asked)


@pytest.fixture
async def stage(fresh_database: FreshDatabase, redis_url: str, fake_clock: FakeClock) -> AsyncIterator[Room]:
    async with room(fresh_database, redis_url, fake_clock, "strategy", "users") as opened:
        now = fake_clock.now()
        async with opened.db.transaction() as db:
            row = {"id": USER, "username": "alice", "created_at": now, "updated_at": now}
            await db.execute(insert(people.app_users).values(row))
        yield opened


@pytest.fixture
def users(stage: Room) -> UsersService:
    return UsersService(stage.context(), cast(Any, None), UsersSettings())


@pytest.fixture
def desk(stage: Room, users: UsersService) -> Desk:
    found = RealSettings()
    found.service = users
    return Desk(stage, World(users=found))


async def save(users: UsersService, where: Address = PARAMS, **changes: Any) -> int:
    wish = SaveSetting(where=where, changes=changes, expected_version=None, changed_by="test")
    return (await users.save_setting(USER, wish)).version


async def calm(users: UsersService, **settings: Any) -> Preset:
    return await users.create_preset(USER, NewPreset(name="calm", changed_by="test", settings=settings))


async def told_last(desk: Desk) -> None:
    """The newest fact about settings arrives."""
    (*_, last) = await desk.room.told(SettingsUpdated, PresetChanged)
    await desk.tell(last, said=str(len(await desk.room.types_told())))


async def decided(desk: Desk) -> list[int]:
    return [row.settings_version for row in await desk.rows(t.decisions)]


async def test_a_run_starts_with_the_stored_settings_under_its_own_words(desk: Desk, users: UsersService) -> None:
    await save(users, leverage=7, rsi_length=9)
    await save(users, ON_BTC, rsi_length=10, tp1_value=1.5)
    preset = await calm(users, entry_option="level")
    run = await desk.start(params={"tp1_value": 1.2}, preset_id="calm")
    said = (await desk.run(run.run_id)).params
    assert (said["leverage"], said["rsi_length"], said["entry_option"], said["tp1_value"]) == (7, 10, "초과", 1.2)
    assert len(said) == 64
    assert (run.settings_version, run.preset_id) == (4, preset.preset_id)
    (told,) = [one for one in await desk.room.told(RunStarted) if isinstance(one, RunStarted)]
    assert (told.settings_version, told.preset_id) == (4, preset.preset_id)


async def test_settings_that_cannot_be_loaded_stop_the_start(desk: Desk, users: UsersService) -> None:
    with pytest.raises(NotFound, match="no preset"):
        await desk.start(preset_id="gone")
    await save(users, tp2_value=3.9)
    with pytest.raises(InvalidInput, match="tp2_value must be above"):
        await desk.start(params={"tp1_value": 3.95})
    assert await desk.rows(t.runs) == []


async def test_a_save_is_in_force_at_the_next_decision_even_before_anybody_heard_of_it(
    desk: Desk, users: UsersService
) -> None:
    run = await desk.start(params={**HYPERRSI, "direction": None})
    await desk.bar("50000")
    await save(users, direction="short")
    for close in ("49700", "49400", "49100"):  # a fall that a long run enters on
        await desk.bar(close)
    assert await decided(desk) == [1, 2, 2, 2]
    assert await desk.rows(t.wishes) == []
    assert (await desk.run(run.run_id)).params["direction"] == "숏"


async def test_trap_a_decision_and_a_save_at_the_same_moment_never_pass_each_other(
    desk: Desk, users: UsersService
) -> None:
    run = await desk.start(params={"use_cooldown": False})
    stepper = desk.service.stepper
    async with desk.room.db.transaction() as db:  # the decision was first: the save waits for it
        found = await stepper.load(db, run.run_id)
        assert found is not None
        assert (await stepper.renewed(db, found)).settings_version == 1
        saving = asyncio.create_task(save(users, rsi_length=9))
        await asyncio.sleep(0.3)
        assert not saving.done()
        await stepper.keep(db, found)
    assert await saving == 1
    await desk.bar("50000")
    async with desk.room.db.transaction() as db:  # the save was first: the decision waits, and takes it
        wish = SaveSetting(where=PARAMS, changes={"rsi_length": 8}, expected_version=1, changed_by="test")
        await users._saver.save(db, USER, [wish])
        deciding = asyncio.create_task(desk.bar("50010"))
        await asyncio.sleep(0.3)
        assert not deciding.done()
    await deciding
    assert await decided(desk) == [2, 3]
    assert (await desk.run(run.run_id)).params["rsi_length"] == 8


async def test_saves_and_candles_at_once_never_give_a_decision_with_outdated_settings(
    desk: Desk, users: UsersService
) -> None:
    run = await desk.start(params={"use_cooldown": False})
    committed = 1

    async def saves() -> None:
        nonlocal committed
        for number in range(8):
            await save(users, rsi_length=5 + number)
            committed = 2 + number

    async def bars() -> list[tuple[int, int]]:
        seen = []
        for number in range(12):
            known = committed
            await desk.bar(str(50_000 + number))
            seen.append((known, (await decided(desk))[-1]))
        return seen

    _, seen = await asyncio.gather(saves(), bars())
    assert [pair for pair in seen if pair[1] < pair[0]] == []
    row = await desk.run(run.run_id)
    async with desk.room.db.read() as db:
        assert await newest(db, aggregate(USER)) == 8
    await desk.bar("50100")
    row = await desk.run(run.run_id)
    assert (row.settings_version, row.params["rsi_length"]) == (9, 12)


async def test_new_settings_give_the_indicators_they_would_have_had_from_the_start(
    desk: Desk, users: UsersService
) -> None:
    run = await desk.start(params={"use_trend_logic": False, "use_trend_close": False})
    for number in range(3):
        await desk.bar(str(50_000 + 7 * number))
    await save(users, rsi_length=5)
    await told_last(desk)
    await desk.bar("50040")
    other = Desk(desk.room, World(market=desk.market, users=desk.world.users))
    await desk.service.stop(run.run_id, StopPolicy.KEEP)
    await desk.service.starter.finish()
    again = await other.start(params={"use_trend_logic": False, "use_trend_close": False})
    mine, theirs = await desk.fold(run.run_id), await desk.fold(again.run_id)
    assert mine["rsi"] == pytest.approx(theirs["rsi"])
    assert mine["close"] == theirs["close"]


async def test_what_the_venue_was_told_stays_until_the_next_start(desk: Desk, users: UsersService) -> None:
    run = await desk.start(params={})
    await save(users, leverage=3, rsi_length=9)
    await told_last(desk)
    row = await desk.run(run.run_id)
    assert (row.params["leverage"], row.params["rsi_length"], row.settings_version) == (10, 9, 2)


async def test_a_preset_reaches_the_run_that_carries_it_and_no_other(desk: Desk, users: UsersService) -> None:
    await calm(users, rsi_length=9)
    mine = await desk.start(params={}, preset_id="calm")
    other = await desk.start(params={}, symbol="ETH-USDT-SWAP", preset_id="")
    edit = EditPreset(preset_id="calm", expected_version=1, changed_by="test", settings={"rsi_length": 11})
    await users.edit_preset(USER, edit)
    await told_last(desk)
    assert [(await desk.run(one.run_id)).params["rsi_length"] for one in (mine, other)] == [11, 14]
    await users.delete_preset(USER, "calm", "test", detach=True)
    await desk.bar("50000")  # before it heard of the detachment: what it has goes on
    assert (await desk.run(mine.run_id)).params["rsi_length"] == 11
    await told_last(desk)
    row = await desk.run(mine.run_id)
    assert (row.params["rsi_length"], row.preset_id) == (14, None)


async def test_settings_that_do_not_go_with_the_start_leave_the_run_as_it_is(desk: Desk, users: UsersService) -> None:
    run = await desk.start(params={"tp3_value": 4.5})
    await save(users, tp2_value=4.6, tp3_value=5)
    await desk.bar("50000")
    row = await desk.run(run.run_id)
    assert (row.params["tp2_value"], row.params["tp3_value"], row.settings_version) == (3, 4.5, 1)
    assert await decided(desk) == [1]


async def test_a_grid_is_what_it_was_started_as(stage: Room, users: UsersService) -> None:
    found = RealSettings()
    found.service = users
    desk = Desk(stage, World(users=found), name="grid")
    grid = address("params", "grid")
    await save(users, grid, lower_price=48000, upper_price=52000, grid_num=8, investment=1000)
    run = await desk.start(params={"initial_position": False, "leverage": 5})
    await save(users, grid, grid_num=10)
    await told_last(desk)
    row = await desk.run(run.run_id)
    assert (row.params["grid_num"], row.params["leverage"], row.settings_version) == (8, 5, 2)


async def test_trap_the_ladder_reads_the_settings_again_and_loses_the_preset(desk: Desk, users: UsersService) -> None:
    await calm(users, tp1_value=1)
    await desk.start(preset_id="calm")
    entry = await desk.fall()
    await save(users, tp1_value=1.8)
    await desk.tell(filled(entry, price="49100"))
    (first,) = [row for row in await desk.rows(t.wishes) if row.slot == "tp:1"]
    assert first.price == D("49591.0")  # one percent above the fill, as the preset says


async def test_trap_a_worker_adds_with_a_multiplier_that_was_changed_meanwhile(desk: Desk, users: UsersService) -> None:
    run = await desk.start(params={**HYPERRSI, "use_sl": False, "use_trend_logic": False, "use_trend_close": False})
    entry = await desk.enter()
    beside = Desk(desk.room, desk.world)  # another worker, which has the run in memory too
    async with desk.room.db.transaction() as db:
        assert await beside.service.stepper.load(db, run.run_id) is not None
    await save(users, entry_multiplier=3)
    await beside.service.starter.resume_all()
    await beside.bar("49000")  # an add waits for another candle than the entry's
    await beside.tick("47600")
    (add,) = [row for row in await desk.rows(t.wishes) if row.slot == "add:2"]
    assert add.qty > 2 * entry.qty
    assert (await desk.run(run.run_id)).settings_version == 2


async def test_trap_a_close_is_refused_because_the_settings_were_deleted(desk: Desk, users: UsersService) -> None:
    await calm(users, tp1_value=1)
    run = await desk.start(preset_id="calm")
    await desk.enter()
    await users.delete_preset(USER, "calm", "test")
    await desk.tick("49000")
    await desk.service.stop(run.run_id, StopPolicy.FLATTEN)
    assert [row.slot for row in await desk.rows(t.wishes) if row.kind == "place"][-1] == "exit"
