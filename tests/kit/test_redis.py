"""kit.redis and kit.breaker."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis.asyncio as driver
from redis.exceptions import ReadOnlyError

from tradingboost.core.errors import BrokenInvariant, InvalidInput, Unavailable
from tradingboost.kit.breaker import Breaker, BreakerState
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.keys import EVENTS, INSTRUMENT, TICKER
from tradingboost.kit.redis import _TIMEOUT_S as TIMEOUT_S
from tradingboost.kit.redis import Redis
from tradingboost.kit.settings import RedisSettings

PARTS = {"exchange": "okx", "symbol": "BTC-USDT-SWAP"}


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    opened = Redis(redis_url)
    yield opened
    await opened.close()


@pytest.fixture
async def away() -> AsyncIterator[Redis]:
    opened = Redis("redis://127.0.0.1:1/0", breaker=Breaker("redis", clock=FakeClock()))
    yield opened
    await opened.close()


async def fail(redis: Redis) -> str:
    with pytest.raises(Unavailable) as caught:
        async with redis.context("fast") as client:
            await client.get("x")
    return caught.value.code


async def test_a_cached_value_ends_with_its_pattern(redis: Redis) -> None:
    await redis.put(INSTRUMENT, b"{}", **PARTS)
    key = redis.key(INSTRUMENT, **PARTS)
    assert await redis.read(lambda client: client.get(key)) == b"{}"
    async with redis.context() as client:
        assert 290 < await client.ttl(key) <= 300


async def test_a_prefix_goes_in_front_of_every_key(redis_url: str) -> None:
    prefixed = Redis(redis_url, RedisSettings(key_prefix="demo:"))
    await prefixed.put(INSTRUMENT, b"1", **PARTS)
    async with prefixed.context() as client:
        assert await client.keys() == [b"demo:market:info:okx:BTC-USDT-SWAP"]
    await prefixed.close()


async def test_large_values_and_endless_caches_are_refused(redis: Redis) -> None:
    with pytest.raises(InvalidInput, match="256 KiB"):
        await redis.put(INSTRUMENT, b"x" * 262_145, **PARTS)
    with pytest.raises(BrokenInvariant, match="no TTL"):
        await redis.put(EVENTS, b"x", context="orders")


async def test_a_refused_command_is_our_mistake_and_no_outage(redis: Redis) -> None:
    await redis.put(INSTRUMENT, b"x", **PARTS)
    for _ in range(6):
        with pytest.raises(BrokenInvariant) as caught:
            async with redis.context() as client:
                await client.hgetall(redis.key(INSTRUMENT, **PARTS))
        assert caught.value.code == "redis_command_refused"
    assert redis.breaker.state is BreakerState.CLOSED


async def test_five_failures_open_the_breaker_and_calls_fail_at_once(away: Redis) -> None:
    assert [await fail(away) for _ in range(5)] == ["redis_down"] * 5
    assert away.breaker.state is BreakerState.OPEN
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await fail(away) == "redis_down"
    assert loop.time() - started < 0.05
    with pytest.raises(Unavailable):
        await away.ping()


async def test_a_lost_read_is_tried_once_more_and_a_write_never(redis: Redis) -> None:
    tries = 0

    async def flaky(client: driver.Redis) -> str:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ReadOnlyError("a replica")
        return "value"

    assert (await redis.read(flaky), tries) == ("value", 2)
    tries = 0
    with pytest.raises(Unavailable):
        async with redis.context("fast") as client:
            await flaky(client)
    assert tries == 1


async def test_a_slow_command_ends_in_time_and_gives_its_connection_back(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TIMEOUT_S, "fast", 0.1)
    for _ in range(3):
        with pytest.raises(Unavailable):
            async with redis.context("fast") as client:
                await client.blpop(["nothing"], timeout=2)
    redis.breaker.succeeded()
    async with redis.context() as client:
        assert await client.ping()


def test_each_class_of_work_has_its_limit() -> None:
    assert TIMEOUT_S == {"fast": 2.0, "normal": 5.0, "slow": 10.0, "pipeline": 15.0, "health": 3.0}


async def test_cancelling_a_caller_leaves_a_clean_pool_and_does_not_count(redis: Redis) -> None:
    async def block() -> None:
        async with redis.context("slow") as client:
            await client.blpop(["nothing"], timeout=2)

    tasks = [asyncio.create_task(block()) for _ in range(10)]
    await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    key = redis.key(TICKER, **PARTS)
    async with redis.context() as client:
        await client.hset(key, "last", "1")
        assert await client.hgetall(key) == {b"last": b"1"}
    assert redis.breaker.state is BreakerState.CLOSED


async def test_a_blocking_read_longer_than_the_socket_time_out_waits_quietly(redis_url: str) -> None:
    opened = Redis(redis_url, RedisSettings(socket_timeout=0.1))
    assert not await opened.transport.xread({opened.key(EVENTS, context="orders"): "$"}, block=400)
    await opened.close()


async def test_scripts_run_by_name_and_are_loaded_when_unknown(redis: Redis) -> None:
    async with redis.context() as client:
        await client.script_flush()
    for _ in range(2):
        assert await redis.script("unfinished", [redis.key(EVENTS, context="orders")], [""]) == [b"", b"0-0"]


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(InvalidInput, match="TB_REDIS__URL"):
        Redis("http://somewhere")


def breaker() -> tuple[Breaker, FakeClock, list[BreakerState]]:
    clock, seen = FakeClock(), list[BreakerState]()
    return Breaker("venue", failures=2, open_s=10, trials=2, clock=clock, on_change=seen.append), clock, seen


def test_successes_between_failures_keep_the_breaker_closed() -> None:
    guard, _, seen = breaker()
    for _ in range(5):
        guard.failed()
        guard.succeeded()
    guard.admit()
    assert seen == []


def test_an_open_breaker_says_when_to_come_back() -> None:
    guard, clock, _ = breaker()
    guard.failed()
    guard.failed()
    clock.advance(4)
    with pytest.raises(Unavailable) as caught:
        guard.admit()
    assert (caught.value.code, caught.value.details) == ("venue_down", {"retry_after_s": "6"})


def test_a_half_open_breaker_tries_a_few_and_closes_after_as_many_successes() -> None:
    guard, clock, seen = breaker()
    guard.failed()
    guard.failed()
    clock.advance(10)
    guard.admit()
    guard.admit()
    with pytest.raises(Unavailable):
        guard.admit()
    guard.succeeded()
    guard.abandoned()
    guard.admit()
    guard.succeeded()
    assert seen == [BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED]


def test_one_failure_while_trying_opens_the_breaker_again() -> None:
    guard, clock, seen = breaker()
    guard.failed()
    guard.failed()
    clock.advance(10)
    guard.admit()
    guard.failed()
    with pytest.raises(Unavailable):
        guard.admit()
    guard.reset()
    guard.admit()
    assert seen[-2:] == [BreakerState.OPEN, BreakerState.CLOSED]
