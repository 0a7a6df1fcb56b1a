"""PostgreSQL: one engine a process, one transaction a use case, one schema a service.

Statements are SQLAlchemy Core over each service's `tables.py`. Errors of the driver become the taxonomy here, so no
service handles a driver's exception; constraint violations alone pass through (see `violated`).
"""

import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import DateTime, MetaData, Numeric, text
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InterfaceError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator

from tradingboost.core.errors import Conflict, InvalidInput, OutcomeUnknown, TradingBoostError, Unavailable
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

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")

    @classmethod
    def open(cls, url: str, settings: DbSettings | None = None) -> "Database":
        """Make the pool; nothing is dialled before the first use."""
        return cls(create_engine(url, settings or DbSettings()))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Raises:
            Unavailable: the server is away or too slow; nothing was stored.
            Conflict: a deadlock or a lost race; nothing was stored, run the whole block again.
            OutcomeUnknown: the connection broke while COMMIT was on its way.
        """
        callbacks: list[Callable[[], None]] = []
        async with _mapped(), self.engine.connect() as connection:
            transaction = await connection.begin()
            connection.info[_AFTER_COMMIT] = callbacks
            try:
                yield connection
            except BaseException:
                await _roll_back(connection)
                raise
            finally:
                if not connection.invalidated and not connection.closed:
                    connection.info.pop(_AFTER_COMMIT, None)
            try:
                await transaction.commit()
            except (DBAPIError, OSError, TimeoutError) as error:
                raise _commit_error(error) from error
        for callback in callbacks:
            callback()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for statements that each stand alone (no BEGIN, no COMMIT: two round trips fewer)."""
        async with _mapped(), self._autocommit.connect() as connection:
            yield connection

    async def ping(self) -> None:
        """Raise Unavailable unless the server answers."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def after_commit(connection: AsyncConnection, callback: Callable[[], None]) -> None:
    """Call `callback` once the surrounding `Database.transaction()` is committed (never after a rollback).

    It must be quick and must not raise: waking a relay, dropping a cache entry.
    """
    connection.info[_AFTER_COMMIT].append(callback)


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


async def _roll_back(connection: AsyncConnection) -> None:
    """Undo, unless the connection is beyond it: then the server has undone it already."""
    if connection.invalidated:
        return
    try:
        await connection.rollback()
    except (DBAPIError, OSError, TimeoutError):
        await connection.invalidate()


@asynccontextmanager
async def _mapped() -> AsyncIterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        mapped = _mapped_error(error)
        if mapped is None:
            raise
        raise mapped from error
    except StatementError as error:
        if isinstance(error.orig, TradingBoostError):  # a column type refused the value
            raise error.orig from None
        raise
    except PoolTimeout as error:
        message = "All database connections are in use; try again shortly or raise TB_DB__POOL_SIZE."
        raise Unavailable("database_pool_exhausted", message) from error
    except (OSError, TimeoutError) as error:
        if not _of_the_driver(error):
            raise
        raise _down() from error


def _mapped_error(error: DBAPIError) -> TradingBoostError | None:
    """The taxonomy's word for a driver error; None for a fault of the statement itself (a bug)."""
    state = _sqlstate(error)
    if state in {"40001", "40P01"}:
        return Conflict("database_race", "Another transaction won the race; run this one again.", sqlstate=state)
    if state in {"57014", "55P03"}:
        return Unavailable("database_slow", "The database took too long and was stopped; try again shortly.")
    if state == "53300":
        return Unavailable("database_full", "The database accepts no more connections; lower TB_DB__POOL_SIZE.")
    if state[:2] == "28" or state == "3D000":
        message = "The database refused the login or has no such database; check TB_DB__URL."
        return Unavailable("database_login_failed", message, sqlstate=state)
    lost = error.connection_invalidated or isinstance(error, InterfaceError) or state[:2] in {"08", "57", "58"}
    return _down() if lost else None


def _of_the_driver(error: BaseException) -> bool:
    """Whether the driver raised it, and not the caller's own code inside the block."""
    names = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(str(name).partition(".")[0] in {"asyncpg", "sqlalchemy"} for name in names)


def _commit_error(error: Exception) -> TradingBoostError | Exception:
    """A server that answered has rolled back; a silent one may have committed."""
    if isinstance(error, IntegrityError):
        return error
    mapped = _mapped_error(error) if isinstance(error, DBAPIError) else _down()
    if isinstance(mapped, Unavailable) and mapped.code == "database_down":
        message = "The database went away during COMMIT; read the rows again before repeating anything."
        return OutcomeUnknown("database_commit_unknown", message)
    return mapped or error


def _sqlstate(error: DBAPIError) -> str:
    for cause in (error.orig, getattr(error.orig, "__cause__", None)):
        state = getattr(cause, "sqlstate", None)
        if isinstance(state, str):
            return state
    return ""


def _down() -> Unavailable:
    return Unavailable("database_down", "The database does not answer; start it or check TB_DB__URL, then try again.")
