"""Opening a credential from memory, from its copy in Redis and from PostgreSQL; and storing one."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.figures import milliseconds
from tradingboost.app.schemas import all_schemas
from tradingboost.core.ids import AccountId, UserId, Venue
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.context import Context
from tradingboost.kit.crypto import KeyRing, Secret
from tradingboost.kit.db import Database
from tradingboost.kit.embedded import servers
from tradingboost.kit.ids import SystemIds
from tradingboost.kit.migrations import upgrade
from tradingboost.kit.redis import Redis
from tradingboost.services.exchange.service.credentials import Opener, Purpose
from tradingboost.services.exchange.service.data_keys import DataKeyGiver
from tradingboost.services.users.module import build
from tradingboost.services.users.service import UsersService
from tradingboost.services.users.settings import UsersSettings
from tradingboost.shared.interfaces.users import StoreCredential, Verified

TARGET_MS: Final = {"redis": 5.0, "postgres": 50.0, "store": 50.0}
"""What the founding documents ask for; the slow end of each range."""
_WARM: Final = 20


async def measure(count: int = 2_000) -> dict[str, Any]:
    """Milliseconds by layer, and how many times each beats its target."""
    with TemporaryDirectory(prefix="tb-bench-") as folder:
        async with servers(Path(folder), durable=False) as found:
            database, redis = Database.open(found.db_url), Redis(found.redis_url)
            try:
                await upgrade(database, all_schemas())
                return await _measured(database, redis, count)
            finally:
                await redis.close()
                await database.close()


async def _measured(database: Database, redis: Redis, count: int) -> dict[str, Any]:
    ring = KeyRing({"k1": Secret(bytes(range(32)))})
    context = Context(db=database, redis=redis, clock=SystemClock(), ids=SystemIds(), instance="bench")
    users, _ = build(context, DataKeyGiver(ring), Secret(b"p" * 32), UsersSettings())
    user = (await users.create_user("bench")).user_id
    stored, account = await _stored(users, user, max(count // 10, _WARM))
    opener = Opener(context, users, ring)
    samples = {"store": stored}
    for name, before in (
        ("postgres", lambda: _nothing_near(opener, redis, account)),
        ("redis", lambda: _only_redis(opener, account)),
        ("memory", _nothing),
    ):
        samples[name] = await _timed(opener, account, before, name, count)
    figures = {name: milliseconds(found) for name, found in samples.items()}
    beaten = {f"{name}_vs_target": round(limit / figures[name]["p50_ms"], 1) for name, limit in TARGET_MS.items()}
    memory = sum(samples["memory"]) / len(samples["memory"]) * 1000
    ratios = {**beaten, "redis_vs_memory": round(figures["redis"]["p50_ms"] / memory, 1)}
    ratios["postgres_vs_redis"] = round(figures["postgres"]["p50_ms"] / figures["redis"]["p50_ms"], 2)
    return {"reads": count, "memory_us": round(memory * 1000, 2), **figures, "ratios": ratios}


async def _stored(users: UsersService, user: UserId, count: int) -> tuple[list[float], AccountId]:
    """How long storing takes, and an account with keys in force."""
    samples, account = [], AccountId("")
    for number in range(count):
        typed = StoreCredential(
            user_id=user,
            venue=Venue("okx"),
            environment="simulated",
            label="bench",
            api_key=f"bench-key-{number:06}",
            api_secret=f"bench-secret-{number:06}",
            passphrase="bench-phrase",
        )
        began = time.perf_counter()
        made = await users.store_credential(typed)
        samples.append(time.perf_counter() - began)
        account = made.account_id
    told = Verified(
        credential_id=made.credential_id, status="active", exchange_uid="1", permissions=("trade",), ip_bound=True
    )
    await users.activate(told)
    return samples, account


async def _timed(
    opener: Opener, account: AccountId, before: Callable[[], Awaitable[None]], source: str, count: int
) -> list[float]:
    samples = []
    for _ in range(-_WARM, count):
        await before()
        began = time.perf_counter()
        found = await opener.open(account, Purpose.READ)
        samples.append(time.perf_counter() - began)
        if found.source != source:
            raise SystemExit(f"bench: keys came from {found.source} instead of {source}.")
    return samples[_WARM:]


async def _nothing() -> None:
    return


async def _only_redis(opener: Opener, account: AccountId) -> None:
    opener.forget(account)


async def _nothing_near(opener: Opener, redis: Redis, account: AccountId) -> None:
    opener.forget(account)
    async with redis.context() as client:
        await client.flushdb()
