"""Passwords: slow to guess, never on the event loop, and not what everybody tries first."""

import asyncio

import bcrypt
import pytest

from tradingboost.core.errors import InvalidInput, Unavailable
from tradingboost.kit.passwords import LEAST_MEMORY_KIB, Passwords, check_password

GOOD = "copper lantern 41 violin"


async def test_hashing_leaves_the_event_loop_free_and_uses_one_core() -> None:
    passwords = Passwords(LEAST_MEMORY_KIB)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    hashes = await asyncio.gather(*(passwords.hashed(GOOD) for _ in range(3)))
    counting.cancel()
    assert turns > 50
    assert len(set(hashes)) == 3
    assert all([await passwords.verify(one, GOOD) for one in hashes])


async def test_no_password_fits_where_there_is_none_and_the_work_is_done_all_the_same() -> None:
    passwords = Passwords(LEAST_MEMORY_KIB)
    assert not await passwords.verify(None, "nobody has this password")
    assert not await passwords.verify("no hash at all", GOOD)


async def test_a_hash_with_less_work_in_it_is_made_anew() -> None:
    weak, strong = Passwords(LEAST_MEMORY_KIB), Passwords(2 * LEAST_MEMORY_KIB)
    stored = await weak.hashed(GOOD)
    assert not weak.outdated(stored)
    assert strong.outdated(stored)
    assert await strong.verify(stored, GOOD)


async def test_the_old_systems_hash_is_read_also_where_the_password_is_longer_than_it_looked_at() -> None:
    passwords = Passwords(LEAST_MEMORY_KIB)
    long = "x" * 80
    stored = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()
    assert passwords.outdated(stored)
    assert await passwords.verify(stored, long)
    assert not await passwords.verify(stored, "y" * 80)


async def test_a_storm_of_logins_is_told_to_come_back() -> None:
    passwords = Passwords(LEAST_MEMORY_KIB)
    asked = [asyncio.create_task(passwords.hashed(GOOD)) for _ in range(70)]
    await asyncio.sleep(0)
    for one in asked[1:64]:
        one.cancel()
    found = await asyncio.gather(*asked, return_exceptions=True)
    busy = [one for one in found if isinstance(one, Unavailable)]
    assert [one.code for one in busy] == ["login_busy"] * 6


def test_parameters_below_the_least_are_refused() -> None:
    with pytest.raises(InvalidInput, match="argon2_too_weak"):
        Passwords(LEAST_MEMORY_KIB - 1)


@pytest.mark.parametrize(
    "good", [GOOD, "correct-horse-battery", "Tr4m-und-Bahn!", "\uc548\ub155\ud558\uc138\uc694-\uc5ec\ub7ec\ubd84-2026"]
)
def test_a_good_password_is_taken(good: str) -> None:
    check_password(good, "alice", "alice@example.org")


@pytest.mark.parametrize(
    "bad",
    [
        "short1!",
        "x" * 129,
        "aaaaaaaaaaaa",
        "abababababab",
        "password123",
        "P@ssw0rd!!!",
        "Passw0rd2026",
        "qwertyuiop",
        "1234567890",
        "0987654321",
        "abcdefghijkl",
        "iloveyou!!",
        "welcome2026",
        "bitcoin2009",
        "TradingBoost1",
        "monkeymonkey",
        "alice12345"[:9] + "9",
    ],
)
def test_what_is_guessed_first_is_refused_without_being_repeated(bad: str) -> None:
    with pytest.raises(InvalidInput, match="password_refused") as found:
        check_password(bad, "alice", "alice@example.org")
    assert bad not in found.value.message
