"""`mismatches`: where our books and the venue differ, and what a person decides about it."""

import getpass
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput, Refused

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.shared.interfaces.orders import MismatchResolved
    from tradingboost.shared.interfaces.positions import MismatchView

_Mismatch = Annotated[str, typer.Argument(metavar="MISMATCH", help="Its id, or either end of it.")]
_Reason = Annotated[str, typer.Option("--reason", help="What you found; kept with it.")]
_Price = Annotated[str, typer.Option("--price", help="What the trade elsewhere was done at, where you know it.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="Mismatches: where our books and the venue differ; adopt, close or ignore each.")
    verb(group, "list", title="mismatches list")(listed)
    verb(group, "adopt", title="mismatches adopt")(adopt)
    verb(group, "close", title="mismatches close")(close)
    verb(group, "ignore", title="mismatches ignore")(ignore)
    app.add_typer(group, name="mismatches", rich_help_panel="Trade", no_args_is_help=True)


def listed(
    session: Session,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id, label, or all.")] = "all",
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
) -> Answer:
    """List where our books and the venue differ; no entries on these symbols until somebody decides."""
    settings = session.settings()
    from tradingboost.app import mismatches

    found = session.run(lambda: mismatches.listed(settings, account, every))
    return Answer({"mismatches": found}, lambda console: _show(console, found))


def adopt(session: Session, mismatch: _Mismatch, *, reason: _Reason, price: _Price = "", yes: _Yes = False) -> Answer:
    """Take what the venue holds into our books, as a trade made elsewhere; nothing is traded."""
    _confirm(session, yes, "Book what the venue holds as a trade made elsewhere?")
    return _decided(session, mismatch, "adopt", reason, price)


def close(session: Session, mismatch: _Mismatch, *, reason: _Reason, price: _Price = "", yes: _Yes = False) -> Answer:
    """Adopt it, and close at market what the venue holds beyond our books; where it holds less, the rest of it."""
    _confirm(session, yes, "Close at market what is not ours?")
    return _decided(session, mismatch, "close", reason, price)


def ignore(session: Session, mismatch: _Mismatch, *, reason: _Reason, yes: _Yes = False) -> Answer:
    """Leave the difference and let entries go on; if it changes, you are asked again."""
    _confirm(session, yes, "Let entries go on although our books and the venue differ?")
    return _decided(session, mismatch, "ignore", reason, "")


def _decided(session: Session, mismatch: str, decision: str, reason: str, price: str) -> Answer:
    settings, at, by = session.settings(), _price(price), getpass.getuser()
    from tradingboost.app import mismatches

    found = session.run(lambda: mismatches.decided(settings, mismatch, decision, reason=reason, price=at, by=by))
    return Answer(found, lambda console: _say(console, found))


def _price(text: str) -> Decimal | None:
    if not text:
        return None
    import msgspec

    try:
        return msgspec.convert(text, Decimal, strict=False)
    except msgspec.ValidationError:
        message = f"Nothing was done about the mismatch: a price is a number, not {text!r}."
        raise InvalidInput("bad_decision", message) from None


def _confirm(session: Session, yes: bool, question: str) -> None:
    """Ask a person; refuse where there is none.

    Raises:
        Refused: `not_confirmed`.
    """
    if yes:
        return
    if session.json or not sys.stdin.isatty():
        raise Refused("not_confirmed", "This needs a person's yes; look at the venue, then add --yes.")
    if not typer.confirm(question, err=True):
        raise Refused("not_confirmed", "Nothing was decided.")


def _show(console: "Console", found: "list[MismatchView]") -> None:
    from tradingboost.cli.show import number, table

    columns = ("mismatch", "since", "market", "side", "ours", "venue", "decided", "by", "why")
    rows = [
        (
            one.mismatch_id,
            f"{one.opened_at:%m-%d %H:%M:%S}",
            one.symbol,
            one.position_side.value,
            number(one.ours),
            number(one.held),
            one.decision or ("gone" if one.closed_at else "not yet"),
            one.decided_by or "-",
            one.reason or "-",
        )
        for one in found
    ]
    console.print(table("Mismatches", columns, rows, ("ours", "venue")) if rows else "Our books agree with the venues.")


def _say(console: "Console", found: "MismatchResolved") -> None:
    from tradingboost.cli.show import number

    if not found.adopted:
        console.print("It is left as it is; entries go on until the difference changes.")
        return
    console.print(f"Booked {number(found.adopted)} {found.mismatch.symbol} as a trade made elsewhere.")
    if found.order is not None:
        console.print(f"Closing {number(found.order.qty)} at market: {found.order.state}.")
    console.print("A run that trades it opens nothing until you acknowledge that trade: orders alerts.")
