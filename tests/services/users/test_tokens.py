"""The token of a signal bot: written among the settings, kept with the keys, never anywhere in the clear."""

import io
from typing import Any
from uuid import UUID

import msgspec
import pytest
import structlog
from tests.services.rooms import Room
from tests.services.users.setting_desk import ON_BTC, PARAMS, SettingDesk
from tests.services.users.test_service import a_link, every_stored_text

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit.crypto import Binding
from tradingboost.shared.events.users import CredentialsChanged
from tradingboost.shared.interfaces.users import Credential, SealedCredential
from tradingboost.shared.interfaces.users.presets import NewPreset
from tradingboost.shared.interfaces.users.settings import SaveSetting
from tradingboost.shared.user_settings.documents import SEALED

TOKEN, NEXT = "canary-token-of-a-bot", "canary-token-of-a-later-bot"
KEY = "signal_bot_token"


@pytest.fixture
def desk(stage: Room) -> SettingDesk:
    return SettingDesk(stage)


async def owner(desk: SettingDesk, name: str = "alice") -> UserId:
    """Somebody with an account, which is what a token is kept with."""
    user_id = await desk.person(name)
    keys = {field: f"{field}-of-{name}" for field in ("api_key", "api_secret", "passphrase")}
    await desk.service.link_account(a_link(user_id, exchange_uid=f"uid-{name}", **keys))
    return user_id


async def tokens(desk: SettingDesk, user_id: UserId) -> list[Credential]:
    """Every one there was, the newest first."""
    return [one for one in await desk.service.credentials(user_id) if one.kind == "signal_bot"]


async def sealed(desk: SettingDesk, user_id: UserId) -> SealedCredential:
    return await desk.service.sealed_version((await tokens(desk, user_id))[0].credential_id)


def opened(desk: SettingDesk, found: SealedCredential, **bound: Any) -> str:
    """As the exchange process opens it, or with something exchanged."""
    field = bound.pop("field", KEY)
    own = Binding(UUID(found.user_id), UUID(found.credential_id), found.venue, found.version)
    values = {name: getattr(own, name) for name in ("user_id", "credential_id", "exchange", "version")} | bound
    return desk.ring.unwrap(found.data_key, Binding(**values)).open(field, found.fields[KEY]).reveal_text()


async def test_a_token_goes_into_the_sealed_store_and_the_settings_say_sealed(desk: SettingDesk) -> None:
    alice = await owner(desk)
    events = len(await desk.room.told(CredentialsChanged))
    saved = await desk.save(alice, PARAMS, 0, signal_bot_token=f" {TOKEN} ", leverage=4)
    assert (saved.settings[KEY], saved.sealed, saved.version) == (SEALED, [KEY], 1)
    assert (await desk.service.setting(alice, PARAMS)).settings[KEY] == SEALED
    (held,) = await tokens(desk, alice)
    assert (held.status, held.in_force, held.sealed, held.version, held.key_hint) == ("active", True, True, 1, "")
    assert opened(desk, await sealed(desk, alice)) == TOKEN
    assert len(await desk.room.told(CredentialsChanged)) == events, "what an account trades with did not change"
    trades_with = await desk.service.sealed_credential(held.account_id)
    assert trades_with.credential_id != held.credential_id


async def test_without_an_account_a_token_is_refused_with_what_to_do(desk: SettingDesk) -> None:
    alice = await desk.person()
    for dry_run in (True, False):
        wish = SaveSetting(
            where=PARAMS, changes={KEY: TOKEN, "leverage": 4}, expected_version=0, changed_by="test", dry_run=dry_run
        )
        with pytest.raises(NotFound, match="tradingboost connect") as refused:
            await desk.service.save_setting(alice, wish)
        assert refused.value.code == "no_account_to_seal_with"
        assert TOKEN not in f"{refused.value!r} {wish!r}"
    assert await desk.rows(alice) == 0


async def test_the_same_token_again_changes_nothing_and_another_one_ends_it(desk: SettingDesk) -> None:
    alice = await owner(desk)
    await desk.save(alice, PARAMS, 0, signal_bot_token=TOKEN)
    assert (await desk.save(alice, PARAMS, 1, signal_bot_token=TOKEN)).sealed == []
    assert (await desk.save(alice, PARAMS, 1, signal_bot_token=SEALED)).sealed == []
    saved = await desk.save(alice, PARAMS, 1, signal_bot_token=NEXT)
    assert (saved.saved, saved.version, saved.sealed) == (False, 1, [KEY]), "the document reads as before"
    newer, former = await tokens(desk, alice)
    assert [(one.status, one.in_force, one.sealed, one.version) for one in (newer, former)] == [
        ("active", True, True, 2),
        ("revoked", False, False, 1),
    ]
    assert opened(desk, await sealed(desk, alice)) == NEXT
    with pytest.raises(NotFound, match="destroyed"):
        await desk.service.sealed_version(former.credential_id)


