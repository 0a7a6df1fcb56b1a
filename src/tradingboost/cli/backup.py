"""`backup`: sealed copies of people, keys, settings and presets, and bringing them back."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli.exits import DONE, FINDINGS
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import Refused

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.backup.making import Backup, Made
    from tradingboost.app.backup.work import Restored, Verified

_Name = Annotated[str, typer.Argument(metavar="[NAME]", help="A backup as it is listed; the newest unless given.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="Sealed copies of people, identities, keys (as ciphertext), settings and presets.")
    for name, function in (("create", create), ("list", listed), ("verify", verify), ("restore", restore)):
        verb(group, name, title=f"backup {name}")(function)
    app.add_typer(group, name="backup", rich_help_panel="Operate", no_args_is_help=True)


def create(session: Session) -> Answer:
    """Take one now; 7 daily, 4 weekly and 6 monthly ones stay."""
    settings = session.settings()
    from tradingboost.app.backup import work

    with session.progress("Taking a backup ...") as status:
        made = session.run(lambda: work.create(settings, lambda text: status.update(f"[dim]{text}[/]")))
    return Answer(made, lambda console: _made(console, made))


def listed(session: Session) -> Answer:
    """List them, newest first."""
    settings = session.settings()
    from tradingboost.app.backup import making

    files = making.listed(settings)
    return Answer({"folder": str(making.folder(settings)), "backups": files}, lambda console: _listed(console, files))


def verify(session: Session, name: _Name = "") -> Answer:
    """Load one into empty tables, compare counts, hashes and the audit trail; exit 3 when something differs."""
    settings = session.settings()
    from tradingboost.app.backup import work

    with session.progress("Opening ...") as status:
        found = session.run(lambda: work.verify(settings, name, lambda text: status.update(f"[dim]{text}[/]")))
    return Answer(found, lambda console: _verified(console, found), FINDINGS if found.findings else DONE)


def restore(
    session: Session,
    name: _Name = "",
    *,
    user: Annotated[str, typer.Option("--user", metavar="ID", help="Of this person alone, by the internal id.")] = "",
    only: Annotated[str, typer.Option(metavar="PART", help="settings or presets; everything unless given.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would come back and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> Answer:
    """Bring back what is not there any more; what is there stays as it is."""
    settings = session.settings()
    from tradingboost.app.backup import work

    if not (dry_run or yes):
        _confirm(session)
    with session.progress("Opening ...") as status:
        found = session.run(
            lambda: work.restore(
                settings, name, user, only, lambda text: status.update(f"[dim]{text}[/]"), dry_run=dry_run
            )
        )
    return Answer(found, lambda console: _restored(console, found))


def _confirm(session: Session) -> None:
    """Ask a person; refuse where there is none.

    Raises:
        Refused: `not_confirmed`.
    """
    if session.json or not sys.stdin.isatty():
        raise Refused("not_confirmed", "Bringing a backup back needs a yes; add --yes, or look first with --dry-run.")
    if not typer.confirm("Bring the missing rows back now?", err=True):
        raise Refused("not_confirmed", "Nothing was changed.")


def _made(console: "Console", made: "Made") -> None:
    counts = ", ".join(f"{name} {one.rows:,}" for name, one in made.tables.items())
    console.print(f"[bold]{made.name}[/]: {counts}", highlight=False)
    if made.removed:
        console.print(f"Let go of {len(made.removed)} older ones.")


def _listed(console: "Console", files: "list[Backup]") -> None:
    from tradingboost.cli.show import table

    drawn = [(one.name, f"{one.created_at:%Y-%m-%d %H:%M:%S}", f"{one.size:,}") for one in files]
    console.print(table("", ("backup", "taken at (UTC)", "bytes"), drawn, ("bytes",)))
    if not drawn:
        console.print("There is none yet; take one with backup create.")


def _verified(console: "Console", found: "Verified") -> None:
    console.print(
        f"[bold]{found.name}[/]: {sum(found.tables.values()):,} rows, {found.chains} audit chains.", highlight=False
    )
    for finding in found.findings:
        console.print(finding, style="red", markup=False)
    if not found.findings:
        console.print("Everything is as it was sealed.")


def _restored(console: "Console", found: "Restored") -> None:
    from tradingboost.cli.show import table

    title = "Would come back" if found.dry_run else "Came back"
    drawn = [(name, f"{count:,}", f"{found.left[name]:,}") for name, count in found.stored.items()]
    console.print(table(f"{title} from {found.name}", ("table", "missing", "there already"), drawn))
