"""`db`: the database's schemas, one a service."""

from typing import TYPE_CHECKING, Any

import typer

from tradingboost.cli.exits import DONE, FINDINGS
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="The database: bring it up to date, see its versions, compare it with the code.")
    verb(group, "upgrade", title="db upgrade")(upgrade)
    verb(group, "current", title="db current")(current)
    verb(group, "check", title="db check")(check)
    app.add_typer(group, name="db", rich_help_panel="Operate", no_args_is_help=True)


def upgrade(session: Session) -> Answer:
    """Bring every schema to its newest version; the servers are started for it when none run."""
    settings = session.settings()
    changed = session.run(lambda: _on_database(settings, "upgrade"))
    done = f"Brought up to date: {', '.join(changed)}." if changed else "Everything was up to date."
    return Answer({"changed": changed}, lambda console: console.print(done))


def current(session: Session) -> Answer:
    """Show the version each schema is at."""
    settings = session.settings()
    rows = session.run(lambda: _on_database(settings, "current"))
    behind = [row["schema"] for row in rows if row["version"] != row["newest"]]
    return Answer({"schemas": rows, "pending": behind}, lambda console: _show_versions(console, rows, behind))


def check(session: Session) -> Answer:
    """Compare the tables in the database with those in the code; exit 3 when they differ."""
    settings = session.settings()
    lines = session.run(lambda: _on_database(settings, "check"))

    def show(console: "Console") -> None:
        for line in lines:
            console.print(line, markup=False)
        console.print(f"[red]{len(lines)} differences[/]" if lines else "[green]The database is as the code says.[/]")

    return Answer({"differences": lines}, show, FINDINGS if lines else DONE)


async def _on_database(settings: "Settings", action: str) -> Any:
    from tradingboost.app.look import found
    from tradingboost.app.schemas import all_schemas
    from tradingboost.kit import migrations
    from tradingboost.kit.db import Database

    schemas = all_schemas()
    async with found(settings) as (address, _):
        database = Database.open(address, settings.db)
        try:
            if action == "upgrade":
                return await migrations.upgrade(database, schemas)
            if action == "check":
                behind = await migrations.pending(database, schemas)
                lines = [f"{name}: not at its newest version; run db upgrade" for name in behind]
                return lines or await migrations.check(database, schemas)
            versions = await migrations.current(database, schemas)
            return [{"schema": one.name, "version": versions[one.name], "newest": one.head} for one in schemas]
        finally:
            await database.close()


def _show_versions(console: "Console", rows: list[dict[str, str | None]], behind: list[str]) -> None:
    from tradingboost.cli.show import table

    drawn = [(str(row["schema"]), row["version"] or "not made yet", row["newest"] or "-") for row in rows]
    console.print(table("Schemas", ("schema", "version", "newest"), drawn))
    if behind:
        console.print("[yellow]Bring it up to date with: tradingboost db upgrade[/]")
