"""`why`: in plain words, why a run or a back-test did something, or did not."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradingboost.cli import asking
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.backtest_request import BacktestRequest
    from tradingboost.app.settings import Settings
    from tradingboost.app.why.live import Told
    from tradingboost.app.why.tested import Moment, Summed
    from tradingboost.app.why.words import Language

_DRAWN = 12


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "why", groups=asking.PERHAPS, rich_help_panel="Trade")(why)


def why(
    session: Session,
    *,
    what: Annotated[str | None, typer.Argument(metavar="[RUN|RESULT]", help="A run, or a kept back-test.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="2024-03-01T12:00, UTC: that candle.")] = None,
    lang: Annotated[str, typer.Option(help="en or ko.")] = "en",
    market: dict[str, Any],
) -> Answer:
    """Explain what was decided: of a run its last decision, of a back-test one candle or all of them.

    Without a name: the runs that are active. Of a kept result --timerange is the part to look at.
    """
    settings = session.settings()
    from tradingboost.app.why.words import language

    wanted = language(lang)
    at_ms = None if at is None else _moment_of(at)
    if what is None and market["strategy"] is None and at is None:
        return _of_runs(session, settings, None, wanted)
    request = _request(settings, what, market)
    if request is None:
        if at is not None:
            raise InvalidInput("at_of_run", "--at is for back-tests; of a run the last decision is told.")
        return _of_runs(session, settings, what, wanted)
    window = market["timerange"] if market["strategy"] is None else ""
    return _of_request(session, settings, request, (at_ms, window, wanted))


def _request(settings: "Settings", what: str | None, market: dict[str, Any]) -> "BacktestRequest | None":
    """The back-test that is meant; None = a run is."""
    name = asking.result_of(what, market)
    if name is None:
        return asking.request_of(market)
    from tradingboost.app import results
    from tradingboost.app.optimise.examining import request_of

    try:
        kept = results.find(results.folder_of(settings), name)
    except NotFound:
        if what is None or what == results.LATEST or Path(what).suffix == ".json":
            raise
        return None
    return request_of(kept, market["candles"], None)


def _of_request(
    session: Session,
    settings: "Settings",
    request: "BacktestRequest",
    how: "tuple[int | None, str, Language]",
) -> Answer:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    at_ms, window, wanted = how
    console = session.err
    with session.progress("loading the candles and the compiled strategy ..."):
        from tradingboost.app.data.loading import store_of
        from tradingboost.app.why.tested import moment, summed

        store = store_of(settings)
        if at_ms is not None:
            found = moment(request, store, at_ms, wanted)
            return Answer(found, lambda console: _show_moment(console, found, wanted))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("looking at every close", total=None)
        done = summed(request, store, window, wanted, lambda now, all_: bars.update(task, completed=now, total=all_))
    return Answer(done, lambda console: _show_summed(console, done, wanted))


def _of_runs(session: Session, settings: "Settings", run: str | None, wanted: "Language") -> Answer:
    with session.progress("looking ..."):
        from tradingboost.app.why.live import told

        found = session.run(lambda: told(settings, run, wanted))

    def show(console: "Console") -> None:
        for one in found:
            _show_told(console, one, wanted)
        if not found:
            console.print("No run is active. Name one that has stopped, or a kept back-test.")

    return Answer({"runs": found}, show)


def _show_moment(console: "Console", found: "Moment", wanted: "Language") -> None:
    from tradingboost.app.why.words import phrase
    from tradingboost.cli.show import number

    console.print(f"[bold]{found.at:%Y-%m-%d %H:%M} UTC[/], {number(found.close)}")
    _lines(console, [found.said, found.standing, *found.rules, *(one.sentence for one in found.notes)])
    _values(console, found.values, wanted)
    near = [one for one in (found.below, found.above) if one is not None]
    told = [phrase("trigger", wanted, price=number(one)) for one in near]
    told += [f"{one.sentence} ({one.away:+.2%})" for one in found.orders]
    _lines(console, told or [phrase("no_trigger", wanted)])


def _show_summed(console: "Console", found: "Summed", wanted: "Language") -> None:
    from tradingboost.app.why.words import SUBJECTS, of, phrase
    from tradingboost.cli.research_view import day_of
    from tradingboost.cli.show import table

    days = {"first": f"{found.first:%Y-%m-%d}", "last": f"{found.last:%Y-%m-%d}"}
    counts = {key: f"{getattr(found, key):,}" for key in ("closes", "asked", "entries")}
    console.print(f"{found.strategy} on {found.symbol}: {phrase('summed', wanted, **days, **counts)}")
    rows = [
        (of(SUBJECTS[one.subject], wanted), one.sentence, f"{one.closes:,}", f"{one.share:.1%}")
        for one in found.often[:_DRAWN]
    ]
    if rows:
        console.print("")
        console.print(
            table(phrase("title_held", wanted), ("what", "because", "closes", "share"), rows, ("closes", "share"))
        )
    if found.events:
        console.print("")
        events = [(day_of(one.at_ms), one.what, one.slot, one.note) for one in found.events]
        console.print(table(phrase("title_events", wanted), ("time (UTC)", "what", "for", ""), events))


def _show_told(console: "Console", one: "Told", wanted: "Language") -> None:
    from tradingboost.app.why.words import phrase
    from tradingboost.cli.show import number, table

    decided = "no candle yet" if one.decided_at is None else f"{one.decided_at:%Y-%m-%d %H:%M} UTC"
    console.print(
        f"[bold]{one.strategy} on {one.symbol} {one.timeframe}[/] [dim]{one.run_id[-8:]}[/]: "
        f"{one.status}{f' ({one.reason})' if one.reason else ''}, last close {decided}"
    )
    _lines(console, [one.standing, *(note.sentence for note in one.notes)])
    _values(console, one.values, wanted)
    if one.below is not None or one.above is not None:
        _lines(console, [phrase("near", wanted, below=number(one.below), above=number(one.above))])
    rows = [
        (
            f"{wish.at:%m-%d %H:%M:%S}",
            wish.kind,
            wish.slot,
            wish.side,
            number(wish.qty),
            number(wish.price if wish.price is not None else wish.trigger),
            wish.reason.replace("_", " "),
        )
        for wish in one.wishes
    ]
    if rows:
        columns = ("time (UTC)", "wish", "for", "side", "quantity", "price", "reason")
        console.print(table(phrase("title_wishes", wanted), columns, rows, ("quantity", "price")))
    console.print("")


def _lines(console: "Console", lines: list[str]) -> None:
    for line in lines:
        console.print(f"  {line}", highlight=False, soft_wrap=True, markup=False)


def _values(console: "Console", values: dict[str, float | None], wanted: "Language") -> None:
    from tradingboost.app.why.reading import shown
    from tradingboost.app.why.words import VALUES, of

    told = (f"{of(VALUES[name], wanted)} {shown(value)}" for name, value in values.items())
    console.print(f"  [dim]{'  '.join(told)}[/]", highlight=False)


def _moment_of(text: str) -> int:
    """A time as people write it, UTC unless it says otherwise, in milliseconds.

    Raises:
        InvalidInput: `bad_time`.
    """
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput("bad_time", f"{text!r} is no time; write it as 2024-03-01T12:00, in UTC.") from None
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1000)
