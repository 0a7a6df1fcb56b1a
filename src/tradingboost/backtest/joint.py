"""Running one strategy on several symbols that share one balance."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.backtest import metrics
from tradingboost.backtest.finish import close_legs
from tradingboost.backtest.model import BacktestConfig, Candles, IntColumn, OnEnd, Scale, tidy
from tradingboost.backtest.records import Books
from tradingboost.backtest.result import BacktestResult
from tradingboost.backtest.runner import books_for, broken, columns_for, indicators_of, watched
from tradingboost.backtest.sharing import MOST_SYMBOLS, books_of
from tradingboost.backtest.stacking import seats_of, stacked_books, stacked_columns, with_room
from tradingboost.backtest.together import DriveTogether, build
from tradingboost.backtest.trace import FillLine
from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import Instrument
from tradingboost.strategies.contract import Strategy

_ACCOUNT = ("initial_balance", "margin_mode", "liquidation", "position_mode", "path_rule", "find_ambiguous", "on_end")


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol of a joint run.

    Args:
        params: the record array `strategy.compile_params` made for its instrument.
        config: its instrument, costs, leverage, funding and warm-up; the account is that of all.
        indicators: what `strategy.indicator_columns` gave; None = computed.
    """

    candles: Candles
    params: Any
    config: BacktestConfig
    indicators: Any = None


