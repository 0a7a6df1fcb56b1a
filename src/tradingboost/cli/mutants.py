"""`chaos mutants`: known mistakes are made on purpose, and a test must die of each."""

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradingboost.cli.develop import ROOT, environment, needs
from tradingboost.cli.exits import DONE, FINDINGS, INTERRUPTED
from tradingboost.cli.session import Answer, Session
from tradingboost.core.errors import BrokenInvariant, InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

_USAGE = 2


def mutants(
    session: Session,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Which mistakes; else all.")] = None,
) -> Answer:
    """Make each classic mistake in a copy of this checkout; the test named for it must notice. Takes minutes."""
    needs("pytest")
    done: list[dict[str, Any]] = []
    interrupted = False
    command = [sys.executable, "-m", "scripts.mutants", *(names or [])]
    with (
        session.progress("making mistakes on purpose ...") as status,
        subprocess.Popen(  # noqa: S603 - our own tools
            command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            for line in process.stdout:
                done.append(json.loads(line))
                unnoticed = sum(not one["killed"] for one in done)
                status.update(f"[dim]making mistakes on purpose: {len(done)} made, {unnoticed} not noticed ...[/]")
        except KeyboardInterrupt:
            interrupted = True
            process.terminate()
        said = process.stderr.read().strip()
    if process.returncode == _USAGE:
        raise InvalidInput("unknown_mutant", said)
    survived = [one["name"] for one in done if not one["killed"]]
    if not interrupted and process.returncode not in (DONE, FINDINGS):
        raise BrokenInvariant("mutants_failed", f"The mistakes could not be made: {said[-500:]}")
    data = {"mutants": done, "survived": survived, "interrupted": interrupted}
    code = INTERRUPTED if interrupted else FINDINGS if survived else DONE
    return Answer(data, lambda console: _show(console, done, interrupted), code)


def _show(console: "Console", done: list[dict[str, Any]], interrupted: bool) -> None:
    from tradingboost.cli.show import table, tick

    rows = [
        (tick(one["killed"]), one["name"], one["says"] if one["killed"] else one["why"], f"{one['seconds']:.0f} s")
        for one in done
    ]
    killed = sum(one["killed"] for one in done)
    title = f"{killed} of {len(done)} mistakes are noticed{'; interrupted' if interrupted else ''}"
    console.print(table(title, ("", "mistake", "what would go wrong", "took"), rows, ("took",)))
