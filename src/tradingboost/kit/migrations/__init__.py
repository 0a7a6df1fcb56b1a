"""Migrations: each schema is owned by one service and keeps its own versions, `0001_name.py`, `0002_name.py`, ...

All schemas are brought to their newest version in one transaction under one lock, so processes that start together
do not race, and a failing step leaves the database as it was. Alembic is imported only when there is work to do.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol
from weakref import WeakKeyDictionary

from sqlalchemy import DDL, Connection, MetaData, column, select, text
from sqlalchemy import table as plain_table
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateSchema

from tradingboost.core.errors import Conflict
from tradingboost.kit.db import Database
from tradingboost.kit.db_pool import driver_of

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

_LOCK = 0x7462_6D69_6772  # any constant number, the same in every process
_VERSION_TABLE = "alembic_version"
_NUMBERED = re.compile(r"(\d{4})_\w+\.py$")
_HERE = Path(__file__).parent
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_MARK: Final = "COMMENT ON SCHEMA ops IS '%(digest)s'"


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema and the directory of its versions; the metadata is what `check` and `draft` compare with."""

    name: str
    versions: Path
    metadata: MetaData

    @property
    def head(self) -> str | None:
        """The newest version on disk: the number its file name begins with."""
        return max(self.versions_known, default=None)

    @property
    def versions_known(self) -> list[str]:
        """Every version on disk, oldest first."""
        return sorted(found[1] for file in self.versions.glob("*.py") if (found := _NUMBERED.match(file.name)))


def kit_schemas() -> list[Schema]:
    """The kit's own schemas: `bus`, `ops`, `audit` and `jobs`."""
    from tradingboost.kit.audit.tables import metadata as audit
    from tradingboost.kit.jobs.tables import metadata as jobs
    from tradingboost.kit.tables import bus_metadata, ops_metadata

    owned = (("bus", bus_metadata), ("ops", ops_metadata), ("audit", audit), ("jobs", jobs))
    return [Schema(name, _HERE / name, metadata) for name, metadata in owned]


async def current(database: Database, schemas: Sequence[Schema]) -> dict[str, str | None]:
    """The version each schema is at; None where it was never migrated."""
    async with database.read() as connection:
        return {schema.name: await _version(connection, schema.name) for schema in schemas}


async def pending(database: Database, schemas: Sequence[Schema]) -> list[str]:
    """The names of the schemas that are not at their newest version."""
    found = await current(database, schemas)
    return [schema.name for schema in schemas if found[schema.name] != schema.head]


class Layer(Protocol):
    """What lies over the tables and stands in the way of changing them: policies, rights, views."""

    @property
    def digest(self) -> str:
        """Another one, and it is laid anew."""
        ...

    async def stands(self, connection: AsyncConnection) -> bool:
        """Whether it is there as it should be, as far as its digest does not tell."""
        ...

    async def lift(self, connection: AsyncConnection) -> None:
        """Take it off."""
        ...

    async def lay(self, connection: AsyncConnection) -> None:
        """Lay it."""
        ...


async def upgrade(database: Database, schemas: Sequence[Schema], layer: Layer | None = None) -> list[str]:
    """Bring every schema to its newest version, in the given order; returns the names of those that changed.

    Raises:
        Conflict: the database is newer than this program.
    """
    changed: list[str] = []
    async with database.transaction() as connection:
        await unhurried(connection)
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        old = [schema for schema in schemas if await _version(connection, schema.name) != schema.head]
        stale = bool(old) or (layer is not None and not await _stands(connection, layer))
        if layer is not None and stale:
            await layer.lift(connection)
        for schema in old:
            version = await _version(connection, schema.name)
            if version is not None and (schema.head is None or version > schema.head):
                message = f"Schema {schema.name} is at version {version}, newer than this program; update the program."
                raise Conflict("database_newer", message, schema=schema.name)
            await connection.execute(CreateSchema(schema.name, if_not_exists=True))
            async with _turn():
                await connection.run_sync(_migrate, schema, "head")
            changed.append(schema.name)
        if layer is not None and stale:
            await layer.lay(connection)
            await _mark(connection, layer.digest)
    return changed


async def downgrade(database: Database, schema: Schema, version: str, layer: Layer | None = None) -> None:
    """Take one schema back to `version`; `base` empties it. The layer stays off until the next upgrade."""
    async with database.transaction() as connection:
        await unhurried(connection)
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if layer is not None:
            await layer.lift(connection)
            await _mark(connection, "")
        async with _turn():
            await connection.run_sync(_migrate, schema, version, down=True)


def _turn() -> asyncio.Lock:
    """Alembic's operations find their connection through a module, so a process changes one database at a time."""
    return _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())


async def unhurried(connection: AsyncConnection) -> None:
    """Let the statements of this transaction take their time."""
    await connection.execute(text("SET LOCAL statement_timeout = 0"))
    await connection.execute(text("SET LOCAL lock_timeout = 0"))


