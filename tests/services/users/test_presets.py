"""Presets: settings under a name that touch one run and nothing else; templates belong to nobody."""

from typing import Any

import pytest
from tests.services.rooms import Room
from tests.services.users.setting_desk import DUAL_SIDE, PARAMS, SCOPE, SettingDesk

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused
from tradingboost.core.ids import UserId
from tradingboost.shared.events.users import PresetChanged
from tradingboost.shared.interfaces.users.presets import EditPreset, NewPreset, Preset
from tradingboost.shared.interfaces.users.settings import AskEffective, Effective

RUN = "00000000-0000-7000-8000-0000000000f1"


@pytest.fixture
def desk(stage: Room) -> SettingDesk:
    return SettingDesk(stage)


async def made(desk: SettingDesk, user_id: UserId, name: str = "calm", **more: Any) -> Preset:
    values: dict[str, Any] = {"settings": {"leverage": 3, "direction": "long"}, **more}
    return await desk.service.create_preset(user_id, NewPreset(name=name, changed_by="test", **values))


async def decided_with(desk: SettingDesk, user_id: UserId, preset_id: str | None, scope: str = SCOPE) -> Effective:
    ask = AskEffective(user_id=user_id, strategy="hyperrsi", scope=scope, preset_id=preset_id)
    return await desk.service.effective(ask)


async def carries(desk: SettingDesk, user_id: UserId, preset: Preset) -> None:
    """A run on BTC carries the preset."""
    async with desk.room.db.transaction() as db:
        await desk.service.run_started(db, user_id, RUN, (preset.preset_id, SCOPE))


async def test_a_preset_sets_its_keys_on_its_run_and_nothing_elsewhere(desk: SettingDesk) -> None:
    alice = await desk.person()
    await desk.save(alice, PARAMS, 0, leverage=7, rsi_length=9)
    preset = await made(desk, alice)
    assert preset.settings == {"leverage": 3, "direction": "롱"}
    here = await decided_with(desk, alice, preset.preset_id)
    assert (here.params["leverage"], here.params["direction"], here.params["rsi_length"]) == (3, "롱", 9)
    there = await decided_with(desk, alice, None, "okx:ETH-USDT-SWAP")
    assert (there.params["leverage"], there.params["direction"]) == (7, "롱숏")
    assert (await desk.service.setting(alice, PARAMS)).settings["leverage"] == 7
    assert [one.name for one in here.layers] == ["hyperrsi params global", "preset calm"]


async def test_trap_a_preset_that_cannot_be_loaded_stops_the_start(desk: SettingDesk) -> None:
    alice, bob = await desk.person(), await desk.person("bob")
    preset = await made(desk, alice)
    with pytest.raises(NotFound, match="no preset"):
        await decided_with(desk, bob, preset.preset_id)
    await desk.service.delete_preset(alice, preset.preset_id, "test")
    with pytest.raises(NotFound, match="no preset"):
        await decided_with(desk, alice, preset.preset_id)
    broken = await made(desk, alice, settings={"tp3_value": 4.5})
    await desk.save(alice, PARAMS, 0, tp2_value=4.6, tp3_value=5)
    with pytest.raises(InvalidInput, match="tp3_value"):
        await decided_with(desk, alice, broken.preset_id)


async def test_the_default_preset_is_what_a_start_takes_that_names_none(desk: SettingDesk) -> None:
    alice = await desk.person()
    calm, wild = await made(desk, alice), await made(desk, alice, "wild", settings={"leverage": 20})
    for preset in (calm, wild):
        edit = EditPreset(preset_id=preset.preset_id, expected_version=1, changed_by="test", is_default=True)
        assert (await desk.service.edit_preset(alice, edit)).saved
    assert [one.is_default for one in await desk.service.presets(alice)] == [False, True]
    assert (await decided_with(desk, alice, None)).params["leverage"] == 20
    assert (await decided_with(desk, alice, "")).params["leverage"] == 10
    assert (await decided_with(desk, alice, "calm")).params["leverage"] == 3


