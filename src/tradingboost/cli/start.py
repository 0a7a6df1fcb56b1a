"""`start`: a strategy on an account, with what its owner has set."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli import asking, settings_view
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import Refused

if TYPE_CHECKING:
    from tradingboost.app.starting import Prepared


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "start", rich_help_panel="Run")(start)


def start(
    session: Session,
    strategy: Annotated[str, typer.Argument(metavar="STRATEGY", help="hyperrsi or grid.")],
    *,
    account: Annotated[
        str, typer.Option(metavar="ACCOUNT", help="Its id or label; not needed where there is one.")
    ] = "",
    symbol: Annotated[str, typer.Option("-p", "--symbol", metavar="INST", help="Else the owner's preference.")] = "",
    timeframe: Annotated[str, typer.Option("-i", "--timeframe", help="Else the owner's preference.")] = "",
    params: asking.Params = None,
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="With this preset; 'none' leaves the default one out.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> Answer:
    """Start a run with the owner's settings, after showing what it would decide with."""
    settings = session.settings()
    from tradingboost.app import starting
    from tradingboost.app.backtesting import params_of

    asked = starting.Asked(
        strategy=strategy,
        account=account,
        symbol=symbol,
        timeframe=timeframe,
        params=params_of(params or [], None),
        preset="" if preset == "none" else preset,
    )
    ahead = session.run(lambda: starting.prepared(settings, asked))
    for code in ahead.effective.warnings:
        session.warn(code.replace("_", " "))
    if not yes:
        _confirm(session, ahead)
    run = session.run(lambda: starting.start(settings, ahead.wish))
    place = f"{run.strategy} on {run.symbol}, {run.timeframe}, account {ahead.account.label}"
    then = "Watch it with: tradingboost status. What it decides and why: tradingboost why RUN."
    return Answer(
        run, lambda console: console.print(f"[bold]{run.status}[/] {place}  [dim]{run.run_id[-8:]}[/]\n{then}")
    )


def _confirm(session: Session, ahead: "Prepared") -> None:
    """Show what is meant and ask a person; refuse where there is none.

    Raises:
        Refused: `not_confirmed`.
    """
    if session.json or not sys.stdin.isatty():
        raise Refused("not_confirmed", "Starting a run needs a yes; look at it with settings show, then add --yes.")
    wish, account = ahead.wish, ahead.account
    settings_view.effective(session.err, ahead.effective.params, ahead.effective)
    place = f"{wish.symbol}, {wish.timeframe}, on {account.label} ({account.venue}, {account.environment})"
    session.say(f"[bold]{wish.strategy}[/] would trade {place}.")
    if not typer.confirm("Start it now?", err=True):
        raise Refused("not_confirmed", "Nothing was started.")
