"""Documents of the old system: read by today's schema, versioned, listed key by key where they do not validate."""

import json
from typing import Any

from tests.app.migrate.conftest import World, line_of

from tradingboost.app.migrate.generated import MARK, Expected, Made
from tradingboost.app.migrate.outcome import Status
from tradingboost.app.migrate.settings import Settings
from tradingboost.core.ids import Venue
from tradingboost.shared.interfaces.users import ImportCredential
from tradingboost.shared.interfaces.users.settings import SaveSetting, Setting
from tradingboost.shared.user_settings.addresses import address

UID = "100000000000000042"
CHAT = "123456789"
PARAMS = address("params")


def planted(key: str, content: Any) -> Made:
    return Made(key, content, Expected("settings"))


async def stored(world: World, where: Any, uid: str = UID) -> Setting:
    tools = await world.tools()
    return await tools.users.setting(await tools.users.resolve(f"okx:{uid}"), where)


async def test_documents_are_read_by_todays_words_and_saved_as_version_one(world: World) -> None:
    words = {"rsi_period": "21", "direction": "롱", "use_sl": "True", "leverage": "12", "tp_option": "percent"}
    await world.plant(
        [
            planted(f"user:{UID}:settings", json.dumps(words)),
            planted(f"user:{UID}:preferences", {"timeframe": "15m", "symbol": "ETH/USDT:USDT"}),
            planted(f"user:{UID}:dual_side", {"use_dual_side_entry": "1", "dual_side_entry_trigger": "2"}),
            planted(f"user:{UID}:symbol:ETH-USDT-SWAP:dual_side", {"use_dual_side_entry": "false"}),
            planted(f"okx:user:{UID}:settings", json.dumps({"leverage": 5})),
        ]
    )
    report = await world.run(Settings())
    assert report.counts == {"done": 5}
    params = await stored(world, PARAMS)
    assert params.version == 1
    assert len(params.settings) == 50
    wanted = {"rsi_length": 21, "direction": "롱", "use_sl": True, "leverage": 12, "tp_option": "퍼센트 기준"}
    assert {name: params.settings[name] for name in wanted} == wanted
    assert (await stored(world, address("preferences"))).settings == {"timeframe": "15m", "symbol": "ETH-USDT-SWAP"}
    assert (await stored(world, address("dual_side"))).settings["dual_side_entry_trigger"] == 2
    override = await stored(world, address("dual_side", scope="okx:ETH-USDT-SWAP"))
    assert override.settings == {"use_dual_side_entry": False}
    assert (await stored(world, address("params", "grid"))).settings["leverage"] == 5


async def test_a_second_run_repeats_nothing_and_a_changed_document_is_the_next_version(world: World) -> None:
    await world.plant([planted(f"user:{UID}:settings", json.dumps({"leverage": 5}))])
    await world.run(Settings())
    rows = await world.rows("users.user_settings")
    again = await world.run(Settings())
    assert (again.counts, again.already) == ({}, 1)
    assert await world.rows("users.user_settings") == rows
    await world.plant([planted(f"user:{UID}:settings", json.dumps({"leverage": "5"}))])
    assert (await world.run(Settings())).counts == {"equal": 1}
    await world.plant([planted(f"user:{UID}:settings", json.dumps({"leverage": 6}))])
    report = await world.run(Settings())
    assert (report.counts, report.lines[0].reason) == ({"done": 1}, "version 2")


async def test_what_does_not_validate_is_listed_per_key_and_never_clamped(world: World) -> None:
    bad = {"leverage": 500, "rsi_oversold": 80, "btc_investment": "much", "favourite": 1}
    await world.plant(
        [
            planted(f"user:{UID}:settings", json.dumps(bad)),
            planted(f"user:{UID}:preferences", ["no", "hash"]),
            planted("user:100000000000000043:settings", "{"),
            planted("user:1234:settings", json.dumps({"leverage": 5})),
            planted(
                "user:0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5061:symbol:BTC-USDT-SWAP:dual_side", {"use_dual_sl": "true"}
            ),
        ]
    )
    report = await world.run(Settings())
    assert report.counts == {"refused": 5}
    document = line_of(report, "0042:settings")
    assert document.reason.startswith("document_invalid")
    assert {note.split(":")[0] for note in document.notes} >= {"leverage", "btc_investment", "favourite"}
    assert "500" not in str(document.notes)
    assert line_of(report, "0042:preferences").reason.startswith("wrong_type")
    assert line_of(report, "0043:settings").reason.startswith("malformed")
    assert line_of(report, "1234:settings").reason.startswith("identifier_ambiguous")
    assert line_of(report, "…5061:symbol:BTC-USDT-SWAP:dual_side").reason.startswith("user_not_found")
    assert (await world.rows("users.user_settings"))["users.user_settings"] == []


