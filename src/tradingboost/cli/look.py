"""`status`: what the platform is doing, or what it left when it was stopped."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from tradingboost.app.status import Status
    from tradingboost.core.ids import AccountId

_ORDERS_DRAWN = 12


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "status", rich_help_panel="Run")(status)


def status(
    session: Session,
    *,
    every: Annotated[bool, typer.Option("--all", help="Also runs that have stopped.")] = False,
) -> Answer:
    """Show runs, positions with entry and stop, open orders, balances and the last messages."""
    settings = session.settings()
    from tradingboost.app import status as app

    with session.progress("looking ..."):
        found = session.run(lambda: app.status(settings, every))
    return Answer(found, lambda console: _show(console, found))


def _show(console: "Console", found: "Status") -> None:
    if found.disk.alarm:
        console.print(
            f"[bold red]The disk is {found.disk.used_ratio:.0%} full[/], {found.disk.free_mb} MB are free; "
            "without room no order can be recorded, so none is placed."
        )
    if not found.accounts and not found.runs:
        console.print(f"Nothing has run here yet ({found.data_dir}).")
        console.print("Start with: tradingboost demo   or: tradingboost up")
        return
    at = f" at {found.http}" if found.http else ""
    head = (
        f"[green]The platform runs{at}.[/]" if found.running else "[yellow]Nothing runs now; this is what was left.[/]"
    )
    console.print(f"{head} [dim]{found.data_dir}[/]")
    console.print("")
    console.print(_runs(found))
    labels = {one.account.account_id: one.account.label for one in found.accounts}
    for part in (_accounts(found), _gateway(found), _positions(found, labels), _orders(found, labels)):
        if part.row_count:
            console.print("")
            console.print(part)
    if found.messages:
        console.print("")
        console.print("[bold]Last messages[/]")
        for message in found.messages:
            console.print(f"[dim]{_at(message.created_at)}[/] ", end="")
            console.print(message.text, markup=False)


def _runs(found: "Status") -> "Table":
    from rich.text import Text

    from tradingboost.cli.show import table

    styles = {"running": "green", "stopping": "yellow", "failed": "bold red"}
    rows = [
        (
            run.run_id[-8:],
            run.strategy,
            f"{run.symbol} {run.timeframe}",
            Text(run.status, style=styles.get(run.status, "dim")),
            _at(run.last_bar_at),
            run.reason,
        )
        for run in found.runs
    ]
    return table("Runs", ("run", "strategy", "market", "state", "last bar", "reason"), rows)


def _accounts(found: "Status") -> "Table":
    from tradingboost.cli.show import money, number, table

    rows = [
        (
            one.account.label,
            f"{one.account.venue} ({one.account.environment})",
            ", ".join(f"{number(amount, 2)} {asset}" for asset, amount in one.books.cash.items()) or "-",
            money(one.books.realized_quote, signed=True),
            money(one.books.fees_quote, signed=True),
            money(one.books.funding_quote, signed=True),
            str(one.books.fills),
        )
        for one in found.accounts
    ]
    columns = ("account", "venue", "cash", "realized", "fees", "funding", "fills")
    return table("Balances and books", columns, rows, columns[2:])


def _gateway(found: "Status") -> "Table":
    from tradingboost.cli.show import table

    rows = []
    for one in found.accounts:
        if one.gateway is None:
            continue
        shed = sum(count for fate, count in one.gateway.requests.items() if fate.startswith("shed"))
        against = [*one.gateway.hindered.values(), *(f"{window} is closed" for window in one.gateway.closed)]
        rows.append(
            (
                one.account.label,
                "healthy" if one.gateway.healthy else "away",
                f"{one.gateway.clock_offset_ms:+d} ms",
                str(sum(count for fate, count in one.gateway.requests.items() if fate.startswith("sent"))),
                str(shed),
                "; ".join(against) or "-",
            )
        )
    columns = ("account", "stream", "clock", "requests", "shed", "opens nothing because")
    return table("Gateway", columns, rows, columns[2:5])


def _positions(found: "Status", labels: "dict[AccountId, str]") -> "Table":
    from tradingboost.cli.show import money, number, price, table

    rows = [
        (
            labels[leg.account_id],
            leg.symbol,
            "long" if leg.qty > 0 else "short",
            number(abs(leg.qty)),
            price(leg.average_price),
            number(leg.mark),
            "dust" if leg.dust else number(leg.stop_price) if leg.stop_price is not None else "none",
            f"{leg.uncovered_s:.0f} s",
            "-" if leg.liquidation_distance_ratio is None else f"{leg.liquidation_distance_ratio:.1%}",
            money(leg.unrealized_quote, signed=True),
        )
        for one in found.accounts
        for leg in one.positions
    ]
    bare = ("without stop", "to liquidation")
    columns = ("account", "market", "side", "quantity", "entry", "price", "stop", *bare, "profit")
    return table("Positions", columns, rows, columns[3:])


def _orders(found: "Status", labels: "dict[AccountId, str]") -> "Table":
    from tradingboost.cli.show import number, table

    every = [order for one in found.accounts for order in one.open_orders]
    rows = [
        (
            labels[order.account_id],
            order.symbol,
            order.slot,
            order.side.value,
            order.type.value,
            number(order.qty),
            number(order.price if order.price is not None else order.trigger),
            order.state,
        )
        for order in every[:_ORDERS_DRAWN]
    ]
    title = (
        "Open orders" if len(every) <= _ORDERS_DRAWN else f"Open orders (the newest {_ORDERS_DRAWN} of {len(every)})"
    )
    columns = ("account", "market", "for", "side", "type", "quantity", "price", "state")
    return table(title, columns, rows, ("quantity", "price"))


def _at(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%m-%d %H:%M:%S}"
