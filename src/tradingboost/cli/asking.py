"""The options by which verbs of research name a market, an account and parameters."""

import inspect
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tradingboost.cli.verb import Group
from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from tradingboost.app.backtest_request import BacktestRequest

Strategy = Annotated[str, typer.Option("-s", "--strategy", help="hyperrsi or grid.")]
Candles = Annotated[Path | None, typer.Option(metavar="FILE", help="Candle file (.parquet, .feather, .csv, .json).")]
Symbol = Annotated[
    str | None,
    typer.Option("-p", "--pairs", "--symbol", metavar="INST", help="Stored candles of it, or whose the file is."),
]
Symbols = Annotated[
    list[str] | None,
    typer.Option("-p", "--pairs", "--symbol", metavar="INST", help="Stored candles of it, or whose the file is."),
]
Timeframe = Annotated[str | None, typer.Option("-i", "--timeframe", help="Candles of this length.")]
Exchange = Annotated[str, typer.Option(metavar="NAME", help="Whose stored candles.")]
Timerange = Annotated[str, typer.Option(metavar="FROM-TO", help="20240101-20240601; an end may be open.")]
Params = Annotated[list[str] | None, typer.Option(metavar="K=V", help="A parameter; may be repeated.")]
ParamsFile = Annotated[Path | None, typer.Option(metavar="JSON", help="Parameters as one JSON object.")]
Balance = Annotated[
    str, typer.Option("--starting-balance", "--dry-run-wallet", metavar="QUOTE", help="Money at the start.")
]
Fee = Annotated[str | None, typer.Option(metavar="RATIO", help="Maker and taker fee, such as 0.0005.")]
Slippage = Annotated[str, typer.Option(metavar="BPS", help="Of market orders and stops.")]
Funding = Annotated[str, typer.Option(metavar="RULE", help="auto, off, or a rate such as 0.0001/8.")]


def market(
    *,
    strategy: Strategy,
    candles: Candles = None,
    symbol: Symbols = None,
    timeframe: Timeframe = None,
    exchange: Exchange = "okx",
    timerange: Timerange = "",
    params: Params = None,
    params_file: ParamsFile = None,
    starting_balance: Balance = "10000",
    fee: Fee = None,
    slippage_bps: Slippage = "5",
    funding: Funding = "auto",
) -> dict[str, Any]:
    """What is run, on which candles, with which account."""
    return locals()


GROUPS: Final[dict[str, Group]] = {"market": market}


def perhaps(**given: Any) -> dict[str, Any]:
    """The options of `market` for verbs that may be given a kept result instead."""
    return given


_MARKET: Final = inspect.signature(market, eval_str=True)
_OPTIONAL: Final = Annotated[str | None, typer.Option("-s", "--strategy", help="hyperrsi or grid; else a result.")]
perhaps.__signature__ = _MARKET.replace(  # type: ignore[attr-defined]
    parameters=[
        one.replace(annotation=_OPTIONAL, default=None) if one.name == "strategy" else one
        for one in _MARKET.parameters.values()
    ]
)
PERHAPS: Final[dict[str, Group]] = {"market": perhaps}
_OF_A_RESULT: Final = ("candles", "timerange", "strategy")


def result_of(result: str | None, given: dict[str, Any]) -> str | None:
    """Which kept result is meant; None = a new back-test of the market that was named.

    Raises:
        InvalidInput: both were named, or options that only a new back-test has.
    """
    if given["strategy"] is not None:
        if result is not None:
            raise InvalidInput("result_or_strategy", f"Name the result {result} or a strategy with -s, not both.")
        return None
    foreign = [
        name for name, one in _MARKET.parameters.items() if name not in _OF_A_RESULT and given[name] != one.default
    ]
    if foreign:
        words = ", ".join(f"--{name.replace('_', '-')}" for name in foreign)
        raise InvalidInput("result_has_its_own", f"A kept result has its own {words}; name a strategy with -s as well.")
    return result or "latest"


def symbols_of(given: dict[str, Any]) -> list[str]:
    """The symbols that were named, `A,B` and `A B` taken apart."""
    return [word for text in given["symbol"] or [] for word in text.replace(",", " ").split()]


def request_of(given: dict[str, Any]) -> "BacktestRequest":
    """What the options of `market` ask for."""
    from tradingboost.app.backtest_request import BacktestRequest
    from tradingboost.app.backtesting import params_of

    fee = given["fee"]
    symbols = symbols_of(given)
    params, own = of_symbols(params_of(given["params"] or [], given["params_file"]))
    return BacktestRequest(
        strategy=given["strategy"],
        candles=given["candles"],
        symbol=symbols[0] if symbols else None,
        others=tuple(symbols[1:]),
        venue=given["exchange"],
        timeframe=given["timeframe"],
        timerange=given["timerange"],
        params=params,
        overrides=own,
        balance=number("--starting-balance", given["starting_balance"]),
        fee=None if fee is None else number("--fee", fee),
        slippage_bps=number("--slippage-bps", given["slippage_bps"]),
        funding=given["funding"],
    )


def of_symbols(params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Parameters of all symbols, and those of one that are written `ETH-USDT-SWAP:leverage`."""
    common = {key: value for key, value in params.items() if ":" not in key}
    own: dict[str, dict[str, Any]] = {}
    for key, value in params.items():
        symbol, colon, name = key.partition(":")
        if colon:
            own.setdefault(symbol.strip().upper(), {})[name.strip()] = value
    return common, own


def number(option: str, text: str) -> Decimal:
    """A number as people type it.

    Raises:
        InvalidInput: it is none.
    """
    try:
        found = Decimal(text.replace("_", "").replace(",", ""))
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite():
        raise InvalidInput("not_a_number", f"{option} {text!r} is not a number.")
    return found
