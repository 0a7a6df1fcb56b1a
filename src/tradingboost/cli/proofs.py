"""`chaos faults`: the tests of every row of the catalogue of faults, and what they say today."""

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradingboost.cli.develop import ROOT, environment, needs
from tradingboost.cli.exits import DONE, FINDINGS
from tradingboost.cli.session import Answer, Session
from tradingboost.core.errors import BrokenInvariant, InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

_USAGE = 2


def proofs(
    session: Session,
    *,
    rows: Annotated[str, typer.Option(metavar="F1,F33", help="Some rows only.")] = "",
    long: Annotated[bool, typer.Option("--long", help="The long tests too; takes many minutes.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Put the table into docs/reliability.md.")] = False,
) -> Answer:
    """Run the tests of the catalogue of faults (F1 to F48) and say row by row what came of them. Takes minutes."""
    needs("pytest")
    command = [sys.executable, "-m", "scripts.fault_table"]
    command += [*(["--rows", rows] if rows else []), *(["--long"] if long else []), *(["--write"] if write else [])]
    with session.progress("running the tests of the faults ..."):
        ended = subprocess.run(  # noqa: S603 - our own tools
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
        )
    if ended.returncode == _USAGE:
        raise InvalidInput("unknown_fault_row", ended.stderr.strip().splitlines()[-1])
    if ended.returncode not in (DONE, FINDINGS):
        raise BrokenInvariant("fault_tests_not_run", f"The tests could not be run: {ended.stderr[-500:]}")
    found: list[dict[str, Any]] = [json.loads(line) for line in ended.stdout.splitlines()]
    code = DONE if all(one["ok"] for one in found) else FINDINGS
    return Answer({"rows": found}, lambda console: _show(console, found), code)


def _show(console: "Console", found: list[dict[str, Any]]) -> None:
    from tradingboost.cli.show import table, tick

    rows = [(tick(one["ok"]), one["row"], one["said"], str(len(one["tests"]))) for one in found]
    bad = sum(not one["ok"] for one in found)
    title = f"{len(found)} rows of faults, {bad} broken"
    console.print(table(title, ("", "row", "what the tests said", "tests"), rows, ("tests",)))