class JointResult(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run of several symbols.

    Args:
        parts: a result a symbol in the order they were given. Its equity is the balance at the start and what this
            symbol alone has changed of it; fills, refusals and liquidations are those of the shared account.
        closes_ms: times at which any symbol's candle closed, rising.
        equity_quanta: of the whole account at those times, every symbol at its last close.
        money: quanta of a unit, the same for every part.
    """

    strategy: str
    parts: list[BacktestResult]
    closes_ms: IntColumn
    equity_quanta: NDArray[np.int64]
    money: int

    @property
    def config(self) -> BacktestConfig:
        """The account's side of it: balance, margin mode, path rule."""
        return self.parts[0].config

    @property
    def timeframe_ms(self) -> int:
        """Length of the candles."""
        return self.parts[0].candles.timeframe_ms

    @property
    def liquidated(self) -> bool:
        """Whether the account was."""
        return bool(self.parts[0].desk[0]["liquidated"])

    def equity(self) -> NDArray[np.float64]:
        """Equity in quote at each of the closes."""
        return self.equity_quanta / float(self.money)

    def amount(self, quanta: int) -> Decimal:
        """Quanta as money."""
        return self.parts[0].scale.amount(quanta)

    def net_pnl(self) -> Decimal:
        """Final equity less the balance at the start."""
        return tidy(self.amount(self.equity_quanta[-1]) - self.config.initial_balance)

    def total(self, field: str) -> Decimal:
        """The sum over all symbols of an amount on their desks."""
        return self.amount(sum(int(part.desk[0][field]) for part in self.parts))

    def fill_lines(self) -> list[tuple[str, FillLine]]:
        """Every fill with its symbol, in order of time."""
        lines = [(str(part.config.instrument.symbol), line) for part in self.parts for line in part.trace().fills]
        return sorted(lines, key=lambda one: one[1].at_ms)

    def daily_curve(self) -> tuple[NDArray[np.float64], float, float | None, float]:
        """What `metrics.curve` asks for: daily equity, days, deepest fall, equity at the end."""
        length = self.timeframe_ms
        start = float(self.config.initial_balance)
        values = metrics.daily(self.equity_quanta, self.closes_ms - length, length, start, float(self.money))
        days = (int(self.closes_ms[-1]) + length - int(self.closes_ms[0])) / metrics.DAY_MS
        return values, days, metrics.fall_ratio(self.equity_quanta), float(self.equity_quanta[-1]) / self.money


def check_instruments(instruments: Sequence[Instrument]) -> None:
    """Refuse symbols that cannot share an account.

    Raises:
        InvalidInput: none, too many, one of them twice, or of different exchange, kind or currency.
    """
    if not 1 <= len(instruments) <= MOST_SYMBOLS:
        raise InvalidInput("symbol_count", f"Between 1 and {MOST_SYMBOLS} symbols can share a balance; give fewer.")
    for symbol, times in Counter(one.symbol for one in instruments).items():
        if times > 1:
            raise InvalidInput("symbol_twice", f"{symbol} is named {times} times; name every symbol once.")
    first = instruments[0]
    for one in instruments[1:]:
        pair = f"{first.symbol} and {one.symbol} cannot share a balance:"
        if one.venue != first.venue:
            raise InvalidInput("symbols_apart", f"{pair} they are of {first.venue} and {one.venue}.")
        if one.kind is not first.kind:
            raise InvalidInput("symbols_apart", f"{pair} one is spot and the other a swap.")
        if (one.quote, one.settle) != (first.quote, first.settle):
            raise InvalidInput("symbols_apart", f"{pair} they are settled in {first.settle} and {one.settle}.")


def run_together(strategy: Strategy, members: Sequence[Member]) -> JointResult:
    """Walk the candles of all symbols moment by moment, in the order of `members`, on one balance.

    Raises:
        InvalidInput: they cannot share an account, or nothing is left of a symbol's candles after its warm-up.
        BrokenInvariant: a kernel broke its contract; the message names bar and slot.
    """
    _check(members)
    scales = scales_of([one.config for one in members])
    indicators = [
        one.indicators if one.indicators is not None else indicators_of(strategy, one.candles, one.params)
        for one in members
    ]
    books = stacked_books([_started(strategy, one, scale) for one, scale in zip(members, scales, strict=True)])
    own = [
        columns_for(one.candles, one.config, shown, watched(strategy, one.candles, shown, one.params))
        for one, shown in zip(members, indicators, strict=True)
    ]
    columns = stacked_columns(own)
    seats = seats_of([(one.config.warmup_bars, len(one.candles)) for one in members], books)
    driver = driver_of(strategy)
    while not driver(books, columns, seats):
        books = with_room(books)
    for desk in books.desk:
        if desk.status:
            raise broken(strategy, desk)
    equity = [columns.equity[k, : len(one.candles)] for k, one in enumerate(members)]
    for k, one in enumerate(members):
        equity[k][: one.config.warmup_bars] = seats[k].start
        if books.desk[k].liquidated:
            equity[k][seats[k].next :] = books.desk[k].cash
        elif one.config.on_end is OnEnd.CLOSE:
            close_legs(books_of(books, k), own[k]._replace(equity=equity[k]))
    parts = [
        _part(strategy, one, scales[k], books_of(books, k), (indicators[k], equity[k], columns.ambiguous[k]))
        for k, one in enumerate(members)
    ]
    closes_ms, together = _joined(parts)
    return JointResult(
        strategy=strategy.name, parts=parts, closes_ms=closes_ms, equity_quanta=together, money=scales[0].money
    )


@lru_cache(maxsize=32)
def driver_of(strategy: Strategy) -> DriveTogether:
    """The joint driver of a strategy, built once a process."""
    return build(strategy)


def scales_of(configs: Sequence[BacktestConfig]) -> list[Scale]:
    """Every symbol's scale, with the coarsest quantum of money any of them needs.

    Raises:
        InvalidInput: the account is too large for a quantum that still divides the value of every tick.
    """
    own = [Scale.of(config) for config in configs]
    money = min(scale.money for scale in own)
    found = []
    for scale in own:
        value, rest = divmod(scale.tick_value * money, scale.money)
        if rest:
            raise InvalidInput(
                "balance_too_large", "The balance is too large to count all symbols exactly; lower it.", key="balance"
            )
        found.append(Scale(money, value, scale.tick, scale.lot))
    return found


def _check(members: Sequence[Member]) -> None:
    check_instruments([one.config.instrument for one in members])
    first = members[0]
    for one in members:
        symbol = one.config.instrument.symbol
        if one.candles.timeframe_ms != first.candles.timeframe_ms:
            raise InvalidInput("timeframes_differ", f"The candles of {symbol} have another length; choose a timeframe.")
        if len(one.candles) <= one.config.warmup_bars:
            raise InvalidInput(
                "no_candles",
                f"{len(one.candles)} candles of {symbol} leave nothing after a warm-up of {one.config.warmup_bars}; "
                "load more.",
            )
        for field in _ACCOUNT:
            if getattr(one.config, field) != getattr(first.config, field):
                words = field.replace("_", " ")
                raise InvalidInput(
                    "accounts_differ", f"{symbol} has another {words}; symbols that share a balance share it too."
                )


def _started(strategy: Strategy, member: Member, scale: Scale) -> Books:
    """A symbol's own books in the quanta of the account."""
    books = books_for(strategy, member.params, member.candles.timeframe_ms, member.config)
    books.desk[0].tick_value = scale.tick_value
    books.desk[0].cash = int(member.config.initial_balance * scale.money)
    return books


def _part(
    strategy: Strategy, member: Member, scale: Scale, books: Books, columns: tuple[Any, Any, Any]
) -> BacktestResult:
    indicators, equity, ambiguous = columns
    desk = books.desk[0]
    return BacktestResult(
        strategy=strategy.name,
        config=member.config,
        scale=scale,
        candles=member.candles,
        desk=books.desk,
        state=books.state,
        reports=books.reports[: desk.reports],
        intents=books.intents[: desk.intents],
        orders=books.orders[: desk.count],
        equity_quanta=equity,
        indicators=indicators,
        ambiguous=ambiguous[: len(member.candles)] if member.config.find_ambiguous else None,
    )


def _joined(parts: Sequence[BacktestResult]) -> tuple[IntColumn, NDArray[np.int64]]:
    """Every time a candle closes, and the account at it."""
    closes = [part.candles.open_ms[part.config.warmup_bars :] + part.candles.timeframe_ms for part in parts]
    times = np.unique(np.concatenate(closes))
    total = np.zeros(times.size, np.int64)
    start = int(parts[0].config.initial_balance * parts[0].scale.money)
    for part, own_ms in zip(parts, closes, strict=True):
        total += on_moments(part.equity_quanta[part.config.warmup_bars :] - start, own_ms, times)
    return times, total + start


def on_moments(values: NDArray[Any], own_ms: IntColumn, times: IntColumn) -> NDArray[Any]:
    """A column of one symbol at the closes of all: its last value until then, 0 before its first."""
    at = np.searchsorted(own_ms, times, side="right") - 1
    return np.where(at >= 0, values[np.maximum(at, 0)], 0)
