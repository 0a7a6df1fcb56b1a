"""`preview` and `list-strategies`: what there is to start, and what a start would mean before anything is sent."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli import asking
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.planning import Planned
    from tradingboost.strategies.grid.preview import Preview
    from tradingboost.strategies.hyperrsi.preview import Plan

_CELLS = 24


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "preview", rich_help_panel="Trade")(preview)
    verb(app, "list-strategies", rich_help_panel="Data")(list_strategies)


def preview(
    session: Session,
    *,
    strategy: asking.Strategy,
    symbol: asking.Symbol = None,
    price: Annotated[str | None, typer.Option(metavar="QUOTE", help="The market; else the last close.")] = None,
    candles: asking.Candles = None,
    timeframe: asking.Timeframe = None,
    side: Annotated[str, typer.Option(help="long, short or both.")] = "both",
    params: asking.Params = None,
    params_file: asking.ParamsFile = None,
    starting_balance: asking.Balance = "10000",
) -> Answer:
    """Show what a start would send: entries and adds, ladder, stop, liquidation, margin; or every level of a grid."""
    settings = session.settings()
    with session.progress("loading the strategy ..."):
        from tradingboost.app.backtest_request import BacktestRequest
        from tradingboost.app.backtesting import params_of
        from tradingboost.app.data.loading import store_of
        from tradingboost.app.planning import plan

        request = BacktestRequest(
            strategy=strategy,
            symbol=symbol,
            candles=candles,
            timeframe=timeframe,
            params=params_of(params or [], params_file),
            balance=asking.number("--starting-balance", starting_balance),
        )
        given = None if price is None else asking.number("--price", price)
        found = plan(request, store_of(settings), given, side)
    for line in found.warnings:
        session.warn(line.replace("_", " "))
    return Answer(found, lambda console: _draw(console, found))


def list_strategies(session: Session) -> Answer:
    """Name the strategies and their parameters with defaults."""
    session.settings()
    from tradingboost.app.planning import defaults

    found = defaults()

    def show(console: "Console") -> None:
        from tradingboost.cli.show import table

        for name, params in found.items():
            rows = [(key, "" if value is None else str(value)) for key, value in params.items()]
            console.print(table(name, ("parameter", "default"), rows))
            console.print("")

    return Answer(found, show)


def _draw(console: "Console", found: "Planned") -> None:
    from tradingboost.cli.show import facts, number, price

    reach = [] if found.atr is None else [("ATR(14)", price(found.atr))]
    console.print(facts(f"{found.strategy} on {found.symbol}", [("price", number(found.price)), *reach]))
    for leg in found.legs:
        console.print("")
        _draw_leg(console, leg)
    if found.grid is not None:
        console.print("")
        _draw_grid(console, found.grid)


def _draw_leg(console: "Console", leg: "Plan") -> None:
    from tradingboost.cli.show import money, number, price, table

    names = ("entry", "price", "quantity", "notional", "margin", "average", "liquidation", "hedge")
    rows = [
        (
            "first" if one.number == 1 else f"add {one.number}",
            number(one.price),
            number(one.qty) + (" (raised to the minimum)" if one.raised_to_minimum else ""),
            money(one.notional_quote),
            money(one.margin_quote),
            price(one.average),
            number(one.liquidation or None),
            number(one.hedge_qty or None),
        )
        for one in leg.entries
    ]
    console.print(table(f"{leg.side}: entries", names, rows, names[1:]))
    exits = [
        (f"TP{one.level}", number(one.price), number(one.qty), "placed" if one.placed else "trails")
        for one in leg.ladder
    ]
    stop = (f"stop ({leg.stop_kind})", number(leg.stop or None), "", "attached to the entry" if leg.stop else "none")
    console.print(
        table(
            f"{leg.side}: exits of the first entry",
            ("exit", "price", "quantity", ""),
            [*exits, stop],
            ("price", "quantity"),
        )
    )
    console.print(f"All entries and hedges together need {leg.margin_quote:,.2f} of margin.")


def _draw_grid(console: "Console", grid: "Preview") -> None:
    from tradingboost.cli.show import facts, money, number, price, table

    console.print(
        facts(
            "grid",
            [
                ("levels", f"{len(grid.levels)} from {number(min(grid.levels))} to {number(max(grid.levels))}"),
                ("orders at the start", f"{grid.orders_buy} to buy, {grid.orders_sell} to sell"),
                ("bought or sold at market", f"{number(grid.init_qty)} for {grid.init_quote:,.2f}"),
                ("profit of a cycle", f"{grid.net_pct_least:.3f} % to {grid.net_pct_most:.3f} % after fees"),
                ("needed", f"{grid.required_quote:,.2f}"),
            ],
        )
    )
    for one in grid.exposures:
        liquidation = (
            "cannot be liquidated"
            if one.liquidation_price is None
            else f"liquidation near {price(one.liquidation_price)}"
        )
        stop = (
            "no stop"
            if one.stop_price is None
            else f"stop {price(one.stop_price)}, loss there {one.loss_at_stop_quote or Decimal(0):,.2f}"
        )
        console.print(
            f"Every {one.side} cell filled: {number(one.qty)} at {price(one.average_entry)}, {stop}, {liquidation}."
        )
    names = ("cell", "side", "opens", "closes", "quantity", "margin", "net of a cycle", "order")
    shown = [
        (
            str(one.number),
            one.side,
            number(one.open_price),
            number(one.close_price),
            number(one.qty),
            money(one.margin_quote),
            money(one.net_quote, signed=True),
            one.order,
        )
        for one in grid.cells[:_CELLS]
    ]
    console.print(table("cells", names, shown, names[2:7]))
    if len(grid.cells) > _CELLS:
        console.print(f"[dim]{len(grid.cells) - _CELLS} more cells; --json lists all.[/]")
