"""Many sets of one strategy over the same candles: one driver call a set, indicator columns shared, no reports made.

Every figure is the one the single run shows, read from the same books.
"""

import inspect
from collections import OrderedDict
from collections.abc import Callable, Sequence
from decimal import Decimal
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.backtest import metrics
from tradingboost.backtest.model import BacktestConfig, Candles, tidy
from tradingboost.backtest.result import BacktestResult
from tradingboost.backtest.runner import indicators_of, run
from tradingboost.backtest.sharpe import Moments, moments_of
from tradingboost.strategies.contract import FillKind, Strategy

MOST_SHARED_BYTES: Final = 128 * 2**20

FeedOf = Callable[[int], Candles | None]
"""Length in milliseconds -> the finer candles a trend is fed with."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What a search remembers of a set; ratios 0 to 1, money in quote, None = undefined.

    Args:
        daily: moments of the daily returns, for the deflated Sharpe ratio.
        longest_ms: the longest a deal was open.
        liquidations: times the account or a leg of it was liquidated.
    """

    net_pnl: Decimal
    final_equity: Decimal
    total_return: float | None
    cagr: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float | None
    profit_factor: float | None
    win_rate: float | None
    deals: int
    fills: int
    exposure: float
    fees: Decimal
    liquidations: int
    days: float
    longest_ms: int
    daily: Moments | None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One run, before its figures: what several stretches of one set are put together from.

    Args:
        day_equity: as `metrics.daily` gives it.
        fall: deepest fall as a ratio.
        nets: quanta of every closed deal.
    """

    day_equity: NDArray[np.float64]
    days: float
    fall: float | None
    end: float
    net_pnl: Decimal
    final_equity: Decimal
    nets: NDArray[np.int64]
    money: int
    fills: int
    bars: int
    exposed_bars: int
    fees: Decimal
    liquidations: int
    longest_ms: int


def read(result: BacktestResult) -> Reading:
    """Read the books of a run."""
    values, days, fall, end = result.daily_curve()
    deals = result.deals()
    closed = deals[deals["closed"]]
    desk = result.desk[0]
    return Reading(
        day_equity=values,
        days=days,
        fall=fall,
        end=end,
        net_pnl=result.net_pnl(),
        final_equity=result.scale.amount(result.equity_quanta[-1]),
        nets=closed["net"],
        money=result.scale.money,
        fills=int(np.count_nonzero(result.reports["kind"] == FillKind.FILLED)),
        bars=len(result.candles) - result.config.warmup_bars,
        exposed_bars=int(desk["exposed_bars"]),
        fees=result.scale.amount(desk["fees"]),
        liquidations=int(desk["liquidations"]),
        longest_ms=int((closed["closed_ms"] - closed["opened_ms"]).max(initial=0)),
    )


def measured(parts: Sequence[Reading]) -> Measured:
    """The figures of one stretch, or of several in order as if the money of one had gone into the next."""
    values, end = parts[0].day_equity, parts[0].end
    for part in parts[1:]:
        grown = end / float(part.day_equity[0])
        values = np.concatenate((values, part.day_equity[1:] * grown))
        end = part.end * grown
    falls = [part.fall for part in parts if part.fall is not None]
    fall = max(falls) if len(falls) == len(parts) else None
    days = sum(part.days for part in parts)
    curve = metrics.curve(values, days, fall, end)
    deals = metrics.of_deals(np.concatenate([part.nets / float(part.money) for part in parts]))
    return Measured(
        net_pnl=tidy(sum((part.net_pnl for part in parts), Decimal(0))),
        final_equity=parts[-1].final_equity,
        total_return=curve.total_return,
        cagr=curve.cagr,
        sharpe=curve.sharpe,
        sortino=curve.sortino,
        calmar=curve.calmar,
        max_drawdown=fall,
        profit_factor=deals.profit_factor,
        win_rate=deals.win_rate,
        deals=deals.deals,
        fills=sum(part.fills for part in parts),
        exposure=sum(part.exposed_bars for part in parts) / sum(part.bars for part in parts),
        fees=tidy(sum((part.fees for part in parts), Decimal(0))),
        liquidations=sum(part.liquidations for part in parts),
        days=days,
        longest_ms=max(part.longest_ms for part in parts),
        daily=moments_of(metrics.returns(values)),
    )


class SharedIndicators:
    """Indicator columns of one stretch of candles, computed once for all sets whose indicators are the same.

    Args:
        most_bytes: what is kept at most; the columns not used for longest go first.
    """

    def __init__(
        self, strategy: Strategy, candles: Candles, feed_of: FeedOf | None = None, most_bytes: int = MOST_SHARED_BYTES
    ) -> None:
        self._strategy = strategy
        self._candles = candles
        self._feed_of = feed_of
        self._most = most_bytes
        fields = strategy.params.names or ()
        read_by = (strategy.indicator_columns, strategy.feed_ms)
        self._names = sorted(set[str]().union(*(fields_read(one, fields) for one in read_by)))
        self._kept: OrderedDict[bytes, Any] = OrderedDict()
        self._bytes = 0
        self.computed = 0

    def of(self, params: Any) -> Any:
        """The columns of a set."""
        key = b"".join(np.asarray(params[name]).tobytes() for name in self._names)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        feed_ms = int(self._strategy.feed_ms(params[0]))
        feed = self._feed_of(feed_ms) if feed_ms and self._feed_of is not None else None
        columns = indicators_of(self._strategy, self._candles, params, feed)
        self.computed += 1
        self._kept[key] = columns
        self._bytes += columns.nbytes
        while self._bytes > self._most and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return columns


class Sweep:
    """Runs sets of one strategy over one stretch of candles.

    Args:
        feed_of: where finer candles come from, for strategies that need some.
    """

    def __init__(self, strategy: Strategy, candles: Candles, feed_of: FeedOf | None = None) -> None:
        self.strategy = strategy
        self.candles = candles
        self.indicators = SharedIndicators(strategy, candles, feed_of)

    def run(self, params: Any, config: BacktestConfig) -> BacktestResult:
        """One set, exactly as `backtest.run` has it."""
        return run(self.strategy, self.candles, params, config, self.indicators.of(params))

    def measure(self, params: Any, config: BacktestConfig) -> Measured:
        """The figures of one set."""
        return measured([read(self.run(params, config))])


def fields_read(function: Callable[..., Any], names: Sequence[str]) -> set[str]:
    """Those of `names` that a function, or any function of the package it reaches, could read from a record.

    Found in the byte code, so it holds for compiled functions too; a name that is also used for something else is one
    too many and never one too few.
    """
    names_used: set[str] = set()
    seen: set[int] = set()
    queue: list[Any] = [function]
    while queue:
        one = queue.pop()
        one = getattr(one, "py_func", one)
        if not isinstance(one, FunctionType) or id(one) in seen:
            continue
        seen.add(id(one))
        for used in _names_in(one.__code__):
            names_used.add(used)
            value = one.__globals__.get(used)
            queue.append(value)
            if isinstance(value, ModuleType):
                queue.extend(vars(value).get(attribute) for attribute in one.__code__.co_names)
        queue.extend(inspect.getclosurevars(one).nonlocals.values())
    return names_used & set(names)


def _names_in(code: CodeType) -> set[str]:
    """Names and words of a piece of code and of those inside it; `record["name"]` counts like `record.name`."""
    found = {*code.co_names, *(one for one in code.co_consts if isinstance(one, str))}
    for one in code.co_consts:
        if isinstance(one, CodeType):
            found |= _names_in(one)
    return found
