"""How plans and reports of a migration look, and how they are kept."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.migrate.cleanup import KeptArray
    from tradingboost.app.migrate.outcome import Report
    from tradingboost.app.migrate.verbs import Standing

_LISTED = 200
_COLOURS = {"done": "green", "equal": "dim", "merged": "dim", "left": "yellow", "refused": "red"}


def show_report(console: "Console", report: "Report") -> None:
    """What is taken over, what is not and why, and the counts."""
    from rich.text import Text

    loud = [line for line in report.lines if line.status.value in ("refused", "left") or line.notes]
    shown = report.lines if report.verb == "cleanup-legacy" else loud
    for line in shown[:_LISTED]:
        style = _COLOURS[line.status.value]
        says = f"{line.key}: {line.reason}" if line.reason else f"{line.key}: {line.action}"
        if report.verb == "cleanup-legacy" and line.status.value == "done":
            says = line.action
        console.print(Text.assemble((f"{line.status.value:8}", style), says), soft_wrap=True)
        for note in line.notes:
            console.print(Text(f"           {note}", style="dim"), soft_wrap=True)
    if len(shown) > _LISTED:
        console.print(f"[dim]... and {len(shown) - _LISTED} more; --json or --report FILE lists them[/]")
    counted = ", ".join(f"{count} {status}" for status, count in sorted(report.counts.items())) or "nothing to do"
    head = "Plan of" if report.dry_run else "Resumed" if report.resumed else "Did"
    already = f"; {report.already} were settled before" if report.already else ""
    console.print(f"[bold]{head} {report.verb}[/] on {report.source}: {counted}{already}.")
    if report.verb == "cleanup-legacy" and not report.dry_run:
        console.print(f"CLEANUP COMPLETE\n  Processed: {report.counts.get('done', 0)} keys")
    if report.stopped:
        console.print("Stopped by you; run it again to go on where it stopped.")


def show_backups(console: "Console", found: "list[KeptArray]") -> None:
    """The backups, oldest first."""
    from tradingboost.cli.show import table

    rows = [(one.source, one.made_at, str(one.age_h), str(one.positions)) for one in found]
    console.print(table(f"{len(rows)} backups", ("source", "made at", "age h", "positions"), rows, ("age h",)))


def show_standing(console: "Console", found: "Standing") -> None:
    """Runs, and what remains by verb."""
    from tradingboost.cli.show import table

    rows = [
        (one.started_at[:19], one.verb, one.status, ", ".join(f"{n} {name}" for name, n in sorted(one.counts.items())))
        for one in found.runs
    ]
    console.print(table("Runs", ("started", "verb", "ended as", "items"), rows))
    rest = [(name, str(count)) for name, count in found.remaining.items()]
    console.print(table("Old keys that remain", ("verb that takes them", "keys"), rest, ("keys",)))


def write_report(path: Path, report: object) -> None:
    """Keep a report, for us alone.

    Raises:
        InvalidInput: `report_unwritable`.
    """
    import msgspec

    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    except OSError as error:
        message = f"The report cannot be written to {path}: {error.strerror}; choose another --report."
        raise InvalidInput("report_unwritable", message) from error
