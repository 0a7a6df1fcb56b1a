"""`demo`: the whole platform on a replayed market, watched live, with a summary at the end."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli import demo_view
from tradingboost.cli.exits import DONE, FINDINGS, INTERRUPTED
from tradingboost.cli.interrupt import stoppable
from tradingboost.cli.replaying import Candles, Minutes, Seed, Strategies, Symbol, replaying_in, request_of
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.demo import DemoRequest, Picture, Summary
    from tradingboost.app.settings import Settings

_LINE_EVERY = 0.1
"""Share of the replay between two lines where there is no terminal."""


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "demo", rich_help_panel="Start")(demo)


def demo(
    session: Session,
    *,
    candles: Candles = None,
    symbol: Symbol = None,
    strategy: Strategies = "hyperrsi,grid",
    minutes: Minutes = None,
    speed: Annotated[
        str, typer.Option(metavar="max|xN", help="As fast as it goes, or N market seconds a second.")
    ] = "max",
    seed: Seed = 7,
) -> Answer:
    """Start everything, replay a market, let the strategies trade on it with paper money, and sum up."""
    settings = replaying_in(session.settings(), "demo")
    request = request_of(candles, symbol, strategy, minutes=minutes, seed=seed, speed=speed)
    if not session.json:
        session.out.print(demo_view.opening(request, settings))
    watcher = _Watcher(session)
    try:
        summary = session.run(lambda: _watched(settings, request, watcher))
    except KeyboardInterrupt:
        if not session.json:
            session.say("Stopped before the first candle; nothing was traded.")
            return Answer(told=True, exit_code=INTERRUPTED)
        raise
    finally:
        watcher.close()
    code = INTERRUPTED if summary.interrupted else DONE if summary.sound else FINDINGS
    return Answer(summary, lambda console: _show(console, summary), code)


async def _watched(settings: "Settings", request: "DemoRequest", watcher: "_Watcher") -> "Summary":
    from tradingboost.app import demo as app
    from tradingboost.app.places import data_dir
    from tradingboost.kit import embedded

    async def work(stop: asyncio.Event) -> "Summary":
        await embedded.forget(data_dir(settings))  # an earlier demo's runs would wait for an exchange that is gone
        return await app.run(settings, request, watcher.picture, stop)

    watcher.open()
    return await stoppable(work, lambda: watcher.begun)


class _Watcher:
    """Shows the pictures: a live view on a terminal, now and then a line elsewhere."""

    def __init__(self, session: Session) -> None:
        from rich.live import Live

        self._session = session
        self._console = session.err if session.json else session.out
        self._live = Live(console=self._console, refresh_per_second=4) if self._console.is_terminal else None
        self._next_line = 0.0
        self.begun = False

    def open(self) -> None:
        """Say that it begins: the servers take some seconds."""
        if self._live is None:
            self._session.say("starting PostgreSQL, Redis, the exchange and the platform ...")
            return
        self._live.update(demo_view.starting())
        self._live.start()

    def picture(self, picture: "Picture") -> None:
        """Show how it stands."""
        self.begun = True
        if self._live is not None:
            self._live.update(demo_view.live(picture, self._console.width, self._console.height))
            return
        share = picture.moved.index / picture.moved.total
        if share >= self._next_line:
            self._next_line = share + _LINE_EVERY
            self._session.say(demo_view.line(picture))

    def close(self) -> None:
        """Leave the last picture on the screen."""
        if self._live is not None:
            self._live.stop()


def _show(console: "Console", summary: "Summary") -> None:
    for part in demo_view.summary(summary):
        console.print(part)
    if summary.interrupted:
        console.print("Stopped by you; what was traded until then is summed up above.")
    console.print("[dim]All of it is still on record until the next demo. Look at it with:[/]")
    console.print(f"  tradingboost status --all --data-dir {summary.data_dir}", soft_wrap=True)
