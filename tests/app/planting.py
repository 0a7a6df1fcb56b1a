"""Rows for a migrated database: what a test does not name gets a value of the column's type."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import BigInteger, Boolean, Column, Integer, SmallInteger, Table, Uuid, insert
from sqlalchemy.dialects.postgresql import JSONB

from tradingboost.kit.clock import SystemClock
from tradingboost.kit.db import Database, ExactNumeric, UtcDateTime

NOW = SystemClock().now()
Row = tuple[Table, dict[str, Any]]
PLANTED: set[Table] = set()
"""Tables to be emptied after the test."""


def ago(seconds: float) -> datetime:
    """An instant before the test."""
    return NOW - timedelta(seconds=seconds)


def row(table: Table, **values: Any) -> Row:
    """One row; `values` are what the test is about."""
    return table, values


async def plant(database: Database, rows: list[Row]) -> None:
    """Insert them in their order."""
    async with database.transaction() as db:
        for number, (table, values) in enumerate(rows):
            unknown = set(values) - set(table.c.keys())
            assert not unknown, f"{table.name} has no {unknown}"
            PLANTED.add(table)
            filled = {column.name: _value(column, number) for column in table.c if _needed(column)}
            await db.execute(insert(table).values(**{**filled, **values}))


def _needed(column: Column[Any]) -> bool:
    return not column.nullable and column.server_default is None and column.identity is None


def _value(column: Column[Any], number: int) -> Any:
    kind = column.type
    if isinstance(kind, UtcDateTime):
        return datetime(2026, 1, 1, tzinfo=UTC)
    if isinstance(kind, ExactNumeric):
        return Decimal(0)
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, BigInteger | Integer | SmallInteger):
        return 0
    if isinstance(kind, JSONB):
        return {}
    if isinstance(kind, Uuid):
        return uuid5(UUID(int=1), f"{column.name}{number}")
    return f"{column.name}-{number}" if column.primary_key or column.unique else "x"
