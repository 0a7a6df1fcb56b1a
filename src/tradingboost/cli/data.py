"""`convert-data`, `list-data` and `data check|fill|generate`: candles on this machine."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradingboost.cli.exits import DONE, FINDINGS
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.data.curating import Checked
    from tradingboost.kit.candles.store import SeriesKey

_GAPS_DRAWN = 8

Files = Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="Candle files.")]
File = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A candle file, instead of stored candles.")]
Pair = Annotated[str | None, typer.Option("-p", "--pairs", "--symbol", metavar="INST", help="Such as BTC-USDT-SWAP.")]
Timeframe_ = Annotated[str | None, typer.Option("-i", "--timeframe", help="Such as 5m.")]
Exchange = Annotated[str | None, typer.Option(metavar="NAME", help="Whose candles; okx unless a file's name tells.")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="File to write; none is overwritten.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "convert-data", rich_help_panel="Data")(convert)
    verb(app, "list-data", rich_help_panel="Data")(listed)
    group = typer.Typer(help="Candles: look for faults and gaps, fill gaps in a copy, make up a market.")
    verb(group, "check", title="data check")(check)
    verb(group, "fill", title="data fill")(fill)
    verb(group, "generate", title="data generate")(generate)
    app.add_typer(group, name="data", rich_help_panel="Data", no_args_is_help=True)


def convert(
    session: Session,
    source: Files = None,
    *,
    pair: Pair = None,
    timeframe: Timeframe_ = None,
    exchange: Exchange = None,
    output: Output = None,
    sort: Annotated[bool, typer.Option("--sort", help="Put in order; drop doubles that agree.")] = False,
) -> Answer:
    """Bring candle files into the store, or write candles as another file with --output.

    Reads Parquet, Feather, CSV and freqtrade's feather and JSON files. Without FILE it writes stored candles.
    """
    settings = session.settings()
    from tradingboost.app.data import curating, loading

    store = loading.store_of(settings)
    if output is None:
        if not source:
            raise InvalidInput("candles_unnamed", "Name candle files to bring in, or --output to write stored ones.")
        if timeframe is not None:
            raise InvalidInput(
                "timeframe_unused", "Candles are stored as they are; --timeframe goes with --output or without a FILE."
            )
        with session.progress("reading the candles ..."):
            done = [curating.imported(store, path, exchange, pair, sort=sort) for path in source]
    elif source:
        if len(source) > 1:
            raise InvalidInput("one_output", "One file is written from one file; leave --output out to store several.")
        done = [curating.converted(source[0], output, sort=sort, timeframe=timeframe)]
    else:
        done = [curating.exported(store, _key(pair, timeframe, exchange), output)]

    def show(console: "Console") -> None:
        for one in done:
            dropped = f", {one.dropped} doubles dropped" if one.dropped else ""
            console.print(f"{one.source} -> [bold]{one.target}[/]: {one.rows:,} candles, {one.added:,} new{dropped}")

    return Answer({"converted": done}, show)


def listed(session: Session, *, pair: Pair = None, exchange: Exchange = None) -> Answer:
    """List the stored candles."""
    settings = session.settings()
    from tradingboost.app.data.loading import store_of

    wanted = None if pair is None else pair.strip().upper()
    found = [
        one
        for one in store_of(settings).catalogue()
        if (wanted is None or one.key.symbol == wanted) and (exchange is None or one.key.venue == exchange)
    ]

    def show(console: "Console") -> None:
        from tradingboost.cli.show import table

        rows = [
            (one.key.venue, one.key.symbol, one.key.timeframe, f"{one.rows:,}", *_ends(one), f"{one.missing:,}")
            for one in found
        ]
        columns = ("exchange", "symbol", "timeframe", "candles", "from (UTC)", "to", "absent")
        if rows:
            console.print(table("", columns, rows, ("candles", "absent")))
        else:
            console.print("No such candles are stored; get some with: download-data -p BTC-USDT-SWAP -i 5m")

    return Answer({"series": found}, show)


def check(
    session: Session, file: File = None, *, pair: Pair = None, timeframe: Timeframe_ = None, exchange: Exchange = None
) -> Answer:
    """Look for faults and gaps; exit 3 when something is to be mended.

    Without FILE and without a symbol everything stored is looked at.
    """
    settings = session.settings()
    from tradingboost.app.data import curating, loading

    store = loading.store_of(settings)
    if file is not None:
        found = [curating.checked_file(file)]
    elif pair is not None:
        found = [curating.checked_series(store, _key(pair, timeframe, exchange))]
    else:
        found = [curating.checked_series(store, one.key) for one in store.catalogue() if one.rows]
    code = DONE if all(one.sound for one in found) else FINDINGS
    return Answer({"checked": found, "sound": code == DONE}, lambda console: _show_checks(console, found), code)


def fill(
    session: Session,
    file: File = None,
    *,
    output: Output = None,
    pair: Pair = None,
    timeframe: Timeframe_ = None,
    exchange: Exchange = None,
) -> Answer:
    """Write a copy without gaps: made-up candles are flat, without volume, and marked in the column `filled`."""
    settings = session.settings()
    from tradingboost.app.data import curating, loading

    if output is None:
        raise InvalidInput("no_output", "Name the new file with --output; the candles themselves are never changed.")
    key = _key(pair, timeframe, exchange) if pair is not None else None
    rows, made_up = curating.filled_in(curating.source_of(loading.store_of(settings), file, key), output)
    said = f"{output}: {rows:,} candles, [bold]{made_up:,} of them made up[/] and marked"
    return Answer({"output": output, "rows": rows, "made_up": made_up}, lambda console: console.print(said))


def generate(
    session: Session,
    *,
    output: Output = None,
    pair: Pair = None,
    timeframe: Timeframe_ = None,
    days: Annotated[int, typer.Option(min=1, metavar="N", help="How long.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same market.")] = 1,
) -> Answer:
    """Make up a market and write it as a candle file."""
    session.settings()
    from tradingboost.app.data import making
    from tradingboost.app.instruments import listed as instrument
    from tradingboost.core.market import Timeframe

    symbol = instrument(pair or "BTC-USDT-SWAP")
    length = Timeframe.parse(timeframe or "1m")
    name = symbol.inst_id.replace("-", "").removesuffix("SWAP")
    kind = "swap" if symbol.kind == "SWAP" else "spot"
    path = output or Path(f"made_up_{kind}_{name}_{length.value}_{days}d_seed{seed}.parquet")
    with session.progress("making up a market ..."):
        rows = making.generated(seed, symbol, length, days, path)
    data = {"output": path, "rows": rows, "seed": seed, "symbol": symbol.inst_id, "timeframe": length.value}
    return Answer(data, lambda console: console.print(f"[bold]{path}[/]: {rows:,} made-up candles of {symbol.inst_id}"))


def _key(pair: str | None, timeframe: str | None, exchange: str | None) -> "SeriesKey":
    from tradingboost.kit.candles.store import SeriesKey

    if pair is None or timeframe is None:
        raise InvalidInput("candles_unnamed", "Name a candle file, or stored candles with -p BTC-USDT-SWAP -i 5m.")
    return SeriesKey(exchange or "okx", pair.strip().upper(), timeframe.strip().lower())


def _ends(one: Any) -> tuple[str, str]:
    return (moment(one.first_ms), moment(one.last_ms)) if one.rows else ("-", "-")


def moment(at_ms: int) -> str:
    """A time as tables show it."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def _show_checks(console: "Console", found: "list[Checked]") -> None:
    from rich.text import Text

    from tradingboost.cli.show import tick

    for one in found:
        said = f" {one.rows:,} candles of {one.timeframe}, {' to '.join(_ends(one))}" if one.rows else " no candle"
        console.print(Text.assemble(tick(one.sound), " ", (one.name, "bold"), said))
        for fault in one.faults:
            where = f", first at {moment(fault.at_ms)}" if fault.at_ms > 0 else ""
            console.print(f"  [bold red]{fault.count:,}[/] {fault.text}{where}")
        if one.missing:
            asked = one.never_printed
            known = (
                ""
                if asked is None
                else f"; {asked:,} the exchange does not have, {one.missing - asked:,} not asked for"
            )
            console.print(f"  {one.missing:,} absent{known}")
        for gap in one.gaps[:_GAPS_DRAWN]:
            console.print(f"    after {moment(gap.after_ms)}: {gap.missing:,}")
        if one.zero_volume:
            console.print(f"  {one.zero_volume:,} without volume")
        if one.made_up:
            console.print(f"  [yellow]{one.made_up:,} made up[/] and marked as filled in")
    if not found:
        console.print("No candles are stored; get some with: download-data -p BTC-USDT-SWAP -i 5m")
