"""`lookahead-analysis`, `recursive-analysis`, `verify-result`: is a result what it seems to be?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradingboost.cli import asking
from tradingboost.cli.exits import DONE, FINDINGS
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.drift import DriftReport
    from tradingboost.app.optimise.examining import Examined, Verified

_DRAWN = 20


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "lookahead-analysis", groups=asking.GROUPS, rich_help_panel="Research")(lookahead_analysis)
    verb(app, "recursive-analysis", groups=asking.GROUPS, rich_help_panel="Research")(recursive_analysis)
    verb(app, "verify-result", rich_help_panel="Research")(verify_result)


def lookahead_analysis(
    session: Session,
    *,
    market: dict[str, Any],
) -> Answer:
    """Change the future and see whether the past decides otherwise; the first offending candle is named."""
    settings = session.settings()
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from tradingboost.app.optimise.examining import looked_ahead

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = session.err
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("changing the future", total=None)
        done = looked_ahead(
            asking.request_of(market), settings, lambda at, total: bars.update(task, completed=at, total=total)
        )
    return Answer(done, lambda console: _show(console, done), DONE if done.ok else FINDINGS)


def recursive_analysis(
    session: Session,
    *,
    market: dict[str, Any],
) -> Answer:
    """Fold the indicators candle by candle and begin later: nothing may hang on where the history begins."""
    settings = session.settings()
    with session.progress("folding the indicators and beginning later ..."):
        from tradingboost.app.optimise.examining import recursed

        done = recursed(asking.request_of(market), settings)
    return Answer(done, lambda console: _show(console, done), DONE if done.ok else FINDINGS)


def verify_result(
    session: Session,
    *,
    result: Annotated[str, typer.Argument(metavar="[RESULT]", help="Receipt, file, or latest.")] = "latest",
    candles: Annotated[Path | None, typer.Option(metavar="FILE", help="The file the result was made from.")] = None,
    funding_file: Annotated[Path | None, typer.Option(metavar="FILE", help="The funding it was made with.")] = None,
    public_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Who must have signed it; else this installation.")
    ] = None,
    signature_only: Annotated[bool, typer.Option("--signature-only", help="Do not run it again.")] = False,
    live: Annotated[
        str, typer.Option(metavar="RUN", help="Back-test a live or paper run over the candles it saw, and compare.")
    ] = "",
    slippage_bps: Annotated[
        float | None, typer.Option(metavar="BPS", min=0, help="With --live: what market orders lose in the model.")
    ] = None,
) -> Answer:
    """Tell who signed a kept back-test, run it again and compare every number of it; or do so with a live run."""
    settings = session.settings()
    if live:
        return _drifted(session, live, slippage_bps)
    from tradingboost.app import receipts, results

    kept = results.find(results.folder_of(settings), result)
    judged = receipts.judged(kept, settings, public_key)
    receipts.refuse_broken(judged)
    done = None
    if not signature_only:
        with session.progress("running it again ..."):
            from tradingboost.app.optimise.examining import verified

            done = verified(kept, candles, funding_file, settings)
    good = judged.verdict is receipts.Verdict.GOOD or (public_key is None and done is not None)
    data = {
        "receipt": kept.receipt,
        "again": None if done is None else done.again,
        "same": None if done is None else done.same,
        "differences": [] if done is None else done.differences,
        "signature": judged,
    }

    def show(console: "Console") -> None:
        console.print(judged.sentence, soft_wrap=True)
        if done is not None:
            _verdict(console, done)

    return Answer(data, show, DONE if good and (done is None or done.same) else FINDINGS)


def _drifted(session: Session, run: str, slippage_bps: float | None) -> Answer:
    from decimal import Decimal

    from tradingboost.app.drift import drift

    with session.progress("back-testing what was lived ..."):
        bps = None if slippage_bps is None else Decimal(str(slippage_bps))
        report = session.run(lambda: drift(session.settings(), run, bps))
    data = {"same": report.same, "explained": report.explained, "report": report}
    return Answer(data, lambda console: _show_drift(console, report), DONE if report.explained else FINDINGS)


def _show_drift(console: "Console", report: "DriftReport") -> None:
    from tradingboost.app.timerange import minute
    from tradingboost.cli.show import table

    console.print(
        f"{report.strategy} on {report.symbol} {report.timeframe}, {report.bars:,} candles "
        f"from {report.first_bar_at:%Y-%m-%d %H:%M} to {report.last_bar_at:%Y-%m-%d %H:%M} UTC"
        f"{f', {report.undecided:,} of them not decided on' if report.undecided else ''}",
        soft_wrap=True,
    )
    if report.same:
        console.print(f"The same story: {report.wishes:,} wishes and {report.fills:,} fills, live and back-tested.")
        return
    rows = [
        (minute(one.at_ms), one.cause.value.replace("_", " "), one.slot, one.side, one.what, one.tested, one.lived)
        for one in report.drifts[:_DRAWN]
    ]
    title = f"{report.fills:,} fills live, {report.tested_fills:,} back-tested"
    console.print(table(title, ("at", "cause", "slot", "side", "what", "back-test", "live"), rows))
    causes = ", ".join(f"{count:,} {cause.replace('_', ' ')}" for cause, count in report.causes.items())
    more = len(report.drifts) - len(rows) + report.dropped
    console.print(f"By cause: {causes}{f'; {more:,} more are not shown' if more else ''}.", soft_wrap=True)


def _show(console: "Console", done: "Examined") -> None:
    from tradingboost.app.timerange import day
    from tradingboost.cli.show import table, tick

    rows = [
        (
            tick(one.ok),
            one.check,
            f"{one.tried:,}",
            one.note if one.at_ms is None else f"{one.note} at candle {one.bar:,} ({day(one.at_ms)})",
        )
        for one in done.findings
    ]
    title = f"{done.strategy} on {done.symbol}, {done.bars:,} candles"
    console.print(table(title, ("", "check", "compared", "found"), rows, ("compared",)))


def _verdict(console: "Console", done: "Verified") -> None:
    if done.same:
        console.print(f"The same to the last digit: receipt {done.receipt[:16]}.")
        return
    console.print(f"Not the same: receipt {done.receipt[:16]} then, {done.again[:16]} now.")
    for line in done.differences[:_DRAWN]:
        console.print(f"  {line}", soft_wrap=True)
    if len(done.differences) > _DRAWN:
        console.print(f"  and {len(done.differences) - _DRAWN} more")
