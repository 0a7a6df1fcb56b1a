"""`up` and `serve`: the platform in one process, or one service of it."""

from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from tradingboost.app.serving import Serving


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "up", rich_help_panel="Run")(up)
    verb(app, "serve", rich_help_panel="Run")(serve)


def up(
    session: Session,
    *,
    only: Annotated[
        str, typer.Option(metavar="A,B", help="Only these services; the others run elsewhere (needs TB_DB__URL).")
    ] = "",
) -> Answer:
    """Run the platform in this process, until Ctrl-C: every service, with HTTP on port 8000."""
    settings = session.settings(serving=True)
    from tradingboost.app import serving

    names = [name.strip() for name in only.split(",") if name.strip()]
    with session.progress("starting PostgreSQL, Redis and the services ...") as started:
        session.run(lambda: serving.up(settings, names, lambda where: _tell(session, where, started)))
    return _stopped(session)


def serve(
    session: Session,
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="market, orders, hyperrsi, ...")],
) -> Answer:
    """Run one service in a process of its own; its neighbours are reached over the bridge."""
    settings = session.settings(serving=True)
    from tradingboost.app import serving

    with session.progress(f"starting {service} ...") as started:
        session.run(lambda: serving.serve_one(settings, service, lambda where: _tell(session, where, started)))
    return _stopped(session)


def _tell(session: Session, where: "Serving", started: "Status") -> None:
    started.stop()
    session.tell(Answer(where, lambda _: _show(session.err, where)))


def _stopped(session: Session) -> Answer:
    if not session.json:
        session.say("Stopped cleanly. What it stored is still there: tradingboost status")
    return Answer(told=True)


def _show(console: "Console", where: "Serving") -> None:
    from tradingboost.cli.show import facts

    one = len(where.services) == 1
    bridges = where.bridges[where.services[0]] if one else f"{len(where.bridges)} services, {_ports(where)}"
    rows = [
        ("services", ", ".join(where.services)),
        ("HTTP", f"{where.http}/health  /ready  /metrics"),
        ("bridge", bridges),
        ("data", f"{where.data_dir}" + (" (embedded PostgreSQL and Redis)" if where.embedded else "")),
    ]
    console.print(facts(f"{where.services[0]} runs" if one else "The platform runs", rows))
    look = "" if one else "Look: tradingboost status. Stop runs: tradingboost stop all. "
    console.print(f"[dim]{look}Ctrl-C drains and stops; stops and limits at the exchange stay.[/]")


def _ports(where: "Serving") -> str:
    ports = sorted(int(address.rsplit(":", 1)[1]) for address in where.bridges.values())
    return f"ports {ports[0]} to {ports[-1]}"
