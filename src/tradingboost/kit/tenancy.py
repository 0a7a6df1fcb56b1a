"""Who may touch which rows: a role a service, a role for one person, and policies that show it that person's rows.

The application owns nothing. A service works as its own role, which sees the rows of everybody in its own tables and no
other service's tables at all. What is done for one person is done as `tb_user`, which sees the rows of the person named
in `app.user_id` for the length of a transaction, and none without a name. See the decision on row level security.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import DDL, MetaData, Table, Text, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from tradingboost.core.errors import Refused

PLATFORM: Final = "tb_platform"
"""The role of a process that holds several services: a member of each of theirs."""
USER: Final = "tb_user"
_NAMED: Final = "NULLIF(current_setting('app.user_id', true), '')"
_OF_ACCOUNT: Final = {
    "::uuid": "account_id IN (SELECT id FROM users.exchange_accounts)",
    "::text": "account_id IN (SELECT id::text FROM users.exchange_accounts)",
}
_READ: Final = "SELECT"
_WRITE: Final = "SELECT, INSERT, UPDATE, DELETE"
_ADD: Final = "SELECT, INSERT"

_MAKE_ROLE: Final = """
DO $make$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '%(role)s') THEN
        CREATE ROLE %(role)s NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- another database of this server made it at this moment
END $make$
"""
_MAKE_MEMBER: Final = """
DO $join$ BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles w ON w.oid = m.member
        WHERE r.rolname = '%(role)s' AND w.rolname = %(member)s
    ) THEN
        EXECUTE format('GRANT %(role)s TO %%I', %(member)s);
    END IF;
END $join$
"""
_GUARDED: Final = text("SELECT EXISTS (SELECT FROM pg_policies WHERE policyname = 'tb_of_user')")
_LIFT: Final = text(
    """
DO $lift$ DECLARE it record; BEGIN
    FOR it IN SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'v' AND obj_description(c.oid, 'pg_class') LIKE 'tradingboost:%'
        ORDER BY c.oid DESC
    LOOP
        EXECUTE format('DROP VIEW %I.%I', it.nspname, it.relname);
    END LOOP;
    FOR it IN SELECT schemaname, tablename, policyname FROM pg_policies WHERE policyname LIKE 'tb\\_%'
    LOOP
        EXECUTE format('DROP POLICY %I ON %I.%I', it.policyname, it.schemaname, it.tablename);
    END LOOP;
    FOR it IN SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND c.relforcerowsecurity
    LOOP
        EXECUTE format('ALTER TABLE %I.%I NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY',
            it.nspname, it.relname);
    END LOOP;
END $lift$
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """Whose rows are whose.

    Args:
        schemas: of the services; each has a role of its own, `tb_` and its name. Tables of further schemas, the kit's,
            are everybody's tools.
        shared: tables without an owner, as `schema.table` or `schema.*`. Where another table does not tell whose its
            rows are, no person sees them.
        mine: conditions for tables whose columns do not tell it, by `schema.table`.
        also_read: further conditions under which a person may read.
        own_writes: schemas in which a person's rows are written in the person's name; elsewhere they are only read.
        sealed: columns of a table only one role reads, as {table: (role, columns)}.
    """

    schemas: tuple[str, ...]
    shared: frozenset[str]
    mine: Mapping[str, str]
    also_read: Mapping[str, str]
    own_writes: frozenset[str]
    sealed: Mapping[str, tuple[str, tuple[str, ...]]]

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role, those of the services first."""
        return (*map(role_of, self.schemas), PLATFORM, USER)


def role_of(schema: str) -> str:
    """The role of the service that owns a schema."""
    return f"tb_{schema}"


def condition(table: Table, tenancy: Tenancy) -> str | None:
    """When a row is the named person's; None for tables that are nobody's, which persons then only read."""
    name, columns = f"{table.schema}.{table.name}", table.c
    if is_shared(table, tenancy):
        return None
    if name in tenancy.mine:
        return tenancy.mine[name]
    if "user_id" in columns:
        return f"user_id = {_NAMED}{_cast(columns['user_id'].type)}"
    if "account_id" in columns:
        return _OF_ACCOUNT[_cast(columns["account_id"].type)]
    if "run_id" in columns and table.schema == "strategy":
        return "run_id IN (SELECT run_id FROM strategy.runs)"
    return "false"


def is_shared(table: Table, tenancy: Tenancy) -> bool:
    """Whether its rows are nobody's."""
    return bool(tenancy.shared & {f"{table.schema}.{table.name}", f"{table.schema}.*"})


