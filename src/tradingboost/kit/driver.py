"""The PostgreSQL driver without SQLAlchemy above it: for the few statements that run after every single commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tradingboost.core.errors import Conflict, Unavailable
from tradingboost.kit.db import Database

_DOWN = "The database does not answer; start it or check TB_DB__URL, then try again."
_RACE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_SLOW = (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError)
_LOST = (
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
)


@asynccontextmanager
async def raw_connection(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A pooled connection as the driver gives it; use its own `transaction()`.

    Raises:
        Unavailable: the server is away or too slow.
        Conflict: a deadlock or a lost race; run the block again.
    """
    async with database.read() as connection:
        pooled = await connection.get_raw_connection()
        try:
            yield pooled.driver_connection
        except _RACE as error:
            raise Conflict("database_race", "Another transaction won the race; run this one again.") from error
        except _SLOW as error:
            message = "The database took too long and was stopped; try again shortly."
            raise Unavailable("database_slow", message) from error
        except (*_LOST, OSError) as error:
            await connection.invalidate()
            raise Unavailable("database_down", _DOWN) from error
