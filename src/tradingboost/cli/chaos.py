"""`chaos`: kill the platform on purpose at named points, and have the exchange's truth judge what comes back."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tradingboost.cli.exits import DONE, FINDINGS, INTERRUPTED
from tradingboost.cli.interrupt import stoppable
from tradingboost.cli.mutants import mutants
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.chaos.campaign import Report
    from tradingboost.app.chaos.plans import Plan
    from tradingboost.app.chaos.scenario import Outcome

_ALL: Final = "all"


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="Kill the platform on purpose and see what comes back.", no_args_is_help=True)
    verb(group, "list", title="chaos list", common=("json",))(list_points)
    verb(group, "mutants", title="chaos mutants", common=("json",))(mutants)
    verb(group, "run", title="chaos run", common=("json", "verbose"))(run_points)
    app.add_typer(group, name="chaos", rich_help_panel="Develop")


def list_points(session: Session) -> Answer:  # noqa: ARG001 - every verb is handed its session
    """The crash points: where a process can be made to die, and what is true there."""
    from tradingboost.app.chaos.plans import plan
    from tradingboost.kit.crash import POINTS

    points = [{"name": name, "says": says, "story": plan(name, 0).story.value} for name, says in POINTS.items()]
    return Answer({"points": points}, lambda console: _show_points(console, points))


def run_points(
    session: Session,
    *,
    points: Annotated[str, typer.Option(metavar="all|A,B", help="Which crash points; see chaos list.")] = _ALL,
    seeds: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Scenarios a point: seeds 0 to N-1.")] = 1,
    at_once: Annotated[int, typer.Option(min=1, max=16, metavar="N", help="Scenarios side by side.")] = 2,
) -> Answer:
    """Kill the platform at each point while it trades, start it again, and compare it with the exchange."""
    from tradingboost.app.chaos.plans import plans
    from tradingboost.kit.crash import POINTS, known

    names = [word.strip() for word in points.split(",") if word.strip()]
    if not names:
        raise InvalidInput("no_crash_point", "Name at least one crash point, or write --points all.")
    chosen = plans(list(POINTS) if names == [_ALL] else known(names), seeds)
    session.environment()  # prepares the compile cache the processes share
    report = session.run(lambda: _run(session, chosen, at_once))
    code = INTERRUPTED if report.interrupted else DONE if report.ok else FINDINGS
    return Answer(report, lambda console: _show(console, report), code)


async def _run(session: Session, chosen: "list[Plan]", at_once: int) -> "Report":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from tradingboost.app.chaos import campaign
    from tradingboost.kit.clock import SystemClock

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=session.err, transient=True) as progress:
        task = progress.add_task("starting PostgreSQL and Redis", total=len(chosen))

        def told(outcome: "Outcome") -> None:
            progress.update(task, description=f"after {outcome.name}", advance=1)
            for line in outcome.evidence.broken:
                session.say(f"[red]{outcome.name}[/] {line}")

        async def work(stop: asyncio.Event) -> "Report":
            return await campaign.run(chosen, at_once, told, stop, SystemClock())

        return await stoppable(work, lambda: True)


def _show_points(console: "Console", points: list[dict[str, Any]]) -> None:
    from tradingboost.cli.show import table

    rows = [(point["name"], point["says"]) for point in points]
    console.print(table(f"{len(points)} crash points", ("point", "who dies there"), rows))
    console.print("[dim]Kill at one of them: tradingboost chaos run --points NAME[/]")


def _show(console: "Console", report: "Report") -> None:
    from rich.text import Text

    from tradingboost.cli.show import NONE, table, tick

    def seconds(value: float | None) -> str:
        return NONE if value is None else f"{value:.1f}"

    rows = [
        (
            tick(one.ok),
            one.name,
            str(one.evidence.nth),
            seconds(one.evidence.ready_s),
            seconds(one.evidence.recovered_s),
            seconds(one.evidence.uncovered_s),
            seconds(one.evidence.dark_s),
            f"{one.seconds:.0f}",
        )
        for one in report.points
    ]
    columns = ("", "point", "passage", "ready s", "settled s", "bare s", "dark s", "all s")
    console.print(table("Killed and started again", columns, rows, columns[2:]))
    for one in report.points:
        for line in one.evidence.broken:
            console.print(Text(f"  {one.name}: {line}", style="red"), soft_wrap=True)
    bad = sum(not one.ok for one in report.points)
    console.print(f"[dim]{len(report.points)} of {report.wanted} scenarios, {bad} broken, {report.seconds:.0f} s[/]")
    if report.interrupted:
        console.print("Stopped by you; the scenarios that had ended are judged above.")