async def run_script(connection: AsyncConnection, statements: Sequence[str]) -> None:
    """Run statements without parameters, all in one message."""
    if statements:
        await driver_of(connection).execute(";\n".join(statements))


async def _stands(connection: AsyncConnection, layer: Layer) -> bool:
    found = await connection.execute(text("SELECT obj_description(to_regnamespace('ops'), 'pg_namespace')"))
    return found.scalar_one() == layer.digest and await layer.stands(connection)


async def _mark(connection: AsyncConnection, digest: str) -> None:
    mark = DDL(_MARK, context={"digest": digest})  # type: ignore[no-untyped-call]
    await connection.execute(mark)


async def check(database: Database, schemas: Sequence[Schema]) -> list[str]:
    """How the database differs from the tables in the code, one line a difference; empty when they agree."""
    async with database.transaction() as connection:
        return [line for schema in schemas for line in await connection.run_sync(_differences, schema)]


async def draft(database: Database, schema: Schema, name: str) -> Path:
    """Write the next version file from what differs between the database and the metadata; to be read over by hand."""
    async with database.transaction() as connection:
        await connection.execute(CreateSchema(schema.name, if_not_exists=True))
        return await connection.run_sync(_write_draft, schema, name)


async def _version(connection: AsyncConnection, schema: str) -> str | None:
    table = f"{schema}.{_VERSION_TABLE}"
    found = await connection.execute(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": table})
    if not found.scalar_one():
        return None
    versions = plain_table(_VERSION_TABLE, column("version_num"), schema=schema)
    return (await connection.execute(select(versions.c.version_num))).scalar_one_or_none()


def _migrate(connection: Connection, schema: Schema, target: str, *, down: bool = False) -> None:
    from alembic.operations import Operations

    script = _script(schema)
    steps = script._downgrade_revs if down else script._upgrade_revs
    context = _context(connection, schema, fn=lambda revision, _: steps(target, revision), script=script)
    with Operations.context(context):
        context.run_migrations()


def _differences(connection: Connection, schema: Schema) -> list[str]:
    from alembic.autogenerate import compare_metadata

    found = compare_metadata(_context(connection, schema), schema.metadata)
    return [f"{schema.name}: {_plain(difference)}" for difference in found]


def _plain(difference: object) -> str:
    if isinstance(difference, list):
        return "; ".join(_plain(part) for part in difference)
    return " ".join(str(part) for part in difference if part is not None) if isinstance(difference, tuple) else ""


def _write_draft(connection: Connection, schema: Schema, name: str) -> Path:
    from alembic.autogenerate import produce_migrations, render_python_code

    context = _context(connection, schema)
    found = produce_migrations(context, schema.metadata)
    bodies = []
    for operations in (found.upgrade_ops, found.downgrade_ops):
        assert operations is not None
        code = render_python_code(operations, render_item=_render_item, migration_context=context)
        bodies.append("\n".join(line for line in code.splitlines() if not line.lstrip().startswith("# ###")).strip())
    number = f"{int(schema.head or 0) + 1:04d}"
    file = schema.versions / f"{number}_{name}.py"
    title = name.replace("_", " ").capitalize()
    previous = f'"{schema.head}"' if schema.head else None
    dialect = "\nfrom sqlalchemy.dialects import postgresql" if "postgresql." in "".join(bodies) else ""
    content = _TEMPLATE.format(
        title=title, dialect=dialect, number=number, previous=previous, up=bodies[0], down=bodies[1]
    )
    file.write_text(content, encoding="utf-8")
    return file


def _render_item(kind: str, item: object, _: object) -> str | Literal[False]:
    """Our column types are a matter of the code; a version names what PostgreSQL stores."""
    from tradingboost.kit.db import ExactNumeric, UtcDateTime

    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return "sa.Numeric()" if kind == "type" and isinstance(item, ExactNumeric) else False


def _script(schema: Schema) -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(schema.versions), version_locations=[str(schema.versions)])


def _context(connection: Connection, schema: Schema, **options: object) -> "MigrationContext":
    from alembic.runtime.migration import MigrationContext

    def only_this(name: str | None, kind: str, _: object) -> bool:
        return kind != "schema" or name == schema.name

    settings = {
        "version_table": _VERSION_TABLE,
        "version_table_schema": schema.name,
        "include_schemas": True,
        "include_name": only_this,
        "target_metadata": schema.metadata,
        "compare_type": True,
        **options,
    }
    return MigrationContext.configure(connection, opts=settings)


_TEMPLATE = '''"""{title}."""
# ruff: noqa: N999 - versions are numbered

import sqlalchemy as sa
from alembic import op{dialect}

revision = "{number}"
down_revision = {previous}


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {down}
'''