async def test_a_save_that_is_refused_seals_nothing(desk: SettingDesk) -> None:
    alice = await owner(desk)
    with pytest.raises(Conflict, match="version 0"):
        await desk.save(alice, PARAMS, 3, signal_bot_token=TOKEN)
    with pytest.raises(InvalidInput):
        await desk.save(alice, PARAMS, 0, signal_bot_token=TOKEN, leverage=1000)
    assert await tokens(desk, alice) == []


async def test_taken_out_of_the_settings_it_ends_and_comes_back_within_the_day(desk: SettingDesk) -> None:
    alice = await owner(desk)
    await desk.save(alice, PARAMS, 0, signal_bot_token=TOKEN)
    await desk.save(alice, PARAMS, 1, signal_bot_token=None)
    (held,) = await tokens(desk, alice)
    assert (held.status, held.in_force) == ("deleted", False)
    with pytest.raises(InvalidInput, match="No token"):
        await desk.save(alice, PARAMS, 2, signal_bot_token=SEALED)
    restored = await desk.service.restore_credential(held.credential_id, "test")
    assert (restored.status, restored.in_force) == ("active", True)
    assert (await desk.service.setting(alice, PARAMS)).settings[KEY] == SEALED
    await desk.service.delete_credential(held.credential_id, "test", "test")
    assert (await desk.service.setting(alice, PARAMS)).settings[KEY] is None
    desk.room.clock.advance(86_400)
    assert [one.sealed for one in await desk.service.end_due()] == [False]


async def test_documents_from_elsewhere_leave_the_token_alone_or_bring_one(desk: SettingDesk) -> None:
    alice = await owner(desk)
    await desk.save(alice, PARAMS, 0, leverage=3)
    await desk.save(alice, PARAMS, 1, signal_bot_token=TOKEN)
    restored = await desk.service.restore_setting(alice, PARAMS, 1, "test")
    assert (restored.settings[KEY], restored.sealed) == (SEALED, [])
    document = await desk.service.export_settings(alice)
    (params,) = document["settings"]
    params["settings"][KEY] = NEXT
    brought = await desk.service.import_settings(alice, {**document, "sha256": ""}, "test")
    assert brought.settings[0].sealed == [KEY]
    assert opened(desk, await sealed(desk, alice)) == NEXT


async def test_what_is_no_token_is_refused_without_repeating_it(desk: SettingDesk) -> None:
    alice = await owner(desk)
    for given in ("", "short", "with blanks inside", "<token>", "tb1.k1.x.y", "ab" * 257, 1234567, ["a"]):
        with pytest.raises(InvalidInput) as refused:
            await desk.save(alice, PARAMS, 0, signal_bot_token=given)
        assert refused.value.code == "bad_credential"
        assert not given or str(given) not in refused.value.message


async def test_a_symbol_and_a_preset_take_no_token(desk: SettingDesk) -> None:
    alice = await owner(desk)
    with pytest.raises(InvalidInput, match="own params"):
        await desk.save(alice, ON_BTC, 0, signal_bot_token=TOKEN)
    wish = NewPreset(name="calm", settings={KEY: TOKEN}, changed_by="test")
    with pytest.raises(InvalidInput, match="own params"):
        await desk.service.create_preset(alice, wish)
    assert await tokens(desk, alice) == []


async def test_a_sealed_token_that_was_moved_does_not_open(desk: SettingDesk) -> None:
    alice, bob = await owner(desk), await owner(desk, "bob")
    await desk.save(alice, PARAMS, 0, signal_bot_token=TOKEN)
    await desk.save(bob, PARAMS, 0, signal_bot_token=TOKEN)
    found, others = await sealed(desk, alice), await sealed(desk, bob)
    moved = (
        {"user_id": UUID(bob)},
        {"credential_id": UUID(others.credential_id)},
        {"exchange": "bybit"},
        {"version": 2},
        {"field": "api_secret"},
    )
    for change in moved:
        with pytest.raises(Refused, match="cannot be opened"):
            opened(desk, found, **change)
    for swapped in ({"fields": others.fields}, {"data_key": others.data_key}):
        with pytest.raises(Refused, match="cannot be opened"):
            opened(desk, msgspec.structs.replace(found, **swapped))
    keys = await desk.service.sealed_credential(found.account_id)
    with pytest.raises(Refused, match="cannot be opened"):
        opened(desk, msgspec.structs.replace(found, fields={KEY: keys.fields["api_secret"]}))


async def test_no_token_is_in_a_table_an_event_or_a_log(desk: SettingDesk) -> None:
    lines = io.StringIO()
    with structlog.testing.capture_logs() as logged:
        alice = await owner(desk)
        await desk.save(alice, PARAMS, 0, signal_bot_token=TOKEN)
        await desk.save(alice, PARAMS, 1, signal_bot_token=NEXT)
        await desk.save(alice, PARAMS, 1, signal_bot_token=None)
    lines.write(str(logged))
    stored = await every_stored_text(desk.room)
    shown = msgspec.json.encode([await desk.service.credentials(alice), await desk.service.export_settings(alice)])
    assert "credential.saved" in lines.getvalue()
    assert "tb1.k1." in stored
    for sink in (stored, lines.getvalue(), shown.decode()):
        assert "canary-token" not in sink
