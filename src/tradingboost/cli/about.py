"""`version` and `doctor`: what this is, and what is wrong with it."""

import sys
from typing import TYPE_CHECKING, Any

import typer

from tradingboost.cli.exits import DONE, FINDINGS
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.checkup import Finding


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "doctor", rich_help_panel="Operate")(doctor)
    verb(app, "version", common=("json", "verbose"), rich_help_panel="Operate")(version)


def version(session: Session) -> Answer:  # noqa: ARG001 - every verb is handed its session
    """Show the version."""
    import tradingboost

    python = ".".join(map(str, sys.version_info[:3]))
    data = {"version": tradingboost.__version__, "python": python, "platform": sys.platform}
    return Answer(data, lambda console: console.print(f"tradingboost {data['version']} on Python {python}"))


def doctor(session: Session) -> Answer:
    """Look for what is wrong and say how to mend it; exit 3 when something has to be mended."""
    environment = session.environment()
    from tradingboost.app import checkup

    overrides: dict[str, object] = {} if session.data_dir is None else {"embedded.data_dir": session.data_dir}
    found = list(checkup.checkup(environment, overrides))
    if not any(one.name == "settings" and one.state == "fail" for one in found):
        found += _asked(session)
    failed = sum(one.state == "fail" for one in found)
    return Answer({"checks": found}, lambda console: _show(console, found), FINDINGS if failed else DONE)


def _asked(session: Session) -> "list[Finding]":
    """The checks that ask servers and ports."""
    from tradingboost.app import checkup
    from tradingboost.app.reach import is_running

    settings = session.settings()

    async def ask() -> "list[Finding]":
        asked = [*await checkup.database(settings), await checkup.redis(settings)]
        if await is_running(settings):
            return [*asked, checkup.Finding(name="platform", state="ok", text="runs; see: tradingboost status")]
        return [*asked, *checkup.ports(settings)]

    return session.run(ask)


def _show(console: "Console", found: "list[Finding]") -> None:
    from rich.table import Table
    from rich.text import Text

    marks: dict[str, Any] = {
        "ok": Text("ok", "green"),
        "warn": Text("warn", "yellow"),
        "fail": Text("fail", "bold red"),
    }
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for one in found:
        text = Text(one.text)
        if one.fix:
            text.append(f"\n-> {one.fix}", "bold")
        grid.add_row(marks[one.state], one.name, text)
    console.print(grid)
    bad = [one for one in found if one.state == "fail"]
    console.print(f"\n[bold red]{len(bad)} to mend.[/]" if bad else "\n[green]Nothing to mend.[/]")
