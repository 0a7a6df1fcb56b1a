"""PostgreSQL: one engine a process, one transaction a use case, one schema a service.

Statements are SQLAlchemy Core over each service's `tables.py`. Errors of the driver become the taxonomy here, so no
service handles a driver's exception; constraint violations alone pass through (see `violated`).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import orjson
from sqlalchemy import DateTime, MetaData, Numeric, text
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator

from tradingboost.core.errors import BrokenInvariant, InvalidInput
from tradingboost.kit.db_errors import DRIVER, commit_error, mapped
from tradingboost.kit.db_pool import Connections, driver_of
from tradingboost.kit.settings import DbSettings

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
_AFTER_COMMIT = "tradingboost.after_commit"


def schema_metadata(schema: str) -> MetaData:
    """The `MetaData` of one service's tables, with the house's constraint names."""
    return MetaData(schema=schema, naming_convention=_NAMES)


class UtcDateTime(TypeDecorator[datetime]):
    """TIMESTAMPTZ that refuses naive values and always gives UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise InvalidInput("naive_datetime", "A stored time must be aware; pass datetime(..., tzinfo=UTC).")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.astimezone(UTC)


class ExactNumeric(TypeDecorator[Decimal]):
    """NUMERIC without scale: what was written comes back digit for digit. Floats and NaN are refused."""

    impl = Numeric(asdecimal=True)
    cache_ok = True

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, Decimal | int):
            raise InvalidInput("inexact_number", f"Money is stored as Decimal or int, not as {type(value).__name__}.")
        exact = Decimal(value)
        if not exact.is_finite():
            raise InvalidInput("inexact_number", "Money must be a finite number.")
        return exact


class Database:
    """The process's way to PostgreSQL."""

    def __init__(self, engine: AsyncEngine, settings: DbSettings) -> None:
        self.engine = engine
        self._connections = Connections(engine, settings)

    @classmethod
    def open(cls, url: str, settings: DbSettings | None = None) -> "Database":
        """Make the pool; nothing is dialled before the first use."""
        chosen = settings or DbSettings()
        return cls(create_engine(url, chosen), chosen)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        async with mapped():
            connection = await self._connections.take()
            try:
                yield connection
            finally:
                await self._connections.give(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed when the block ends, rolled back when it raises.

        BEGIN and COMMIT go to the driver, so that its own statements (`kit.hot`) and SQLAlchemy's share them.

        Raises:
            Unavailable: the server is away or too slow; nothing was stored.
            Conflict: a deadlock or a lost race; nothing was stored, run the whole block again.
            OutcomeUnknown: the connection broke while COMMIT was on its way.
        """
        callbacks: list[Callable[[], None]] = []
        async with self._connection() as connection:
            driver = driver_of(connection)
            try:
                await driver.execute("BEGIN")
                connection.info[_AFTER_COMMIT] = callbacks
                yield connection
            except BaseException:
                await _roll_back(connection, driver)
                raise
            finally:
                if not connection.invalidated and not connection.closed:
                    connection.info.pop(_AFTER_COMMIT, None)
            try:
                ended_as = await driver.execute("COMMIT")
            except (*DRIVER, OSError, TimeoutError) as error:
                await _roll_back(connection, driver)
                raise commit_error(error) from error
            except BaseException:
                await _roll_back(connection, driver)
                raise
            if ended_as != "COMMIT":
                message = "A statement failed and its error was swallowed, so the database kept nothing of the block."
                raise BrokenInvariant("transaction_aborted", message)
        for callback in callbacks:
            callback()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for statements that each stand alone (no BEGIN, no COMMIT: two round trips fewer)."""
        async with self._connection() as connection:
            try:
                yield connection
            except BaseException:
                if not connection.invalidated and driver_of(connection).is_closed():
                    await connection.invalidate()
                raise

    async def ping(self) -> None:
        """Raise Unavailable unless the server answers."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self._connections.close()
        await self.engine.dispose()


def after_commit(connection: AsyncConnection, callback: Callable[[], None]) -> None:
    """Call `callback` once the surrounding `Database.transaction()` is committed (never after a rollback).

    It must be quick and must not raise: waking a relay, dropping a cache entry.
    """
    connection.info[_AFTER_COMMIT].append(callback)


def transaction_of(connection: AsyncConnection) -> object:
    """A token of the open transaction: the same object within it, another one in every other.

    The connection itself is none, because it is handed from block to block.
    """
    callbacks: object = connection.info[_AFTER_COMMIT]
    return callbacks


def violated(error: IntegrityError) -> str | None:
    """The name of the constraint an IntegrityError is about, where the server told it."""
    for cause in (error.orig, getattr(error.orig, "__cause__", None)):
        name = getattr(cause, "constraint_name", None)
        if isinstance(name, str):
            return name
    return None


def create_engine(url: str, settings: DbSettings) -> AsyncEngine:
    """An asyncpg engine with the house's time-outs; `postgres://` and `postgresql://` are accepted."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        message = "TB_DB__URL is no database address; use postgresql://user:password@host:port/name."
        raise InvalidInput("bad_database_url", message) from None
    if parsed.drivername not in {"postgres", "postgresql", "postgresql+asyncpg"}:
        message = f"TB_DB__URL must be a PostgreSQL address, not {parsed.drivername}://."
        raise InvalidInput("bad_database_url", message)
    statement_ms = int(settings.statement_timeout_s * 1000)
    return create_async_engine(
        parsed.set(drivername="postgresql+asyncpg"),
        isolation_level="AUTOCOMMIT",  # transactions are begun and ended by `Database`, in the driver
        pool_reset_on_return=None,  # so there is nothing to undo when a connection comes back
        pool_size=settings.pool_size,
        max_overflow=settings.max_overflow,
        pool_timeout=settings.pool_timeout,
        pool_recycle=settings.pool_recycle,
        pool_use_lifo=True,
        hide_parameters=True,  # values may be personal or sealed; they do not belong into messages
        json_serializer=_dump_json,
        json_deserializer=orjson.loads,
        connect_args={
            "timeout": settings.connect_timeout_s,
            # a server that is alive cancels by itself; this one notices a server that is not
            "command_timeout": settings.statement_timeout_s + 5,
            "prepared_statement_cache_size": 500,
            "server_settings": {
                "application_name": settings.application_name,
                "timezone": "UTC",
                "jit": "off",
                "statement_timeout": str(statement_ms),
                "lock_timeout": str(statement_ms),
                "idle_in_transaction_session_timeout": str(2 * statement_ms),
            },
        },
    )


def _dump_json(value: object) -> str:
    return orjson.dumps(value, default=_json_default).decode()


def _json_default(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


async def _roll_back(connection: AsyncConnection, driver: asyncpg.Connection) -> None:
    """Undo, unless the connection is beyond it: then the server has undone it already."""
    if connection.invalidated:
        return
    try:
        await driver.execute("ROLLBACK")
    except (*DRIVER, OSError, TimeoutError):
        await connection.invalidate()
