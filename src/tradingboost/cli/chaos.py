"""`chaos`: kill the platform on purpose at named points, and have the exchange's truth judge what comes back."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tradingboost.cli.exits import DONE, FINDINGS, INTERRUPTED
from tradingboost.cli.interrupt import stoppable
from tradingboost.cli.mutants import mutants
from tradingboost.cli.nightly import nightly
from tradingboost.cli.proofs import proofs
from tradingboost.cli.recovery import rto
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.chaos.campaign import Report
    from tradingboost.app.chaos.faults import Hit
    from tradingboost.app.chaos.plans import Plan
    from tradingboost.app.chaos.scenario import Outcome

_ALL: Final = "all"


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="Kill the platform on purpose and see what comes back.", no_args_is_help=True)
    verb(group, "faults", title="chaos faults", common=("json",))(proofs)
    verb(group, "list", title="chaos list", common=("json",))(list_points)
    verb(group, "mutants", title="chaos mutants", common=("json",))(mutants)
    verb(group, "nightly", title="chaos nightly", common=("json", "verbose"))(nightly)
    verb(group, "rto", title="chaos rto", common=("json", "verbose"))(rto)
    verb(group, "run", title="chaos run", common=("json", "verbose"))(run_points)
    app.add_typer(group, name="chaos", rich_help_panel="Develop")


def list_points(session: Session) -> Answer:  # noqa: ARG001 - every verb is handed its session
    """The crash points and the faults: what a campaign can do to the platform."""
    from tradingboost.app.chaos.faults import FAULTS
    from tradingboost.app.chaos.plans import plan
    from tradingboost.kit.crash import POINTS

    points = [{"name": name, "says": says, "story": plan(name, 0).story.value} for name, says in POINTS.items()]
    faults = [{"name": name, "says": one.says, "processes": len(one.processes)} for name, one in FAULTS.items()]
    return Answer({"points": points, "faults": faults}, lambda console: _show_points(console, points, faults))


def run_points(
    session: Session,
    *,
    points: Annotated[str, typer.Option(metavar="all|A,B", help="Which crash points; see chaos list.")] = "",
    faults: Annotated[str, typer.Option(metavar="all|A,B", help="Which faults; see chaos list.")] = "",
    seeds: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Scenarios a name: seeds 0 to N-1.")] = 1,
    seed: Annotated[int | None, typer.Option(min=0, metavar="K", help="This seed alone, to play one again.")] = None,
    at_once: Annotated[int, typer.Option(min=1, max=16, metavar="N", help="Scenarios side by side.")] = 2,
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Leave the logs of broken scenarios there.")] = None,
) -> Answer:
    """Kill the platform at each point, or let faults last for a while; then compare it with the exchange.

    Without --points and --faults every crash point is played.
    """
    session.environment()  # prepares the compile cache the processes share
    chosen = _chosen(points, faults, seeds if seed is None else [seed])
    report = session.run(lambda: _run(session, chosen, at_once, keep))
    code = INTERRUPTED if report.interrupted else DONE if report.ok else FINDINGS
    return Answer(report, lambda console: _show(console, report), code)


def _chosen(points: str, faults: str, seeds: "int | list[int]") -> "list[Plan | Hit]":
    from tradingboost.app.chaos.faults import FAULTS, hit, known_faults
    from tradingboost.app.chaos.plans import plan
    from tradingboost.kit.crash import POINTS, known

    every = list(range(seeds)) if isinstance(seeds, int) else seeds
    wanted = _names(points or ("" if faults else _ALL), POINTS)
    struck = _names(faults, FAULTS)
    if not wanted and not struck:
        raise InvalidInput("no_crash_point", "Name at least one crash point or fault, or write --points all.")
    deaths = [plan(name, one) for name in known(wanted) for one in every]
    return [*deaths, *(hit(name, one) for name in known_faults(struck) for one in every)]


def _names(words: str, registered: "Iterable[str]") -> list[str]:
    names = [word.strip() for word in words.split(",") if word.strip()]
    return list(registered) if names == [_ALL] else names


async def _run(session: Session, chosen: "list[Plan | Hit]", at_once: int, keep: Path | None) -> "Report":
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
            return await campaign.run(chosen, at_once, told, stop, SystemClock(), keep=keep)

        return await stoppable(work, lambda: True)


def _show_points(console: "Console", points: list[dict[str, Any]], faults: list[dict[str, Any]]) -> None:
    from tradingboost.cli.show import table

    rows = [(point["name"], point["says"]) for point in points]
    console.print(table(f"{len(points)} crash points", ("point", "who dies there"), rows))
    others = [(one["name"], one["says"]) for one in faults]
    console.print(table(f"{len(faults)} faults", ("fault", "what happens"), others))
    console.print("[dim]Play one of them: tradingboost chaos run --points NAME or --faults NAME[/]")


def _show(console: "Console", report: "Report") -> None:
    from rich.text import Text

    from tradingboost.cli.show import NONE, table, tick

    def seconds(value: float | None) -> str:
        return NONE if value is None else f"{value:.1f}"

    rows = [
        (
            tick(one.ok),
            one.name,
            str(one.evidence.nth) if one.evidence.lasted_s is None else NONE,
            seconds(one.evidence.lasted_s),
            seconds(one.evidence.ready_s),
            seconds(one.evidence.recovered_s),
            seconds(one.evidence.uncovered_s),
            seconds(one.evidence.dark_s),
            f"{one.seconds:.0f}",
        )
        for one in report.points
    ]
    columns = ("", "point or fault", "passage", "lasted s", "ready s", "settled s", "bare s", "dark s", "all s")
    console.print(table("Hurt, and whole again", columns, rows, columns[2:]))
    for one in report.points:
        for line in one.evidence.broken:
            console.print(Text(f"  {one.name}: {line}", style="red"), soft_wrap=True)
    bad = sum(not one.ok for one in report.points)
    console.print(f"[dim]{len(report.points)} of {report.wanted} scenarios, {bad} broken, {report.seconds:.0f} s[/]")
    if report.interrupted:
        console.print("Stopped by you; the scenarios that had ended are judged above.")
