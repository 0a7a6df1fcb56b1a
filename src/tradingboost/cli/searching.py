"""What `hyperopt` and `walk-forward` share: options of a search, its progress, Ctrl-C that keeps what was done."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tradingboost.cli.asking import market, number, request_of
from tradingboost.cli.session import Session
from tradingboost.cli.verb import Group

if TYPE_CHECKING:
    from tradingboost.app.optimise.objectives import Trial
    from tradingboost.app.optimise.starting import SearchRequest

Spaces = Annotated[
    list[str] | None,
    typer.Option(metavar="SPACE", help="rsi_length=7..21, tp1_value=0.5..3:0.1, a=1,2, or entry, exit, stop, all."),
]
SpaceFile = Annotated[Path | None, typer.Option(metavar="JSON", help="Spaces as one JSON object.")]
Method = Annotated[str, typer.Option(metavar="NAME", help="random, grid, tpe or nsga2.")]
Epochs = Annotated[int | None, typer.Option("-e", "--epochs", min=1, metavar="N", help="Trials; 100 unless given.")]
Loss = Annotated[
    str, typer.Option("--hyperopt-loss", "--objective", metavar="NAME", help="sharpe, sortino, calmar, net_pnl, ...")
]
RandomState = Annotated[int, typer.Option("--random-state", "--seed", metavar="N", help="Same number, same search.")]
Workers = Annotated[int, typer.Option("-j", "--job-workers", metavar="N", help="Processes; -1 = one for every core.")]
StudyName = Annotated[str | None, typer.Option("--study", metavar="NAME", help="Else named after the question.")]
Fork = Annotated[bool, typer.Option("--fork", help="Begin anew where data or code have changed.")]
MinDeals = Annotated[int, typer.Option(min=0, metavar="N", help="Fewer deals are not accepted.")]
MaxDrawdown = Annotated[str | None, typer.Option(metavar="RATIO", help="A deeper fall is not accepted, such as 0.2.")]
MinExposure = Annotated[str | None, typer.Option(metavar="RATIO", help="Less time in the market is not accepted.")]
NoRedBand = Annotated[bool, typer.Option("--no-red-band", help="A result whose sign hangs on luck is not accepted.")]

Told = Callable[[int, int, "Trial | None"], None]


def search(
    *,
    spaces: Spaces = None,
    space_file: SpaceFile = None,
    method: Method = "random",
    epochs: Epochs = None,
    hyperopt_loss: Loss = "sharpe",
    random_state: RandomState = 0,
    job_workers: Workers = 1,
    min_deals: MinDeals = 30,
    max_drawdown: MaxDrawdown = None,
    min_exposure: MinExposure = None,
    no_red_band: NoRedBand = False,
    study: StudyName = None,
    fork: Fork = False,
) -> dict[str, Any]:
    """Where and how is searched, and what is accepted."""
    return locals()


GROUPS: Final[dict[str, Group]] = {"market": market, "search": search}


def search_request(tested: dict[str, Any], given: dict[str, Any]) -> "SearchRequest":
    """What the options of `asking.market` and of `search` ask for."""
    from tradingboost.app.optimise.objectives import Constraints, objectives_of
    from tradingboost.app.optimise.spaces import wishes_of
    from tradingboost.app.optimise.starting import SearchRequest

    fall, exposure = given["max_drawdown"], given["min_exposure"]
    workers = given["job_workers"]
    return SearchRequest(
        backtest=request_of(tested),
        wishes=wishes_of(tested["strategy"].strip().lower(), given["spaces"] or [], given["space_file"]),
        method=given["method"].strip().lower(),
        epochs=given["epochs"],
        seed=given["random_state"],
        objectives=tuple(objectives_of(given["hyperopt_loss"])),
        constraints=Constraints(
            min_deals=given["min_deals"],
            max_drawdown=None if fall is None else float(number("--max-drawdown", fall)),
            min_exposure=None if exposure is None else float(number("--min-exposure", exposure)),
            band_not_red=given["no_red_band"],
        ),
        workers=(os.cpu_count() or 1) if workers == -1 else workers,
        name=given["study"],
        fork=given["fork"],
    )


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C asks the work to stop and keep what was done; a second one insists."""
    asked: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        del frame
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    kept = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextmanager
def trials_drawn(session: Session) -> Iterator[tuple[Told, Callable[[str], None]]]:
    """A bar with rate, time left and the best so far; without a terminal a line now and then."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(TextColumn):
        """Trials a second, once there is anything to measure."""

        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:,.1f}/s")

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = session.err
    best: list[float] = []
    tenths: list[int] = [0]
    with Progress(
        *columns, Rate(""), TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bars:
        task = bars.add_task("loading", total=None)

        def tell(done: int, total: int, newest: "Trial | None") -> None:
            if newest is None:
                best.clear()
                tenths[0] = done * 10 // max(total, 1)
                bars.reset(task, total=total, completed=done, description="searching")
                return
            if newest.status == "ok" and newest.values[0] is not None and (not best or newest.values[0] > best[0]):
                best[:] = [newest.values[0]]
            words = f"best {best[0]:.3f}" if best else "nothing acceptable yet"
            bars.update(task, completed=done, description=words)
            if not console.is_terminal and done * 10 // max(total, 1) > tenths[0]:
                tenths[0] = done * 10 // max(total, 1)
                session.say(f"{done:,} of {total:,} trials, {words}")

        yield tell, lambda text: bars.update(task, description=text)
