"""PostgreSQL: one engine a process, one transaction a use case, one schema a service.

Statements are SQLAlchemy Core over each service's `tables.py`. Errors of the driver become the taxonomy here, so no
service handles a driver's exception; constraint violations alone pass through (see `violated`).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import orjson
import structlog
from sqlalchemy import DateTime, MetaData, Numeric, text
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator

from tradingboost.core.errors import BrokenInvariant, InvalidInput, Unavailable
from tradingboost.kit.db_errors import DRIVER, commit_error, mapped
from tradingboost.kit.db_pool import Connections, driver_of
from tradingboost.kit.settings import DbSettings
from tradingboost.kit.tenancy import USER

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
_AFTER_COMMIT = "tradingboost.after_commit"
_NAME_USER = "SELECT set_config('app.user_id', $1, true)"
_AS_USER = f"SELECT set_config('role', '{USER}', true), set_config('app.user_id', $1, true)"
log = structlog.get_logger(__name__)


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

    def __init__(self, engine: AsyncEngine, settings: DbSettings, *, guarded: bool = False) -> None:
        self.engine = engine
        self._connections = Connections(engine, settings)
        self._guarded = guarded
        self.role = ""
        self._replica: Connections | None = None
        self._replica_engine: AsyncEngine | None = None

    @classmethod
    def open(cls, url: str, settings: DbSettings | None = None, *, role: str = "") -> "Database":
        """Make the pool; nothing is dialled before the first use.

        Args:
            role: works as this role, which the login must be a member of; "" = as the login itself.
        """
        chosen = settings or DbSettings()
        opened = cls(create_engine(url, chosen, role), chosen, guarded=bool(role))
        opened.role = role
        if chosen.read_url is not None:
            opened._replica_engine = create_engine(chosen.read_url.get_secret_value(), chosen, role)
            opened._replica = Connections(opened._replica_engine, chosen)
        return opened

    @asynccontextmanager
    async def _connection(self, of: Connections | None = None) -> AsyncIterator[AsyncConnection]:
        connections = of or self._connections
        async with mapped():
            connection = await connections.take()
            try:
                yield connection
            finally:
                await connections.give(connection)

    @asynccontextmanager
    async def transaction(self, user: str | None = None) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed when the block ends, rolled back when it raises.

        BEGIN and COMMIT go to the driver, so that its own statements (`kit.hot`) and SQLAlchemy's share them.

        Args:
            user: in whose name; the block then sees and writes the rows of this person only. None = the service's own
                work, which is for everybody.

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
                if user is not None:
                    await driver.execute(_AS_USER if self._guarded else _NAME_USER, user)
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

    def statement(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """For one statement that is a whole transaction: it commits itself, which saves two round trips.

        Raises:
            Unavailable: the server is away or too slow; nothing was stored.
            Conflict: a deadlock or a lost race; nothing was stored, run it again.
            OutcomeUnknown: the connection broke while the statement was on its way.
        """
        return _Block(self._connections, [])

    def read(self, user: str | None = None, *, replica: bool = False) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection for statements that each stand alone (no BEGIN, no COMMIT: two round trips fewer).

        Args:
            user: in whose name; costs the two round trips.
            replica: may be answered by the replica, which is a little behind: for screens only, never for a decision.
        """
        return self._read_apart(user, replica) if user is not None or replica else _Block(self._connections, None)

    @asynccontextmanager
    async def _read_apart(self, user: str | None, replica: bool) -> AsyncIterator[AsyncConnection]:
        connections = await self._reader(replica)
        found = _Block(connections, None) if user is None else self._reading_for(user, connections)
        async with found as connection:
            yield connection

    @asynccontextmanager
    async def _reading_for(self, user: str, of: Connections) -> AsyncIterator[AsyncConnection]:
        async with self._connection(of) as connection:
            driver = driver_of(connection)
            try:
                await driver.execute("BEGIN READ ONLY")
                await driver.execute(_AS_USER if self._guarded else _NAME_USER, user)
                yield connection
            finally:
                await _roll_back(connection, driver)

    async def _reader(self, replica: bool) -> Connections:
        """The replica's connections if they are asked for and it answers, else the primary's."""
        if not replica or self._replica is None:
            return self._connections
        try:
            async with mapped():
                await self._replica.give(await self._replica.take())
        except Unavailable as error:
            log.warning("replica_away", code=error.code)
            return self._connections
        return self._replica

    async def ping(self) -> None:
        """Raise Unavailable unless the server answers."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        for connections, engine in ((self._connections, self.engine), (self._replica, self._replica_engine)):
            if connections is not None and engine is not None:
                await connections.close()
                await engine.dispose()


class _Block:
    """A connection for the length of a block that begins nothing. No generator: three of them cost half a round trip.

    Args:
        callbacks: of a statement that commits itself, called once it has; None = nothing is stored.
    """

    __slots__ = ("_callbacks", "_connection", "_connections")
    _connection: AsyncConnection

    def __init__(self, connections: Connections, callbacks: list[Callable[[], None]] | None) -> None:
        self._connections = connections
        self._callbacks = callbacks

    async def __aenter__(self) -> AsyncConnection:
        try:
            self._connection = connection = await self._connections.take()
        except BaseException:
            async with mapped():
                raise
        if self._callbacks is not None:
            connection.info[_AFTER_COMMIT] = self._callbacks
        return connection

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        connection = self._connection
        if not connection.invalidated and not connection.closed:
            if self._callbacks is not None:
                connection.info.pop(_AFTER_COMMIT, None)
            if error is not None and driver_of(connection).is_closed():
                await connection.invalidate()
        await self._connections.give(connection)
        if error is None:
            for callback in self._callbacks or ():
                callback()
            return
        if self._callbacks is not None and isinstance(error, (*DRIVER, OSError, TimeoutError)):
            raise commit_error(error) from error
        async with mapped():
            raise error


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


def create_engine(url: str, settings: DbSettings, role: str = "") -> AsyncEngine:
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
        pool_pre_ping=True,
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
                "idle_in_transaction_session_timeout": str(int(settings.idle_in_transaction_s * 1000)),
                **({"role": role} if role else {}),
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
