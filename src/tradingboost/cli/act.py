"""`stop` and `flatten`: taking risk off a running platform."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradingboost.cli.exits import DONE, FINDINGS
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import Refused

if TYPE_CHECKING:
    from rich.console import Console


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "stop", rich_help_panel="Run")(stop)
    verb(app, "flatten", rich_help_panel="Run")(flatten)


def stop(
    session: Session,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id, the end of it, or all.")],
    *,
    close: Annotated[bool, typer.Option("--flatten", help="Close its position at market as well.")] = False,
) -> Answer:
    """Stop runs: nothing new is opened; exits go on until flat."""
    settings = session.settings()
    from tradingboost.app import act

    stopped = session.run(lambda: act.stop(settings, run, close))

    def show(console: "Console") -> None:
        for one in stopped:
            console.print(f"{one.strategy} on {one.symbol}: [bold]{one.status}[/]  [dim]{one.run_id[-8:]}[/]")
        if not stopped:
            console.print("No run is active; nothing to stop.")

    return Answer({"runs": stopped}, show)


def flatten(
    session: Session,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id, label, or all.")] = "all",
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> Answer:
    """Cancel every opening order and close every position at market (reduce-only); stops go last."""
    settings = session.settings()
    from tradingboost.app import act

    chosen = session.run(lambda: act.accounts_named(settings, account))
    if not yes:
        _confirm(session, [one.label for one in chosen])
    done = session.run(lambda: act.flatten(settings, [one.account_id for one in chosen]))
    labels = {one.account_id: one.label for one in chosen}
    rows: list[dict[str, Any]] = [
        {
            "account_id": account_id,
            "label": labels[account_id],
            "cancelled": one.cancelled,
            "closed": one.closed,
            "failed": one.failed,
        }
        for account_id, one in done.items()
    ]
    failed = any(row["failed"] for row in rows)
    return Answer({"accounts": rows}, lambda console: _show(console, rows), FINDINGS if failed else DONE)


def _confirm(session: Session, labels: list[str]) -> None:
    """Ask a person; refuse where there is none.

    Raises:
        Refused: `not_confirmed`.
    """
    if session.json or not sys.stdin.isatty():
        raise Refused("not_confirmed", "Closing everything needs a yes; add --yes.")
    session.say(f"This closes every position of: [bold]{', '.join(labels)}[/]")
    if not typer.confirm("Close them at market now?", err=True):
        raise Refused("not_confirmed", "Nothing was closed.")


def _show(console: "Console", rows: list[dict[str, Any]]) -> None:
    for row in rows:
        closed = ", ".join(row["closed"]) or "nothing was open"
        console.print(f"[bold]{row['label']}[/]: {row['cancelled']} orders cancelled, closed: {closed}")
        for what, why in row["failed"].items():
            console.print(f"  [bold red]not done[/] {what}: {why}")
    if not rows:
        console.print("There is no account; nothing to close.")
