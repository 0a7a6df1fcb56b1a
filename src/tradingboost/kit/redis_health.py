"""How Redis is: answers, memory, connections, and how far behind each group of each stream is."""

import asyncio
from typing import Any, Final

import msgspec
from redis.exceptions import ResponseError

from tradingboost.kit.breaker import BreakerState
from tradingboost.kit.keys import EVENTS
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.redis import Redis, mapped
from tradingboost.kit.runtime import Life, Module, Worker
from tradingboost.shared.events.envelope import STREAMS

LAG_COUNTED: Final = 1000
_MEASURED_EVERY_S: Final = 10.0
_TIMEOUT_S: Final = 10.0
_STATES: Final = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}


class GroupState(msgspec.Struct, frozen=True, kw_only=True):
    """One group of one stream.

    Args:
        lag: entries it was not given yet, counted up to 1000.
        pending: entries it was given and has not acknowledged.
        idle_ms: since any of its members asked, None without members.
    """

    stream: str
    group: str
    lag: int
    pending: int
    consumers: int
    last_delivered: str
    idle_ms: int | None = None


class StreamState(msgspec.Struct, frozen=True, kw_only=True):
    """One stream."""

    stream: str
    length: int
    oldest: str | None
    newest: str | None
    groups: list[GroupState]


class RedisHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What `/health/redis` and the shell say.

    Args:
        pool_in_use, pool_most: connections of the pool for short work, of the process that asks.
    """

    ping_ms: float
    version: str
    role: str
    replicas: int
    breaker: str
    pool_in_use: int
    pool_most: int
    clients: int
    memory_bytes: int
    memory_most_bytes: int
    eviction: str
    evicted_keys: int
    keys: int
    append_only: bool
    groups: list[GroupState]


async def health_of(redis: Redis) -> RedisHealth:
    """Ask the server.

    Raises:
        Unavailable: `redis_down`.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    await redis.ping()
    ping_ms = round((loop.time() - began) * 1000, 3)
    async with redis.context("health") as client:
        info: dict[str, Any] = await client.info()
        keys = int(await client.dbsize())
    in_use, most = redis.pools.usage()
    return RedisHealth(
        ping_ms=ping_ms,
        version=str(info.get("redis_version", "?")),
        role=str(info.get("role", "?")),
        replicas=int(info.get("connected_slaves", 0)),
        breaker=redis.breaker.state.value,
        pool_in_use=in_use,
        pool_most=most,
        clients=int(info.get("connected_clients", 0)),
        memory_bytes=int(info.get("used_memory", 0)),
        memory_most_bytes=int(info.get("maxmemory", 0)),
        eviction=str(info.get("maxmemory_policy", "?")),
        evicted_keys=int(info.get("evicted_keys", 0)),
        keys=keys,
        append_only=bool(info.get("aof_enabled", 0)),
        groups=[group for one in await streams_of(redis) for group in one.groups],
    )


async def streams_of(redis: Redis) -> list[StreamState]:
    """Every stream of facts that exists, with its groups."""
    found = []
    with mapped():
        async with asyncio.timeout(_TIMEOUT_S):
            for context in STREAMS:
                one = await _stream(redis.transport, redis.key(EVENTS, context=context))
                if one is not None:
                    found.append(one)
    return found


async def _stream(client: Any, key: str) -> StreamState | None:
    try:
        info = await client.xinfo_stream(key)
    except ResponseError:  # no such stream
        return None
    groups = [await _group(client, key, group) for group in await client.xinfo_groups(key)]
    ends = (info["first-entry"], info["last-entry"])
    oldest, newest = (None if end is None else end[0].decode() for end in ends)
    return StreamState(stream=key, length=int(info["length"]), oldest=oldest, newest=newest, groups=groups)


async def _group(client: Any, key: str, found: dict[str, Any]) -> GroupState:
    last = found["last-delivered-id"].decode()
    # Redis 7 tells the lag; 6.2 does not, and neither does 7 after entries were deleted
    lag = found.get("lag")
    if lag is None:
        lag = len(await client.xrange(key, f"({last}", "+", count=LAG_COUNTED))
    members = await client.xinfo_consumers(key, found["name"])
    return GroupState(
        stream=key,
        group=found["name"].decode(),
        lag=int(lag),
        pending=int(found["pending"]),
        consumers=int(found["consumers"]),
        last_delivered=last,
        idle_ms=min((int(one["idle"]) for one in members), default=None),
    )


def watch(redis: Redis, metrics: Metrics) -> Module:
    """Measure this process's Redis: operations as they happen, pool, breaker and groups every ten seconds."""
    redis.metrics = metrics
    in_use = metrics.gauge("redis_pool_in_use", "Connections in use")
    state = metrics.gauge("redis_breaker_state", "0 closed, 1 half open, 2 open")
    lag = metrics.gauge("stream_lag", "Entries a group has not been given or not acknowledged", ("stream", "group"))

    async def measure(life: Life) -> None:
        while await life.sleep(_MEASURED_EVERY_S):
            in_use.plain.set(redis.pools.usage()[0])
            state.plain.set(_STATES[redis.breaker.state])
            for stream in await streams_of(redis):
                for group in stream.groups:
                    lag.labels(stream=stream.stream, group=group.group).set(group.lag + group.pending)

    return Module("redis-measured", workers=[Worker("redis", measure)], routers=[_router(redis)])


def _router(redis: Redis) -> Any:
    from fastapi import APIRouter, Response

    router = APIRouter(tags=["health"])

    @router.get("/health/redis")
    async def health() -> Response:
        found = await health_of(redis)
        return Response(msgspec.json.encode(found), media_type="application/json")

    return router
