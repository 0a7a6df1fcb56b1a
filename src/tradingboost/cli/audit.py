"""`audit`: what was done and by whom, and whether anybody changed the record of it."""

from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli.exits import DONE, FINDINGS
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.trail import Entry
    from tradingboost.kit.audit.chain import Verdict


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="The audit trail: who did what, and proof that nobody changed the record.")
    verb(group, "list", title="audit list")(listed)
    verb(group, "verify", title="audit verify")(verify)
    verb(group, "anchor", title="audit anchor")(anchor)
    app.add_typer(group, name="audit", rich_help_panel="Operate", no_args_is_help=True)


def listed(
    session: Session,
    *,
    stream: Annotated[
        list[str] | None, typer.Option(metavar="CHAIN", help="Only this chain: platform, or user:ID. May be repeated.")
    ] = None,
    action: Annotated[str, typer.Option(metavar="TEXT", help="Only actions that begin so, like credential.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest.")] = 50,
) -> Answer:
    """List what was done, newest first."""
    settings = session.settings()
    from tradingboost.app import trail

    entries = session.run(lambda: trail.listed(settings, stream or [], action, limit))
    return Answer({"events": entries}, lambda console: _show_list(console, entries))


def verify(session: Session) -> Answer:
    """Compute every hash anew and compare with the heads kept outside the database; exit 3 when one differs."""
    settings = session.settings()
    from tradingboost.app import trail

    with session.progress("Reading the chains ...") as status:
        verdict = session.run(lambda: trail.verified(settings, lambda n: status.update(f"[dim]{n:,} events read[/]")))
    data = {"events": verdict.events, "streams": verdict.streams, "findings": verdict.findings}
    return Answer(data, lambda console: _show_verdict(console, verdict), FINDINGS if verdict.findings else DONE)


def anchor(session: Session) -> Answer:
    """Keep the head of every chain outside the database, as happens once a day by itself."""
    settings = session.settings()
    from tradingboost.app import trail

    moved = session.run(lambda: trail.anchored(settings))
    place = trail.folder(settings)
    done = (
        f"Kept the heads of {moved} chains in {place}." if moved else f"No chain moved since the last one in {place}."
    )
    return Answer({"moved": moved, "folder": str(place)}, lambda console: console.print(done, markup=False))


def _show_list(console: "Console", entries: "list[Entry]") -> None:
    from tradingboost.cli.show import table

    drawn = [(f"{one.at:%Y-%m-%d %H:%M:%S}", one.actor, one.action, one.subject, one.stream) for one in entries]
    console.print(table("Audit trail", ("at (UTC)", "who", "did", "to", "chain"), drawn))
    if not drawn:
        console.print("Nothing was written down yet.")


def _show_verdict(console: "Console", verdict: "Verdict") -> None:
    console.print(f"{verdict.events:,} events in {verdict.streams:,} chains read.")
    for one in verdict.findings:
        console.print(f"{one.stream} {one.seq}: {one.problem}", style="red", markup=False)
    if not verdict.findings:
        console.print("[green]Nobody changed anything.[/]")