async def test_unknown_names_are_reported_and_a_secret_never_lands_in_a_document(world: World) -> None:
    given = {"leverage": 5, "signal_bot_token": f"{MARK}-token", "favourite_colour": "green"}
    await world.plant([planted(f"user:{UID}:settings", json.dumps(given))])
    report = await world.run(Settings())
    assert report.counts == {"refused": 1}
    assert report.lines[0].reason.startswith("no_account_to_seal_with: the settings are taken over")
    assert report.lines[0].notes == (
        "favourite_colour: unknown, not taken over",
        "signal_bot_token is a secret, for the sealed store",
    )
    taken = await stored(world, PARAMS)
    assert (taken.version, taken.settings["leverage"], taken.settings["signal_bot_token"]) == (1, 5, None)
    assert (await world.run(Settings())).counts == {"refused": 1}, "it is tried again, and nothing is saved twice"
    assert (await stored(world, PARAMS)).version == 1

    users = (await world.tools()).users
    owner = await users.resolve(f"okx:{UID}")
    keys = ImportCredential(
        user_id=owner,
        venue=Venue("okx"),
        exchange_uid=UID,
        api_key=f"{MARK}-key-1",
        api_secret=f"{MARK}-secret-1",
        passphrase=f"{MARK}-phrase-1",
    )
    await users.import_credential(keys)
    assert (await world.run(Settings(), dry_run=True)).counts == {"done": 1}
    assert (await world.run(Settings())).counts == {"done": 1}
    assert (await stored(world, PARAMS)).settings["signal_bot_token"] == "sealed"
    (token,) = [one for one in await users.credentials(owner) if one.kind == "signal_bot"]
    assert (token.in_force, token.sealed) == (True, True)
    assert (await world.run(Settings())).already == 1
    assert MARK not in str(await world.rows())


async def test_telegram_keyed_documents_belong_to_the_mapped_person_and_copies_are_one(world: World) -> None:
    same, other = json.dumps({"leverage": 5}), json.dumps({"timeframe": "5m"})
    await world.plant(
        [
            planted(f"user:{CHAT}:okx_uid", UID),
            planted(f"okx_uid_to_telegram:{UID}", CHAT),
            planted(f"user:{UID}:settings", same),
            planted(f"user:{CHAT}:settings", same),
            planted(f"user:{UID}:preferences", {"timeframe": "3m"}),
            planted(f"user:{CHAT}:preferences", json.loads(other)),
        ]
    )
    report = await world.run(Settings())
    assert report.counts == {"done": 3, "equal": 1, "merged": 1, "left": 1}
    left = next(line for line in report.lines if line.status is Status.LEFT)
    assert left.reason.startswith("superseded")
    tools = await world.tools()
    assert await tools.users.resolve(f"telegram:{CHAT}") == await tools.users.resolve(f"okx:{UID}")


async def test_tables_that_contradict_each_other_link_nobody(world: World) -> None:
    await world.plant([planted(f"user:{CHAT}:okx_uid", UID), planted(f"user:{CHAT}1:okx_uid", UID)])
    report = await world.run(Settings())
    assert {line.reason.split(":")[0] for line in report.lines} == {"mapping_contradicts"}
    assert (await world.rows("users.identities"))["users.identities"] == []


async def test_what_a_person_saved_since_is_not_taken_back_by_a_second_run(world: World) -> None:
    await world.plant([planted(f"user:{UID}:settings", json.dumps({"leverage": 5}))])
    await world.run(Settings())
    tools = await world.tools()
    user_id = await tools.users.resolve(f"okx:{UID}")
    wish = SaveSetting(where=PARAMS, changes={"leverage": 7}, expected_version=1, changed_by="a person")
    await tools.users.save_setting(user_id, wish)
    assert (await world.run(Settings())).already == 1
    assert (await stored(world, PARAMS)).settings["leverage"] == 7


async def test_ids_that_are_two_people_here_are_not_joined_by_an_old_table(world: World) -> None:
    tools = await world.tools()
    people = [await tools.users.ensure(known, "test") for known in ({"okx": UID}, {"telegram": CHAT})]
    assert people[0].user_id != people[1].user_id
    await world.plant([planted(f"user:{CHAT}:okx_uid", UID), planted(f"user:{CHAT}:settings", '{"leverage": 5}')])
    report = await world.run(Settings())
    assert {line.reason.split(":")[0] for line in report.lines} == {"identities_disagree"}
    assert await tools.users.resolve(f"telegram:{CHAT}") == people[1].user_id
