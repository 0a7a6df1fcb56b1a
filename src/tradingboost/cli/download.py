"""`download-data`: an exchange's own candles into the store."""

from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli.data import moment
from tradingboost.cli.exits import DONE, INTERRUPTED
from tradingboost.cli.interrupt import stoppable
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.data.download import Downloaded
    from tradingboost.app.data.downloading import DownloadRequest
    from tradingboost.app.settings import Settings
    from tradingboost.kit.candles.store import SeriesKey

_GAPS_DRAWN = 8


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "download-data", rich_help_panel="Data")(download)


def download(
    session: Session,
    *,
    pairs: Annotated[list[str], typer.Option("-p", "--pairs", metavar="A,B", help="Symbols; may be repeated.")],
    timeframes: Annotated[
        list[str] | None,
        typer.Option("-i", "--timeframe", "--timeframes", "-t", metavar="A,B", help="5m unless given."),
    ] = None,
    timerange: Annotated[str, typer.Option(metavar="FROM-TO", help="20240101-20240601; an end may be open.")] = "",
    days: Annotated[int | None, typer.Option(min=1, metavar="N", help="The last N days; 30 unless given.")] = None,
    exchange: Annotated[str, typer.Option(metavar="NAME", help="Whose candles.")] = "okx",
) -> Answer:
    """Fetch closed candles; only what is not stored yet is asked for. Ctrl-C keeps what was fetched."""
    settings = session.settings()
    from tradingboost.app.data.downloading import DownloadRequest, newest
    from tradingboost.app.timerange import span_of

    if timerange and days is not None:
        raise InvalidInput("two_ranges", "Give either --timerange or --days.")
    request = DownloadRequest(
        venue=exchange.strip().lower(),
        symbols=tuple(_words(pairs)),
        timeframes=tuple(_words(timeframes or ["5m"])),
        span=span_of(timerange) if timerange else newest(days or 30),
    )
    request.series()
    done = session.run(lambda: _fetched(session, settings, request))
    for one in done:
        if one.missing:
            session.warn(f"{one.key}: the exchange does not have {one.missing:,} candles of that time")
    whole = len(done) == len(request.series()) and all(one.complete for one in done)
    data = {"series": done, "complete": whole}
    return Answer(data, lambda console: _show(console, done, whole), DONE if whole else INTERRUPTED)


def _words(given: list[str]) -> list[str]:
    return [word for text in given for word in text.replace(",", " ").split()]


async def _fetched(session: Session, settings: "Settings", request: "DownloadRequest") -> "list[Downloaded]":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
    from rich.text import Text

    from tradingboost.app.data.downloading import downloaded

    class Rate(TextColumn):
        """Candles a second, once there is anything to measure."""

        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:,.0f}/s")

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    rate = (Rate(""), TimeRemainingColumn())
    console = session.err
    with Progress(*columns, *rate, console=console, transient=True, disable=not console.is_terminal) as bars:
        shown: dict[SeriesKey, TaskID] = {}
        lines: dict[SeriesKey, int] = {}

        def tell(key: "SeriesKey", done: int, total: int) -> None:
            if key not in shown:
                shown[key] = bars.add_task(str(key), total=total)
            bars.update(shown[key], completed=done, total=total)
            tenth = done * 10 // max(total, 1)
            if not console.is_terminal and tenth > lines.get(key, 0):  # a log is told now and then
                lines[key] = tenth
                session.say(f"{key}: {done:,} of {total:,}")

        return await stoppable(lambda stop: downloaded(settings, request, tell, stop), lambda: True)


def _show(console: "Console", done: "list[Downloaded]", whole: bool) -> None:
    for one in done:
        ends = f", {moment(one.first_ms)} to {moment(one.last_ms)}" if one.last_ms else ""
        console.print(f"[bold]{one.key}[/]: {one.added:,} new, {one.rows:,} stored{ends}")
        for gap in one.gaps[:_GAPS_DRAWN]:
            console.print(f"  absent after {moment(gap.after_ms)}: {gap.missing:,}")
        if len(one.gaps) > _GAPS_DRAWN:
            console.print(f"  and {len(one.gaps) - _GAPS_DRAWN} gaps more; see: data check")
    if not whole:
        console.print("Stopped; what was fetched is kept, and the same command goes on from here.")
