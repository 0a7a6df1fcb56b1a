"""`orders`: what was sent, what became of it, and settling by hand what could not be settled by asking."""

import getpass
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import Refused

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.shared.interfaces.orders import AlertView, OrderDetail, OrderView

_Order = Annotated[str, typer.Argument(metavar="ORDER", help="The order's id, or either end of it.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="Orders: list them, see the evidence about one, cancel, settle by hand, and alerts.")
    verb(group, "list", title="orders list")(listed)
    verb(group, "show", title="orders show")(shown)
    verb(group, "settle", title="orders settle")(settle)
    verb(group, "alerts", title="orders alerts")(alerts)
    verb(group, "acknowledge", title="orders acknowledge")(acknowledge)
    app.add_typer(group, name="orders", rich_help_panel="Trade", no_args_is_help=True)
    verb(app, "cancel", rich_help_panel="Trade")(cancel)


def listed(
    session: Session,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id, label, or all.")] = "all",
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest.")] = 50,
) -> Answer:
    """List orders, newest first; DENIED and REJECTED ones with --all."""
    settings = session.settings()
    from tradingboost.app import oversee

    found = session.run(lambda: oversee.listed(settings, account, every, limit))
    return Answer({"orders": found}, lambda console: _show_list(console, found))


def shown(session: Session, order: _Order) -> Answer:
    """Show one order with every attempt, what the venue said, its fills, and why it was denied or parked."""
    settings = session.settings()
    from tradingboost.app import oversee

    found = session.run(lambda: oversee.shown(settings, order))
    return Answer(found, lambda console: _show(console, found))


def settle(
    session: Session,
    order: _Order,
    *,
    reason: Annotated[str, typer.Option("--reason", help="What you looked at; kept with the order.")],
    yes: _Yes = False,
) -> Answer:
    """Close an order of unknown fate: you looked at the venue and it is not there. Found after all, it is kept."""
    settings = session.settings()
    from tradingboost.app import oversee

    before = session.run(lambda: oversee.shown(settings, order))
    if not yes:
        if not session.json:
            _show(session.err, before)
        _confirm(session, "Is this order neither open, filled nor cancelled at the venue?", "Nothing was settled.")
    found = session.run(lambda: oversee.settled(settings, before.order.order_id, getpass.getuser(), reason))
    return Answer(found, lambda console: _show(console, found))


def cancel(session: Session, order: _Order) -> Answer:
    """Ask the venue to end one order; its end is believed from the venue's reports alone."""
    settings = session.settings()
    from tradingboost.app import oversee

    found = session.run(lambda: oversee.ended(settings, order))
    return Answer(found, lambda console: _show(console, found))


def alerts(
    session: Session,
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that were acknowledged.")] = False,
) -> Answer:
    """List what a person must look at, newest first."""
    settings = session.settings()
    from tradingboost.app import oversee

    found = session.run(lambda: oversee.alerts(settings, every))
    return Answer({"alerts": found}, lambda console: _show_alerts(console, found))


def acknowledge(session: Session, alert: Annotated[str, typer.Argument(metavar="ALERT", help="Its id.")]) -> Answer:
    """Note that you have seen an alert; what it is about goes on as it is."""
    settings = session.settings()
    from tradingboost.app import oversee

    noted = session.run(lambda: oversee.acknowledged(settings, alert, getpass.getuser()))
    return Answer(noted, lambda console: _show_alerts(console, [noted]))


def _confirm(session: Session, question: str, otherwise: str) -> None:
    """Ask a person; refuse where there is none.

    Raises:
        Refused: `not_confirmed`.
    """
    if session.json or not sys.stdin.isatty():
        raise Refused("not_confirmed", "This needs a person's yes; look at the venue, then add --yes.")
    if not typer.confirm(question, err=True):
        raise Refused("not_confirmed", otherwise)


def _show_list(console: "Console", found: "list[OrderView]") -> None:
    from tradingboost.cli.show import number, table

    columns = ("order", "at", "market", "for", "side", "type", "quantity", "filled", "state", "why")
    rows = [
        (
            one.order_id[-8:],
            f"{one.created_at:%m-%d %H:%M:%S}",
            one.symbol,
            one.slot,
            one.side.value,
            one.type.value,
            number(one.qty),
            number(one.filled),
            one.state,
            one.deny_code,
        )
        for one in found
    ]
    console.print(table("Orders", columns, rows, ("quantity", "filled")) if rows else "There is no such order.")


def _show(console: "Console", found: "OrderDetail") -> None:
    from tradingboost.cli.show import facts, number, price, table

    one = found.order
    told = [
        ("market", f"{one.venue} {one.symbol}"),
        ("order", f"{one.side} {number(one.qty)} {one.type} for slot {one.slot}, {one.position_side}"),
        ("price", f"{number(one.price)}, trigger {number(one.trigger)}"),
        ("state", one.state),
        ("because", found.because or one.reason),
        ("filled", f"{number(one.filled)} at {price(one.average_price)}"),
        ("our id", one.client_order_id),
        ("venue's id", one.venue_order_id or "never told"),
        ("evidence", f"{found.reports} reports of the venue, {len(found.fills)} fills"),
    ]
    if found.unknown_since is not None:
        told.append(("unknown since", f"{found.unknown_since:%Y-%m-%d %H:%M:%S} UTC"))
    console.print(facts(f"Order {one.order_id}", told))
    rows = [
        (f"{each.sent_at:%H:%M:%S}", each.kind, each.resolution, each.code, each.message, str(each.rounds))
        for each in found.requests
    ]
    console.print(table("Attempts", ("sent", "kind", "became", "code", "said", "looks"), rows))


def _show_alerts(console: "Console", found: "list[AlertView]") -> None:
    from tradingboost.cli.show import table

    rows = [
        (one.alert_id, f"{one.raised_at:%m-%d %H:%M:%S}", one.kind, one.message, one.acknowledged_by or "-")
        for one in found
    ]
    console.print(table("Alerts", ("alert", "at", "kind", "what", "seen by"), rows) if rows else "There is no alert.")
