"""`grid`: what a person may put right about a grid by hand."""

from typing import Annotated

import typer

from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="Put something right about a grid by hand.", no_args_is_help=True)
    verb(group, "reset-placed", title="grid reset-placed")(reset_placed)
    app.add_typer(group, name="grid", rich_help_panel="Operate", no_args_is_help=True)


def reset_placed(
    session: Session,
    *,
    user: Annotated[str, typer.Option(metavar="ID", help="Whose grid, by any id.")],
    symbol: Annotated[str, typer.Option(metavar="INST", help="The exchange's own id, such as BTC-USDT-SWAP.")],
    exchange: Annotated[str, typer.Option(metavar="NAME", help="Where it trades.")] = "okx",
    levels: Annotated[int, typer.Option(min=1, max=200, metavar="N", help="The first N levels.")] = 20,
) -> Answer:
    """Forget the flags that say an order stands at a level; it places and cancels nothing."""
    settings = session.settings()
    from tradingboost.app.placed import reset_placed as reset

    done = session.run(lambda: reset(settings, user, exchange, symbol, levels))
    says = f"{done.removed} of {done.levels} levels were flagged and are no more; {done.left} flags beyond them stand."
    note = "Nothing was placed or cancelled: whether an order is sent is decided by its intent, never by this flag."
    return Answer(done, lambda console: console.print(f"{says}\n[dim]{note}[/]"))
