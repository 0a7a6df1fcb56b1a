"""`backtesting`: one strategy over recorded candles, compiled; what was kept of it is shown and reported again."""

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
import typer

from tradingboost.cli import asking
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput
from tradingboost.kit import compile_cache

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from tradingboost.app.backtesting import Backtested
    from tradingboost.app.joint import BacktestedTogether
    from tradingboost.backtest import BacktestResult
    from tradingboost.backtest.document import Document
    from tradingboost.backtest.joint import JointResult
    from tradingboost.backtest.trace import FillLine

E = TypeVar("E", bound=StrEnum)
_FILLS_DRAWN = 10
_FILLS_TOLD = 1000


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "backtesting", groups=asking.GROUPS, rich_help_panel="Research")(backtesting)
    verb(app, "backtesting-show", rich_help_panel="Research")(backtesting_show)
    verb(app, "report", rich_help_panel="Research")(report)


def backtesting(
    session: Session,
    *,
    market: dict[str, Any],
    more: Annotated[list[str] | None, typer.Argument(metavar="", hidden=True)] = None,
    limit_fill: Annotated[str, typer.Option(metavar="RULE", help="trade_through or touch.")] = "trade_through",
    funding_file: Annotated[Path | None, typer.Option(metavar="FILE", help="Funding history for auto.")] = None,
    margin: Annotated[str, typer.Option(metavar="MODE", help="cross or isolated.")] = "cross",
    timeframe_detail: Annotated[str | None, typer.Option(metavar="TF", help="Finer candles the path follows.")] = None,
    on_end: Annotated[str, typer.Option(metavar="RULE", help="keep what is open at the end, or close it.")] = "keep",
    band: Annotated[bool, typer.Option("--band/--no-band", help="Also the other readings of each candle.")] = True,
    allow_gaps: Annotated[bool, typer.Option("--allow-gaps", help="Test although candles are missing.")] = False,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write .html, .json or .csv, or all into a folder.")
    ] = None,
) -> Answer:
    """Test a strategy on recorded candles with the simulated exchange's own fill rules.

    Several symbols, -p A -p B or -p A,B, share one balance; --params A:leverage=3 is for A alone.
    """
    settings = session.settings()
    named = _with_more(market, more or [])
    if compile_cache.is_cold(module="together" if len(asking.symbols_of(named)) > 1 else ""):
        session.warn("The strategies are compiled first, once for this version; that takes about a minute.")
    with session.progress("loading the candles and the compiled strategy ..."):
        from tradingboost.app import receipts, results
        from tradingboost.app.data.loading import store_of
        from tradingboost.app.joint import backtested
        from tradingboost.backtest import LimitFill, MarginMode, OnEnd
        from tradingboost.cli.research_view import draw, facts

        request = msgspec.structs.replace(
            asking.request_of(named),
            limit_fill=_member("--limit-fill", limit_fill, LimitFill),
            funding_file=funding_file,
            margin_mode=_member("--margin", margin, MarginMode),
            detail=timeframe_detail,
            on_end=_member("--on-end", on_end, OnEnd),
            band=band,
            allow_gaps=allow_gaps,
        )
        done = backtested(request, store_of(settings))
        found, signer = receipts.signed(done.document, settings)
        results.keep(results.folder_of(settings), found)
        written = [] if export is None else results.export(export, found, done.result)
    for line in found.warnings:
        session.warn(line)
    data = {
        **facts(found),
        "timeframe": done.timeframe,
        "fills": [_told(*one) for one in _fills_of(done.result)[-_FILLS_TOLD:]],
        "exported": [str(path) for path in written],
        "signer": signer,
    }

    def show(console: "Console") -> None:
        draw(console, found)
        console.print("")
        console.print(_fills(done))
        _closing(console, found, written)
        console.print(f"[dim]signed by[/] {signer.fingerprint}", highlight=False)
        if signer.is_new:
            console.print(f"[dim]a new key; others need[/] {Path(signer.public_file).name} of the data directory")

    return Answer(data, show)


def backtesting_show(
    session: Session,
    *,
    result: Annotated[str | None, typer.Argument(metavar="[RESULT]", help="Receipt, file, or latest.")] = None,
) -> Answer:
    """List the kept back-tests, or show one of them again."""
    settings = session.settings()
    from tradingboost.app import results
    from tradingboost.cli.research_view import draw, facts, listed

    if result is None:
        heads = results.kept(results.folder_of(settings))
        rows = [{"receipt": one.receipt, "request": one.request, "summary": one.summary} for one in heads]
        return Answer({"results": rows}, lambda console: listed(console, heads))
    found = results.find(results.folder_of(settings), result)
    return Answer(facts(found), lambda console: draw(console, found))


def report(
    session: Session,
    *,
    result: Annotated[str, typer.Argument(metavar="[RESULT]", help="Receipt, file, or latest.")] = "latest",
    export: Annotated[Path, typer.Option(metavar="FILE", help="Write .html, .json or .csv.")] = Path("report.html"),
) -> Answer:
    """Write the report of a kept back-test: one HTML file that needs nothing else."""
    settings = session.settings()
    from tradingboost.app import results

    found = results.find(results.folder_of(settings), result)
    written = results.export(export, found)
    data = {"receipt": found.receipt, "exported": [str(path) for path in written]}
    return Answer(data, lambda console: _closing(console, found, written))


def _closing(console: "Console", found: "Document", written: list[Path]) -> None:
    console.print(f"[dim]kept as[/] {found.receipt[:16]}", highlight=False)
    for path in written:
        console.print(f"[dim]written[/] {path}", highlight=False, soft_wrap=True)


def _member(option: str, text: str, kind: type[E]) -> E:
    try:
        return kind(text.replace("-", "_"))
    except ValueError:
        members = " or ".join(one.value for one in kind)
        raise InvalidInput("bad_choice", f"{option} {text!r} is unknown; choose {members}.") from None


def _with_more(market: dict[str, Any], more: list[str]) -> dict[str, Any]:
    """Symbols may follow -p without a comma, as `-p A B`."""
    if more and not market["symbol"]:
        raise InvalidInput("stray_word", f"{more[0]!r} belongs to no option; symbols follow -p.")
    return {**market, "symbol": [*(market["symbol"] or []), *more]} if more else market


def _fills_of(result: "BacktestResult | JointResult") -> "list[tuple[str, FillLine]]":
    """Fills in order of time, with their symbol where a run has several."""
    from tradingboost.backtest.joint import JointResult

    if isinstance(result, JointResult):
        return result.fill_lines()
    return [("", line) for line in result.trace().fills]


def _told(symbol: str, line: "FillLine") -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(line)
    return {"symbol": symbol, **told} if symbol else told


def _fills(done: "Backtested | BacktestedTogether") -> "Table":
    from tradingboost.cli.research_view import day_of
    from tradingboost.cli.show import number, table

    fills = _fills_of(done.result)
    rows = [
        (
            *([symbol] if symbol else []),
            day_of(one.at_ms),
            one.slot,
            one.side,
            number(Decimal(one.qty)),
            number(Decimal(one.price)),
            number(Decimal(one.fee), 4),
            one.reason.replace("_", " "),
            number(Decimal(one.position)),
        )
        for symbol, one in fills[-_FILLS_DRAWN:]
    ]
    title = f"Last fills ({len(rows)} of {len(fills):,})"
    columns = ("time (UTC)", "for", "side", "quantity", "price", "fee", "reason", "position")
    together = bool(fills) and bool(fills[0][0])
    return table(title, ("symbol", *columns) if together else columns, rows, ("quantity", "price", "fee", "position"))
