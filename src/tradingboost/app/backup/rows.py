"""Rows as the database spells them: out of it by id, into it again where they are not yet."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from sqlalchemy import MetaData, Table, Text, bindparam, cast, column, exists, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.app.backup.files import Kept
from tradingboost.kit.audit.tables import heads
from tradingboost.services.users import tables as t

BATCH: Final = 500
KEPT: Final[tuple[Table, ...]] = (
    t.app_users,
    t.identities,
    t.recovery_codes,
    t.exchange_accounts,
    t.exchange_credentials,
    t.user_settings,
    t.presets,
)
"""In the order in which they refer to each other. Sessions and one-time codes end with the database they were in."""
BY_NAME: Final = {str(table.name): table for table in KEPT}

_SCRATCH: Final = (
    text("CREATE TEMPORARY TABLE app_users (LIKE users.app_users INCLUDING ALL) ON COMMIT DROP"),
    text("CREATE TEMPORARY TABLE identities (LIKE users.identities INCLUDING ALL) ON COMMIT DROP"),
    text("CREATE TEMPORARY TABLE recovery_codes (LIKE users.recovery_codes INCLUDING ALL) ON COMMIT DROP"),
    text("CREATE TEMPORARY TABLE exchange_accounts (LIKE users.exchange_accounts INCLUDING ALL) ON COMMIT DROP"),
    text("CREATE TEMPORARY TABLE exchange_credentials (LIKE users.exchange_credentials INCLUDING ALL) ON COMMIT DROP"),
    text("CREATE TEMPORARY TABLE user_settings (LIKE users.user_settings INCLUDING ALL) ON COMMIT DROP"),
    text("CREATE TEMPORARY TABLE presets (LIKE users.presets INCLUDING ALL) ON COMMIT DROP"),
)


async def batches(db: AsyncConnection, table: Table) -> AsyncIterator[list[str]]:
    """The rows of a table by id, as JSON."""
    rows = table.alias("k")
    last: str | None = None
    while True:
        spelled = cast(func.to_jsonb(literal_column("k")), Text).label("spelled")
        statement = select(rows.c.id, spelled).order_by(rows.c.id).limit(BATCH)
        if last is not None:
            statement = statement.where(rows.c.id > last)
        found = (await db.execute(statement)).all()
        if found:
            yield [row.spelled for row in found]
        if len(found) < BATCH:
            return
        last = found[-1].id


async def counted(db: AsyncConnection, table: Table) -> Kept:
    """Count and hash of a table."""
    digest, count = hashlib.sha256(), 0
    async for batch in batches(db, table):
        count += len(batch)
        for row in batch:
            digest.update(row.encode() + b"\n")
    return Kept(rows=count, sha256=digest.hexdigest())


async def put(db: AsyncConnection, table: Table, rows: Sequence[bytes]) -> list[str]:
    """Store rows that are not there yet and do not stand against one that is; returns the ids of those stored."""
    wanted = [column(one.name, one.type) for one in table.c]
    given = cast(bindparam("rows", type_=Text), JSONB)
    read = func.jsonb_to_recordset(given).table_valued(*wanted).render_derived(name="r", with_types=True)
    chosen = select(*(read.c[one.name] for one in table.c))
    statement = upsert(table).from_select([one.name for one in table.c], chosen).on_conflict_do_nothing()
    document = b"[" + b",".join(rows) + b"]"
    found = await db.execute(statement.returning(table.c.id), {"rows": document.decode()})
    return [row.id for row in found]


async def scratch(db: AsyncConnection) -> dict[str, Table]:
    """Empty tables of the same form, gone with the transaction."""
    for statement in _SCRATCH:
        await db.execute(statement)
    apart = MetaData()
    nowhere: Any = None  # without a schema a name is that of the temporary table
    return {name: table.to_metadata(apart, schema=nowhere) for name, table in BY_NAME.items()}


async def orphans(db: AsyncConnection, tables: dict[str, Table]) -> list[str]:
    """Tables with rows whose person, or account, is not among them."""
    found = []
    for name, table in tables.items():
        links = {"user_id": "app_users", "account_id": "exchange_accounts"}
        for link, target in links.items():
            if link not in table.c:
                continue
            there = exists().where(tables[target].c.id == table.c[link])
            lost = select(func.count()).select_from(table).where(table.c[link].is_not(None), ~there)
            if (await db.execute(lost)).scalar_one():
                found.append(name)
    return found


async def heads_now(db: AsyncConnection) -> dict[str, tuple[int, str]]:
    """Where every chain of the audit trail stands."""
    rows: Sequence[Any] = (await db.execute(select(heads.c.stream, heads.c.seq, heads.c.hash))).all()
    return {row.stream: (row.seq, bytes(row.hash).hex()) for row in rows}