def statements(metadatas: Iterable[MetaData], tenancy: Tenancy) -> Iterator[str]:
    """Grants and policies of every table, in the order they are run."""
    roles = ", ".join(tenancy.roles)
    for metadata in metadatas:
        schema = str(metadata.schema)
        yield _say("GRANT USAGE ON SCHEMA %(schema)s TO %(roles)s", schema=schema, roles=roles)
        yield _say("GRANT SELECT ON %(table)s TO %(roles)s", table=f"{schema}.alembic_version", roles=roles)
        for table in metadata.sorted_tables:
            yield from _of_table(table, tenancy)


def _of_table(table: Table, tenancy: Tenancy) -> Iterator[str]:
    name, schema = f"{table.schema}.{table.name}", str(table.schema)
    services = ", ".join(map(role_of, (schema,) if schema in tenancy.schemas else tenancy.schemas))
    for_services = _ADD if name == "audit.events" else _WRITE
    yield _grant(for_services, name, services)
    mine = condition(table, tenancy)
    if name in tenancy.sealed:
        reader, hidden = tenancy.sealed[name]
        shown = ", ".join(column.name for column in table.c if column.name not in hidden)
        yield _grant(f"SELECT ({shown}), INSERT, UPDATE, DELETE", name, USER)
        yield _grant(_READ, name, reader)
        services = f"{services}, {reader}"
    else:
        yield _grant(_person_may(name, schema, mine is not None, tenancy), name, USER)
    if mine is None:
        return
    yield _say("ALTER TABLE %(table)s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", table=name)
    yield _say("CREATE POLICY tb_of_user ON %(table)s TO %(role)s USING (%(mine)s)", table=name, role=USER, mine=mine)
    whole = "CREATE POLICY tb_of_service ON %(table)s TO %(roles)s USING (true)"
    yield _say(whole, table=name, roles=services)
    if name in tenancy.also_read:
        more = "CREATE POLICY tb_also_read ON %(table)s FOR SELECT TO %(role)s USING (%(mine)s)"
        yield _say(more, table=name, role=USER, mine=tenancy.also_read[name])


def _person_may(name: str, schema: str, owned: bool, tenancy: Tenancy) -> str:
    if name in {"audit.events", "bus.outbox"}:
        return _ADD
    if name in {"audit.heads", "bus.aggregates"}:
        return "SELECT, INSERT, UPDATE"
    return _WRITE if owned and schema in tenancy.own_writes else _READ


async def may_make_roles(connection: AsyncConnection) -> bool:
    """Whether this login may create roles."""
    asked = text("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
    return bool((await connection.execute(asked)).scalar_one())


async def make_roles(connection: AsyncConnection, tenancy: Tenancy) -> bool:
    """Make the roles and let this login use them; False where it may not."""
    if not await may_make_roles(connection):
        return all([await may_be(connection, role) for role in tenancy.roles])
    for role in tenancy.roles:
        await connection.execute(_ddl(_MAKE_ROLE, role=role))
    pairs = [(role_of(schema), f"'{PLATFORM}'") for schema in tenancy.schemas]
    for role, member in [*pairs, (PLATFORM, "current_user"), (USER, "current_user")]:
        await connection.execute(_ddl(_MAKE_MEMBER, role=role, member=member))
    return True


async def may_be(connection: AsyncConnection, role: str) -> bool:
    """Whether this login may act as a role that exists."""
    asked = text(
        "SELECT coalesce((SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = :role), false)"
    )
    return bool((await connection.execute(asked, {"role": role})).scalar_one())


async def is_guarded(connection: AsyncConnection) -> bool:
    """Whether the policies stand."""
    return bool((await connection.execute(_GUARDED)).scalar_one())


async def lift(connection: AsyncConnection) -> None:
    """Take off views and policies of any release, so that the owner can change tables and fill them."""
    await connection.execute(_LIFT)


def refused(role: str) -> Refused:
    """Row security is required and cannot be had."""
    message = f"The database login may not act as {role}; let it (GRANT {role} TO the login), or give it CREATEROLE."
    return Refused("roles_not_granted", message, role=role)


def _cast(to: "TypeEngine[object]") -> str:
    return "::text" if isinstance(to, Text) else "::uuid"


def _grant(rights: str, table: str, roles: str) -> str:
    return _say("GRANT %(rights)s ON %(table)s TO %(roles)s", rights=rights, table=table, roles=roles)


def _say(template: str, **names: str) -> str:
    return template % names


def _ddl(template: str, **names: str) -> DDL:
    return DDL(template, context=names)  # type: ignore[no-untyped-call]
