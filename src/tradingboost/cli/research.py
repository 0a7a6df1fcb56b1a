"""`backtesting`: one strategy over a candle file, compiled."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from tradingboost.app.backtesting import Backtested
    from tradingboost.backtest.result import Summary

_FILLS_DRAWN = 10
_FILLS_TOLD = 1000


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "backtesting", rich_help_panel="Research")(backtesting)


def backtesting(
    session: Session,
    *,
    strategy: Annotated[str, typer.Option("-s", "--strategy", help="hyperrsi or grid.")],
    candles: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Candle file (.parquet, .feather, .csv, .json).")
    ] = None,
    symbol: Annotated[
        str | None,
        typer.Option("-p", "--pairs", "--symbol", metavar="INST", help="Stored candles of it, or whose the file is."),
    ] = None,
    timeframe: Annotated[str | None, typer.Option("-i", "--timeframe", help="Candles of this length.")] = None,
    exchange: Annotated[str, typer.Option(metavar="NAME", help="Whose stored candles.")] = "okx",
    timerange: Annotated[str, typer.Option(metavar="FROM-TO", help="20240101-20240601; an end may be open.")] = "",
    params: Annotated[list[str] | None, typer.Option(metavar="K=V", help="A parameter; may be repeated.")] = None,
    params_file: Annotated[Path | None, typer.Option(metavar="JSON", help="Parameters as one JSON object.")] = None,
    starting_balance: Annotated[str, typer.Option(metavar="QUOTE", help="Money at the start.")] = "10000",
    fee: Annotated[str | None, typer.Option(metavar="RATIO", help="Maker and taker fee, such as 0.0005.")] = None,
) -> Answer:
    """Test a strategy on recorded candles with the simulated exchange's own fill rules."""
    settings = session.settings()
    with session.progress("loading the candles and the compiled strategy ..."):
        from tradingboost.app import backtesting as app
        from tradingboost.app.data.loading import store_of

        request = app.BacktestRequest(
            strategy=strategy,
            candles=candles,
            symbol=symbol,
            venue=exchange,
            timeframe=timeframe,
            timerange=timerange,
            params=app.params_of(params or [], params_file),
            balance=_number("--starting-balance", starting_balance),
            fee=None if fee is None else _number("--fee", fee),
        )
        done = app.backtest(request, store_of(settings))
    summary = done.result.summary()
    if summary.funding_assumed:
        session.warn(f"funding is assumed at {app.FUNDING_RATE * 100:f} % every eight hours; the file has none")
    for line in done.advice:
        session.warn(line)
    data = {"summary": summary, "timeframe": done.timeframe, "fills": done.result.trace().fills[-_FILLS_TOLD:]}
    return Answer(data, lambda console: _show(console, done, summary))


def _number(option: str, text: str) -> Decimal:
    try:
        found = Decimal(text.replace("_", "").replace(",", ""))
    except InvalidOperation:
        raise InvalidInput("not_a_number", f"{option} {text!r} is not a number.") from None
    if not found.is_finite():
        raise InvalidInput("not_a_number", f"{option} {text!r} is not a number.")
    return found


def _show(console: "Console", done: "Backtested", summary: "Summary") -> None:
    from rich.columns import Columns

    from tradingboost.cli.show import facts, table

    console.print(Columns([facts(f"{summary.strategy} on {summary.symbol}", _about(done, summary)), _money(summary)]))
    if summary.fills_by_reason:
        rows = [(name.replace("_", " "), str(count)) for name, count in summary.fills_by_reason.items()]
        console.print("")
        console.print(table("Fills by reason", ("reason", "fills"), rows, ("fills",)))
    console.print("")
    console.print(_fills(done))
    if summary.liquidated:
        console.print("[bold red]The account was liquidated.[/]")


def _about(done: "Backtested", summary: "Summary") -> list[tuple[str, str]]:
    days = Decimal(summary.last_ms - summary.first_ms) / 86_400_000
    return [
        ("candles", f"{summary.bars:,} of {done.timeframe} ({days:.1f} days)"),
        ("from", _day(summary.first_ms)),
        ("to", _day(summary.last_ms)),
        ("gaps", str(summary.candle_gaps)),
        ("fills", f"{summary.fills:,}"),
        ("round trips", f"{summary.round_trips:,} ({summary.wins:,} won, {summary.losses:,} lost)"),
        ("in the market", f"{summary.exposure:.1%}"),
        (
            "left open",
            ", ".join(f"{leg.qty.normalize():f} {leg.position_side}" for leg in summary.left_open) or "nothing",
        ),
    ]


def _money(summary: "Summary") -> Any:
    from rich.panel import Panel
    from rich.table import Table

    from tradingboost.cli.show import money

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(justify="right")
    grid.add_row("balance at the start", money(summary.initial_balance))
    grid.add_row("equity at the end", money(summary.final_equity))
    grid.add_row("profit after all costs", money(summary.net_pnl, signed=True))
    grid.add_row("realized", money(summary.realised, signed=True))
    grid.add_row("open profit", money(summary.unrealised, signed=True))
    grid.add_row("fees", money(-abs(summary.fees), signed=True))
    grid.add_row("funding", money(summary.funding, signed=True))
    fall = summary.max_drawdown
    grid.add_row("deepest fall", "-" if fall is None else f"{fall:.2%}")
    return Panel(grid, title="[bold]Money[/]", title_align="left", border_style="cyan", expand=False)


def _fills(done: "Backtested") -> "Table":
    from tradingboost.cli.show import number, table

    fills = done.result.trace().fills
    rows = [
        (
            _day(one.at_ms),
            one.slot,
            one.side,
            number(Decimal(one.qty)),
            number(Decimal(one.price)),
            number(Decimal(one.fee), 4),
            one.reason.replace("_", " "),
            number(Decimal(one.position)),
        )
        for one in fills[-_FILLS_DRAWN:]
    ]
    title = f"Last fills ({len(rows)} of {len(fills):,})"
    columns = ("time (UTC)", "for", "side", "quantity", "price", "fee", "reason", "position")
    return table(title, columns, rows, ("quantity", "price", "fee", "position"))


def _day(at_ms: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"
