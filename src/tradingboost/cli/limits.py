"""`limits`: which symbols may be opened, and how much a day may lose before nothing is opened any more."""

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.limiting import Limited

_Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id, label, or all.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="Limits: what may be opened, and what a day may lose; exits always go on.")
    verb(group, "show", title="limits show")(shown)
    verb(group, "set", title="limits set")(changed)
    app.add_typer(group, name="limits", rich_help_panel="Trade", no_args_is_help=True)


def shown(session: Session, account: _Account = "all") -> Answer:
    """Show the limits of accounts and of their owners, and what the day has brought so far."""
    settings = session.settings()
    from tradingboost.app import limiting

    found = session.run(lambda: limiting.shown(settings, account))
    return Answer({"accounts": found}, lambda console: _show(console, found))


def changed(
    session: Session,
    account: _Account,
    *,
    symbols: Annotated[str, typer.Option(help="What may be opened, separated by commas; any for everything.")] = "",
    daily_loss: Annotated[str, typer.Option(help="Most to lose from 00:00 UTC on, in quote; any for no limit.")] = "",
    person: Annotated[bool, typer.Option("--person", help="All accounts of the account's owner together.")] = False,
) -> Answer:
    """Change limits; what is not named stays. A day that is over stays over unless more may be lost than before."""
    settings = session.settings()
    from tradingboost.app import limiting

    scope, by = "user" if person else "account", getpass.getuser()
    found = session.run(
        lambda: limiting.changed(settings, account, scope, symbols=symbols, daily_loss=daily_loss, by=by)
    )
    return Answer({"accounts": found}, lambda console: _show(console, found))


def _show(console: "Console", found: "list[Limited]") -> None:
    from tradingboost.cli.show import money, number, table

    rows = []
    for one in found:
        for limit in one.limits:
            may = "anything" if limit.symbols is None else ", ".join(limit.symbols) or "nothing"
            over = f"since {limit.reached_on}" if limit.reached_on is not None else "-"
            loss = "-" if limit.max_daily_loss_quote is None else number(limit.max_daily_loss_quote)
            rows.append((one.label, limit.scope, may, loss, over, limit.set_by))
        if not one.limits:
            rows.append((one.label, "-", "anything", "-", "-", "-"))
    columns = ("account", "of", "may open", "daily loss", "reached", "set by")
    console.print(table("Limits", columns, rows, ("daily loss",)) if rows else "There is no account.")
    for one in found:
        earned = "not known, a price is missing" if one.earned_today is None else money(one.earned_today, signed=True)
        console.print(f"[dim]{one.label}[/] since 00:00 UTC: {earned}")
