"""How a back-test is drawn on a terminal, and what of it goes into the JSON answer."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.columns import Columns
from rich.panel import Panel
from rich.table import Table

from tradingboost.cli.show import facts as facts_panel
from tradingboost.cli.show import money, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from tradingboost.app.results import Kept
    from tradingboost.backtest.band import Band
    from tradingboost.backtest.document import Document, SymbolPart
    from tradingboost.backtest.result import LeftOpen

_VERDICTS = {"green": "green", "amber": "yellow", "red": "bold red"}


def facts(found: "Document") -> dict[str, Any]:
    """What a machine is told of a result; deals, orders and charts are in the exported file."""
    together = {"symbols": [_without_chart(one) for one in found.symbols]} if found.symbols else {}
    return {
        **together,
        "summary": found.summary,
        "figures": found.figures,
        "band": found.band,
        "breakdowns": found.breakdowns,
        "remarks": found.remarks,
        "data": found.data,
        "request": found.request,
        "receipt": found.receipt,
    }


def draw(console: "Console", found: "Document") -> None:
    """A result for a person."""
    summary = found.summary
    console.print(Columns([facts_panel(f"{summary.strategy} on {summary.symbol}", _about(found)), _money(found)]))
    if found.symbols:
        console.print("")
        console.print(_symbols(found.symbols))
    rows = [
        (row.name.replace("_", " "), str(row.deals), str(row.wins), money(row.net, signed=True))
        for row in found.breakdowns["exit_reason"]
    ]
    if rows:
        console.print("")
        console.print(table("Deals by exit", ("exit", "deals", "won", "net"), rows, ("deals", "won", "net")))
    if found.band is not None:
        console.print("")
        console.print(_band(found.band))
    for remark in found.remarks:
        console.print(f"[{'red' if remark.weight == 'bad' else 'cyan'}]•[/] {remark.text}", highlight=False)
    if summary.liquidated:
        console.print("[bold red]The account was liquidated.[/]")


def listed(console: "Console", heads: "Sequence[Kept]") -> None:
    """Kept results, the newest first."""
    if not heads:
        console.print("No back-test is kept yet; run one with: tradingboost backtesting")
        return
    rows = [
        (
            one.receipt[:16],
            f"{one.summary.strategy} {one.summary.symbol} {one.request.get('timeframe', '')}",
            f"{day_of(one.summary.first_ms)[:10]} to {day_of(one.summary.last_ms)[:10]}",
            money(one.summary.net_pnl, signed=True),
            _ratio(one.figures.curve.sharpe),
            "-" if one.summary.max_drawdown is None else f"{one.summary.max_drawdown:.2%}",
            str(one.figures.deals.deals),
        )
        for one in heads
    ]
    columns = ("receipt", "what", "when", "net", "Sharpe", "fall", "deals")
    console.print(table("Back-tests", columns, rows, ("net", "Sharpe", "fall", "deals")))


def day_of(at_ms: int) -> str:
    """A time to the minute, UTC."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def _about(found: "Document") -> list[tuple[str, str]]:
    summary, deals = found.summary, found.figures.deals
    days = Decimal(summary.last_ms - summary.first_ms) / 86_400_000
    left = ", ".join(_leg(leg) for leg in summary.left_open)
    return [
        ("candles", f"{summary.bars:,} of {found.request['timeframe']} ({days:.1f} days)"),
        ("from", day_of(summary.first_ms)),
        ("to", day_of(summary.last_ms)),
        ("gaps", str(summary.candle_gaps)),
        ("fills", f"{summary.fills:,}"),
        ("round trips", f"{deals.deals:,} ({deals.wins:,} won, {deals.losses:,} lost)"),
        ("profit factor", _ratio(deals.profit_factor)),
        ("in the market", f"{summary.exposure:.1%}"),
        ("left open", left or "nothing"),
    ]


def _leg(leg: "LeftOpen") -> str:
    words = f"{leg.qty.normalize():f} {leg.position_side}"
    return f"{words} of {leg.symbol}" if leg.symbol else words


def _without_chart(part: "SymbolPart") -> dict[str, Any]:
    """What a machine is told of one symbol; its chart is in the exported file."""
    return {name: getattr(part, name) for name in part.__struct_fields__ if name != "chart"}


def _symbols(parts: "Sequence[SymbolPart]") -> Table:
    rows = [
        (
            one.symbol,
            f"{one.deals:,}",
            money(one.net, signed=True),
            "-" if one.win_rate is None else f"{one.win_rate:.1%}",
            "-" if one.drawdown_share is None else f"{one.drawdown_share:.1%}",
            f"{one.exposure:.1%}",
            f"{one.margin_refusals:,}",
            f"{one.data.missing:,}",
        )
        for one in parts
    ]
    columns = ("symbol", "deals", "net", "won", "share of the fall", "in the market", "no margin", "absent candles")
    return table("Symbols on one balance", columns, rows, columns[1:])


def _money(found: "Document") -> Panel:
    summary, curve = found.summary, found.figures.curve
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(justify="right")
    grid.add_row("balance at the start", money(summary.initial_balance))
    grid.add_row("equity at the end", money(summary.final_equity))
    grid.add_row("profit after all costs", money(summary.net_pnl, signed=True))
    grid.add_row("open profit", money(summary.unrealised, signed=True))
    grid.add_row("fees", money(-abs(summary.fees), signed=True))
    grid.add_row("funding", money(summary.funding, signed=True))
    grid.add_row("slippage", money(-found.figures.costs.slippage, signed=True))
    grid.add_row("deepest fall", "-" if summary.max_drawdown is None else f"{summary.max_drawdown:.2%}")
    grid.add_row("Sharpe, Sortino", f"{_ratio(curve.sharpe)}, {_ratio(curve.sortino)}")
    return Panel(grid, title="[bold]Money[/]", title_align="left", border_style="cyan", expand=False)


def _band(band: "Band") -> Table:
    rows = [
        (
            line.mode,
            money(line.net_pnl, signed=True),
            _ratio(line.sharpe),
            "-" if line.max_drawdown is None else f"{line.max_drawdown:.2%}",
            str(line.fills),
        )
        for line in band.lines
    ]
    title = f"Inside the candles: [{_VERDICTS[band.verdict]}]{band.verdict}[/], {band.ambiguous_bars:,} ambiguous"
    return table(title, ("reading", "net", "Sharpe", "fall", "fills"), rows, ("net", "Sharpe", "fall", "fills"))


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
