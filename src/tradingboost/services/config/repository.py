"""All SQL of `config`."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.services.config import tables as t
from tradingboost.shared.interfaces.config import ConfigValue


async def newest(db: AsyncConnection, service: str, key: str | None = None) -> list[ConfigValue]:
    """The newest version of each value of a service, or of one key."""
    v = t.config_values.c
    statement = select(t.config_values).where(v.service == service)
    if key is not None:
        statement = statement.where(v.key == key)
    statement = statement.ext(distinct_on(v.service, v.key)).order_by(v.service, v.key, v.version.desc())
    return [ConfigValue(**row._mapping) for row in await db.execute(statement)]


async def insert_value(db: AsyncConnection, values: dict[str, Any]) -> bool:
    """Store a version; False when somebody was faster."""
    statement = upsert(t.config_values).values(values).on_conflict_do_nothing().returning(t.config_values.c.version)
    return (await db.execute(statement)).first() is not None
