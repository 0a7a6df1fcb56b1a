"""Settings handed on: what goes out comes in again, and nothing else does."""

import csv
import io
from typing import Any

import msgspec
import pytest
from tests.services.rooms import Room
from tests.services.users.setting_desk import DUAL_SIDE, HEDGE_ON_BTC, ON_BTC, PARAMS, PREFERENCES, SettingDesk

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import UserId
from tradingboost.shared.interfaces.users.presets import NewPreset
from tradingboost.shared.interfaces.users.settings import AskEffective
from tradingboost.shared.user_settings.transfer import (
    FORMAT,
    NamedSettings,
    checksum,
    exported,
    from_csv,
    imported,
    to_csv,
)


@pytest.fixture
def desk(stage: Room) -> SettingDesk:
    return SettingDesk(stage)


async def furnished(desk: SettingDesk) -> UserId:
    """Somebody with everything."""
    alice = await desk.person()
    await desk.save(alice, PREFERENCES, 0, timeframe="15m")
    amounts = {"BTC-USDT-SWAP": "12.5"}
    await desk.save(alice, PARAMS, 0, leverage=7, direction="short", symbol_investments=amounts)
    await desk.save(alice, DUAL_SIDE, 0, use_dual_side_entry=True)
    await desk.save(alice, ON_BTC, 0, leverage=3)
    await desk.save(alice, HEDGE_ON_BTC, 0, dual_side_entry_trigger=4)
    wish = NewPreset(name="calm", description="=SUM(A1)", settings={"leverage": 2}, changed_by="test")
    await desk.service.create_preset(alice, wish)
    return alice


async def everything(desk: SettingDesk, user_id: UserId) -> Any:
    document = await desk.service.export_settings(user_id)
    return document["settings"], document["presets"]


async def test_what_is_exported_comes_in_as_the_same_settings(desk: SettingDesk) -> None:
    alice, bob = await furnished(desk), await desk.person("bob")
    document = await desk.service.export_settings(alice)
    assert document["format"] == FORMAT
    assert "signal_bot_token" not in str(document)
    assert str(alice) not in str(document)
    shown = await desk.service.import_settings(bob, document, "test", dry_run=True)
    assert {str(one.where): sorted(change.key for change in one.changes) for one in shown.settings} == {
        "hyperrsi preferences global": ["timeframe"],
        "hyperrsi params global": ["direction", "leverage", "symbol_investments"],
        "hyperrsi dual_side global": ["use_dual_side_entry"],
        "hyperrsi params okx:BTC-USDT-SWAP": ["leverage"],
        "hyperrsi dual_side okx:BTC-USDT-SWAP": ["dual_side_entry_trigger"],
    }
    assert await desk.rows(bob) == 0
    brought = await desk.service.import_settings(bob, document, "test")
    assert {one.version for one in brought.settings} == {1}
    assert await everything(desk, bob) == await everything(desk, alice)
    again = await desk.service.import_settings(bob, document, "test")
    assert [one.saved for one in again.settings] == [False] * 5
    assert [one.saved for one in again.presets] == [False]


async def test_a_spreadsheet_holds_the_same(desk: SettingDesk) -> None:
    alice, bob = await furnished(desk), await desk.person("bob")
    document = imported(await desk.service.export_settings(alice))
    sheet = to_csv(document)
    assert "params,global,leverage,7" in sheet
    await desk.service.import_settings(bob, msgspec.to_builtins(from_csv(sheet, "hyperrsi")), "test")
    settings, presets = await everything(desk, bob)
    assert settings == (await everything(desk, alice))[0]
    assert [(one["name"], one["settings"]) for one in presets] == [("calm", {"leverage": 2})]


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "'"])
def test_no_cell_is_a_formula(begins: str) -> None:
    name = f"{begins}cmd|' /C calc'!A0"
    sheet = to_csv(exported("hyperrsi", "", [], [NamedSettings(name="p", settings={name: name})]))
    (_, row) = csv.reader(io.StringIO(sheet, newline=""))
    assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert from_csv(sheet, "hyperrsi").presets == [NamedSettings(name="p", settings={name: name})]


async def test_a_document_that_was_changed_after_its_checksum_is_refused(desk: SettingDesk) -> None:
    alice = await furnished(desk)
    document = await desk.service.export_settings(alice)
    document["settings"][0]["settings"]["leverage"] = 125
    with pytest.raises(InvalidInput, match="take sha256 out"):
        await desk.service.import_settings(alice, document, "test")
    assert imported({**document, "sha256": ""}).sha256 == ""
    assert checksum(imported({**document, "sha256": ""})) != document["sha256"]


async def test_a_document_is_taken_in_whole_or_not_at_all(desk: SettingDesk) -> None:
    alice = await desk.person()
    entries = [
        {"setting_type": "preferences", "scope": "global", "settings": {"timeframe": "1h"}},
        {"setting_type": "params", "scope": "global", "settings": {"rsi_period": 9, "leverge": 5}},
    ]
    document = {"format": FORMAT, "exported_at": "", "strategy": "hyperrsi", "settings": entries}
    with pytest.raises(InvalidInput, match="did you mean leverage"):
        await desk.service.import_settings(alice, document, "test")
    assert await desk.rows(alice) == 0
    del entries[1]["settings"]["leverge"]  # type: ignore[attr-defined]
    await desk.service.import_settings(alice, document, "test")
    assert (await desk.service.setting(alice, PARAMS)).settings["rsi_length"] == 9


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"format": "tradingboost.settings/2"},
        {"format": FORMAT, "exported_at": "", "strategy": "hyperrsi"},
        {"format": FORMAT, "exported_at": "", "strategy": "hyperrsi", "settings": [], "owner": "x"},
    ],
)
def test_a_document_of_another_form_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        imported(document)


def test_a_sheet_of_other_columns_is_refused() -> None:
    with pytest.raises(InvalidInput, match="must name the columns"):
        from_csv("a,b\n1,2\n", "hyperrsi")
    with pytest.raises(InvalidInput, match="Row 2 has 2 columns"):
        from_csv("document,scope,key,value\n1,2\n", "hyperrsi")


async def test_trap_a_preset_or_an_import_checks_fewer_keys_than_a_save(desk: SettingDesk) -> None:
    alice = await desk.person()
    bad = {"leverage": 500, "direction": "sideways", "use_sl": "", "rsi_lenght": 9, "tp1_value": "nan"}
    document = {"format": FORMAT, "exported_at": "", "strategy": "hyperrsi"}
    entry = {"setting_type": "params", "scope": "global", "settings": bad}
    named = {"name": "p", "settings": bad}
    start = AskEffective(user_id=alice, strategy="hyperrsi", scope="okx:BTC-USDT-SWAP", overrides=bad)
    entrances = (
        desk.save(alice, PARAMS, 0, **bad),
        desk.save(alice, ON_BTC, 0, **bad),
        desk.service.create_preset(alice, NewPreset(name="p", settings=bad, changed_by="test")),
        desk.service.import_settings(alice, {**document, "settings": [entry]}, "test"),
        desk.service.import_settings(alice, {**document, "settings": [], "presets": [named]}, "test"),
        desk.service.effective(start),
    )
    said: list[Any] = []
    for entrance in entrances:
        with pytest.raises(InvalidInput) as refused:
            await entrance
        said.append(refused.value.details["errors"])
    assert len(said[0]) == len(bad)
    assert said == [said[0]] * len(entrances)
