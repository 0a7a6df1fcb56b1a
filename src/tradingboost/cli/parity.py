"""`parity`: the same candles through the compiled backtest and through the live wiring; they must agree."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli.exits import DONE, FINDINGS, INTERRUPTED
from tradingboost.cli.interrupt import stoppable
from tradingboost.cli.replaying import Candles, Minutes, Seed, Strategies, Symbol, replaying_in, request_of
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.demo import DemoRequest
    from tradingboost.app.every_member import Report as Members
    from tradingboost.app.every_member import Step
    from tradingboost.app.parity import Report
    from tradingboost.app.replay.driver import Moved
    from tradingboost.app.settings import Settings

_DRAWN = 20
_EveryMember = Annotated[
    bool,
    typer.Option(
        "--every-member",
        help="Every member of every enumerated parameter, on the 400 candles (or --minutes) that move most.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "parity", rich_help_panel="Research")(parity)


def parity(
    session: Session,
    *,
    candles: Candles = None,
    symbol: Symbol = None,
    strategy: Strategies = "hyperrsi,grid",
    minutes: Minutes = None,
    seed: Seed = 7,
    every_member: _EveryMember = False,
) -> Answer:
    """Replay candles through the live wiring and the backtest; intents, fills and positions must be the same."""
    settings = replaying_in(session.settings(), "parity")
    request = request_of(candles, symbol, strategy, minutes=minutes, seed=seed)
    if every_member:
        members, stopped = session.run(lambda: _members(session, settings, request))
        code = INTERRUPTED if stopped else DONE if members.agree else FINDINGS
        data = {"agree": members.agree, "interrupted": stopped, "report": members}
        return Answer(data, lambda console: _show_members(console, members, stopped), code)
    report, stopped = session.run(lambda: _compared(session, settings, request))
    code = INTERRUPTED if stopped else DONE if report.agree else FINDINGS
    data = {"agree": report.agree, "interrupted": stopped, "report": report}
    return Answer(data, lambda console: _show(console, report, stopped), code)


async def _compared(session: Session, settings: "Settings", request: "DemoRequest") -> "tuple[Report, bool]":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from tradingboost.app import demo, parity
    from tradingboost.app.places import data_dir
    from tradingboost.kit import embedded
    from tradingboost.kit.clock import SystemClock

    bars = demo.bars_of(request, SystemClock().now())
    wanted = [(name, demo.parameters(name, bars)) for name in request.strategies]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    begun: list[int] = []
    stops: list[asyncio.Event] = []
    with Progress(*columns, console=session.err, transient=True) as progress:
        task = progress.add_task("starting the platform", total=len(bars) - bars.warmup)

        def told(moved: "Moved") -> None:
            begun.append(moved.index) if not begun else None
            progress.update(task, description=f"replaying {bars.instrument.inst_id}", completed=moved.index)

        async def work(stop: asyncio.Event) -> "Report":
            stops.append(stop)
            await embedded.forget(data_dir(settings))  # nothing of an earlier replay takes part
            return await parity.check(settings, bars, wanted, told, stop)

        report = await stoppable(work, lambda: bool(begun))
    return report, stops[0].is_set()


async def _members(session: Session, settings: "Settings", request: "DemoRequest") -> "tuple[Members, bool]":
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from tradingboost.app import every_member
    from tradingboost.kit.clock import SystemClock

    clock = SystemClock()
    wanted = every_member.plan(request, clock.now())
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
    )
    begun: list[int] = []
    stops: list[asyncio.Event] = []
    with Progress(*columns, console=session.err, transient=True) as progress:
        task = progress.add_task("starting the platform", total=None)

        def told(step: "Step") -> None:
            begun.append(step.done) if step.done and not begun else None
            progress.update(task, description=step.doing, completed=step.done, total=step.total)

        async def work(stop: asyncio.Event) -> "Members":
            stops.append(stop)
            return await every_member.check(settings, wanted, told, stop, clock)

        report = await stoppable(work, lambda: bool(begun))
    return report, stops[0].is_set()


def _show_members(console: "Console", report: "Members", stopped: bool) -> None:
    from rich.text import Text

    from tradingboost.cli.show import table, tick

    rows = []
    for one in report.tried:
        beside = one.unfit or (f"as {one.same_as}" if one.same_as else "")
        counts = ("-", "-", "-") if one.unfit else (f"{one.intents:,}", f"{one.fills:,}", tick(not one.differences))
        rows.append((one.strategy, one.parameter, one.member, *counts, Text(beside, style="dim")))
    where = f"{report.symbol} {report.timeframe}, {report.bars:,} candles from {report.begins:%Y-%m-%d %H:%M}"
    columns = ("strategy", "parameter", "member", "intents", "fills", "same", "remark")
    console.print(table(f"Every member on {where}", columns, rows, columns[3:5]))
    for one in report.tried:
        for line in one.differences[:_DRAWN] if not one.same_as else ():
            console.print(Text(f"  {one.parameter} {one.member}: {line}", style="red"), soft_wrap=True)
    console.print(f"[dim]{report.sets} different sets, {report.fills:,} fills, {report.seconds:.0f} s[/]")
    if stopped:
        console.print("Stopped by you; what was replayed is compared above.")


def _show(console: "Console", report: "Report", stopped: bool) -> None:
    from rich.text import Text

    from tradingboost.cli.show import table, tick

    rows = [
        (
            one.strategy,
            f"{one.bars:,}",
            f"{one.intents:,}",
            f"{one.fills:,}",
            Text.assemble(tick(not one.differences), f" {len(one.differences) or 'none'}"),
            tick(one.books.equal),
        )
        for one in report.verdicts
    ]
    columns = ("strategy", "candles", "intents", "fills", "differences", "books equal")
    console.print(table(f"Parity on {report.symbol} {report.timeframe}", columns, rows, columns[1:4]))
    for one in report.verdicts:
        for line in [*one.differences[:_DRAWN], *one.books.differences[:_DRAWN]]:
            console.print(Text(f"  {one.strategy}: {line}", style="red"), soft_wrap=True)
    console.print(
        f"[dim]{report.bars_per_second:.0f} candles a second through the whole live wiring ({report.seconds:.1f} s)[/]"
    )
    if stopped:
        console.print("Stopped by you; the part that was replayed is compared above.")
