"""Guessing: counted before it is looked at, by account, by address and in all; and no cache to flush it away."""

import asyncio

import pytest
from redis.asyncio import Redis
from tests.services.users.login_desk import ACT, PASSWORD, Desk

from tradingboost.core.errors import Refused, TradingBoostError
from tradingboost.shared.interfaces.users import Login, Registration


async def tried(desk: Desk, name: str = "alice", password: str = "not the password", address: str = "") -> str:
    try:
        await desk.login(name=name, password=password, address=address)
    except TradingBoostError as error:
        return error.code
    return "in"


async def test_a_name_waits_after_five_failures_and_twice_as_long_each_time(desk: Desk, redis_url: str) -> None:
    await desk.person()
    assert [await tried(desk) for _ in range(5)] == ["login_failed"] * 5
    assert await tried(desk, password=PASSWORD) == "too_many_attempts", "the right password does not help"
    async with Redis.from_url(redis_url) as client:
        await client.flushall()
    with pytest.raises(Refused) as found:
        await desk.process().login(_wish())
    assert (found.value.code, found.value.details) == ("too_many_attempts", {"retry_after_s": 31})
    desk.clock.advance(31)
    assert await tried(desk) == "login_failed"
    desk.clock.advance(31)
    assert await tried(desk, password=PASSWORD) == "too_many_attempts", "a minute now"
    desk.clock.advance(30)
    assert await tried(desk, password=PASSWORD) == "in"
    assert await tried(desk) == "login_failed", "begun anew"


def _wish() -> Login:
    return Login(name="alice", password=PASSWORD)


async def test_an_unknown_name_waits_like_a_known_one(desk: Desk) -> None:
    await desk.person()
    answers = {name: [await tried(desk, name) for _ in range(7)] for name in ("alice", "nobody")}
    assert answers["alice"] == answers["nobody"] == ["login_failed"] * 5 + ["too_many_attempts"] * 2


async def test_a_name_and_an_address_of_one_person_are_one_account(desk: Desk) -> None:
    await desk.users.register(Registration(username="alice", password=PASSWORD, email="alice@example.org"))
    for name in ("alice", "alice@example.org", "ALICE", "alice", "Alice@example.org"):
        assert await tried(desk, name) == "login_failed"
    assert await tried(desk) == await tried(desk, "alice@example.org") == "too_many_attempts"


async def test_one_address_cannot_try_name_after_name(desk: Desk) -> None:
    await desk.person()
    strict = Desk(desk.stage, address_failures=3)
    found = [await tried(strict, f"name-{number}", address="203.0.113.7") for number in range(5)]
    assert found == ["login_failed"] * 3 + ["too_many_attempts"] * 2
    assert await tried(strict, password=PASSWORD, address="203.0.113.7") == "too_many_attempts"
    assert await tried(strict, password=PASSWORD, address="203.0.113.8") == "in"


async def test_somebody_with_an_account_does_not_buy_tries_by_logging_in(desk: Desk) -> None:
    """A success gives its own try back and no other."""
    await desk.person()
    strict = Desk(desk.stage, address_failures=3)
    for number in range(3):
        assert await tried(strict, f"name-{number}", address="203.0.113.7") == "login_failed"
        expected = "in" if number < 2 else "too_many_attempts"
        assert await tried(strict, password=PASSWORD, address="203.0.113.7") == expected


async def test_many_at_once_are_counted_as_many(desk: Desk) -> None:
    await desk.person()
    found = await asyncio.gather(*(tried(desk) for _ in range(20)))
    assert sorted(found) == ["login_failed"] * 5 + ["too_many_attempts"] * 15


async def test_everybody_waits_when_the_whole_platform_is_guessed_at(desk: Desk) -> None:
    crowded = Desk(desk.stage, total_failures=6)
    found = [await tried(crowded, f"name-{number}", address=f"203.0.113.{number}") for number in range(8)]
    assert found == ["login_failed"] * 6 + ["too_many_attempts"] * 2
    desk.clock.advance(61)
    assert await tried(crowded, "name-9", address="203.0.113.9") == "login_failed"


async def test_an_operator_ends_a_wait(desk: Desk) -> None:
    user_id = await desk.person()
    for _ in range(5):
        await tried(desk)
    assert await tried(desk, password=PASSWORD) == "too_many_attempts"
    await desk.users.enable(user_id, ACT)
    assert await tried(desk, password=PASSWORD) == "in"


async def test_names_and_addresses_are_kept_as_hashes_only(desk: Desk) -> None:
    await tried(desk, "somebody", address="203.0.113.7")
    kept = str(await desk.rows("login_throttle"))
    assert "somebody" not in kept
    assert "203.0.113.7" not in kept


@pytest.mark.long
async def test_of_a_thousand_tries_in_a_row_few_are_looked_at_and_names_answer_alike(
    desk: Desk, redis_url: str
) -> None:
    """A try a second for a quarter of an hour, Redis flushed now and then; a known name and an unknown one."""
    await desk.person()
    looked: dict[str, list[int]] = {"alice": [], "nobody": []}
    for number in range(1000):
        for name, seen in looked.items():
            if await tried(desk, name) == "login_failed":
                seen.append(number)
        if number % 200 == 0:
            async with Redis.from_url(redis_url) as client:
                await client.flushall()
        desk.clock.advance(1)
    assert looked["alice"] == looked["nobody"]
    assert len(looked["alice"]) <= 10
    assert await tried(desk, password=PASSWORD) == "too_many_attempts"
