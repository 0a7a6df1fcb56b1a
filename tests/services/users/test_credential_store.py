"""Six steps, as the old store was tried: save to both, read each, read combined, fall back, clean up."""

from typing import Any

import pytest
from tests.servers import FreshDatabase
from tests.services.exchange.vault import vault, vault_url
from tests.simulator.stage import Venue, open_venue, venue

from tradingboost.core.errors import NotFound, Unavailable
from tradingboost.kit.keys import API_KEYS
from tradingboost.services.exchange.service.credentials import Purpose

__all__ = ["open_venue", "venue"]


async def test_the_six_steps_of_a_stored_key(fresh_database: FreshDatabase, redis_url: str, venue: Venue) -> None:
    async with vault(await vault_url(fresh_database), redis_url, venue) as room:
        opener = room.exchange.accounts.opener
        alice = await room.person()

        # 1. save to both: sealed, verified, in PostgreSQL first and in Redis after the commit
        account = await room.connected(alice)
        key = room.redis.key(API_KEYS, user_id=alice, exchange="okx")

        # 2. read the primary
        sealed = await room.users.sealed_credential(account)
        assert sealed.fields["api_key"].startswith("tb1.k1.")

        # 3. read the cache: the same ciphertext
        cached: Any = await room.redis.read(lambda client: client.hgetall(key))
        assert cached[b"api_key"].decode() == sealed.fields["api_key"]
        assert cached[b"data_key"].decode() == sealed.data_key

        # 4. read combined: opened, and who has nothing is told what to do
        found = await opener.open(account, Purpose.ENTRY)
        assert (found.keys.api_key, found.keys.secret) == ("canary-key-of-700-1", "canary-secret-of-700-1")
        with pytest.raises(NotFound):
            await room.users.sealed_credential(alice)  # type: ignore[arg-type]  # a person's id is no account's

        # 5. fall back: PostgreSQL away, memory over; what protects goes on, an entry does not
        opener.forget(account)
        room.clock.by_s += 400
        room.away()
        assert (await opener.open(account, Purpose.PROTECT)).stale
        with pytest.raises(Unavailable, match="database does not answer"):
            await opener.open(account, Purpose.ENTRY)
        await room.back()

        # 6. clean up: nothing opens any more, neither from PostgreSQL nor from Redis
        (held,) = await room.users.credentials(alice)
        await room.custody.end_credential(held.credential_id, "test", "user:alice")
        with pytest.raises(NotFound, match="no API keys in force"):
            await opener.open(account, Purpose.READ)
        left: Any = await room.redis.read(lambda client: client.hgetall(key))
        assert b"api_key" not in left
        room.clock.by_s += 86_400
        await room.users.end_due()
        (row,) = await room.rows("SELECT api_key, api_secret, passphrase, dek_wrapped FROM users.exchange_credentials")
        assert tuple(row) == (None, None, None, None)
