"""`chaos nightly`: hours of trouble in sittings of any length."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tradingboost.cli.develop import ROOT, environment, needs
from tradingboost.cli.exits import DONE, FINDINGS, INTERRUPTED
from tradingboost.cli.interrupt import stoppable
from tradingboost.cli.session import Answer, Session

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.chaos.nightly import Ended, Night, Nightly, Piece, State

_HERE: Final = Path("nightly")


def nightly(
    session: Session,
    *,
    part: Annotated[str, typer.Option("--slice", metavar="N/M", help="Every Mth piece from the Nth on.")] = "",
    minutes: Annotated[
        float | None, typer.Option(min=1, metavar="M", help="Begin nothing new after so many minutes.")
    ] = None,
    resume: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the state lies; what ended there is not played again.")
    ] = _HERE,
    seeds: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Scenarios a point and a fault.")] = 3,
    soaks: Annotated[int, typer.Option(min=0, max=48, metavar="N", help="Soaks of an hour.")] = 6,
) -> Answer:
    """Play everything that takes hours, in as many sittings as you like; a state file knows what has ended."""
    needs("pytest")
    session.environment()  # prepares the compile cache the processes share
    from tradingboost.app.chaos.nightly import Nightly, pieces, sliced
    from tradingboost.kit.clock import SystemClock

    wanted = sliced(pieces(seeds, soaks, _mistakes()), part)
    work = Nightly(resume.absolute(), ROOT, SystemClock(), minutes)
    state = work.state(seeds, soaks)
    found = session.run(lambda: _played(session, work, wanted, state))
    code = INTERRUPTED if found.interrupted else DONE if found.ok else FINDINGS
    return Answer(found, lambda console: _show(console, found), code)


def _mistakes() -> list[str]:
    """Names of the mistakes that can be made on purpose; they belong to the tools, not to the application."""
    command = [sys.executable, "-m", "scripts.mutants", "--list"]
    listed = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)  # noqa: S603
    return listed.stdout.split()


async def _played(session: Session, work: "Nightly", wanted: "list[Piece]", state: "State") -> "Night":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=session.err, transient=True) as progress:
        names = {one.name for one in wanted}
        before = sum(one.name in names for one in state.ended)
        task = progress.add_task("the night begins", total=len(wanted), completed=before)

        def told(ended: "Ended") -> None:
            progress.update(task, description=f"after {ended.name}", advance=1)
            for line in ended.broken:
                session.say(f"[red]{ended.name}[/] {line}")

        async def play(stop: asyncio.Event) -> "Night":
            return await work.play(wanted, state, told, stop)

        return await stoppable(play, lambda: True)


def _show(console: "Console", found: "Night") -> None:
    from tradingboost.cli.show import table, tick

    rows = [(tick(one.ok), one.name, f"{one.seconds:.0f}", f"{one.at:%m-%d %H:%M}") for one in found.points]
    console.print(table("Played", ("", "piece", "seconds", "ended"), rows, ("seconds",)))
    bad = [one for one in found.points if not one.ok]
    for one in bad:
        for line in one.broken:
            console.print(f"  {one.name}: {line}", style="red", markup=False, soft_wrap=True)
    console.print(f"[dim]{len(found.points)} ended, {len(bad)} broken, {found.left} left; {found.state}[/]")
    console.print("[dim]Not part of it yet:[/]")
    for line in found.not_part:
        console.print(f"[dim]  {line}[/]")
