"""`walk-forward`: search in windows of the past, test on what came after each."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradingboost.cli import searching
from tradingboost.cli.exits import DONE, FINDINGS, INTERRUPTED
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.optimise.walking import Walked


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "walk-forward", groups=searching.GROUPS, rich_help_panel="Research")(walk_forward)


def walk_forward(
    session: Session,
    *,
    market: dict[str, Any],
    search: dict[str, Any],
    train_days: Annotated[int, typer.Option(min=1, metavar="N", help="Days of training in a window.")] = 90,
    test_days: Annotated[int, typer.Option(min=1, metavar="N", help="Days of testing after it.")] = 30,
    anchored: Annotated[bool, typer.Option("--anchored", help="Train on all there is before the test.")] = False,
    folds: Annotated[
        int | None, typer.Option(min=2, metavar="K", help="Purged cross-validation in so many parts instead.")
    ] = None,
    purge_bars: Annotated[int | None, typer.Option(min=0, metavar="N", help="Else the longest deal seen.")] = None,
    embargo_bars: Annotated[int | None, typer.Option(min=0, metavar="N", help="Else 1 % of the bars.")] = None,
) -> Answer:
    """Search in windows of the past and test on what came after each. Ctrl-C keeps what was done."""
    settings = session.settings()
    from tradingboost.app.optimise.walking import WalkRequest, walk
    from tradingboost.backtest.windows import Mode

    if folds is None and (purge_bars is not None or embargo_bars is not None):
        raise InvalidInput("folds_needed", "--purge-bars and --embargo-bars belong to --folds; give that too.")
    request = WalkRequest(
        search=searching.search_request(market, search),
        train_days=train_days,
        test_days=test_days,
        mode=Mode.ANCHORED if anchored else Mode.ROLLING,
        folds=folds,
        purge_bars=purge_bars,
        embargo_bars=embargo_bars,
    )
    with searching.interruptible() as stopped, searching.trials_drawn(session) as (tell, say):
        done = walk(request, settings, tell=tell, say=say, stopped=stopped)
        interrupted = stopped()
    code = INTERRUPTED if interrupted and not done.complete else DONE if done.tested is not None else FINDINGS
    return Answer(done, lambda console: _show(console, done), code)


def _show(console: "Console", done: "Walked") -> None:
    from tradingboost.app.timerange import day
    from tradingboost.cli.show import facts, number, sparkline, table

    def ratio(value: float | None) -> str:
        return "-" if value is None else f"{value:+.1%}"

    rows = [
        (
            " and ".join(f"{day(a)} to {day(b)}" for a, b in one.train),
            f"{day(one.test[0])} to {day(one.test[1])}",
            "-" if one.trained is None else number(one.trained.sharpe, 2),
            "-" if one.tested is None else number(one.tested.sharpe, 2),
            "-" if one.tested is None else ratio(one.tested.total_return),
            "nothing was acceptable"
            if one.params is None
            else " ".join(f"{name}={value}" for name, value in one.params.items()),
        )
        for one in done.windows
    ]
    columns = ("trained on", "tested on", "Sharpe then", "Sharpe after", "return", "parameters")
    console.print(table(done.name, columns, rows, columns[2:5]))
    if done.tested is not None:
        found = done.tested
        told = [
            ("return", f"{ratio(found.total_return)} ({ratio(found.cagr)} a year)"),
            ("Sharpe", number(found.sharpe, 2)),
            ("deepest fall", "-" if found.max_drawdown is None else f"{found.max_drawdown:.1%}"),
            ("deals", f"{found.deals:,}"),
            ("efficiency", "-" if done.efficiency is None else f"{done.efficiency:.2f} of what training promised"),
            ("drift", ", ".join(f"{one.name} changed {one.changes}x" for one in done.drift) or "-"),
            ("equity", sparkline(done.curve, 60)),
        ]
        console.print(facts("On data it had not seen", told))
    if not done.complete:
        console.print("Stopped; the trials are kept, and the same command goes on.")