async def test_a_preset_is_made_from_what_holds_now_or_from_another(desk: SettingDesk) -> None:
    alice = await desk.person()
    await desk.save(alice, PARAMS, 0, leverage=7)
    await desk.save(alice, DUAL_SIDE, 0, use_dual_side_entry=True)
    now = await made(desk, alice, "now", from_current=True)
    assert (len(now.settings), now.settings["leverage"], now.settings["use_dual_side_entry"]) == (63, 7, True)
    copy = await made(desk, alice, "copy", copy_of="NOW", settings={"leverage": 2})
    assert (copy.based_on, copy.settings) == (now.preset_id, {**now.settings, "leverage": 2})


async def test_templates_are_for_everybody_to_copy_and_for_nobody_to_change(desk: SettingDesk) -> None:
    alice = await desk.person()
    wish = NewPreset(name="house", changed_by="admin:root", settings={"leverage": 2})
    template = await desk.service.publish_template(wish)
    assert [(one.name, one.is_template) for one in await desk.service.presets(alice)] == [("house", True)]
    edit = EditPreset(preset_id=template.preset_id, expected_version=1, changed_by="test", settings={"leverage": 9})
    for refused in (desk.service.edit_preset(alice, edit), desk.service.delete_preset(alice, "house", "test")):
        with pytest.raises(Refused, match="copy it and change the copy"):
            await refused
    copy = await made(desk, alice, "mine", copy_of="house", settings={})
    assert (copy.settings, copy.based_on) == ({"leverage": 2}, template.preset_id)
    await desk.service.withdraw_template("house", "admin:root")
    assert [one.name for one in await desk.service.presets(alice)] == ["mine"]


async def test_a_preset_in_use_says_who_uses_it_and_is_deleted_only_when_they_go_on_without(desk: SettingDesk) -> None:
    alice = await desk.person()
    preset = await made(desk, alice)
    await carries(desk, alice, preset)
    edit = EditPreset(
        preset_id="calm", expected_version=1, changed_by="test", settings={"tp1_value": 1.5}, dry_run=True
    )
    shown = await desk.service.edit_preset(alice, edit)
    assert ([one.key for one in shown.changes], shown.used_by, shown.saved) == (["tp1_value"], [RUN], False)
    with pytest.raises(Conflict, match="1 active runs carry calm") as refused:
        await desk.service.delete_preset(alice, "calm", "test")
    assert refused.value.details == {"runs": [RUN]}
    await desk.position(alice)
    with pytest.raises(Conflict, match="leverage cannot change"):
        await desk.service.delete_preset(alice, "calm", "test", detach=True)
    await desk.position(alice, is_open=False)
    await desk.service.delete_preset(alice, "calm", "test", detach=True)
    told = [one for one in await desk.room.told(PresetChanged) if isinstance(one, PresetChanged)]
    assert [(one.version, one.deleted) for one in told] == [(1, False), (1, True)]


async def test_a_locked_key_of_a_carried_preset_stays_while_a_position_is_open(desk: SettingDesk) -> None:
    alice = await desk.person()
    preset = await made(desk, alice)
    await carries(desk, alice, preset)
    await desk.position(alice)
    edit = EditPreset(preset_id="calm", expected_version=1, changed_by="test", settings={"leverage": 9})
    with pytest.raises(Conflict, match="leverage cannot change"):
        await desk.service.edit_preset(alice, edit)
    async with desk.room.db.transaction() as db:
        await desk.service.run_stopped(db, RUN)
    assert (await desk.service.edit_preset(alice, edit)).preset.version == 2
    assert not (await desk.service.edit_preset(alice, edit)).saved  # the same call again


@pytest.mark.parametrize("name", ["", "   ", "x" * 51])
async def test_a_preset_needs_a_name_that_fits(desk: SettingDesk, name: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 50"):
        await made(desk, await desk.person(), name)


async def test_what_is_wrong_with_a_preset_is_refused(desk: SettingDesk) -> None:
    alice = await desk.person()
    await made(desk, alice)
    with pytest.raises(Conflict, match="already"):
        await made(desk, alice, "CALM")
    with pytest.raises(InvalidInput, match="did you mean leverage"):
        await made(desk, alice, "typo", settings={"leverge": 3})
    edit = EditPreset(preset_id="calm", expected_version=4, changed_by="test", settings={"leverage": 9})
    with pytest.raises(Conflict, match="version 1 is in force, not 4"):
        await desk.service.edit_preset(alice, edit)
