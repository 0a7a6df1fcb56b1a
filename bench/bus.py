"""The bus beside raw redis-py: the same entries read in batches and acknowledged, with no-op handlers."""

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from bench.figures import percentile
from tradingboost.kit.bus import Bus, Listener
from tradingboost.kit.db import Database
from tradingboost.kit.embedded import servers
from tradingboost.kit.ids import uuid7
from tradingboost.kit.keys import EVENTS
from tradingboost.kit.migrations import kit_schemas, upgrade
from tradingboost.kit.redis import Redis
from tradingboost.shared.events.config import ConfigChanged
from tradingboost.shared.events.envelope import Event, encode

AGGREGATES = 50
ROUNDS = 3


async def measure(events: int = 20_000) -> dict[str, Any]:
    """Events per second of both, the median of three alternating rounds, and their ratio."""
    with TemporaryDirectory(prefix="tb-bench-") as folder:
        async with servers(Path(folder), durable=False) as found:
            database, redis = Database.open(found.db_url), Redis(found.redis_url)
            try:
                await upgrade(database, kit_schemas())
                publish = await _fill(redis, events)
                pairs = [await _round(database, redis, number, events) for number in range(ROUNDS)]
            finally:
                await redis.close()
                await database.close()
    raw, ours = percentile([pair[0] for pair in pairs], 0.5), percentile([pair[1] for pair in pairs], 0.5)
    ratio = percentile([pair[1] / pair[0] for pair in pairs], 0.5)
    return {
        "events": events,
        "publish_per_s": round(publish),
        "raw_redis_py_per_s": round(raw),
        "bus_per_s": round(ours),
        "ratios": {"bus_vs_redis_py": round(ratio, 2)},
    }


async def _fill(redis: Redis, events: int) -> float:
    key, client = EVENTS.build(context="config"), cast(Any, redis.transport)
    began = time.perf_counter()
    for first in range(0, events, 500):
        async with client.pipeline(transaction=False) as pipe:
            for number in range(first, min(first + 500, events)):
                pipe.xadd(key, _fields(number))
            await pipe.execute()
    return events / (time.perf_counter() - began)


def _fields(number: int) -> Any:
    lane = number % AGGREGATES
    body = encode(ConfigChanged(service="bench", key=f"k{lane}", value="x" * 80, version=number))
    return {
        "id": str(uuid7()),
        "type": "config.value_changed",
        "v": 1,
        "key": f"bench:{lane}",
        "agg": f"bench:{lane}",
        "seq": number // AGGREGATES + 1,
        "at": "2026-01-01T00:00:00.123456+00:00",
        "cid": str(uuid7()),
        "data": body,
    }


async def _round(database: Database, redis: Redis, number: int, events: int) -> tuple[float, float]:
    return await _raw(redis, f"raw{number}", events), await _ours(database, redis, f"ours{number}", events)


async def _raw(redis: Redis, group: str, events: int) -> float:
    key, client = EVENTS.build(context="config"), cast(Any, redis.transport)
    await client.xgroup_create(key, group, id="0")
    began, seen = time.perf_counter(), 0
    while seen < events:
        answer = await client.xreadgroup(group, "bench", {key: ">"}, count=100, block=1000)
        entries = answer[0][1]
        seen += len(entries)
        await client.xack(key, group, *[entry_id for entry_id, _ in entries])
    return events / (time.perf_counter() - began)


async def _ours(database: Database, redis: Redis, group: str, events: int) -> float:
    seen, done = 0, asyncio.Event()

    async def hear(_: Event[Any]) -> None:
        nonlocal seen
        seen += 1
        if seen == events:
            done.set()

    bus = Bus(database, redis, [Listener("config", group, {ConfigChanged: hear})])
    began = time.perf_counter()
    running = asyncio.create_task(bus.run())
    await done.wait()
    seconds = time.perf_counter() - began
    bus.stop()
    await running
    return events / seconds
