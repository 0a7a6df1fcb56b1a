"""A back-test of one symbol, or of several that share one balance."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tradingboost.app.asked import at_bounds
from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.backtesting import Backtested, Prepared, backtest, code_of, prepared
from tradingboost.app.instruments import listed, rules_of, symbol_of
from tradingboost.backtest.document import Asked, Document
from tradingboost.backtest.joint import JointResult, Member, check_instruments, run_together
from tradingboost.backtest.joint_band import measure_together
from tradingboost.backtest.joint_document import BETWEEN, data_together, joint_document
from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.kit.candles.store import CandleStore


class BacktestedTogether(msgspec.Struct, frozen=True, kw_only=True):
    """The same of several symbols."""

    result: JointResult
    document: Document
    timeframe: str
    advice: list[str]


def backtested(request: BacktestRequest, store: CandleStore) -> Backtested | BacktestedTogether:
    """Load, check, run and describe.

    Raises:
        NotFound, InvalidInput: see `backtesting.prepared`; symbols that cannot share a balance.
    """
    if not request.others:
        _check_overrides(request, [_symbol(request)])
        return backtest(_with_overrides(request), store)
    parts = [_prepared(one, store) for one in requests_of(request)]
    strategy = parts[0].strategy
    members = [
        Member(candles=one.candles, params=one.params, config=one.config, indicators=one.indicators) for one in parts
    ]
    joint = run_together(strategy, members)
    facts = [one.data for one in parts]
    asked = Asked(
        request=told_together(parts, request),
        data=data_together(facts),
        code=code_of(joint.parts[0]),
        warnings=_by_symbol(parts, [one.warnings for one in parts]),
        at_bounds=list(dict.fromkeys(name for one in parts for name in at_bounds(one.parsed))),
    )
    band = measure_together(strategy, members, joint) if request.band else None
    return BacktestedTogether(
        result=joint,
        document=joint_document(joint, [one.params for one in parts], asked, facts, band),
        timeframe=parts[0].timeframe,
        advice=list(dict.fromkeys(code for one in parts for code in one.advice)),
    )


def alone(request: BacktestRequest) -> BacktestRequest:
    """A request of one symbol with the parameters of that symbol, for what looks into a single run.

    Raises:
        InvalidInput: `one_symbol_only`; see also `requests_of`.
    """
    if request.others:
        names = ", ".join((str(request.symbol), *request.others))
        raise InvalidInput(
            "one_symbol_only", f"{names} share this balance; look at one of them alone, with -s and -p and its name."
        )
    _check_overrides(request, [_symbol(request)])
    return _with_overrides(request)


def requests_of(request: BacktestRequest) -> list[BacktestRequest]:
    """A request a symbol, in their order.

    Raises:
        NotFound: an unknown symbol.
        InvalidInput: symbols that cannot share a balance, a file instead of stored candles, foreign overrides.
    """
    if request.candles is not None or request.symbol is None:
        raise InvalidInput(
            "one_file_one_symbol",
            "A candle file holds one symbol; bring the files into the store with convert-data and leave --candles out.",
        )
    found = [listed(symbol) for symbol in (request.symbol, *request.others)]
    check_instruments([rules_of(one) for one in found])
    symbols = [one.inst_id for one in found]
    _check_overrides(request, symbols)
    return [_with_overrides(msgspec.structs.replace(request, symbol=symbol, others=())) for symbol in symbols]


def told_together(parts: Sequence[Prepared], request: BacktestRequest) -> dict[str, Any]:
    """What was asked: what all symbols have in common, and `own` of each what they have not."""
    symbols = [str(one.config.instrument.symbol) for one in parts]
    told = [one.told(request) for one in parts]
    common = {key: value for key, value in told[0].items() if all(other[key] == value for other in told)}
    own = {
        symbol: {key: value for key, value in one.items() if key not in common and key != "symbol"}
        for symbol, one in zip(symbols, told, strict=True)
    }
    return {**common, "symbol": BETWEEN.join(symbols), "symbols": symbols, "own": own}


def _with_overrides(request: BacktestRequest) -> BacktestRequest:
    """The request of one symbol with its own parameters in it."""
    if not request.overrides:
        return request
    own = request.overrides.get(_symbol(request), {})
    return msgspec.structs.replace(request, params=request.params | own, overrides={})


def _symbol(request: BacktestRequest) -> str:
    """The first symbol, named or in the name of its file."""
    if request.candles is not None:
        return symbol_of(request.candles, request.symbol)
    return (request.symbol or "").strip().upper()


def _check_overrides(request: BacktestRequest, symbols: Sequence[str]) -> None:
    strange = [name for name in request.overrides if name not in symbols]
    if strange:
        raise InvalidInput(
            "override_unknown", f"--params names {strange[0]}, which is not tested; name one of {', '.join(symbols)}."
        )


def _prepared(request: BacktestRequest, store: CandleStore) -> Prepared:
    """One of several; what is wrong with it is said with its name."""
    try:
        return prepared(request, store)
    except (InvalidInput, NotFound) as error:
        if str(request.symbol) in error.message:
            raise
        raise type(error)(error.code, f"{request.symbol}: {error.message}", **error.details) from None


def _by_symbol(parts: Sequence[Prepared], own: Sequence[Sequence[str]]) -> list[str]:
    """Sentences, once where they are true of every symbol, else with its name."""
    told: dict[str, None] = {}
    for one, lines in zip(parts, own, strict=True):
        for line in lines:
            everybody = all(line in others for others in own)
            told[line if everybody else f"{one.config.instrument.symbol}: {line}"] = None
    return list(told)
