"""The PostgreSQL driver without SQLAlchemy above it: for the few statements that run after every single commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tradingboost.kit.db import Database
from tradingboost.kit.db_pool import driver_of


@asynccontextmanager
async def raw_connection(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A pooled connection as the driver gives it; use its own `transaction()`.

    Raises:
        Unavailable: the server is away or too slow.
        Conflict: a deadlock or a lost race; run the block again.
    """
    async with database.read() as connection:
        yield driver_of(connection)
