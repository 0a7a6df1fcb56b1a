"""PostgreSQL's COPY for what comes by the thousand; the driver runs it inside the transaction of the block."""

from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.kit.db_errors import violation
from tradingboost.kit.db_pool import driver_of


async def copy_new_rows(
    db: AsyncConnection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> bool:
    """Append rows that should be new; False, with nothing kept of them, when one was there already.

    Values are sent as they are: no column type checks or converts them. Wants an open transaction.

    Raises:
        IntegrityError: a row breaks another constraint; the transaction is broken.
    """
    driver = driver_of(db)
    await driver.execute("SAVEPOINT copying")
    try:
        await driver.copy_records_to_table(table.name, schema_name=table.schema, columns=list(columns), records=rows)
    except asyncpg.UniqueViolationError:
        await driver.execute("ROLLBACK TO SAVEPOINT copying")
        return False
    except asyncpg.IntegrityConstraintViolationError as error:
        raise violation(f"COPY {table.name}", error) from error
    await driver.execute("RELEASE SAVEPOINT copying")
    return True
