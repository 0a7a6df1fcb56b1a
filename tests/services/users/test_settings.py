"""Settings: every version is a row, one of them in force, and nobody's change is lost."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from sqlalchemy import select, text, update
from tests.services.rooms import Room
from tests.services.users.setting_desk import (
    DUAL_SIDE,
    GRID,
    HEDGE_ON_BTC,
    ON_BTC,
    PARAMS,
    PREFERENCES,
    SCOPE,
    SettingDesk,
)

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from tradingboost.core.ids import UserId
from tradingboost.kit.aggregates import newest
from tradingboost.kit.audit.tables import events as audit_events
from tradingboost.kit.db import Database
from tradingboost.kit.settings import DbSettings
from tradingboost.services.users import tables as t
from tradingboost.services.users.service import UsersService
from tradingboost.services.users.settings import UsersSettings
from tradingboost.shared.events.users import SettingsUpdated
from tradingboost.shared.interfaces.users.settings import Apply, AskEffective, Saved, SaveSetting
from tradingboost.shared.user_settings.addresses import Address, aggregate
from tradingboost.shared.user_settings.documents import defaults


@pytest.fixture
def desk(stage: Room) -> SettingDesk:
    return SettingDesk(stage)


def a_wish(where: Address = PARAMS, version: int | None = None, **more: Any) -> SaveSetting:
    return SaveSetting(where=where, expected_version=version, changed_by="test", **{"changes": {}, **more})


async def test_who_saved_nothing_has_the_defaults_as_version_zero(desk: SettingDesk) -> None:
    alice = await desk.person()
    found = await desk.service.settings(alice)
    assert [one.where for one in found] == [PREFERENCES, PARAMS, DUAL_SIDE]
    assert [one.settings for one in found] == [defaults(one) for one in (PREFERENCES, PARAMS, DUAL_SIDE)]
    assert {one.version for one in found} == {0}
    with pytest.raises(NotFound, match="no user"):
        await desk.service.setting(UserId("00000000-0000-7000-8000-000000000999"), PARAMS)


async def test_trap_settings_are_changed_in_place_and_lost_so_every_save_is_a_row(desk: SettingDesk) -> None:
    alice = await desk.person()
    first = await desk.save(alice, PARAMS, 0, leverage=7)
    second = await desk.save(alice, PARAMS, 1, direction="long")
    assert [first.version, second.version] == [1, 2]
    assert [(one.key, one.before, one.after) for one in second.changes] == [("direction", "롱숏", "롱")]
    assert (await desk.service.setting(alice, PARAMS)).settings == {
        **defaults(PARAMS),
        "leverage": 7,
        "direction": "롱",
    }
    history = await desk.service.setting_versions(alice, PARAMS)
    assert [(one.version, one.active, one.keys) for one in history] == [(2, True, 50), (1, False, 50)]
    told = [one for one in await desk.room.told(SettingsUpdated) if isinstance(one, SettingsUpdated)]
    assert [(one.version, one.changed_keys) for one in told] == [(1, ["leverage"]), (2, ["direction"])]
    async with desk.room.db.read() as db:
        assert await newest(db, aggregate(alice)) == 2
        actions = (await db.execute(select(audit_events.c.action))).scalars().all()
    assert list(actions) == ["settings.saved", "settings.saved"]


async def test_saving_what_is_there_already_makes_no_version(desk: SettingDesk) -> None:
    alice = await desk.person()
    await desk.save(alice, PARAMS, 0, leverage=7)
    again = await desk.save(alice, PARAMS, 0, leverage=7.0)  # the repeat of a call whose answer was lost
    assert (again.saved, again.version, again.changes) == (False, 1, [])
    assert await desk.rows(alice) == 1


async def test_trap_two_writers_of_one_setting_get_one_conflict_and_lose_no_version(desk: SettingDesk) -> None:
    alice = await desk.person()
    await desk.save(alice, PARAMS, 0, leverage=5)
    outcome = await asyncio.gather(
        desk.save(alice, PARAMS, 1, leverage=6), desk.save(alice, PARAMS, 1, rsi_length=9), return_exceptions=True
    )
    (saved,) = [one for one in outcome if isinstance(one, Saved)]
    (lost,) = [one for one in outcome if isinstance(one, Conflict)]
    assert lost.code == "version_conflict"
    assert lost.details["diff"] == [{"key": one.key, "before": one.before, "after": one.after} for one in saved.changes]
    assert [one.version for one in await desk.service.setting_versions(alice, PARAMS)] == [2, 1]
    await desk.save(alice, PARAMS, 2, rsi_length=11)
    assert await desk.rows(alice) == 3


async def test_all_three_documents_are_saved_together_or_not_at_all(desk: SettingDesk) -> None:
    alice = await desk.person()
    hedge = {"use_dual_side_entry": True, "dual_side_entry_trigger": 6}
    wishes = [
        a_wish(PREFERENCES, 0, changes={"timeframe": "5m"}),
        a_wish(PARAMS, 0, changes={"pyramiding_limit": 8}),
        a_wish(DUAL_SIDE, 0, changes=hedge),
    ]
    assert [one.version for one in await desk.service.save_settings(alice, wishes)] == [1, 1, 1]
    with pytest.raises(InvalidInput, match="Hedging starts at entry 6"):
        await desk.service.save_settings(
            alice, [a_wish(PREFERENCES, 1, changes={"timeframe": "1h"}), a_wish(changes={"pyramiding_limit": 2})]
        )
    assert [one.version for one in await desk.service.settings(alice)] == [1, 1, 1]
    assert (await desk.service.setting(alice, PREFERENCES)).settings["timeframe"] == "5m"


async def test_a_dry_run_says_what_would_change_and_changes_nothing(desk: SettingDesk) -> None:
    alice = await desk.person()
    said = await desk.service.save_setting(alice, a_wish(changes={"use_sl": True}, version=0, dry_run=True))
    assert [one.key for one in said.changes] == ["use_sl"]
    assert (said.saved, await desk.rows(alice)) == (False, 0)
    assert await desk.room.types_told() == []


async def test_restoring_an_old_version_writes_a_new_one(desk: SettingDesk) -> None:
    alice = await desk.person()
    await desk.save(alice, PARAMS, 0, leverage=5)
    await desk.save(alice, PARAMS, 1, leverage=20, use_sl=True)
    restored = await desk.service.restore_setting(alice, PARAMS, 1, "test")
    assert (restored.version, sorted(one.key for one in restored.changes)) == (3, ["leverage", "use_sl"])
    assert restored.settings == (await desk.service.setting_version(alice, PARAMS, 1)).settings
    assert (await desk.service.setting_versions(alice, PARAMS))[0].note == "restored from version 1"
    with pytest.raises(NotFound, match="no version 9"):
        await desk.service.restore_setting(alice, PARAMS, 9, "test")


async def test_a_symbol_wins_over_what_holds_for_all_and_touches_no_other(desk: SettingDesk) -> None:
    alice = await desk.person()
    await desk.save(alice, PARAMS, 0, leverage=5, rsi_length=9)
    await desk.save(alice, ON_BTC, 0, leverage=3)
    await desk.save(alice, HEDGE_ON_BTC, 0, use_dual_side_entry=True)
    here = await desk.service.effective(AskEffective(user_id=alice, strategy="hyperrsi", scope=SCOPE))
    there = await desk.service.effective(AskEffective(user_id=alice, strategy="hyperrsi", scope="okx:ETH-USDT-SWAP"))
    assert (here.params["leverage"], here.params["rsi_length"], here.params["use_dual_side_entry"]) == (3, 9, True)
    assert (there.params["leverage"], there.params["use_dual_side_entry"]) == (5, False)
    assert len(here.params) == 64
    assert here.version == there.version == 4  # three saves after version 1, which is nothing saved
    start = AskEffective(user_id=alice, strategy="hyperrsi", scope=SCOPE, overrides={"rsi_period": 21})
    assert (await desk.service.effective(start)).params["rsi_length"] == 21
    assert (await desk.service.setting(alice, HEDGE_ON_BTC)).settings == {"use_dual_side_entry": True}


async def test_what_holds_for_all_must_still_go_with_what_a_symbol_says(desk: SettingDesk) -> None:
    alice = await desk.person()
    await desk.save(alice, ON_BTC, 0, tp3_value=4.5)
    with pytest.raises(InvalidInput, match=SCOPE) as refused:
        await desk.save(alice, PARAMS, 0, tp2_value=4.6, tp3_value=5)
    assert refused.value.code == "override_conflict"


async def test_a_grids_start_is_stored_as_given(desk: SettingDesk) -> None:
    alice = await desk.person()
    await desk.save(alice, GRID, 0, grids=8, min_price="48000", max_price="52000", investment=1000)
    ask = AskEffective(user_id=alice, strategy="grid", scope=SCOPE, overrides={"leverage": 5})
    found = await desk.service.effective(ask)
    assert found.params == {
        "grid_num": 8,
        "lower_price": 48000,
        "upper_price": 52000,
        "investment": 1000,
        "leverage": 5,
    }


async def test_locked_keys_stay_while_a_position_is_open(desk: SettingDesk) -> None:
    alice = await desk.person()
    await desk.position(alice)
    with pytest.raises(Conflict, match="leverage cannot change") as refused:
        await desk.save(alice, PARAMS, 0, leverage=5, use_sl=True)
    assert refused.value.code == "locked_while_active"
    assert refused.value.details == {"keys": ["leverage"], "symbols": [SCOPE]}
    assert (await desk.save(alice, PARAMS, 0, use_sl=True, leverage=10)).saved  # the value it has: nothing changes
    elsewhere = Address("hyperrsi", PARAMS.setting_type, "okx:ETH-USDT-SWAP")
    assert (await desk.save(alice, elsewhere, 0, leverage=3)).saved
    await desk.position(alice, is_open=False)
    assert (await desk.save(alice, PARAMS, 1, leverage=5)).version == 2


async def test_a_locked_key_may_wait_until_it_is_flat(desk: SettingDesk) -> None:
    alice = await desk.person()
    await desk.position(alice)
    wish = a_wish(PARAMS, 0, changes={"leverage": 5, "use_sl": True}, apply=Apply.WHEN_FLAT)
    now = await desk.service.save_setting(alice, wish)
    assert (now.waiting, now.settings["leverage"], now.settings["use_sl"]) == (["leverage"], 10, True)
    await desk.position(alice, is_open=False)
    found = await desk.service.setting(alice, PARAMS)
    assert (found.settings["leverage"], found.version) == (5, 2)
    await desk.position(alice, is_open=False)  # told twice
    assert await desk.rows(alice) == 2


async def test_a_read_after_a_save_is_the_saved_one_and_a_flush_changes_nothing(desk: SettingDesk) -> None:
    alice = await desk.person()
    other = SettingDesk(desk.room)  # another process: its own first level
    for where, key, values in (
        (PARAMS, "leverage", (3, 4)),
        (DUAL_SIDE, "dual_side_entry_ratio_value", (31, 32.5)),
        (PREFERENCES, "timeframe", ("5m", "1h")),
        (GRID, "grid_num", (9, 10)),
    ):
        for version, value in enumerate(values):
            await desk.save(alice, where, version, **{key: value})
            assert (await desk.service.setting(alice, where)).settings[key] == value
            desk.room.clock.advance(1.1)
            assert (await other.service.setting(alice, where)).settings[key] == value
    before = [await desk.service.setting(alice, one) for one in (PREFERENCES, PARAMS, DUAL_SIDE, GRID)]
    async with desk.room.redis.context("fast") as client:
        assert len(await client.keys("user:*")) == 4
        await client.flushall()
    desk.room.clock.advance(1.1)
    assert [await desk.service.setting(alice, one) for one in (PREFERENCES, PARAMS, DUAL_SIDE, GRID)] == before


async def test_old_versions_go_but_for_the_newest_of_each_month(desk: SettingDesk) -> None:
    alice = await desk.person()
    for number in range(1, 7):
        await desk.save(alice, PARAMS, number - 1, leverage=number)
    ages = {1: (2024, 3, 1), 2: (2024, 3, 9), 3: (2024, 4, 2), 4: (2024, 4, 3), 5: (2025, 12, 1), 6: (2024, 4, 4)}
    async with desk.room.db.transaction() as db:
        for version, day in ages.items():
            mine = (t.user_settings.c.user_id == alice, t.user_settings.c.version == version)
            await db.execute(update(t.user_settings).where(*mine).values(created_at=datetime(*day, tzinfo=UTC)))
    assert [await desk.service.prune_settings(2), await desk.service.prune_settings(2)] == [2, 1]
    assert [one.version for one in await desk.service.setting_versions(alice, PARAMS)] == [6, 5, 2]


async def test_the_queries_of_old_find_their_indexes(desk: SettingDesk) -> None:
    alice = await desk.person()
    await desk.save(alice, PARAMS, 0, leverage=3)
    wanted = {
        "idx_user_settings_unique_active": "EXPLAIN SELECT * FROM users.user_settings WHERE user_id = :user"
        " AND is_active AND strategy = 'hyperrsi'"
        " AND scope = 'global' AND setting_type = 'params' AND deleted_at IS NULL",
        "idx_user_settings_okx_uid": "EXPLAIN SELECT * FROM users.user_settings WHERE okx_uid = '1'",
        "idx_user_settings_telegram_id": "EXPLAIN SELECT * FROM users.user_settings WHERE telegram_id = '1'",
        "idx_user_settings_jsonb": "EXPLAIN SELECT * FROM users.user_settings WHERE settings @> '{\"leverage\": 3}'",
    }
    async with desk.room.db.transaction() as db:
        await db.execute(text("SET LOCAL enable_seqscan = off"))
        for index, statement in wanted.items():
            given = {"user": alice} if ":user" in statement else {}
            assert index in "\n".join((await db.execute(text(statement), given)).scalars())


async def test_with_the_database_away_copies_serve_screens_and_nothing_that_decides(desk: SettingDesk) -> None:
    alice = await desk.person()
    await desk.save(alice, PARAMS, 0, leverage=3)
    await desk.service.setting(alice, PARAMS)
    away = Database.open("postgresql://nobody@127.0.0.1:1/nothing", DbSettings(connect_timeout_s=0.5))
    context = replace(desk.room.context(), db=away)
    lonely = UsersService(context, cast(Any, None), UsersSettings())
    assert (await lonely.setting(alice, PARAMS)).settings["leverage"] == 3
    with pytest.raises(Unavailable):
        await lonely.effective(AskEffective(user_id=alice, strategy="hyperrsi", scope=SCOPE))
    with pytest.raises(Unavailable):
        await lonely.save_setting(alice, a_wish(version=1, changes={"leverage": 4}))
    await away.close()
