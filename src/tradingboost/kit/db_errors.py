"""What the database and its drivers complain about, in the words of the taxonomy."""

import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tradingboost.core.errors import Conflict, OutcomeUnknown, TradingBoostError, Unavailable

DRIVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver itself raises; the last where it is used after its connection broke in the middle of something."""


@asynccontextmanager
async def mapped() -> AsyncIterator[None]:
    """Turn what SQLAlchemy or the driver raises in the block into the taxonomy."""
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, *DRIVER) as error:
        told = _told(error)
        if told is None:
            raise
        raise told from error
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


def _told(error: Exception) -> TradingBoostError | None:
    """The taxonomy's word for a driver error; None for a fault of the statement itself (a bug)."""
    state = _sqlstate(error)
    if state in {"40001", "40P01"}:
        return Conflict("database_race", "Another transaction won the race; run this one again.", sqlstate=state)
    if state in {"57014", "55P03"}:
        return Unavailable("database_slow", "The database took too long and was stopped; try again shortly.")
    if state == "53100":
        message = "The database's disk is full, so nothing can be recorded; make room, then try again."
        return Unavailable("database_disk_full", message, sqlstate=state)
    if state == "53200":
        return Unavailable("database_no_memory", "The database is out of memory; try again shortly.", sqlstate=state)
    if state == "53300":
        return Unavailable("database_full", "The database accepts no more connections; lower TB_DB__POOL_SIZE.")
    if state[:2] == "28" or state == "3D000":
        message = "The database refused the login or has no such database; check TB_DB__URL."
        return Unavailable("database_login_failed", message, sqlstate=state)
    lost = isinstance(error, InterfaceError | asyncpg.InterfaceError | asyncpg.InternalClientError)
    lost = lost or getattr(error, "connection_invalidated", False)
    return _down() if lost or state[:2] in {"08", "57", "58"} else None


def _of_the_driver(error: BaseException) -> bool:
    """Whether the driver raised it, and not the caller's own code inside the block."""
    names = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(str(name).partition(".")[0] in {"asyncpg", "sqlalchemy"} for name in names)


def commit_error(error: Exception) -> Exception:
    """A server that answered has rolled back; a silent one may have committed."""
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return violation("COMMIT", error)
    told = _told(error) if isinstance(error, DRIVER) else _down()
    if isinstance(told, Unavailable) and told.code == "database_down":
        message = "The database went away during COMMIT; read the rows again before repeating anything."
        return OutcomeUnknown("database_commit_unknown", message)
    return told or error


def violation(sql: str, error: asyncpg.IntegrityConstraintViolationError) -> IntegrityError:
    """A broken constraint as SQLAlchemy says it, whoever ran the statement."""
    return IntegrityError(sql, None, error)


def _sqlstate(error: Exception) -> str:
    orig = getattr(error, "orig", None)
    for cause in (error, orig, getattr(orig, "__cause__", None)):
        state = getattr(cause, "sqlstate", None)
        if isinstance(state, str):
            return state
    return ""


def _down() -> Unavailable:
    return Unavailable("database_down", "The database does not answer; start it or check TB_DB__URL, then try again.")
