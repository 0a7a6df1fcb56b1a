"""What `demo` and `parity` share: which market, which strategies, how long and how fast."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from tradingboost.app.demo import DemoRequest
    from tradingboost.app.settings import Settings

Candles = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Candle file (.parquet, .feather, .csv, .json); without one, a made-up market."),
]
Symbol = Annotated[str | None, typer.Option(metavar="INST", help="Its instrument, when the file's name does not say.")]
Strategies = Annotated[str, typer.Option("-s", "--strategy", metavar="A,B", help="hyperrsi, grid or both.")]
Minutes = Annotated[int | None, typer.Option(min=1, metavar="N", help="Market minutes to replay; all there are.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the made-up market: the same one, the same market.")]


def replaying_in(settings: "Settings", name: str) -> "Settings":
    """The settings with servers and a directory of the replay's own."""
    from tradingboost.app.places import replay_place

    return replay_place(settings, name)


def request_of(
    candles: Path | None, symbol: str | None, strategies: str, *, minutes: int | None, seed: int, speed: str = "max"
) -> "DemoRequest":
    """The request, with everything checked that needs no server.

    Raises:
        NotFound: an unknown strategy or symbol.
        InvalidInput: no strategy, a file that is not there, an unreadable speed.
    """
    from tradingboost.app.instruments import instrument_of, listed
    from tradingboost.kit.candles.files import load
    from tradingboost.strategies import get

    names = tuple(dict.fromkeys(get(name).name for name in strategies.split(",") if name.strip()))
    if not names:
        raise InvalidInput("no_strategy", "Name at least one strategy, such as --strategy hyperrsi,grid.")
    if candles is not None:
        load(candles, instrument_of(candles, symbol))
    elif symbol is not None:
        listed(symbol)
    pace = speed_of(speed)
    from tradingboost.app.demo import DemoRequest  # the whole platform: not before everything is found to be right

    return DemoRequest(candles=candles, symbol=symbol, strategies=names, minutes=minutes, speed=pace, seed=seed)


def speed_of(text: str) -> float | None:
    """`max` is None; `x60` is sixty market seconds a second.

    Raises:
        InvalidInput: `bad_speed`.
    """
    word = text.strip().lower()
    if word == "max":
        return None
    try:
        found = float(word.removeprefix("x"))
    except ValueError:
        found = 0.0
    if not 0 < found <= 1_000_000:
        raise InvalidInput("bad_speed", f"--speed {text!r} is neither max nor a factor such as x60.")
    return found
