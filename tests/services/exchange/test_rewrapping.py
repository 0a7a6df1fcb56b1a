"""Key-encryption keys are changed while everything goes on, and a killed change leaves nothing unreadable."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from itertools import count

import pytest
from tests.servers import FreshDatabase
from tests.services.exchange.rewrapping_process import rewrap_slowly
from tests.services.exchange.rings import ring
from tests.services.exchange.vault import Vault, vault, vault_url
from tests.simulator.stage import Venue, open_venue, venue

from tradingboost.core.ids import UserId
from tradingboost.services.exchange.service.credentials import opened
from tradingboost.services.exchange.service.rewrapping import Rewrapper
from tradingboost.simulator.client import Credentials

__all__ = ["open_venue", "venue"]

MANY = 25


async def stored(room: Vault, user: UserId, n: int) -> str:
    keys = Credentials(uid="", key=f"canary-key-{n:04}", secret=f"canary-secret-{n:04}", passphrase="canary-phrase")
    return (await room.users.store_credential(room.typed(user, keys))).credential_id


async def readable(room: Vault, credential_id: str, *kids: str) -> str:
    """The key in the clear, by a process that has these key-encryption keys."""
    sealed = await room.users.sealed_version(credential_id)
    account = await room.users.account(sealed.account_id)
    return opened(account, sealed, ring(*kids)).api_key


async def killed(url: str) -> None:
    """A process begins and is killed after its first batch."""
    arguments = ("-m", "tests.services.exchange.rewrapping_process", url)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"10\n"
    process.kill()
    await process.wait()


async def interrupted(url: str) -> None:
    """The same in this process, cut off in the middle of its second batch."""
    begun = asyncio.Event()
    going = asyncio.create_task(rewrap_slowly(url, 0.0, begun))
    await begun.wait()
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)


@pytest.mark.parametrize("end", [interrupted, pytest.param(killed, marks=pytest.mark.long)])
async def test_a_rotation_under_load_killed_half_way_leaves_all_readable_and_ends(
    fresh_database: FreshDatabase, redis_url: str, venue: Venue, end: Callable[[str], Awaitable[None]]
) -> None:
    url = await vault_url(fresh_database)
    async with vault(url, redis_url, venue, ring("k1")) as room:
        user = await room.person()
        ids = [await stored(room, user, n) for n in range(MANY)]
        await room.users.rewrap([])
        assert await room.users.kids() == {"k1": MANY}
    async with vault(url, redis_url, venue, ring("k2", "k1")) as room:
        loaded, numbers = asyncio.create_task(load(room, user, ids)), count(MANY)
        await end(url)
        half = await room.users.kids()
        assert half["k2"] >= 10
        assert half["k1"] >= 5
        assert [await readable(room, one, "k2", "k1") for one in ids] == [f"canary-key-{n:04}" for n in range(MANY)]
        cursor, done = "", 0
        while True:
            told = await Rewrapper(room.users, ring("k2", "k1")).batch(cursor, 10)
            done, cursor = done + told.done, told.cursor
            if not cursor:
                break
        ids.append(await stored(room, user, next(numbers)))
        loaded.cancel()
        await asyncio.gather(loaded, return_exceptions=True)
        assert done == half["k1"]
        assert await room.users.kids() == {"k2": MANY + 1}
        assert (told.failed, told.active) == ([], "k2")
        last = await Rewrapper(room.users, ring("k2", "k1")).batch("", 10)
        assert (last.done, last.cursor) == (0, "")
        assert [await readable(room, one, "k2") for one in ids] == [f"canary-key-{n:04}" for n in range(MANY + 1)]
        audit = await room.rows("SELECT count(*) AS n FROM audit.events WHERE action = 'credentials.rewrapped'")
        assert audit[0].n >= 3


async def load(room: Vault, user: UserId, ids: list[str]) -> None:
    """Somebody opens keys all the time; whatever the wrap is at that moment, it opens."""
    for n in count():
        assert await readable(room, ids[n % MANY], "k2", "k1") == f"canary-key-{n % MANY:04}"
        await asyncio.sleep(0.001)  # others have to come by


async def test_a_data_key_nobody_can_open_is_named_and_does_not_stop_the_rest(
    fresh_database: FreshDatabase, redis_url: str, venue: Venue
) -> None:
    url = await vault_url(fresh_database)
    async with vault(url, redis_url, venue, ring("k0")) as room:
        user = await room.person()
        lost = await stored(room, user, 1)
    async with vault(url, redis_url, venue, ring("k1")) as room:
        good = await stored(room, user, 2)
    told = None
    async with vault(url, redis_url, venue, ring("k2", "k1")) as room:
        told = await room.custody.rewrap("", 10)
        assert (told.done, told.failed) == (1, [lost])
        assert told.kids == {"k0": 1, "k2": 1}
        assert await readable(room, good, "k2") == "canary-key-0002"
