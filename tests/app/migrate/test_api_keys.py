"""Exchange keys of the old system: sealed anew, or refused with a reason; never lost and never shown."""

import json
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr
from tests.app.migrate.conftest import FERNET, OTHER, World, line_of

from tradingboost.app.migrate.api_keys import ApiKeys, VerifyApiKeys
from tradingboost.app.migrate.generated import MARK, Expected, Made
from tradingboost.app.migrate.outcome import Status
from tradingboost.core.errors import InvalidInput
from tradingboost.kit.legacy import LegacyForm, seal_as_old
from tradingboost.shared.interfaces.users import StoreCredential

UID = "100000000000000042"
KEY = f"user:{UID}:api:keys"


def sealed(form: LegacyForm, word: str = f"{MARK}-one", **more: str) -> dict[str, str]:
    values = {"api_key": f"{word}-key", "api_secret": f"{word}-secret", "passphrase": f"{word}-pass"} | more
    return {name: seal_as_old(FERNET, value, form, 1, bytes(16)) for name, value in values.items()}


def planted(key: str, content: Any) -> Made:
    return Made(key, content, Expected("api-keys"))


async def test_every_spelling_is_sealed_anew_and_stays_unverified_and_the_source_stays(world: World) -> None:
    await world.plant(
        planted(f"user:{10**17 + number}:api:keys", sealed(form, f"{MARK}-{form}"))
        for number, form in enumerate(LegacyForm)
    )
    before = await world.redis()
    report = await world.run(ApiKeys())
    assert report.counts == {"done": 3}
    assert sorted(line.action for line in report.lines) == [f"seal the okx key ({form})" for form in sorted(LegacyForm)]
    rows = (await world.rows("users.exchange_credentials"))["users.exchange_credentials"]
    assert len([row for row in rows if "unverified" in row and "tb1." in row]) == 3
    after = await world.redis()
    assert {key: after[key] for key in before} == before


async def test_a_second_run_repeats_nothing(world: World) -> None:
    await world.people(40, 0, 7, 15, 17)
    await world.run(ApiKeys())
    before = await world.rows("users.exchange_credentials", "users.identities", "users.app_users", "bus.outbox")
    report = await world.run(ApiKeys())
    assert report.counts == {"refused": 2}
    assert report.already == 14
    assert not report.resumed
    assert await world.rows("users.exchange_credentials", "users.identities", "users.app_users", "bus.outbox") == before


UNSOUND: list[tuple[Any, str]] = [
    ({"api_key": f"{MARK}-plain-key", "api_secret": f"{MARK}-s", "passphrase": f"{MARK}-p"}, "legacy_plaintext"),
    ({name: value[:-9] for name, value in sealed(LegacyForm.BARE).items()}, "legacy_truncated"),
    ({name: value for name, value in sealed(LegacyForm.BARE).items() if name != "api_secret"}, "incomplete"),
    ({**sealed(LegacyForm.BARE), "passphrase": ""}, "incomplete"),
    ("no hash", "wrong_type"),
    (json.dumps(["a"]), "wrong_type"),
    ([f"{MARK}"], "wrong_type"),
    (sealed(LegacyForm.WRAPPED, "your-api"), "bad_credential"),
]


async def test_what_is_no_sound_key_is_refused_with_the_reason(world: World) -> None:
    await world.plant(planted(f"user:{10**17 + 5000 + n}:api:keys", each) for n, (each, _) in enumerate(UNSOUND))
    report = await world.run(ApiKeys())
    assert report.counts == {"refused": len(UNSOUND)}
    for number, (_, code) in enumerate(UNSOUND):
        assert line_of(report, f"{5000 + number}:api:keys").reason.startswith(f"{code}: ")
    assert MARK not in msgspec.json.encode(report).decode()
    assert (await world.rows("users.exchange_credentials"))["users.exchange_credentials"] == []


async def test_the_wrong_fernet_key_opens_nothing_and_the_right_one_later_everything(world: World) -> None:
    await world.plant([planted(KEY, sealed(LegacyForm.PREFIXED))])
    wrong = world.settings.crypto.model_copy(update={"legacy_fernet_keys": SecretStr(OTHER)})
    right, world.settings = world.settings, world.settings.model_copy(update={"crypto": wrong})
    assert line_of(await world.run(ApiKeys()), "0042:api:keys").reason.startswith("legacy_wrong_key")
    world.settings = right
    assert (await world.run(ApiKeys())).counts == {"done": 1}


