"""What this PostgreSQL can do with series in time: three tiers, found out and never configured.

`tsl`: TimescaleDB in its community edition, which cuts tables by time, compresses and forgets by itself.
`apache`: TimescaleDB as Linux distributions build it; it cuts by time, and forgetting is our own work.
`plain`: PostgreSQL alone; plain tables with BRIN indexes, and forgetting is our own work.

No edition for `tsl` is at hand where the tests run: its statements are checked as text, those of the other two are run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from sqlalchemy import DDL, Table, column, exists, select, table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import Unavailable

Tier = Literal["tsl", "apache", "plain"]
Timescale = Literal["auto", "off", "require"]
_INSTALLED: Final = text(
    "SELECT (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS version,"
    " (SELECT default_version FROM pg_available_extensions WHERE name = 'timescaledb') AS available,"
    " current_setting('timescaledb.license', true) AS licence"
)
_CUT: Final = (
    "SELECT create_hypertable('%(relation)s', by_range('%(time)s', INTERVAL '%(chunk)s'),"
    " create_default_indexes => false, migrate_data => true)"
)
_COMPRESS: Final = (
    "ALTER TABLE %(relation)s SET (timescaledb.compress, timescaledb.compress_segmentby = '%(segments)s',"
    " timescaledb.compress_orderby = '%(time)s DESC')"
)
_COMPRESS_POLICY: Final = (
    "SELECT add_compression_policy('%(relation)s', INTERVAL '%(compress_after)s', if_not_exists => true)"
)
_KEEP_POLICY: Final = "SELECT add_retention_policy('%(relation)s', INTERVAL '%(keep)s', if_not_exists => true)"
_DROP: Final = "SELECT %(schema)s.forget_pieces('%(relation)s', INTERVAL '%(keep)s')"
_DROPPER: Final = """
CREATE OR REPLACE FUNCTION %(schema)s.forget_pieces(relation regclass, keep interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $forget$
BEGIN
    IF keep < INTERVAL '1 day' THEN
        RAISE EXCEPTION 'pieces are kept for a day at least';
    END IF;
    RETURN (SELECT count(*) FROM drop_chunks(relation, keep));
END
$forget$
"""
_DROPPER_CLOSED: Final = "REVOKE ALL ON FUNCTION %(schema)s.forget_pieces(regclass, interval) FROM PUBLIC"
_DROPPER_LENT: Final = """
DO $lend$ DECLARE it record; BEGIN
    FOR it IN SELECT rolname FROM pg_roles WHERE rolname = 'tb_%(schema)s' OR (rolname LIKE 'tb\\_%%'
        AND rolname <> 'tb_user' AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tb_%(schema)s'))
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %(schema)s.forget_pieces(regclass, interval) TO %%I', it.rolname);
    END LOOP;
END $lend$
"""
_HYPERTABLES: Final = table(
    "hypertables", column("hypertable_schema"), column("hypertable_name"), schema="timescaledb_information"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A table whose rows belong to a moment. Its unique keys contain the moment, so it may be cut by time.

    Args:
        time: the column.
        chunk: how much time one piece holds.
        segment_by: columns that stay apart when pieces are compressed.
        compress_after: age at which pieces are compressed, where the tier can; None = never, which is a must where
            policies guard the rows.
        keep: age at which rows are forgotten; None = never.
    """

    table: Table
    time: str
    chunk: timedelta
    segment_by: tuple[str, ...]
    compress_after: timedelta | None
    keep: timedelta | None

    @property
    def name(self) -> str:
        """`schema.table`."""
        return f"{self.table.schema}.{self.table.name}"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out about a database.

    Args:
        version: of the installed extension, "" without one.
        available: version that could be installed, "" if the server has none.
    """

    tier: Tier
    version: str
    available: str

    def __str__(self) -> str:
        if self.version:
            return f"{self.tier} (TimescaleDB {self.version})"
        return f"plain (TimescaleDB {self.available} is there, not installed)" if self.available else "plain"


async def detect(connection: AsyncConnection) -> Found:
    """The tier of the database behind a connection."""
    row = (await connection.execute(_INSTALLED)).one()
    if row.version is None:
        return Found("plain", "", row.available or "")
    return Found("tsl" if row.licence == "timescale" else "apache", row.version, row.available or "")


async def install(connection: AsyncConnection, wish: Timescale) -> Found:
    """The tier to set up by a wish, the extension being installed if it is required and can be.

    Raises:
        Unavailable: it is required and this server has none.
    """
    found = await detect(connection)
    if wish == "off":
        return Found("plain", "", found.available or found.version)
    if wish == "require" and not found.version:
        if not found.available:
            message = "This PostgreSQL has no TimescaleDB; install its package on the server, or leave out --timescale."
            raise Unavailable("timescale_missing", message)
        await connection.execute(text("CREATE EXTENSION timescaledb"))
        found = await detect(connection)
    return found


async def lay(connection: AsyncConnection, found: Found, series: Sequence[Series], *, empty_only: bool) -> list[str]:
    """Cut by time what is not cut yet; the names of the tables that were.

    Args:
        empty_only: leave tables with rows alone, because moving those takes a while.
    """
    if found.tier == "plain":
        return []
    made = []
    for one in await uncut(connection, found, series):
        if empty_only and await _has_rows(connection, one.table):
            continue
        for statement in statements(one, found.tier):
            await connection.execute(statement)
        made.append(one.name)
    for schema in sorted({str(one.table.schema) for one in series}):
        for text_of in (_DROPPER, _DROPPER_CLOSED, _DROPPER_LENT):
            await connection.execute(_ddl(text_of, schema=schema))
    return made


async def uncut(connection: AsyncConnection, found: Found, series: Sequence[Series]) -> list[Series]:
    """Those this database could cut by time and has not cut."""
    if found.tier == "plain":
        return []
    h = _HYPERTABLES.c
    rows = await connection.execute(select(h.hypertable_schema, h.hypertable_name))
    known = {f"{row.hypertable_schema}.{row.hypertable_name}" for row in rows}
    return [one for one in series if one.name not in known]


def statements(series: Series, tier: Tier) -> Iterator[DDL]:
    """What makes a series of a table, tier by tier; each as it is sent."""
    if tier == "plain":
        return
    names = {
        "relation": series.name,
        "time": series.time,
        "segments": ", ".join(series.segment_by),
        "chunk": _span(series.chunk),
    }
    yield _ddl(_CUT, **names)
    if tier == "tsl":
        if series.compress_after is not None:
            yield _ddl(_COMPRESS, **names)
            yield _ddl(_COMPRESS_POLICY, **names, compress_after=_span(series.compress_after))
        if series.keep is not None:
            yield _ddl(_KEEP_POLICY, **names, keep=_span(series.keep))


def forget_whole_pieces(series: Series, keep: timedelta) -> DDL:
    """Drop the pieces that are too old altogether; for the tier that cuts and does not forget."""
    return _ddl(_DROP, schema=str(series.table.schema), relation=series.name, keep=_span(keep))


def _ddl(statement: str, **names: str) -> DDL:
    return DDL(statement, context=names)  # type: ignore[no-untyped-call]


def _span(length: timedelta) -> str:
    hours = round(length.total_seconds() / 3600)
    return f"{hours // 24} days" if hours % 24 == 0 else f"{hours} hours"


async def _has_rows(connection: AsyncConnection, of: Table) -> bool:
    return bool((await connection.execute(select(exists(select(of))))).scalar_one())
