"""kit.redis_health: what is told about Redis, over HTTP and as metrics."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tradingboost.core.errors import Unavailable
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.http import create_app
from tradingboost.kit.keys import EVENTS, USER_STATUS
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.redis import Redis
from tradingboost.kit.redis_health import health_of, streams_of, watch
from tradingboost.kit.runtime import Runtime

STREAM = EVENTS.build(context="orders")
USER = {"user_id": "00000000-0000-0000-0000-000000000001"}


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    opened = Redis(redis_url)
    client = opened.transport
    await client.xgroup_create(STREAM, "positions", id="0", mkstream=True)
    await client.xgroup_create(STREAM, "analytics", id="0")
    for number in range(5):
        await client.xadd(STREAM, {"n": number})
    await client.xreadgroup("positions", "one", {STREAM: ">"}, count=3)
    yield opened
    await opened.close()


async def test_each_group_tells_what_it_was_not_given_and_what_it_has_not_acknowledged(redis: Redis) -> None:
    [stream] = await streams_of(redis)
    assert (stream.stream, stream.length) == (STREAM, 5)
    found = {one.group: (one.lag, one.pending, one.consumers) for one in stream.groups}
    assert found == {"positions": (2, 3, 1), "analytics": (5, 0, 0)}


async def test_health_is_told_over_http_and_operations_are_measured(redis: Redis) -> None:
    metrics = Metrics()
    module = watch(redis, metrics)
    await redis.put(USER_STATUS, "x", **USER)
    runtime = Runtime([module], clock=FakeClock())
    app = create_app("test", module.routers, vitals=runtime, metrics=metrics)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        found = (await client.get("/health/redis")).json()
        assert (found["role"], found["breaker"], found["keys"], found["eviction"]) == (
            "master",
            "closed",
            2,
            "volatile-lru",
        )
        assert found["pool_most"] == 50
        assert 0 < found["ping_ms"] < 3000
        assert {one["group"] for one in found["groups"]} == {"positions", "analytics"}
        text = (await client.get("/metrics")).text
    assert 'redis_op_seconds_count{class="fast"} 1.0' in text


async def test_what_fails_is_counted_by_kind() -> None:
    away = Redis("redis://127.0.0.1:1/0")
    away.metrics = Metrics()
    with pytest.raises(Unavailable):
        await away.put(USER_STATUS, "x", **USER)
    with pytest.raises(Unavailable):
        await health_of(away)
    assert 'redis_errors_total{kind="ConnectionError"} 1.0' in away.metrics.render().decode()
    await away.close()