async def test_a_kek_where_the_fernet_key_belongs_is_refused_with_the_remedy(world: World) -> None:
    crypto = world.settings.crypto
    swapped = crypto.model_copy(update={"legacy_fernet_keys": SecretStr(f"k1:{FERNET}")})
    world.settings = world.settings.model_copy(update={"crypto": swapped})
    with pytest.raises(InvalidInput) as caught:
        await world.run(ApiKeys())
    assert caught.value.code == "bad_legacy_keys"
    assert "ENCRYPTION_KEY" in caught.value.message
    assert FERNET not in caught.value.message


async def test_without_the_old_key_each_item_says_so(world: World) -> None:
    await world.plant([planted(KEY, sealed(LegacyForm.BARE))])
    without = world.settings.crypto.model_copy(update={"legacy_fernet_keys": None})
    world.settings = world.settings.model_copy(update={"crypto": without})
    assert line_of(await world.run(ApiKeys()), "0042:api:keys").reason.startswith("no_legacy_keys")


async def test_a_newer_key_wins_unless_overwrite_is_said(world: World) -> None:
    await world.plant([planted(KEY, sealed(LegacyForm.BARE))])
    tools = await world.tools()
    user = await tools.users.ensure({"okx": UID}, "test")
    await world.run(ApiKeys())
    await world.plant([planted(KEY, sealed(LegacyForm.BARE, f"{MARK}-two"))])
    report = await world.run(ApiKeys())
    assert report.counts == {"left": 1}
    assert report.lines[0].reason.startswith("newer_exists")
    assert (await world.run(ApiKeys(), overwrite=True)).counts == {"done": 1}
    tools = await world.tools()
    stored = await tools.users.fingerprints(user.user_id)
    assert stored[await tools.users.fingerprint(f"{MARK}-two-key")] == "unverified"


async def test_a_key_of_somebody_else_is_refused(world: World) -> None:
    tools = await world.tools()
    other = await tools.users.create_user("other")
    values = {"api_key": f"{MARK}-one-key", "api_secret": f"{MARK}-x-secret", "passphrase": f"{MARK}-x-pass"}
    wish = StoreCredential(user_id=other.user_id, venue="okx", environment="live", label="x", **values)  # type: ignore[arg-type]
    await tools.users.store_credential(wish)
    await world.plant([planted(KEY, sealed(LegacyForm.BARE))])
    report = await world.run(ApiKeys())
    assert line_of(report, "0042:api:keys").reason.startswith("credential_known")


async def test_one_person_is_meant_by_any_id_and_one_venue_by_its_name(world: World) -> None:
    made = await world.people(40, 7, 15)
    person = next(one for one in made if one.key.endswith(":okx_uid"))
    for user in (f"okx:{person.content}", person.key.split(":")[1]):
        assert (await world.run(ApiKeys(), dry_run=True, user=user)).counts == {"done": 1, "merged": 1}
    assert (await world.run(ApiKeys(), dry_run=True, exchange="binance")).counts == {"done": 2}
    assert (await world.run(ApiKeys(), limit=1)).seen == 1


async def test_verify_compares_the_fingerprints_of_both_stores(world: World) -> None:
    await world.plant(
        [
            planted(KEY, sealed(LegacyForm.BARE)),
            planted("user:100000000000000077:api:keys", sealed(LegacyForm.BARE, "seventy-seven")),
        ]
    )
    assert {line.reason.split(":")[0] for line in (await world.run(VerifyApiKeys(), dry_run=True)).lines} == {"missing"}
    await world.run(ApiKeys())
    assert (await world.run(VerifyApiKeys(), dry_run=True)).counts == {"equal": 2}
    await world.plant([planted(KEY, sealed(LegacyForm.BARE, "another-key"))])
    report = await world.run(VerifyApiKeys(), dry_run=True)
    assert report.counts == {"equal": 1, "refused": 1}
    assert line_of(report, "0042:api:keys").reason.startswith("different")
    assert Status.EQUAL in {line.status for line in report.lines}
