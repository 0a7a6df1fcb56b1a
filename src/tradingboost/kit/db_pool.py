"""Connections handed from block to block, and never one that a block left in the middle of a transaction.

Asking SQLAlchemy's pool each time costs the processor more than three round trips: it crosses into a greenlet and back
twice and makes objects anew. So a block takes the connection another one left, and the pool is asked if there is none.
"""

import asyncio
from typing import Final

import asyncpg
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tradingboost.kit.settings import DbSettings

_OPENED_AT: Final = "tradingboost.opened_at"


class Connections:
    """The connections of one process: so many at once, some of them kept when idle, none older than it may be."""

    def __init__(self, engine: AsyncEngine, settings: DbSettings) -> None:
        self._engine = engine
        self._kept = settings.pool_size
        self._timeout_s = settings.pool_timeout
        self._recycle_s = settings.pool_recycle
        self._room = asyncio.Semaphore(settings.pool_size + settings.max_overflow)
        self._idle: list[AsyncConnection] = []

    async def take(self) -> AsyncConnection:
        """An open connection nobody else has; give it back.

        Raises:
            sqlalchemy.exc.TimeoutError: all are in use for too long.
        """
        if self._room.locked():
            await self._wait()
        else:
            await self._room.acquire()  # at once, for there is room
        try:
            while self._idle:
                found = self._idle.pop()
                if not driver_of(found).is_closed():
                    return found
                await _let_go(found, broken=True)
            opened = await self._engine.connect().start()
            opened.info.setdefault(_OPENED_AT, asyncio.get_running_loop().time())
        except BaseException:
            self._room.release()
            raise
        return opened

    async def give(self, connection: AsyncConnection) -> None:
        """Take back what `take` handed out, whatever became of it."""
        try:
            if connection.closed or connection.invalidated:
                await _let_go(connection, broken=False)
                return
            if connection.in_transaction():  # SQLAlchemy's notion of one: it begins with its first statement
                await connection.rollback()
            age_s, driver = asyncio.get_running_loop().time() - connection.info[_OPENED_AT], driver_of(connection)
            broken = driver.is_closed() or driver.is_in_transaction() or age_s > self._recycle_s
            if broken or len(self._idle) >= self._kept:
                await _let_go(connection, broken=broken)
            else:
                self._idle.append(connection)
        finally:
            self._room.release()

    async def close(self) -> None:
        """Let the idle ones go."""
        while self._idle:
            await _let_go(self._idle.pop(), broken=False)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._room.acquire()
        except TimeoutError:
            raise PoolTimeout("no connection became free in time") from None


def driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    """The driver's connection below an open one."""
    assert connection.sync_connection is not None
    found: asyncpg.Connection = connection.sync_connection.connection.driver_connection
    return found


async def _let_go(connection: AsyncConnection, *, broken: bool) -> None:
    """Give it to SQLAlchemy's pool, or end it; to its end even when the block is being cancelled."""

    async def gone() -> None:
        if broken:
            await connection.invalidate()
        await connection.close()

    await asyncio.shield(asyncio.ensure_future(gone()))
