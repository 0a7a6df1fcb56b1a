"""Looking at an installation without running it: its addresses, its database, its services without their loops."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tradingboost.app.places import data_dir
from tradingboost.app.process import addresses, opened
from tradingboost.app.secrets import Secrets
from tradingboost.app.settings import Settings
from tradingboost.app.topology import PROCESSES
from tradingboost.app.wiring import Platform
from tradingboost.kit import embedded


@asynccontextmanager
async def found(settings: Settings) -> AsyncIterator[tuple[str, str]]:
    """(PostgreSQL, Redis) addresses: the given ones, those of servers that run already, else of servers for the while.

    Raises:
        InvalidInput, Refused, Conflict, Unavailable: as `process.addresses`.
    """
    given = settings.db.address() is not None or settings.redis.address() is not None
    running = None if given else await embedded.running(data_dir(settings))
    if running is not None:
        yield running
        return
    async with addresses(settings) as started:
        yield started


@asynccontextmanager
async def platform_at_rest(settings: Settings) -> AsyncIterator[Platform]:
    """Every service, to be asked and not run: none of its loops works, so nothing is sent or decided."""
    async with found(settings) as where, opened(settings, where) as context:
        built = Platform(context, settings, Secrets(settings, data_dir(settings)), PROCESSES)
        try:
            yield built
        finally:
            await built.close()
