"""`db`: the database's schemas, one a service."""

import sys
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from tradingboost.cli.exits import DONE, FINDINGS
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput, Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rich.console import Console

    from tradingboost.app.schemas import BroughtUp
    from tradingboost.app.settings import Settings
    from tradingboost.kit.db import Database
    from tradingboost.kit.tiers import Timescale

_Timescale = Annotated[
    str | None,
    typer.Option(
        metavar="WISH",
        help="auto: cut candles by time where TimescaleDB is installed; require: install it, or fail; off: leave it.",
    ),
]
_Schema = Annotated[str, typer.Argument(metavar="SCHEMA", help="The schema, such as market.")]
_Version = Annotated[str, typer.Argument(metavar="VERSION", help="Its version, such as 0002, or base for none at all.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="The database: bring it up to date, see its versions, compare it with the code.")
    verb(group, "upgrade", title="db upgrade")(upgrade)
    verb(group, "downgrade", title="db downgrade")(downgrade)
    verb(group, "current", title="db current")(current)
    verb(group, "check", title="db check")(check)
    app.add_typer(group, name="db", rich_help_panel="Operate", no_args_is_help=True)


def upgrade(session: Session, timescale: _Timescale = None) -> Answer:
    """Bring every schema to its newest version; the servers are started for it when none run."""
    settings = session.settings()
    wish = timescale or settings.db.timescale
    if wish not in {"auto", "off", "require"}:
        raise InvalidInput("unknown_timescale", f"--timescale {wish!r} is none of auto, off and require.")

    async def work(database: "Database") -> "BroughtUp":
        from tradingboost.app.schemas import bring_up

        guard = settings.db.row_security
        return await bring_up(database, timescale=cast("Timescale", wish), row_security=guard, move_rows=True)

    done = session.run(lambda: _on_database(settings, work))
    told = {"changed": done.changed, "tier": done.tier.tier, "cut": done.cut, "row_security": done.secured}
    return Answer(told, lambda console: _show_upgrade(console, done))


def downgrade(
    session: Session,
    schema: _Schema,
    version: _Version,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> Answer:
    """Take one schema back to an older version; what only the newer one could hold is lost."""
    from tradingboost.app.schemas import Overlay, all_schemas
    from tradingboost.kit import migrations

    settings, schemas = session.settings(), all_schemas()
    known = {one.name: one for one in schemas}
    if schema not in known:
        raise InvalidInput("unknown_schema", f"{schema!r} is no schema; choose one of {', '.join(known)}.")
    if version != "base" and version not in known[schema].versions_known:
        words = ", ".join(known[schema].versions_known)
        raise InvalidInput("unknown_version", f"{schema} has no version {version!r}; choose one of {words}, or base.")
    if not yes:
        if session.json or not sys.stdin.isatty():
            raise Refused("not_confirmed", "Taking a schema back loses data; add --yes.")
        if not typer.confirm(f"Take {schema} back to {version}?", err=True):
            raise Refused("not_confirmed", "Nothing was changed.")

    async def work(database: "Database") -> None:
        await migrations.downgrade(database, known[schema], version, Overlay(schemas, settings.db.row_security))

    session.run(lambda: _on_database(settings, work))
    text = f"{schema} is at {version}; the next start or db upgrade brings it up again."
    return Answer({"schema": schema, "version": version}, lambda console: console.print(text))


def current(session: Session) -> Answer:
    """Show the version each schema is at."""
    settings = session.settings()
    rows = session.run(lambda: _on_database(settings, _versions))
    behind = [row["schema"] for row in rows if row["version"] != row["newest"]]
    return Answer({"schemas": rows, "pending": behind}, lambda console: _show_versions(console, rows, behind))


def check(session: Session) -> Answer:
    """Compare the tables in the database with those in the code; exit 3 when they differ."""
    settings = session.settings()
    lines = session.run(lambda: _on_database(settings, _differences))

    def show(console: "Console") -> None:
        for line in lines:
            console.print(line, markup=False)
        console.print(f"[red]{len(lines)} differences[/]" if lines else "[green]The database is as the code says.[/]")

    return Answer({"differences": lines}, show, FINDINGS if lines else DONE)


async def _on_database(settings: "Settings", work: "Callable[[Database], Awaitable[Any]]") -> Any:
    """Work as the tables' owner, for as long as it takes."""
    from tradingboost.app.look import found
    from tradingboost.kit.db import Database

    async with found(settings) as (address, _):
        database = Database.open(settings.db.owner_address() or address, settings.db.unhurried())
        try:
            return await work(database)
        finally:
            await database.close()


async def _versions(database: "Database") -> list[dict[str, str | None]]:
    from tradingboost.app.schemas import all_schemas
    from tradingboost.kit import migrations

    schemas = all_schemas()
    versions = await migrations.current(database, schemas)
    return [{"schema": one.name, "version": versions[one.name], "newest": one.head} for one in schemas]


async def _differences(database: "Database") -> list[str]:
    from tradingboost.app.schemas import all_schemas
    from tradingboost.kit import migrations

    schemas = all_schemas()
    behind = await migrations.pending(database, schemas)
    lines = [f"{name}: not at its newest version; run db upgrade" for name in behind]
    return lines or await migrations.check(database, schemas)


def _show_upgrade(console: "Console", done: "BroughtUp") -> None:
    text = f"Brought up to date: {', '.join(done.changed)}." if done.changed else "Everything was up to date."
    console.print(text, markup=False)
    if done.cut:
        console.print(f"Cut by time from now on: {', '.join(done.cut)}.", markup=False)
    guarded = "guarded by roles and policies" if done.secured else "not guarded by policies"
    console.print(f"Time series: {done.tier}. Rows: {guarded}.", markup=False)


def _show_versions(console: "Console", rows: list[dict[str, str | None]], behind: list[str]) -> None:
    from tradingboost.cli.show import table

    drawn = [(str(row["schema"]), row["version"] or "not made yet", row["newest"] or "-") for row in rows]
    console.print(table("Schemas", ("schema", "version", "newest"), drawn))
    if behind:
        console.print("[yellow]Bring it up to date with: tradingboost db upgrade[/]")
