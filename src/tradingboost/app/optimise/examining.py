"""`lookahead-analysis`, `recursive-analysis` and `verify-result`: a user's own request, examined."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.data.loading import store_of
from tradingboost.app.joint import backtested
from tradingboost.app.optimise.problem import Problem
from tradingboost.app.settings import Settings
from tradingboost.backtest import LimitFill, MarginMode, OnEnd
from tradingboost.backtest.bias import Finding, Subject, lookahead, part, recursive
from tradingboost.backtest.document import Document
from tradingboost.core.errors import InvalidInput
from tradingboost.kit.candles.store import CandleStore
from tradingboost.strategies.compiled import kernel

_STORED = "stored, "


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What was examined and what came out."""

    strategy: str
    symbol: str
    bars: int
    ok: bool
    findings: list[Finding]


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A kept result beside the same request run now.

    Args:
        differences: parts of the result that are not what they were, each with both values where they are short.
    """

    receipt: str
    again: str
    same: bool
    differences: list[str]


def looked_ahead(request: BacktestRequest, settings: Settings, tell: Callable[[int, int], None]) -> Examined:
    """Run the request on cut and changed futures.

    Raises:
        NotFound, InvalidInput: see `app.backtesting`.
    """
    subject = _subject(request, store_of(settings))
    return _examined(subject, lookahead(subject, tell))


def recursed(request: BacktestRequest, settings: Settings) -> Examined:
    """Fold its indicators bar by bar, and begin it later.

    Raises:
        NotFound, InvalidInput: see `app.backtesting`.
    """
    subject = _subject(request, store_of(settings))
    steps = kernel(subject.strategy.name)
    return _examined(subject, recursive(subject, steps.fold_bar, steps.fold_feed))


def verified(kept: Document, candles: Path | None, funding_file: Path | None, settings: Settings) -> Verified:
    """Run the request of a kept result again and compare.

    Raises:
        NotFound, InvalidInput: its candles are not there.
    """
    found = backtested(request_of(kept, candles, funding_file), store_of(settings)).document
    return Verified(
        receipt=kept.receipt,
        again=found.receipt,
        same=kept.receipt == found.receipt,
        differences=[] if kept.receipt == found.receipt else _differences(kept, found),
    )


def request_of(kept: Document, candles: Path | None, funding_file: Path | None) -> BacktestRequest:
    """The request a result was made from.

    Raises:
        InvalidInput: it was made from a file, and none is named.
    """
    told, source = kept.request, kept.data.source
    if candles is None and not source.startswith(_STORED):
        raise InvalidInput(
            "candles_unnamed", f"The result was made from the file {source}; name it with --candles.", source=source
        )
    fees = {Decimal(told[key]) for key in ("maker_fee", "taker_fee") if key in told}
    symbols, own = told.get("symbols", [told["symbol"]]), told.get("own", {})
    return BacktestRequest(
        strategy=told["strategy"],
        candles=candles,
        symbol=symbols[0],
        others=tuple(symbols[1:]),
        venue=source.removeprefix(_STORED) if candles is None else "okx",
        timeframe=told["timeframe"],
        detail=told["detail_timeframe"],
        timerange=told["timerange"],
        params=told.get("params", {}),
        overrides={symbol: one["params"] for symbol, one in own.items() if "params" in one},
        balance=Decimal(told["initial_balance"]),
        fee=fees.pop() if len(fees) == 1 else None,
        slippage_bps=Decimal(told["slippage_bps"]),
        limit_fill=LimitFill(told["limit_fill"]),
        funding="auto" if told["funding"] == "off" and funding_file is not None else told["funding"],
        funding_file=funding_file,
        margin_mode=MarginMode(told["margin_mode"]),
        liquidation=told["liquidation"],
        on_end=OnEnd(told["on_end"]),
        band=kept.band is not None,
        allow_gaps=True,
    )


def _subject(request: BacktestRequest, store: CandleStore) -> Subject:
    problem = Problem(request, store)
    made = problem.compile(request.params)
    first_ms, last_ms = problem.span()
    first, stop = problem.candles.open_ms.searchsorted((first_ms, last_ms)).tolist()
    begin = max(first - max(made.needs, made.wants), 0)
    warmup = max(made.needs, first - begin)
    if stop - begin <= warmup + 1:
        raise InvalidInput("stretch_too_short", "Nothing is left of that range after the warm-up; take a longer one.")
    return Subject(
        problem.strategy,
        part(problem.candles, begin, stop),
        made.params,
        problem.market.config(made, problem.funding, warmup),
        problem.market.feed(int(problem.strategy.feed_ms(made.params[0]))),
    )


def _examined(subject: Subject, findings: list[Finding]) -> Examined:
    return Examined(
        strategy=subject.strategy.name,
        symbol=str(subject.config.instrument.symbol),
        bars=len(subject.candles) - subject.config.warmup_bars,
        ok=all(one.ok for one in findings),
        findings=findings,
    )


def _differences(kept: Document, found: Document) -> list[str]:
    """Names of what differs, down to single figures, the causes first."""
    lines: list[str] = []
    for name in ("code", "data", "request", "summary", "figures", "deals", "orders"):
        lines += _parted(name, msgspec.to_builtins(getattr(kept, name)), msgspec.to_builtins(getattr(found, name)))
    return lines or ["something beside code, data, request, figures and deals"]


def _parted(name: str, old: Any, new: Any) -> list[str]:
    if old == new:
        return []
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = [*old, *(key for key in new if key not in old)]
        return [line for key in keys for line in _parted(f"{name}.{key}", old.get(key), new.get(key))]
    if isinstance(old, list) and isinstance(new, list):
        first = next((at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), None)
        where = f"first at {first}" if first is not None else "one is longer"
        return [f"{name}: {len(old)} then, {len(new)} now, {where}"]
    return [f"{name}: {old} then, {new} now"]
