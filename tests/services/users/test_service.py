"""Users: people, their accounts, and keys that are stored as ciphertext only."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from tests.services.rooms import Room

from tradingboost.core.errors import Conflict, NotFound, Refused
from tradingboost.core.ids import AccountId, UserId, Venue
from tradingboost.kit.crypto import Binding, KeyRing, Secret
from tradingboost.services.exchange.module import data_keys
from tradingboost.services.users.module import build
from tradingboost.services.users.service import UsersService
from tradingboost.services.users.settings import UsersSettings
from tradingboost.shared.events.users import CredentialsChanged, UserRegistered
from tradingboost.shared.interfaces.users import LinkAccount, SealedCredential

PEPPER = Secret(b"p" * 32)
PLAIN = {"api_key": "canary-key-9d1c", "api_secret": "canary-secret-77ab", "passphrase": "canary-phrase-e0f2"}


@pytest.fixture
def key_ring() -> KeyRing:
    return KeyRing({"k1": Secret(bytes(range(32)))})


@pytest.fixture
def users(stage: Room, key_ring: KeyRing) -> UsersService:
    return build(stage.context(), data_keys(key_ring), PEPPER, UsersSettings())[0]


def a_link(user_id: UserId, **changes: Any) -> LinkAccount:
    values: dict[str, Any] = {
        "user_id": user_id,
        "venue": Venue("okx"),
        "environment": "simulated",
        "label": "main",
        "exchange_uid": "uid-1",
        "endpoint_rest": "http://127.0.0.1:8090",
        "endpoint_ws": "ws://127.0.0.1:8090",
        **PLAIN,
    }
    return LinkAccount(**{**values, **changes})


def opened(key_ring: KeyRing, sealed: SealedCredential) -> dict[str, str]:
    binding = Binding(UUID(sealed.user_id), UUID(sealed.credential_id), sealed.venue, sealed.version)
    data_key = key_ring.unwrap(sealed.data_key, binding)
    return {name: data_key.open(name, token).reveal_text() for name, token in sealed.fields.items()}


async def every_stored_text(stage: Room) -> str:
    """Everything in every column of every table, as text."""
    async with stage.db.read() as db:
        names = await db.execute(
            text(
                "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
                " WHERE table_schema IN ('users', 'bus', 'ops') AND table_type = 'BASE TABLE'"
            )
        )
        found = []
        for name in names.scalars().all():
            rows = await db.execute(text(f"SELECT to_jsonb(r)::text FROM {name} r"))  # the catalogue's own names
            found += list(rows.scalars())
    return "\n".join(found)


async def test_a_person_is_created_once_by_name(stage: Room, users: UsersService) -> None:
    first, again = await users.create_user("alice"), await users.create_user("alice")
    assert first == again
    assert await users.create_user("bob") != first
    assert [told.name for told in await stage.told(UserRegistered) if isinstance(told, UserRegistered)] == [
        "alice",
        "bob",
    ]


async def test_a_full_platform_says_so(stage: Room, key_ring: KeyRing) -> None:
    small = build(stage.context(), data_keys(key_ring), PEPPER, UsersSettings(max_users=1))[0]
    alice = await small.create_user("alice")
    with pytest.raises(Refused, match="full"):
        await small.create_user("bob")
    assert await small.create_user("alice") == alice


async def test_keys_come_back_sealed_and_open_for_this_account_only(users: UsersService, key_ring: KeyRing) -> None:
    alice = await users.create_user("alice")
    account = await users.link_account(a_link(alice.user_id))
    sealed = await users.sealed_credential(account.account_id)
    assert opened(key_ring, sealed) == PLAIN
    moved = msgspec.structs.replace(sealed, user_id=UserId(str(UUID(int=7))))
    with pytest.raises(Refused, match="cannot be opened"):
        opened(key_ring, moved)


async def test_no_column_of_any_table_holds_a_key_in_plain_text(stage: Room, users: UsersService) -> None:
    alice = await users.create_user("alice")
    await users.link_account(a_link(alice.user_id))
    stored = await every_stored_text(stage)
    assert "uid-1" in stored  # the sweep does read the rows
    assert [name for name, value in PLAIN.items() if value in stored] == []


async def test_an_exchange_account_belongs_to_one_user(stage: Room, users: UsersService) -> None:
    alice, bob = await users.create_user("alice"), await users.create_user("bob")
    account = await users.link_account(a_link(alice.user_id))
    with pytest.raises(Conflict, match="Somebody else"):
        await users.link_account(a_link(bob.user_id, api_key="another"))
    assert (await users.account(account.account_id)).user_id == alice.user_id
    assert (await users.sealed_credential(account.account_id)).version == 1
    assert await users.accounts() == [account]
    elsewhere = await users.link_account(a_link(bob.user_id, environment="paper"))
    assert elsewhere.account_id != account.account_id


async def test_linking_again_brings_new_keys_and_addresses_to_the_same_account(
    stage: Room, users: UsersService, key_ring: KeyRing
) -> None:
    alice = await users.create_user("alice")
    first = await users.link_account(a_link(alice.user_id))
    again = await users.link_account(a_link(alice.user_id, api_key="rotated", endpoint_rest="http://127.0.0.1:9"))
    assert again.account_id == first.account_id
    assert again.endpoint_rest == "http://127.0.0.1:9"
    sealed = await users.sealed_credential(first.account_id)
    assert sealed.version == 2
    assert opened(key_ring, sealed)["api_key"] == "rotated"
    changes = await stage.told(CredentialsChanged)
    assert [told.version for told in changes if isinstance(told, CredentialsChanged)] == [1, 2]


async def test_what_does_not_exist_is_not_found(users: UsersService) -> None:
    with pytest.raises(NotFound, match="no linked account"):
        await users.account(AccountId("nobody"))
    with pytest.raises(NotFound, match="no linked account"):
        await users.sealed_credential(AccountId("nobody"))
    assert await users.accounts() == []
