"""What every process does first: find (or start) PostgreSQL and Redis, migrate, and make the context."""

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager

from tradingboost.app.places import data_dir
from tradingboost.app.schemas import all_schemas
from tradingboost.app.secrets import Secrets
from tradingboost.app.settings import Settings
from tradingboost.app.wiring import Platform
from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.kit import crash, embedded
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.context import Context
from tradingboost.kit.db import Database
from tradingboost.kit.ids import SystemIds
from tradingboost.kit.logging import register_secret
from tradingboost.kit.migrations import upgrade
from tradingboost.kit.redis import Redis


@asynccontextmanager
async def addresses(settings: Settings, durable: bool = True) -> AsyncIterator[tuple[str, str]]:
    """(PostgreSQL, Redis) addresses: the given ones, or those of servers started for the while.

    Raises:
        InvalidInput: only one of the two is given.
        Refused: production without its own servers.
        Unavailable, Conflict: the embedded servers cannot be started.
    """
    database, redis = settings.db.address(), settings.redis.address()
    if database is not None and redis is not None:
        yield database, redis
        return
    if database is not None or redis is not None:
        raise InvalidInput("half_embedded", "Set both TB_DB__URL and TB_REDIS__URL, or neither to have both started.")
    if settings.env == "production" and not settings.embedded.allow_production:
        raise Refused(
            "embedded_in_production",
            "Production needs its own servers: set TB_DB__URL and TB_REDIS__URL (or allow the embedded ones).",
        )
    async with embedded.servers(data_dir(settings), durable=durable) as servers:
        yield servers.db_url, servers.redis_url


@asynccontextmanager
async def opened(settings: Settings, found: tuple[str, str]) -> AsyncIterator[Context]:
    """The tools of a process on (PostgreSQL, Redis) addresses; the schemas are brought up to date first."""
    for address in found:
        register_secret(address)
    async with AsyncExitStack() as stack:
        database = Database.open(found[0], settings.db)
        stack.push_async_callback(database.close)
        redis = Redis(found[1], settings.redis)
        stack.push_async_callback(redis.close)
        await upgrade(database, all_schemas())
        await redis.ping()
        yield Context(
            db=database, redis=redis, clock=SystemClock(), ids=SystemIds(), instance=settings.topology.instance
        )


@asynccontextmanager
async def platform(settings: Settings, local: Collection[str], durable: bool = True) -> AsyncIterator[Platform]:
    """The platform with some of its services in this process (not yet running)."""
    crash.arm(settings.ops.crash_point, settings.env)
    async with addresses(settings, durable) as found, opened(settings, found) as context:
        built = Platform(context, settings, Secrets(settings, data_dir(settings)), local)
        try:
            yield built
        finally:
            await built.close()
