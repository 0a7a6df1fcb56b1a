"""Opening keys: from memory, Redis or PostgreSQL, with either of them away; and never a replaced one for an entry."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.servers import FreshDatabase
from tests.services.exchange.rings import ring
from tests.services.exchange.stage import BTC, order
from tests.services.exchange.vault import Vault, vault, vault_url
from tests.simulator.stage import Venue, open_venue, venue

from tradingboost.core.errors import NotFound, Refused, TradingBoostError, Unavailable
from tradingboost.core.ids import AccountId
from tradingboost.core.order import Side
from tradingboost.kit.keys import API_KEYS
from tradingboost.services.exchange.service.credentials import Opened, Opener, Purpose
from tradingboost.shared.interfaces.exchange import OutcomeClass, PlaceOrder

__all__ = ["open_venue", "venue"]

MINUTE, FRESH, DAY = 61.0, 400.0, 86_400.0
HARMLESS = (Purpose.REDUCE, Purpose.PROTECT, Purpose.CANCEL, Purpose.READ)


@pytest.fixture
async def room(fresh_database: FreshDatabase, redis_url: str, venue: Venue) -> AsyncIterator[Vault]:
    async with vault(await vault_url(fresh_database), redis_url, venue) as opened:
        yield opened


async def opened(room: Vault, account: AccountId, purpose: Purpose = Purpose.READ, least: int = 0) -> Opened:
    return await room.exchange.accounts.opener.open(account, purpose, least)


async def code_of(room: Vault, account: AccountId, purpose: Purpose, least: int = 0) -> str:
    """What opening is refused with, "" when it is not."""
    try:
        await opened(room, account, purpose, least)
    except TradingBoostError as error:
        return error.code
    return ""


async def copy_of(room: Vault, account: AccountId) -> dict[str, str]:
    """The copy in Redis."""
    who = await room.users.account(account)
    key = room.redis.key(API_KEYS, user_id=who.user_id, exchange=who.venue)
    found: Any = await room.redis.read(lambda client: client.hgetall(key))
    return {name.decode(): value.decode() for name, value in found.items()}


async def put_copy(room: Vault, account: AccountId, **fields: str) -> None:
    """Change the copy in Redis, as somebody with access to it might."""
    who = await room.users.account(account)
    key = room.redis.key(API_KEYS, user_id=who.user_id, exchange=who.venue)
    async with room.redis.context() as client:
        await client.hset(key, items=[part for pair in fields.items() for part in pair])


async def replaced_by(room: Vault, account: AccountId, uid: str = "700") -> None:
    """Other keys come into force."""
    user = (await room.users.account(account)).user_id
    stored = await room.users.store_credential(room.typed(user, room.more_keys(uid), account_id=account))
    assert (await room.custody.verify(stored.credential_id)).outcome == "active"


def entry(account: AccountId, name: str, **changes: Any) -> PlaceOrder:
    return order(name, account_id=account, **changes)


async def test_keys_come_from_memory_then_from_redis_then_from_postgresql(room: Vault) -> None:
    account = await room.connected(await room.person())
    room.clock.by_s += FRESH
    found = await opened(room, account)
    assert (found.source, found.keys.api_key, found.stale) == ("postgres", "canary-key-of-700-1", False)
    assert "canary" not in repr(found)
    assert (await opened(room, account)).source == "memory"
    room.clock.by_s += MINUTE
    assert (await opened(room, account, Purpose.ENTRY)).source == "redis"
    room.clock.by_s += FRESH
    assert (await opened(room, account, Purpose.ENTRY)).source == "postgres"
    await room.custody.review()
    rows = await room.rows("SELECT content FROM audit.events WHERE action = 'credential.opened'")
    assert '"read from memory":1' in rows[0].content


async def test_trap_decrypted_keys_are_kept_in_redis_without_an_end(room: Vault) -> None:
    account = await room.connected(await room.person())
    copy = await copy_of(room, account)
    stored = (await room.rows("SELECT api_secret, dek_wrapped FROM users.exchange_credentials"))[0]
    assert (copy["api_secret"], copy["data_key"]) == (stored.api_secret, stored.dek_wrapped)
    assert not [value for value in copy.values() if "canary" in value]
    who = await room.users.account(account)
    async with room.redis.context() as client:
        assert 0 < await client.ttl(room.redis.key(API_KEYS, user_id=who.user_id, exchange=who.venue)) <= DAY
        await client.flushdb()
    room.clock.by_s += MINUTE
    assert (await opened(room, account, Purpose.ENTRY)).source == "postgres"
    assert await copy_of(room, account)


async def test_without_postgresql_protection_goes_on_and_entries_are_refused(room: Vault) -> None:
    account = await room.connected(await room.person())
    await room.exchange.connect(account)
    placed = await room.exchange.place(entry(account, "SAIN"))
    assert placed.kind is OutcomeClass.PLACED
    await room.venue.admin.trade(BTC, "42000")
    room.away()
    room.clock.by_s += FRESH
    assert {purpose: await code_of(room, account, purpose) for purpose in HARMLESS} == dict.fromkeys(HARMLESS, "")
    assert (await opened(room, account, Purpose.PROTECT)).stale
    assert await code_of(room, account, Purpose.ENTRY) == "database_down"
    with pytest.raises(Unavailable) as refused:
        await room.exchange.place(entry(account, "SAIN2"))
    assert refused.value.code == "database_down"
    covering = entry(account, "SAOUT", side=Side.SELL, reduce_only=True, journal_seq=1)
    assert (await room.exchange.place(covering)).kind is OutcomeClass.PLACED
    await room.back()
    assert (await opened(room, account, Purpose.ENTRY)).stale is False


async def test_a_stale_copy_ends_after_a_day_and_a_young_process_has_none(room: Vault) -> None:
    account = await room.connected(await room.person())
    room.clock.by_s += FRESH
    await opened(room, account)
    room.away()
    room.clock.by_s += DAY - 60
    assert await code_of(room, account, Purpose.PROTECT) == ""
    room.clock.by_s += 120
    assert {purpose: await code_of(room, account, purpose) for purpose in HARMLESS} == dict.fromkeys(
        HARMLESS, "credentials_stale"
    )
    young = Opener(room.context, room.users, ring("k1"))
    with pytest.raises(Unavailable, match="database does not answer"):
        await young.open(account, Purpose.PROTECT)


async def test_memory_outlives_both_servers_and_redis_outlives_memory(room: Vault) -> None:
    account = await room.connected(await room.person())
    room.clock.by_s += FRESH
    await opened(room, account)
    room.away()
    async with room.redis.context() as client:
        await client.flushdb()
    room.clock.by_s += MINUTE
    assert (await opened(room, account, Purpose.PROTECT)).stale


async def test_a_copy_that_was_changed_moved_or_ended_opens_nothing(room: Vault) -> None:
    alice, bob = await room.person("alice"), await room.person("bob")
    mine, theirs = await room.connected(alice, "700"), await room.connected(bob, "800")
    other = await copy_of(room, theirs)
    good = await copy_of(room, mine)
    opener = room.exchange.accounts.opener
    spoilt: dict[str, dict[str, str]] = {
        "another person's": {**other, "account_id": mine},
        "another person's secret": {"api_secret": other["api_secret"]},
        "fields exchanged": {"api_key": good["api_secret"], "api_secret": good["api_key"]},
        "another version": {"version": "7"},
        "another credential": {"credential_id": other["credential_id"]},
        "one sign": {"api_secret": good["api_secret"][:-2] + ("AA" if good["api_secret"][-2:] != "AA" else "BB")},
        "another uid": {"uid": "800"},
    }
    for what, fields in spoilt.items():
        await put_copy(room, mine, **{**good, **fields})
        opener.forget(mine)
        room.away()
        assert await code_of(room, mine, Purpose.PROTECT) == "credentials_stale", what
        await room.back()
    await put_copy(room, mine, **good)
    opener.forget(mine)
    room.away()
    assert await code_of(room, mine, Purpose.PROTECT) == ""
    await room.back()
    (held,) = await room.users.credentials(alice)
    await room.custody.end_credential(held.credential_id, "test", "user:alice")
    assert set(await copy_of(room, mine)) == {"version", "ended", "account_id", "fresh_until", "cached_at"}


async def test_an_older_copy_never_replaces_a_newer_one(room: Vault) -> None:
    account = await room.connected(await room.person())
    who, old = await room.users.account(account), await room.users.sealed_credential(account)
    await replaced_by(room, account)
    copies = room.exchange.accounts.opener.copies
    await copies.write(who, old, room.clock.now())
    assert (await copy_of(room, account))["version"] == "2"
    await copies.end(who, 2, first=True)
    await copies.write(who, msgspec.structs.replace(old, version=2), room.clock.now())
    assert "ended" in await copy_of(room, account)


async def test_trap_an_entry_is_never_signed_with_a_replaced_key(room: Vault) -> None:
    """Openings run while keys are replaced: each is signed by what was in force when it was claimed, or refused."""
    account = await room.connected(await room.person())
    await room.exchange.connect(account)
    outcomes: list[tuple[str, str]] = []
    stop = asyncio.Event()

    async def opening(lane: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            name = f"SAR{lane}N{number}"
            done = await room.exchange.place(entry(account, name))
            outcomes.append((name, done.code if done.kind is not OutcomeClass.PLACED else "placed"))
            await asyncio.sleep(0.002)  # a refusal costs nothing, and others have to come by

    async def placed_since(first: int) -> None:
        async with asyncio.timeout(20):
            while True:
                if any(code in ("placed", "51008") for _, code in outcomes[first:]):
                    return
                await asyncio.sleep(0.01)

    running = [asyncio.create_task(opening(lane)) for lane in range(3)]
    await placed_since(0)  # some leave with the old keys
    await replaced_by(room, account)
    connected = room.exchange.accounts.get(account)
    assert connected is not None
    assert connected.opened.version == 2
    await placed_since(len(outcomes))  # and some with the new ones
    stop.set()
    await asyncio.gather(*running)
    codes = {code for _, code in outcomes}
    assert "placed" in codes
    assert codes <= {"placed", "credentials_replaced", "stream_gap", "51008"}  # the last: the account is full
    sent = await room.rows(
        "SELECT s.cl_ord_id, s.credential_version AS version, s.sent_at, f.since"
        " FROM exchange.sent s, exchange.key_floors f"
    )
    assert {row.version for row in sent} == {1, 2}
    late = [row.cl_ord_id for row in sent if row.version == 1 and row.sent_at > row.since + timedelta(milliseconds=50)]
    assert late == []
    assert {name for name, code in outcomes if code == "placed"} <= {row.cl_ord_id for row in sent}


async def test_trap_orders_of_one_person_are_signed_with_the_keys_of_another(room: Vault) -> None:
    mine = await room.connected(await room.person("alice"), "700")
    theirs = await room.connected(await room.person("bob"), "800")
    for name, account in (("SAMINE", mine), ("SATHEIRS", theirs)):
        await room.exchange.connect(account)
        assert (await room.exchange.place(entry(account, name))).kind is OutcomeClass.PLACED
    rows = await room.rows(
        "SELECT s.cl_ord_id, c.account_id::text AS account FROM exchange.sent s"
        " JOIN users.exchange_credentials c ON c.id::text = s.credential_id"
    )
    assert {row.cl_ord_id: row.account for row in rows} == {"SAMINE": mine, "SATHEIRS": theirs}
    for uid, name in (("700", "SAMINE"), ("800", "SATHEIRS")):
        assert name in str(await room.venue.admin.truth(uid))


async def test_an_entry_made_for_newer_keys_waits_for_them(room: Vault) -> None:
    account = await room.connected(await room.person())
    await room.exchange.connect(account)
    with pytest.raises(Unavailable) as stale:
        await room.exchange.place(entry(account, "SAEARLY", credential_version=2))
    assert stale.value.code == "credentials_stale"
    await replaced_by(room, account)
    done = await room.exchange.place(entry(account, "SALATER", credential_version=2))
    assert done.kind is OutcomeClass.PLACED
    (row,) = await room.rows("SELECT credential_id, credential_version FROM exchange.sent")
    assert (row.credential_id, row.credential_version) == ((await room.users.credentials())[0].credential_id, 2)


async def test_deleted_keys_sign_nothing_more_and_come_back_within_a_day(room: Vault) -> None:
    alice = await room.person()
    account = await room.connected(alice)
    await room.exchange.connect(account)
    (held,) = await room.users.credentials()
    ended = await room.custody.end_credential(held.credential_id, "not needed", "user:alice")
    assert (ended.status, ended.in_force, ended.sealed) == ("deleted", False, True)
    assert room.exchange.accounts.get(account) is None
    assert await code_of(room, account, Purpose.READ) == "credentials_missing"
    told = await room.custody.bring_back(held.credential_id, "user:alice")
    assert told.outcome == "active"
    assert "ended" not in await copy_of(room, account)
    room.clock.by_s += 6
    await room.exchange.connect(account)
    assert (await room.exchange.place(entry(account, "SABACK"))).kind is OutcomeClass.PLACED
    await room.custody.end_credential(held.credential_id, "not needed", "user:alice")
    room.clock.by_s += DAY
    (shredded,) = await room.users.end_due()
    assert (shredded.status, shredded.sealed) == ("deleted", False)
    with pytest.raises(TradingBoostError, match="destroyed a day after"):
        await room.custody.bring_back(held.credential_id, "user:alice")


async def test_keys_retire_for_ten_minutes_and_are_destroyed_then(room: Vault) -> None:
    account = await room.connected(await room.person())
    await replaced_by(room, account)
    new, old = await room.users.credentials()
    assert (new.status, old.status, old.sealed) == ("active", "retiring", True)
    room.clock.by_s += 601
    await room.custody.review()
    new, old = await room.users.credentials()
    assert (new.status, old.status, old.sealed) == ("active", "revoked", False)
    assert await code_of(room, account, Purpose.ENTRY, 2) == ""


async def test_the_end_of_keys_is_announced_and_then_they_open_nothing(room: Vault) -> None:
    user = await room.person()
    keys = await room.keys("700")
    typed = room.typed(user, keys, expires_at=room.clock.now() + timedelta(days=20))
    stored = await room.users.store_credential(typed)
    await room.custody.verify(stored.credential_id)
    await room.exchange.connect(stored.account_id)
    for _ in range(21):
        await room.users.end_due()
        room.clock.by_s += DAY
    await room.custody.review()
    cares = await room.rows(
        "SELECT payload FROM bus.outbox WHERE type = 'user.credential_needs_care' ORDER BY position"
    )
    assert [(row.payload["code"], row.payload["days_left"]) for row in cares] == [
        *(("credential_expiring", days) for days in (14, 7, 3, 1)),
        ("credential_expired", 0),
    ]
    await room.exchange.hindrances.review()
    assert "credential_expired" in (await room.exchange.stream_status(stored.account_id)).hindered
    assert await code_of(room, stored.account_id, Purpose.PROTECT) == ""


async def test_a_process_with_other_keys_opens_nothing_and_says_what_to_do(
    fresh_database: FreshDatabase, redis_url: str, venue: Venue
) -> None:
    url = await vault_url(fresh_database)
    async with vault(url, redis_url, venue, ring("k1")) as room:
        account = await room.connected(await room.person())
    async with vault(url, redis_url, venue, ring("k2")) as other:
        with pytest.raises(Refused) as caught:
            await opened(other, account)
        assert caught.value.code == "decrypt_failed"
        assert "key k1 is not configured" in caught.value.message
        with pytest.raises(NotFound):
            await opened(other, AccountId("nobody"))
