"""Keys are asked after at their venue before they are used, and again every day."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.servers import FreshDatabase
from tests.services.exchange.stage import order
from tests.services.exchange.vault import Vault, vault, vault_url
from tests.simulator.stage import Venue, open_venue, venue

from tradingboost.core.errors import Conflict, NotFound, Refused
from tradingboost.services.exchange.service.credentials import Purpose
from tradingboost.shared.interfaces.exchange import OutcomeClass
from tradingboost.shared.interfaces.users.settings import SaveSetting
from tradingboost.shared.user_settings.addresses import address

__all__ = ["open_venue", "venue"]


@pytest.fixture
async def room(fresh_database: FreshDatabase, redis_url: str, venue: Venue) -> AsyncIterator[Vault]:
    async with vault(await vault_url(fresh_database), redis_url, venue) as opened:
        yield opened


async def test_keys_that_may_trade_come_into_force_and_bind_the_uid_the_venue_told(room: Vault) -> None:
    alice = await room.person()
    stored = await room.users.store_credential(room.typed(alice, await room.keys("701")))
    assert (stored.status, stored.in_force, stored.exchange_uid, stored.key_hint) == ("pending", False, "", "01-1")
    with pytest.raises(NotFound, match="no API keys in force"):
        await room.exchange.connect(stored.account_id)
    told = await room.custody.verify(stored.credential_id)
    assert (told.outcome, told.credential.exchange_uid, told.credential.in_force) == ("active", "701", True)
    assert told.credential.permissions == ("read_only", "trade")
    assert "No list of addresses" in told.warnings[0]
    room.clock.by_s += 5  # "none in force" is remembered for as long
    assert (await room.exchange.connect(stored.account_id)).exchange_uid == "701"


async def test_trap_keys_that_may_withdraw_are_never_stored(room: Vault) -> None:
    alice = await room.person()
    keys = await room.keys("702", perm=["read_only", "trade", "withdraw"])
    stored = await room.users.store_credential(room.typed(alice, keys))
    told = await room.custody.verify(stored.credential_id)
    assert (told.outcome, told.code) == ("refused", "withdraw_permission_refused")
    assert not told.credential.sealed
    with pytest.raises(NotFound, match="destroyed"):
        await room.users.sealed_version(stored.credential_id)
    rows = await room.rows("SELECT api_key, api_secret, passphrase, dek_wrapped FROM users.exchange_credentials")
    assert [tuple(row) for row in rows] == [(None, None, None, None)]
    again = await room.custody.verify(stored.credential_id)
    assert (again.outcome, again.code) == ("refused", "withdraw_permission_refused")


async def test_keys_that_may_only_read_open_nothing(room: Vault) -> None:
    alice = await room.person()
    stored = await room.users.store_credential(room.typed(alice, await room.keys("703", perm=["read_only"])))
    told = await room.custody.verify(stored.credential_id)
    assert (told.outcome, told.code) == ("read_only", "trade_permission_missing")
    await room.exchange.connect(stored.account_id)
    await room.exchange.hindrances.review()
    status = await room.exchange.stream_status(stored.account_id)
    assert list(status.hindered) == ["credentials_read_only"]


async def test_wrong_keys_are_destroyed_and_the_venues_code_is_told(room: Vault) -> None:
    alice = await room.person()
    keys = await room.keys("704")
    stored = await room.users.store_credential(room.typed(alice, keys, api_secret="another-canary-secret"))
    told = await room.custody.verify(stored.credential_id)
    assert (told.outcome, told.code) == ("refused", "credentials_invalid")
    assert "another-canary-secret" not in told.message
    assert (await room.users.credential(stored.credential_id)).sealed is False
    better = await room.users.store_credential(room.typed(alice, keys, account_id=stored.account_id))
    assert (await room.custody.verify(better.credential_id)).outcome == "active"


async def test_an_exchange_account_of_somebody_else_is_refused_without_a_hint_whose(room: Vault) -> None:
    alice, bob = await room.person("alice"), await room.person("bob")
    await room.connected(alice, "705")
    stored = await room.users.store_credential(room.typed(bob, room.more_keys("705")))
    told = await room.custody.verify(stored.credential_id)
    assert (told.outcome, told.code) == ("refused", "exchange_account_taken")
    assert "alice" not in told.message
    assert not told.credential.sealed
    with pytest.raises(Conflict, match="registered already"):
        await room.users.store_credential(room.typed(bob, await room.keys("706"), api_key="canary-key-of-705-1"))


async def test_keys_of_another_exchange_account_do_not_replace_those_in_force(room: Vault) -> None:
    alice = await room.person()
    account = await room.connected(alice, "707")
    before = await room.users.sealed_credential(account)
    stored = await room.users.store_credential(room.typed(alice, await room.keys("708"), account_id=account))
    told = await room.custody.verify(stored.credential_id)
    assert (told.outcome, told.code) == ("refused", "exchange_account_changed")
    assert (await room.users.sealed_credential(account)).credential_id == before.credential_id


async def test_keys_typed_without_an_account_find_the_one_they_belong_to(room: Vault) -> None:
    alice = await room.person()
    account = await room.connected(alice, "709")
    stored = await room.users.store_credential(room.typed(alice, room.more_keys("709")))
    assert stored.account_id != account
    told = await room.custody.verify(stored.credential_id)
    assert (told.outcome, told.credential.account_id) == ("active", account)
    assert [one.account_id for one in await room.users.accounts()] == [account]
    assert (await room.users.sealed_credential(account)).credential_id == stored.credential_id


async def test_a_venue_that_is_away_leaves_keys_pending_until_it_is_asked_again(room: Vault) -> None:
    alice = await room.person()
    keys = await room.keys("710")
    away = room.typed(alice, keys, endpoint_rest="http://127.0.0.1:9", endpoint_ws="ws://127.0.0.1:9")
    stored = await room.users.store_credential(away)
    assert (await room.custody.verify(stored.credential_id)).outcome == "pending"
    assert (await room.users.credential(stored.credential_id)).status == "pending"
    await room.rows(
        "UPDATE users.exchange_accounts SET endpoint_rest = :rest, endpoint_ws = :ws RETURNING id",
        rest=room.venue.at.rest,
        ws=room.venue.at.ws,
    )
    await room.custody.review()
    assert (await room.users.credential(stored.credential_id)).status == "active"


async def test_after_ten_minutes_without_the_venue_pending_keys_are_destroyed(room: Vault) -> None:
    alice = await room.person()
    stored = await room.users.store_credential(room.typed(alice, await room.keys("711")))
    room.clock.by_s += 601
    (ended,) = await room.users.end_due()
    assert (ended.credential_id, ended.status, ended.code) == (stored.credential_id, "refused", "venue_unreachable")
    assert not ended.sealed


@pytest.mark.parametrize("change", ["perm", "keys"])
async def test_a_right_to_withdraw_that_appears_later_breaks_the_account(room: Vault, change: str) -> None:
    alice = await room.person()
    account = await room.connected(alice, "712")
    await room.exchange.connect(account)
    if change == "perm":
        await room.venue.admin.limit_account("712", perm=["read_only", "trade", "withdraw"])
    else:
        await room.venue.admin.revoke_key("712")
    await room.rows("UPDATE users.exchange_accounts SET environment = 'live' RETURNING id")
    room.clock.by_s += timedelta(hours=25).total_seconds()
    await room.custody.review()
    (held,) = await room.users.credentials()
    expected = "withdraw_permission_refused" if change == "perm" else "credentials_invalid"
    assert (held.status, held.code, held.in_force) == ("broken", expected, True)
    cares = await room.rows(
        "SELECT payload ->> 'code' AS code FROM bus.outbox WHERE type = 'user.credential_needs_care'"
    )
    assert [row.code for row in cares] == [expected]
    await room.exchange.hindrances.review()
    assert "credentials_broken" in (await room.exchange.stream_status(account)).hindered


async def test_blanks_around_typed_keys_are_cut_off(room: Vault) -> None:
    alice = await room.person()
    keys = await room.keys("714")
    typed = room.typed(alice, keys, api_key=f"  {keys.key}\n", api_secret=f"\t{keys.secret} ")
    stored = await room.users.store_credential(typed)
    assert (await room.custody.verify(stored.credential_id)).outcome == "active"


async def test_unproven_rights_open_nothing_until_somebody_answers_for_them(room: Vault) -> None:
    alice = await room.person()
    account = await room.connected(alice, "715")
    await room.rows(
        'UPDATE users.exchange_credentials SET permissions = \'{"granted": ["permissions_unproven"]}\' RETURNING id'
    )
    room.clock.by_s += 400  # neither memory nor the copy in Redis is fresh any more
    await room.exchange.connect(account)
    await room.exchange.hindrances.review()
    assert list((await room.exchange.stream_status(account)).hindered) == ["permissions_unproven"]
    (held,) = await room.users.credentials()
    assert (await room.custody.acknowledge(held.credential_id, "user:alice")).acknowledged
    await room.exchange.hindrances.review()
    assert (await room.exchange.stream_status(account)).hindered == {}


async def test_live_keys_without_address_list_open_nothing_where_the_operator_says_so(
    fresh_database: FreshDatabase, redis_url: str, venue: Venue
) -> None:
    url = await vault_url(fresh_database)
    async with vault(url, redis_url, venue, require_ip_binding=True, egress_addresses=("192.0.2.7",)) as room:
        account = await room.connected(await room.person(), "716")
        await room.rows("UPDATE users.exchange_accounts SET environment = 'live' RETURNING id")
        room.clock.by_s += 400  # neither memory nor the copy in Redis is fresh any more
        await room.exchange.connect(account)
        await room.exchange.hindrances.review()
        assert "ip_binding_missing" in (await room.exchange.stream_status(account)).hindered
        assert await room.custody.egress() == ["192.0.2.7"]


async def test_keys_that_would_skip_the_verification_are_refused_for_real_exchanges(room: Vault) -> None:
    from tradingboost.shared.interfaces.users import LinkAccount

    alice = await room.person()
    link = LinkAccount(
        user_id=alice,
        venue=room.typed(alice, await room.keys("717")).venue,
        environment="live",
        label="x",
        exchange_uid="717",
        api_key="canary-key",
        api_secret="canary-secret",
        passphrase="canary-phrase",
    )
    with pytest.raises(Refused, match="connect"):
        await room.users.link_account(link)


async def test_the_token_of_a_signal_bot_comes_and_goes_without_touching_the_keys_beside_it(room: Vault) -> None:
    alice = await room.person()
    account = await room.connected(alice)
    params = address("params")
    wish = SaveSetting(
        where=params, changes={"signal_bot_token": "canary-token-of-a-bot"}, expected_version=0, changed_by="test"
    )
    await room.users.save_setting(alice, wish)
    (token,) = [one for one in await room.users.credentials(alice) if one.kind == "signal_bot"]
    keys = (await room.users.sealed_credential(account)).credential_id
    await room.exchange.connect(account)
    with pytest.raises(Refused, match="No exchange knows"):
        await room.custody.verify(token.credential_id)
    assert (await room.custody.end_credential(token.credential_id, "test", "user:alice")).status == "deleted"
    assert (await room.custody.bring_back(token.credential_id, "user:alice")).outcome == "active"
    assert (await room.users.setting(alice, params)).settings["signal_bot_token"] == "sealed"
    await room.custody.review()
    assert (await room.exchange.accounts.opener.open(account, Purpose.ENTRY)).sealed.credential_id == keys
    room.clock.by_s += 400  # neither in memory nor fresh in Redis
    assert (await room.exchange.accounts.opener.open(account, Purpose.ENTRY)).sealed.credential_id == keys
    assert (await room.exchange.place(order("SATOKEN", account_id=account))).kind is OutcomeClass.PLACED
