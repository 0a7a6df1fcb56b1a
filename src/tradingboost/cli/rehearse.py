"""`migrate rehearse`: the whole move on servers of its own, before anybody dares it on real ones."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli.exits import DONE, FINDINGS, INTERRUPTED
from tradingboost.cli.interrupt import stoppable
from tradingboost.cli.migrate_view import write_report
from tradingboost.cli.session import Answer, Session

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.migrate.rehearse import Rehearsal


def rehearse(
    session: Session,
    *,
    users: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="People in the old Redis.")] = 200,
    seed: Annotated[int, typer.Option(min=0, metavar="K", help="Another seed draws other values.")] = 0,
    kill: Annotated[bool, typer.Option("--kill/--no-kill", help="Kill each move half-way and resume it.")] = True,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report there as JSON.")] = None,
) -> Answer:
    """Make an old Redis, move it on throw-away servers, and say what became of each key; touches nothing of yours."""
    session.environment()  # prepares the compile cache the processes share
    if not session.verbose:
        _quiet()
    found = session.run(lambda: _run(session, users, seed, kill))
    stopped = len(found.steps) == 0 or found.steps[-1].name != "cleanup-legacy: run"
    if report is not None:
        write_report(report, found)
    return Answer(
        found, lambda console: show(console, found), INTERRUPTED if stopped else DONE if found.ok else FINDINGS
    )


async def _run(session: Session, users: int, seed: int, kill: bool) -> "Rehearsal":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from tradingboost.app.migrate.rehearse import rehearsed

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=session.err, transient=True) as progress:
        task = progress.add_task("starting", total=None)

        def told(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total or None)

        async def work(stop: asyncio.Event) -> "Rehearsal":
            return await rehearsed(users, seed, told, stop, kill=kill)

        return await stoppable(work, lambda: True)


def show(console: "Console", found: "Rehearsal") -> None:
    """Steps, what became of the keys, and everything that is not as it has to be."""
    from tradingboost.cli.show import table, tick

    def counted(counts: dict[str, int]) -> str:
        return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "-"

    rows = [(one.name, counted(one.counts), str(one.already), f"{one.seconds:.1f}") for one in found.steps]
    console.print(table("Steps", ("verb", "items", "settled before", "s"), rows, ("settled before", "s")))
    dead = [(verb, f"{done} of {total}") for verb, (done, total) in found.killed.items()]
    if dead:
        console.print(table("kill -9 at", ("verb", "items settled"), dead))
    console.print(table("Keys", ("became", "keys"), [(name, str(n)) for name, n in found.accounted.items()], ("keys",)))
    console.print(
        table("Stored", ("", "what", "there", "wanted"), [
            (tick(has == wants), name, str(has), str(wants)) for name, (has, wants) in found.stored.items()
        ], ("there", "wanted"))
    )  # fmt: skip
    for title, lines in (
        ("surprise", found.surprises),
        ("changed by a dry run", found.dry_run_changed),
        ("repeated", found.repeated),
        ("a secret stands in", found.leaks),
    ):
        for line in lines[:20]:
            console.print(f"[red]{title}[/] {line}", soft_wrap=True)
    colour = "green" if found.ok else "red"
    counts = f"{found.keys} keys of {found.users} people, {found.unaccounted} unaccounted"
    console.print(f"[{colour}]{counts}[/], {found.seconds:.0f} s")


def _quiet() -> None:
    """Without -v only what is wrong is logged."""
    from tradingboost.kit import logging
    from tradingboost.kit.settings import LogSettings

    logging.configure("tradingboost-rehearse", LogSettings(level="error", format="console"))
