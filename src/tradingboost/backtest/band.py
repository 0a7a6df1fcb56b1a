"""How much of a result hangs on the order of prices inside its candles."""

from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np

from tradingboost.backtest import metrics
from tradingboost.backtest.model import BacktestConfig, Candles, LimitFill, PathRule, tidy
from tradingboost.backtest.result import BacktestResult
from tradingboost.backtest.runner import run
from tradingboost.strategies.contract import Strategy

_NARROW: Final = Decimal("0.1")


class BandLine(msgspec.Struct, frozen=True, kw_only=True):
    """One way of reading the candles."""

    mode: str
    net_pnl: Decimal
    sharpe: float | None
    max_drawdown: Decimal | None
    fills: int


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """The four readings and what they mean. A report, not a bound: after a divergence later trades differ.

    Args:
        ambiguous_bars: bars of the headline whose two ways give different fills.
        ambiguous_ratio: their share of all bars.
        pnl_ratio: share of the headline's realised result booked in them; None without a result.
        verdict: `green` = the four differ by less than 10 % of the headline, `red` = their signs differ, else `amber`.
        without_detail: spread of the four without the finer candles; None where there were none.
    """

    lines: list[BandLine]
    ambiguous_bars: int
    ambiguous_ratio: float
    pnl_ratio: float | None
    verdict: str
    spread: Decimal
    without_detail: Decimal | None = None


def headline_of(config: BacktestConfig) -> BacktestConfig:
    """The run whose figures are shown: stop before profit, ambiguous bars marked."""
    return msgspec.structs.replace(config, path_rule=PathRule.HEADLINE, find_ambiguous=True)


def measure(strategy: Strategy, candles: Candles, params: Any, headline: BacktestResult) -> Band:
    """Run the other three readings beside a headline; indicators are computed once."""
    config = headline.config
    lines = [line_of("headline", headline)]
    for rule, fill in OTHERS:
        changes: dict[str, Any] = {"path_rule": rule, "find_ambiguous": False}
        if fill is not None:
            changes["limit_fill"] = fill
        reading = msgspec.structs.replace(config, **changes)
        lines.append(line_of(rule.value, run(strategy, candles, params, reading, headline.indicators)))
    ambiguous = headline.ambiguous if headline.ambiguous is not None else np.zeros(len(candles), np.bool_)
    count = int(np.count_nonzero(ambiguous))
    nets = [line.net_pnl for line in lines]
    coarse: Decimal | None = None
    if config.detail is not None:
        plain = run(strategy, candles, params, msgspec.structs.replace(config, detail=None), headline.indicators)
        coarse = measure(strategy, candles, params, plain).spread
    return Band(
        lines=lines,
        ambiguous_bars=count,
        ambiguous_ratio=count / max(len(candles) - config.warmup_bars, 1),
        pnl_ratio=_share(headline, ambiguous),
        verdict=verdict(nets),
        spread=tidy(max(nets) - min(nets)),
        without_detail=coarse,
    )


OTHERS: Final[tuple[tuple[PathRule, LimitFill | None], ...]] = (
    (PathRule.PESSIMISTIC, LimitFill.TRADE_THROUGH),
    (PathRule.NEUTRAL, None),
    (PathRule.OPTIMISTIC, LimitFill.TOUCH),
)


def verdict(nets: list[Decimal]) -> str:
    """Of the four net results, the headline first."""
    if min(nets) < 0 < max(nets):
        return "red"
    return "green" if max(nets) - min(nets) <= _NARROW * abs(nets[0]) else "amber"


def line_of(mode: str, result: BacktestResult) -> BandLine:
    """One reading."""
    return BandLine(
        mode=mode,
        net_pnl=result.net_pnl(),
        sharpe=metrics.curve(*result.daily_curve()).sharpe,
        max_drawdown=metrics.max_drawdown(result.equity_quanta[result.config.warmup_bars :]),
        fills=len(result.fills),
    )


def _share(result: BacktestResult, ambiguous: Any) -> float | None:
    fills = result.fills
    booked = fills["profit"] - fills["fee"]
    total = int(booked.sum())
    inside = int(booked[ambiguous[fills["bar"]]].sum())
    return inside / total if total else None
