"""Reading and saving settings: from this process, from Redis, from PostgreSQL, side by side."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

from bench.figures import milliseconds
from tradingboost.app.schemas import all_schemas
from tradingboost.core.ids import UserId
from tradingboost.kit import keys
from tradingboost.kit.cache import L1_TTL_S
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.context import Context
from tradingboost.kit.db import Database
from tradingboost.kit.embedded import servers
from tradingboost.kit.ids import SystemIds
from tradingboost.kit.migrations import upgrade
from tradingboost.kit.redis import Redis
from tradingboost.services.users.module import build
from tradingboost.services.users.settings import UsersSettings
from tradingboost.shared.interfaces.users.settings import AskEffective, SaveSetting
from tradingboost.shared.user_settings.addresses import address

PARAMS: Final = address("params")
TARGETS_MS: Final = {"memory": 1.0, "redis": 1.0, "postgresql": 50.0, "save": 100.0}
"""What the founding papers ask for."""


async def measure(count: int = 500) -> dict[str, Any]:
    """Milliseconds of each way, what they are of their targets, and PostgreSQL as so many cached reads."""
    with TemporaryDirectory(prefix="tb-bench-") as folder:
        async with servers(Path(folder), durable=False) as found:
            database, redis = Database.open(found.db_url), Redis(found.redis_url)
            try:
                await upgrade(database, all_schemas())
                context = Context(db=database, redis=redis, clock=SystemClock(), ids=SystemIds(), instance="bench")
                return await _measured(context, count)
            finally:
                await redis.close()
                await database.close()


async def _measured(context: Context, count: int) -> dict[str, Any]:
    service = build(context, cast(Any, None), cast(Any, None), UsersSettings())[0]
    user = (await service.create_user("bench")).user_id
    asked = AskEffective(user_id=user, strategy="hyperrsi", scope="okx:BTC-USDT-SWAP")
    cache = context.caches.of(keys.USER_SETTINGS, dict[str, Any])

    async def near() -> None:
        await service.setting(user, PARAMS)

    async def far() -> None:
        cache.forget(None)
        await service.setting(user, PARAMS)

    async def stored() -> None:
        await service.setting_version(user, PARAMS, 1)

    async def decided() -> None:
        await service.effective(asked)

    await _save(service, user, 0)
    ways: dict[str, Callable[[], Awaitable[None]]] = {
        "memory": near,
        "redis": far,
        "postgresql": stored,
        "effective": decided,
    }
    took: dict[str, list[float]] = {name: [] for name in (*ways, "save")}
    for number in range(-10, count):  # the first ones warm up
        await far()  # a second of the process's own copy may have ended meanwhile
        for name, way in ways.items():
            took[name].append(await _timed(way))
        if number % 5 == 0:
            took["save"].append(await _timed(lambda n=number: _save(service, user, n + 11)))  # type: ignore[misc]
    figures = {name: milliseconds(values[10 if name != "save" else 2 :]) for name, values in took.items()}
    p50 = {name: values["p50_ms"] for name, values in figures.items()}
    return {
        "reads": count,
        "memory_lasts_s": L1_TTL_S,
        **figures,
        "ratios": {
            "postgresql_vs_memory": round(p50["postgresql"] / p50["memory"], 1),
            "postgresql_vs_redis": round(p50["postgresql"] / p50["redis"], 2),
            **{f"target_vs_{name}": round(target / p50[name], 1) for name, target in TARGETS_MS.items()},
        },
    }


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _save(service: Any, user: UserId, number: int) -> None:
    changes = {"leverage": 1 + number % 100, "rsi_length": 5 + number % 50}
    await service.save_setting(
        user, SaveSetting(where=PARAMS, changes=changes, expected_version=None, changed_by="bench")
    )
