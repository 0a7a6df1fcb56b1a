"""`plot-dataframe` and `plot-profit`: runs to look at, one page each that needs nothing else."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradingboost.cli import asking
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.plotting.frame import Frame
    from tradingboost.app.plotting.profit import Profit

_Over = Annotated[
    list[str] | None, typer.Option("--indicators1", metavar="NAME", help="Over the price: ema_20,sma_50.")
]
_Below = Annotated[list[str] | None, typer.Option("--indicators2", metavar="NAME", help="Below it: rsi_14,adx_14.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "plot-dataframe", groups=asking.PERHAPS, rich_help_panel="Research")(plot_dataframe)
    verb(app, "plot-profit", rich_help_panel="Research")(plot_profit)


def plot_dataframe(
    session: Session,
    *,
    result: Annotated[str | None, typer.Argument(metavar="[RESULT]", help="Receipt, file, or latest.")] = None,
    market: dict[str, Any],
    indicators1: _Over = None,
    indicators2: _Below = None,
    export: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it.")] = Path("dataframe.html"),
) -> Answer:
    """Draw candles with entries, adds, exits and stops, and below them what the strategy looked at.

    Of a kept result --timerange is the part to draw; of a new back-test it is the part to test.
    """
    name = asking.result_of(result, market)
    settings = session.settings()
    with session.progress("running it and drawing ..."):
        from tradingboost.app import results
        from tradingboost.app.plotting.frame import again, asked, frame, frame_page

        results.check_page(export)
        wanted = (indicators1 or [], indicators2 or [])
        if name is None:
            found = frame(asked(asking.request_of(market), settings), "", wanted, [])
        else:
            kept = results.find(results.folder_of(settings), name)
            done, notes = again(kept, market["candles"], settings)
            found = frame(done, market["timerange"], wanted, notes)
        written = results.written(export, frame_page(found))
    for line in found.notes:
        session.warn(line)
    return _drawn(found, written)


def _drawn(found: "Frame", written: Path) -> Answer:
    data = {
        "receipt": found.receipt,
        "strategy": found.strategy,
        "symbol": found.symbol,
        "timeframe": found.timeframe,
        "candles": found.bars,
        "drawn": len(found.series.candles),
        "fills": len(found.series.marks),
        "over": [one.name for one in found.over],
        "panes": [one.name for one in found.panes],
        "exported": [str(written)],
    }

    def show(console: "Console") -> None:
        console.print(f"{found.strategy} on {found.symbol}: {found.bars:,} candles, {len(found.series.marks):,} fills.")
        names = [*(one.name for one in found.over), *(one.name for one in found.panes)]
        console.print(f"[dim]with[/] {', '.join(names) or 'no indicator'}", highlight=False)
        console.print(f"[dim]written[/] {written}", highlight=False, soft_wrap=True)

    return Answer(data, show)


def plot_profit(
    session: Session,
    *,
    chosen: Annotated[list[str] | None, typer.Argument(metavar="[RESULTS]...", help="Receipts, files, latest.")] = None,
    export: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it.")] = Path("profit.html"),
) -> Answer:
    """Draw what deals earned, equity and its falls, of one kept back-test or of several over each other."""
    settings = session.settings()
    with session.progress("drawing ..."):
        from tradingboost.app import results
        from tradingboost.app.plotting.profit import profit, profit_page

        results.check_page(export)
        folder = results.folder_of(settings)
        found = profit([results.find(folder, name) for name in chosen or [results.LATEST]])
        written = results.written(export, profit_page(found))
    rows = [
        {"name": one.name, "receipt": one.receipt, "net": one.net, "deals": one.deals, "fall": one.fall}
        for one in found.curves
    ]
    return Answer({"results": rows, "exported": [str(written)]}, lambda console: _show(console, found, written))


def _show(console: "Console", found: "Profit", written: Path) -> None:
    from decimal import Decimal

    from tradingboost.cli.show import money, table

    rows = [
        (
            one.receipt[:16],
            one.name,
            str(one.deals),
            money(Decimal(repr(one.net)), signed=True),
            "-" if one.fall is None else f"{one.fall:.2%}",
        )
        for one in found.curves
    ]
    console.print(table("Drawn", ("receipt", "what", "deals", "net", "fall"), rows, ("deals", "net", "fall")))
    console.print(f"[dim]written[/] {written}", highlight=False, soft_wrap=True)
