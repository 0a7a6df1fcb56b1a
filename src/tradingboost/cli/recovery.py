"""`chaos rto`: how long it takes until everybody is safe and trades again, beside what was promised."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from tradingboost.cli.exits import DONE, FINDINGS
from tradingboost.cli.session import Answer, Session
from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.chaos.components import Component
    from tradingboost.app.chaos.recovery import Recovered, Recoveries

_ALL: Final = "all"


def rto(
    session: Session,
    *,
    components: Annotated[str, typer.Option(metavar="all|A,B", help="Which rows, e.g. postgres,orders.")] = _ALL,
    cut_s: Annotated[
        float, typer.Option("--cut-s", min=1, max=3600, metavar="S", help="How long the exchange is cut off.")
    ] = 20.0,
) -> Answer:
    """Hurt each component and measure when positions are covered and entries possible again. Takes minutes."""
    session.environment()  # prepares the compile cache the processes share
    from tradingboost.app.chaos.components import COMPONENTS, known_components

    names = [word.strip() for word in components.split(",") if word.strip()]
    chosen = known_components(list(COMPONENTS) if names == [_ALL] else names)
    if not chosen:
        raise InvalidInput("no_component", f"Name at least one component of {', '.join(COMPONENTS)}.")
    found = session.run(lambda: _measured(session, chosen, cut_s))
    return Answer(found, lambda console: _show(console, found), DONE if found.ok and found.held else FINDINGS)


async def _measured(session: Session, chosen: "list[Component]", cut_s: float) -> "Recoveries":
    from tradingboost.app.chaos.recovery import measure
    from tradingboost.kit.clock import SystemClock

    with session.progress("starting an installation ...") as status:

        def told(row: "Recovered") -> None:
            status.update(f"[dim]{row.component}: {row.trading_s} s ...[/]")
            if session.verbose:
                session.say(f"{row.component}: {row.trading_s} s")

        return await measure(chosen, cut_s, told, SystemClock())


def _show(console: "Console", found: "Recoveries") -> None:
    from tradingboost.cli.show import NONE, table, tick

    def seconds(value: float | None) -> str:
        return NONE if value is None else f"{value:.1f}"

    rows = [
        (
            tick(row.held),
            row.component,
            seconds(row.safe_s),
            seconds(row.safe_objective_s),
            seconds(row.trading_s),
            seconds(row.trading_objective_s),
            row.checked,
        )
        for row in found.rows
    ]
    columns = ("", "component", "bare s", "promised", "works again s", "promised ", "what was done and looked at")
    console.print(table("Recovery", columns, rows, columns[2:6]))
    for line in found.broken:
        console.print(f"  [red]{line}[/]", soft_wrap=True)
    console.print(f"[dim]{found.seconds:.0f} s; bare = the longest time a position stood without a stop[/]")
