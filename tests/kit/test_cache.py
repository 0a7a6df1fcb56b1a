"""kit.cache: two levels and a loader, versions that never go back, and nothing but latency lost with Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal

import msgspec
import pytest
from tests.kit.stage import until

from tradingboost.core.errors import BrokenInvariant, Unavailable
from tradingboost.kit.breaker import Breaker
from tradingboost.kit.cache import Cache, Caches, Entry, cache_result
from tradingboost.kit.cache_codec import Kept as Held
from tradingboost.kit.clock import FakeClock, SystemClock
from tradingboost.kit.keys import (
    CACHE,
    EVENTS,
    INSTRUMENT,
    POSITIONS_INDEX,
    USER_PREFERENCES,
    USER_SETTINGS,
)
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.redis import Redis
from tradingboost.kit.runtime import Life

USER = {"user_id": "00000000-0000-0000-0000-000000000001"}
KEY = USER_SETTINGS.build(**USER)


class Kept(msgspec.Struct, frozen=True):
    """What is cached here."""

    symbol: str = ""
    leverage: Decimal = Decimal(1)
    on: bool = False
    note: str | None = None


class Table:
    """A row and how often it was read."""

    def __init__(self, value: Kept | None = None, version: int = 1) -> None:
        self.value, self.version, self.reads = value, version, 0

    async def load(self) -> Entry[Kept] | None:
        self.reads += 1
        return None if self.value is None else Entry(self.value, self.version)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    opened = Redis(redis_url)
    opened.metrics = Metrics()
    yield opened
    await opened.close()


@pytest.fixture
def cache(redis: Redis, fake_clock: FakeClock) -> Cache[Kept]:
    return Caches(redis, fake_clock).of(USER_SETTINGS, Kept)


def other(redis: Redis) -> Cache[Kept]:
    """The cache of another process."""
    return Caches(redis, FakeClock()).of(USER_SETTINGS, Kept)


async def test_a_value_is_loaded_once_and_then_comes_from_this_process_and_from_redis(
    redis: Redis, cache: Cache[Kept], fake_clock: FakeClock
) -> None:
    table = Table(Kept("BTC-USDT-SWAP", Decimal("2.50")))
    for _ in range(3):
        assert await cache.get(table.load, **USER) == table.value
    fake_clock.advance(1.1)
    assert await cache.get(table.load, **USER) == table.value
    assert await other(redis).get(table.load, **USER) == table.value
    assert table.reads == 1
    async with redis.context() as client:
        assert (
            await client.get(KEY) == b'{"v":1,"d":{"symbol":"BTC-USDT-SWAP","leverage":"2.50","on":false,"note":null}}'
        )
        assert 260 < await client.ttl(KEY) <= 331
    assert redis.metrics is not None
    text = redis.metrics.render().decode()
    assert 'cache_hits_total{level="l1",namespace="user:{user_id}:settings"} 2.0' in text
    assert 'cache_hits_total{level="load",namespace="user:{user_id}:settings"} 1.0' in text


async def test_a_hundred_callers_at_once_share_one_load_and_a_cancelled_one_does_not_end_it(cache: Cache[Kept]) -> None:
    table, gate = Table(Kept("a")), asyncio.Event()

    async def slow() -> Entry[Kept] | None:
        await gate.wait()
        return await table.load()

    callers = [asyncio.create_task(cache.get(slow, **USER)) for _ in range(100)]
    await asyncio.sleep(0.05)
    callers[0].cancel()
    gate.set()
    found = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [table.value] * 99
    assert table.reads == 1


async def test_the_failure_of_a_load_is_told_to_all_who_wait_and_remembered_by_none(cache: Cache[Kept]) -> None:
    async def broken() -> Entry[Kept] | None:
        raise Unavailable("database_down", "PostgreSQL does not answer.")

    found = await asyncio.gather(*(cache.get(broken, **USER) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [Unavailable] * 3
    assert await cache.get(Table(Kept("back")).load, **USER) == Kept("back")


async def test_that_there_is_nothing_is_remembered_for_five_seconds(
    redis: Redis, cache: Cache[Kept], fake_clock: FakeClock
) -> None:
    table = Table()
    assert await cache.get(table.load, **USER) is None
    fake_clock.advance(2)
    assert await cache.get(table.load, **USER) is None
    assert table.reads == 1
    async with redis.context() as client:
        assert 0 < await client.pttl(KEY) <= 5000


async def test_a_lower_version_never_replaces_a_higher_one_in_either_level(redis: Redis, cache: Cache[Kept]) -> None:
    await cache.set(Kept("new"), 7, **USER)
    await cache.set(Kept("old"), 6, **USER)
    await other(redis).set(Kept("older"), 5, **USER)
    stale = Table(Kept("stale"), 4)
    assert await cache.entry(stale.load, **USER) == Entry(Kept("new"), 7)
    assert await other(redis).entry(stale.load, **USER) == Entry(Kept("new"), 7)
    assert stale.reads == 0


async def test_a_value_read_before_an_invalidation_is_not_stored_after_it(redis: Redis, cache: Cache[Kept]) -> None:
    elsewhere, gate = other(redis), asyncio.Event()

    async def slow() -> Entry[Kept] | None:
        await gate.wait()
        return Entry(Kept("old"), 1)

    began_before = [asyncio.create_task(one.get(slow, **USER)) for one in (cache, elsewhere)]
    await asyncio.sleep(0.05)
    await cache.invalidate(version=2, **USER)
    gate.set()
    await asyncio.gather(*began_before)
    table = Table(Kept("new"), 2)
    assert await cache.get(table.load, **USER) == Kept("new")
    async with redis.context() as client:
        found = await client.get(KEY)
    assert isinstance(found, bytes)
    assert found.startswith(b'{"v":2,"d":{"symbol":"new"')


async def test_without_a_version_both_levels_are_emptied(redis: Redis, cache: Cache[Kept]) -> None:
    table = Table(Kept("old"))
    await cache.get(table.load, **USER)
    table.value = Kept("new")
    await cache.invalidate(user_id=USER["user_id"])
    assert await cache.get(table.load, **USER) == Kept("new")


async def test_what_one_process_invalidates_the_others_drop_at_once(redis: Redis) -> None:
    here, there = Caches(redis, SystemClock()), Caches(redis, SystemClock())
    ours, theirs = here.of(USER_SETTINGS, Kept, l1_ttl_s=60), there.of(USER_SETTINGS, Kept, l1_ttl_s=60)
    stop = asyncio.Event()
    listening = asyncio.create_task(there.run(Life(SystemClock(), stop)))
    async with redis.context() as client:
        await until(lambda: _listened(client, there.channel))
    await theirs.get(Table(Kept("old"), 1).load, **USER)
    await ours.set(Kept("new"), 2, **USER)
    table = Table(Kept("never"), 0)
    await until(lambda: _is(theirs, table, "new"))
    assert table.reads == 0
    stop.set()
    await listening


async def test_losing_redis_costs_only_loads(redis_url: str, fake_clock: FakeClock) -> None:
    away = Redis("redis://127.0.0.1:1/0", breaker=Breaker("redis", clock=fake_clock))
    cache = Caches(away, fake_clock).of(USER_SETTINGS, Kept)
    table = Table(Kept("a"))
    for _ in range(20):
        assert await cache.get(table.load, **USER) == Kept("a")
        fake_clock.advance(1.1)
    assert table.reads == 20
    await cache.set(Kept("b"), 2, **USER)
    assert await cache.get(table.load, **USER) == Kept("b")
    await away.close()


async def test_what_could_not_be_invalidated_is_not_believed_when_redis_is_back(redis: Redis, redis_url: str) -> None:
    await other(redis).set(Kept("old"), 1, **USER)
    clock, cut = FakeClock(), Redis(redis_url)
    caches = Caches(cut, clock)
    cache = caches.of(USER_SETTINGS, Kept)
    for _ in range(5):
        cut.breaker.failed()
    await cache.invalidate(user_id=USER["user_id"])
    cut.breaker.reset()
    assert await cache.get(Table(Kept("new"), 2).load, **USER) == Kept("new")
    stop = asyncio.Event()
    repaying = asyncio.create_task(caches.run(Life(SystemClock(), stop)))
    await until(lambda: _repaid(caches))
    stop.set()
    await repaying
    assert await other(redis).get(Table(Kept("newer"), 3).load, **USER) == Kept("newer")
    await cut.close()


async def test_a_hash_shows_each_field_and_reads_back_typed(redis: Redis, fake_clock: FakeClock) -> None:
    value = Kept("ETH-USDT-SWAP", Decimal("1.10"), on=True)
    await Caches(redis, fake_clock).of(USER_PREFERENCES, Kept).set(value, 3, **USER)
    key = USER_PREFERENCES.build(**USER)
    async with redis.context() as client:
        shown = {b"_v": b"3", b"symbol": b"ETH-USDT-SWAP", b"leverage": b"1.10", b"on": b"true"}
        assert await client.hgetall(key) == shown
    again = Caches(redis, FakeClock()).of(USER_PREFERENCES, Kept)
    assert await again.entry(Table().load, **USER) == Entry(value, 3)
    await again.set(Kept("old"), 2, **USER)
    await again.invalidate(version=4, **USER)
    async with redis.context() as client:
        assert await client.hgetall(key) == {b"_v": b"4", b"_mark": b"1"}


async def test_what_another_release_wrote_in_another_form_is_loaded_anew(redis: Redis, cache: Cache[Kept]) -> None:
    for strange in (b"{", b'{"v":1,"d":{"symbol":5}}', b"plain", b'{"d":{}}'):
        async with redis.context() as client:
            await client.set(KEY, strange, px=1000)
        cache.forget(None)
        assert await cache.get(Table(Kept("loaded"), 2).load, **USER) == Kept("loaded"), strange


async def test_the_level_of_this_process_is_bounded(redis: Redis, fake_clock: FakeClock) -> None:
    cache = Caches(redis, fake_clock).of(INSTRUMENT, Kept)
    for number in range(1005):
        cache._remember(str(number), _kept(Kept(str(number))))
    assert len(cache._near) == 1000
    assert "0" not in cache._near


def test_patterns_that_are_no_cache_are_refused(redis_url: str) -> None:
    caches = Caches(Redis(redis_url), FakeClock())
    for pattern in (EVENTS, POSITIONS_INDEX):
        with pytest.raises(BrokenInvariant):
            caches.of(pattern, Kept)
    with pytest.raises(BrokenInvariant, match="300"):
        caches.of(USER_SETTINGS, Kept, ttl_s=301)


async def test_a_function_is_cached_by_its_typed_arguments(redis: Redis, fake_clock: FakeClock) -> None:
    asked: list[object] = []
    caches = Caches(redis, fake_clock)

    @cache_result(caches, namespace="numbers", ttl=60)
    async def doubled(value: object, *, times: int = 2) -> str:
        asked.append(value)
        return f"{value}{times}"

    for value in (1, True, "1", Decimal(1)):
        for _ in range(2):
            assert await doubled(value) == f"{value}2"
    await doubled(1, times=2)
    assert asked == [1, True, "1", Decimal(1)]
    async with redis.context() as client:
        found = [key.decode() async for key in client.scan_iter("cache:numbers:*")]
        assert len(found) == 4
        assert all([CACHE.matches(key) and 0 < await client.ttl(key) <= 66 for key in found])


def test_methods_and_plain_functions_are_not_cached(redis_url: str) -> None:
    caches = Caches(Redis(redis_url), FakeClock())

    def plain() -> int:
        return 1

    async def untyped(value):  # type: ignore[no-untyped-def]
        return value

    async def method(self: object) -> int:
        return 1

    for function in (plain, untyped, method):
        with pytest.raises(BrokenInvariant, match="cannot be cached"):
            cache_result(caches, namespace="x")(_any(function))


def _any(function: object) -> Callable[..., Awaitable[object]]:
    return function  # type: ignore[return-value]


def _kept(value: Kept) -> Held[Kept]:
    return Held(Entry(value), 0)


async def _listened(client: object, channel: str) -> bool:
    return bool((await client.pubsub_numsub(channel))[0][1])  # type: ignore[attr-defined]


async def _is(cache: Cache[Kept], table: Table, symbol: str) -> bool:
    found = await cache.get(table.load, **USER)
    return found is not None and found.symbol == symbol


async def _repaid(caches: Caches) -> bool:
    return not caches.owes(KEY)
