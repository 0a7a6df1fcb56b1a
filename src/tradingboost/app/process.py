"""What every process does first: find (or start) PostgreSQL and Redis, migrate, and make the context."""

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager

from tradingboost.app.places import data_dir
from tradingboost.app.schemas import bring_up, is_secured
from tradingboost.app.secrets import Secrets
from tradingboost.app.settings import Settings
from tradingboost.app.topology import PROCESSES, STRATEGIES
from tradingboost.app.wiring import Platform
from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.kit import crash, embedded
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.context import Context
from tradingboost.kit.db import Database
from tradingboost.kit.ids import SystemIds
from tradingboost.kit.logging import register_secret
from tradingboost.kit.redis import Redis
from tradingboost.kit.tenancy import PLATFORM, refused, role_of


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
async def opened(
    settings: Settings, found: tuple[str, str], local: Collection[str] = tuple(PROCESSES)
) -> AsyncIterator[Context]:
    """The tools of a process on (PostgreSQL, Redis) addresses; the schemas are brought up to date first."""
    for address in found:
        register_secret(address)
    role = await _brought_up(settings, found[0], local)
    async with AsyncExitStack() as stack:
        database = Database.open(found[0], settings.db.of_process(len(local)), role=role)
        stack.push_async_callback(database.close)
        redis = Redis(found[1], settings.redis)
        stack.push_async_callback(redis.close)
        await redis.ping()
        yield Context(
            db=database, redis=redis, clock=SystemClock(), ids=SystemIds(), instance=settings.topology.instance
        )


async def _brought_up(settings: Settings, address: str, local: Collection[str]) -> str:
    """Bring the database up to date as its owner; the role this process works as from then on, "" without guards."""
    owner = settings.db.owner_address() or address
    alone = settings.db.unhurried().model_copy(update={"pool_size": 1, "read_url": None})
    register_secret(owner)
    database = Database.open(owner, alone)
    try:
        done = await bring_up(database, timescale=settings.db.timescale, row_security=settings.db.row_security)
    finally:
        await database.close()
    secured, role = done.secured, role_in(local)
    if owner != address:
        database = Database.open(address, alone)
        try:
            async with database.read() as db:
                secured = settings.db.row_security != "off" and await is_secured(db, role)
        finally:
            await database.close()
    if settings.db.row_security == "require" and not secured:
        raise refused(role)
    return role if secured else ""


def role_in(local: Collection[str]) -> str:
    """The database role of a process with these services: that of its only one, or one that may do as all of them."""
    schemas = {"strategy" if name in STRATEGIES else name for name in local}
    return role_of(schemas.pop()) if len(schemas) == 1 else PLATFORM


@asynccontextmanager
async def platform(settings: Settings, local: Collection[str], durable: bool = True) -> AsyncIterator[Platform]:
    """The platform with some of its services in this process (not yet running)."""
    crash.arm(settings.ops.crash_point, settings.env)
    async with addresses(settings, durable) as found, opened(settings, found, local) as context:
        built = Platform(context, settings, Secrets(settings, data_dir(settings)), local)
        try:
            yield built
        finally:
            await built.close()
