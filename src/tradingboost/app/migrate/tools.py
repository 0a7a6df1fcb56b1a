"""Putting the tools of a migration together: the platform at rest, and the Redis of the old system."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from tradingboost.app.look import found
from tradingboost.app.migrate.work import Options, Tools, mapping_of
from tradingboost.app.places import data_dir
from tradingboost.app.process import opened, role_in
from tradingboost.app.schemas import all_schemas, is_secured
from tradingboost.app.secrets import Secrets
from tradingboost.app.settings import Settings
from tradingboost.app.topology import PROCESSES
from tradingboost.app.wiring import Platform
from tradingboost.core.errors import Refused
from tradingboost.core.ids import UserId
from tradingboost.kit import migrations
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.context import Context
from tradingboost.kit.ids import SystemIds
from tradingboost.kit.legacy import LegacyReader
from tradingboost.kit.logging import register_secret
from tradingboost.kit.readonly import ReadOnlyRedis, read_only_database

_RUNS: Final = frozenset({"running", "stopping"})


@asynccontextmanager
async def tools(
    settings: Settings, options: Options, source_url: str = "", step: Callable[[str], None] = lambda _: None
) -> AsyncIterator[Tools]:
    """Everything a verb works with; for a dry run nothing of it can write.

    Args:
        source_url: the Redis of the old system, where it is not the platform's own.
        step: see `Tools`.

    Raises:
        Refused: `schemas_behind`; a dry run does not bring the database up to date.
        InvalidInput: `bad_legacy_keys`.
    """
    given = settings.crypto.legacy_fernet_keys
    reader = LegacyReader(given.get_secret_value()) if given else None
    async with AsyncExitStack() as stack:
        where = await stack.enter_async_context(found(settings))
        opening = _read_only(settings, where) if options.dry_run else opened(settings, where)
        context = await stack.enter_async_context(opening)
        platform = Platform(context, settings, Secrets(settings, data_dir(settings)), PROCESSES)
        stack.push_async_callback(platform.close)
        same = not source_url or _place(source_url) == _place(where[1])
        old = context.redis
        if not same:
            register_secret(source_url)
            old = ReadOnlyRedis(source_url, settings.redis)  # nothing is ever written into a system of others
            stack.push_async_callback(old.close)
            await old.ping()
        yield Tools(
            users=platform.users,
            busy=_Busy(platform),
            database=context.db,
            redis=context.redis,
            old=old,
            same=same,
            source=_place(source_url or where[1]),
            clock=context.clock,
            ids=context.ids,
            reader=reader,
            options=options,
            mapping=await mapping_of(old, options.batch),
            step=step,
        )


class _Busy:
    """Runs and open orders of a person."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def __call__(self, user_id: UserId) -> str:
        for strategy in self._platform.strategies.values():
            if any(run.user_id == user_id and run.status in _RUNS for run in await strategy.runs()):
                return "a strategy of this user runs"
        accounts = {one.account_id for one in await self._platform.users.credentials(user_id)}
        for account_id in sorted(accounts):
            if await self._platform.orders.orders(account_id, limit=1, open_only=True):
                return "an order of this user is open"
        return ""


@asynccontextmanager
async def _read_only(settings: Settings, where: tuple[str, str]) -> AsyncIterator[Context]:
    for address in where:
        register_secret(address)
    async with AsyncExitStack() as stack:
        looking = read_only_database(where[0], settings.db)
        stack.push_async_callback(looking.close)
        behind = await migrations.pending(looking, all_schemas())
        if behind:
            message = f"A dry run changes no schema, and {', '.join(behind)} are not up to date; run db upgrade first."
            raise Refused("schemas_behind", message)
        async with looking.read() as db:
            secured = settings.db.row_security != "off" and await is_secured(db)
        database = read_only_database(where[0], settings.db, role=role_in(PROCESSES) if secured else "")
        stack.push_async_callback(database.close)
        redis = ReadOnlyRedis(where[1], settings.redis)
        stack.push_async_callback(redis.close)
        await redis.ping()
        clock, ids = SystemClock(), SystemIds()
        yield Context(db=database, redis=redis, clock=clock, ids=ids, instance=settings.topology.instance)


def _place(url: str) -> str:
    """Host, port and database of an address; no login."""
    parts = urlsplit(url)
    try:
        port = parts.port or 6379
    except ValueError:
        port = 0
    return f"{parts.hostname or ''}:{port}/{parts.path.strip('/') or '0'}"
