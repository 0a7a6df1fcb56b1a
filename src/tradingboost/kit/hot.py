"""Statements on the way of every candle and every order: written in Core, compiled once, run by the driver itself.

SQLAlchemy's own way costs five to ten times the processor time of the round trip, for each statement anew.
"""

from typing import Any

import asyncpg
from sqlalchemy import ClauseElement
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import BrokenInvariant
from tradingboost.kit.db_errors import violation
from tradingboost.kit.db_pool import driver_of


class Hot:
    """One statement. Values are checked and converted by the column types as ever; rows are read by name.

    Write variable parts as `bindparam`; lists as arrays (`= ANY`), since an IN list is another statement each time.

    Args:
        columns: of an INSERT or UPDATE without `values()`: the columns it sets.
    """

    def __init__(self, statement: ClauseElement, *columns: str) -> None:
        self._statement = statement
        self._columns = columns
        self._sql = ""
        self._given: list[Any] = []
        self._binds: list[tuple[int, str, Any]] = []

    async def rows(self, db: AsyncConnection, **values: Any) -> list[Any]:
        """Run it in the open transaction (or alone, on a reading connection)."""
        if not self._sql:
            assert db.sync_connection is not None
            self._compile(db.sync_connection.dialect)
        given = self._given.copy()
        for index, name, convert in self._binds:
            value = values[name]
            given[index] = value if convert is None else convert(value)
        try:
            found = await driver_of(db).fetch(self._sql, *given)
        except asyncpg.IntegrityConstraintViolationError as error:
            raise violation(self._sql, error) from error
        return list(found)

    async def first(self, db: AsyncConnection, **values: Any) -> Any | None:
        """The first row, None without any."""
        found = await self.rows(db, **values)
        return found[0] if found else None

    def _compile(self, dialect: Dialect) -> None:
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=list(self._columns) or None)
        if compiled.post_compile_params or compiled.literal_execute_params:
            raise BrokenInvariant("hot_statement_varies", "Write a list as an array: column = any_(bindparam(...)).")
        fixed = {name: bind.effective_value for bind, name in compiled.bind_names.items() if not bind.required}
        for index, name in enumerate(compiled.positiontup or ()):
            convert = compiled._bind_processors.get(name)
            value = fixed.get(name)
            self._given.append(value if name not in fixed or convert is None else convert(value))
            if name not in fixed:
                self._binds.append((index, name, convert))
        self._sql = compiled.string
