"""Running one strategy over candles in memory."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from tradingboost.backtest.dense import Drive, build
from tradingboost.backtest.detail import path_of
from tradingboost.backtest.finish import close_legs
from tradingboost.backtest.model import (
    BacktestConfig,
    Candles,
    LimitFill,
    MarginMode,
    OnEnd,
    PathRule,
    PositionMode,
    Scale,
    rate_parts,
)
from tradingboost.backtest.outline import marks_of
from tradingboost.backtest.records import (
    HEADLINE,
    LIQUIDATION_SLOT,
    MAX_TIERS,
    NEUTRAL,
    NOT_SETTLED,
    OFF_GRID,
    OPTIMISTIC,
    PESSIMISTIC,
    ROWS_A_BAR,
    SLOT_TAKEN,
    TOO_LARGE,
    TOO_MANY_ORDERS,
    WOKE,
    Books,
    Columns,
    empty_books,
    grown,
)
from tradingboost.backtest.result import BacktestResult
from tradingboost.core.errors import BrokenInvariant, InvalidInput
from tradingboost.core.instrument import InstrumentKind
from tradingboost.sim import rules
from tradingboost.strategies.contract import Strategy, records, slot_name, step_ratio

_LIMIT_MODELS = {
    LimitFill.TRADE_THROUGH: rules.TRADE_THROUGH,
    LimitFill.TOUCH: rules.TOUCH,
    LimitFill.OPTIMISTIC: rules.OPTIMISTIC,
}
_PATH_RULES = {
    PathRule.NEUTRAL: NEUTRAL,
    PathRule.HEADLINE: HEADLINE,
    PathRule.PESSIMISTIC: PESSIMISTIC,
    PathRule.OPTIMISTIC: OPTIMISTIC,
}
_FAULTS = {
    OFF_GRID: "asked for a price or quantity that is not on the instrument's grid",
    SLOT_TAKEN: "placed a second order in a slot whose first is still live",
    NOT_SETTLED: "answered its own reports without end at one price",
    TOO_MANY_ORDERS: "has more live orders than the backtest can hold",
    TOO_LARGE: "holds a position too large to be counted exactly",
    WOKE: "acted at a close it pays no attention to",
}


def run(
    strategy: Strategy,
    candles: Candles,
    params: Any,
    config: BacktestConfig,
    indicators: Any = None,
    *,
    watching: Callable[[int, Books], None] | None = None,
) -> BacktestResult:
    """Walk the candles with the strategy's own kernel and the simulated exchange's fill rules.

    Args:
        strategy: the catalogue entry.
        candles: checked against the instrument's tick (`Candles.check`) by whoever loaded them.
        params: the record array `strategy.compile_params` made.
        config: instrument, account and costs.
        indicators: what `strategy.indicator_columns` gave for these candles and parameters; None = computed here.
        watching: is shown the books after every close, with its bar; the driver then comes back bar by bar.

    Raises:
        InvalidInput: no candle is left after the warm-up.
        BrokenInvariant: the kernel broke its contract; the message names bar and slot.
    """
    if len(candles) <= config.warmup_bars:
        raise InvalidInput(
            "no_candles", f"{len(candles)} candles leave nothing after a warm-up of {config.warmup_bars}; load more."
        )
    scale = Scale.of(config)
    books = books_for(strategy, params, candles.timeframe_ms, config)
    if indicators is None:
        indicators = indicators_of(strategy, candles, params)
    columns = columns_for(candles, config, indicators, watched(strategy, candles, indicators, params))
    columns.equity[: config.warmup_bars] = books.desk[0].cash
    driver = driver_of(strategy)
    at, stop = config.warmup_bars, len(candles)
    while at < stop:
        at = driver(books, columns, at, stop if watching is None else at + 1)
        desk = books.desk[0]
        if desk.status:
            raise broken(strategy, desk)
        if watching is not None:
            watching(at - 1, books)
        if desk.liquidated:
            columns.equity[at:] = desk.cash
            break
        books = _with_room(books)
    if config.on_end is OnEnd.CLOSE and not books.desk[0].liquidated:
        close_legs(books, columns)
    return BacktestResult(
        strategy=strategy.name,
        config=config,
        scale=scale,
        candles=candles,
        desk=books.desk,
        state=books.state,
        reports=books.reports[: books.desk[0].reports],
        intents=books.intents[: books.desk[0].intents],
        orders=books.orders[: books.desk[0].count],
        equity_quanta=columns.equity,
        indicators=indicators,
        ambiguous=columns.ambiguous if config.find_ambiguous else None,
    )


def indicators_of(strategy: Strategy, candles: Candles, params: Any, feed: Candles | None = None) -> Any:
    """The indicator columns of a run, which every run on the same candles and parameters shares.

    Args:
        feed: candles of `strategy.feed_ms(params[0])`, where that is not 0.
    """
    return strategy.indicator_columns(candles, params[0], feed).view(np.recarray)


def watched(strategy: Strategy, candles: Candles, indicators: Any, params: Any) -> Any:
    """The marks of every close."""
    if strategy.watch is None:
        return np.zeros(len(candles), np.uint8)
    return strategy.watch(indicators, candles.closes, params[0])


@lru_cache(maxsize=32)
def driver_of(strategy: Strategy) -> Drive:
    """The driver of a strategy, built once a process."""
    return build(strategy)


def books_for(strategy: Strategy, params: Any, timeframe_ms: int, config: BacktestConfig) -> Books:
    """Empty books with the rules of the run, the strategy started."""
    scale = Scale.of(config)
    books = empty_books(records(strategy.state), params)
    desk = books.desk[0]
    instrument = config.instrument
    spot = instrument.kind is InstrumentKind.SPOT
    desk.tick_num, desk.tick_den = step_ratio(instrument.tick)
    desk.lot_num, desk.lot_den = step_ratio(instrument.lot)
    desk.tick_value = scale.tick_value
    desk.maker_rate = rate_parts(config.maker_fee)
    desk.taker_rate = rate_parts(config.taker_fee)
    _set_tiers(desk, config)
    desk.slippage_ppm = int(config.slippage_bps * 100)
    desk.limit_model = _LIMIT_MODELS[config.limit_fill]
    desk.net = config.position_mode is PositionMode.NET
    desk.leverage = 1 if spot else config.leverage
    desk.liquidates = config.liquidation and not spot
    desk.isolated = config.margin_mode is MarginMode.ISOLATED
    desk.path_rule = _PATH_RULES[config.path_rule]
    desk.finds = config.find_ambiguous
    desk.detailed = config.detail is not None
    desk.sleeps = not config.every_close
    desk.timeframe_ms = timeframe_ms
    desk.cash = int(config.initial_balance * scale.money)
    desk.dirty = 1
    desk.level_below = desk.trigger_below = -np.inf
    desk.level_above = desk.trigger_above = np.inf
    strategy.start(books.state[0], params[0])
    return books


def _set_tiers(desk: Any, config: BacktestConfig) -> None:
    """Maintenance rates by size in lots; without tiers one rate for every size."""
    if len(config.tiers) > MAX_TIERS:
        raise InvalidInput("too_many_tiers", f"At most {MAX_TIERS} margin tiers can be tested; give fewer.")
    desk.tiers = max(len(config.tiers), 1)
    desk.tier_rates[0] = rate_parts(config.maintenance_rate)
    for index, tier in enumerate(config.tiers):
        desk.tier_lots[index] = int(tier.max_qty / config.instrument.lot)
        desk.tier_rates[index] = rate_parts(tier.maintenance_rate)


def columns_for(candles: Candles, config: BacktestConfig, indicators: Any, watch: Any) -> Columns:
    """Market data beside the indicators; settlements before the first traded bar are past."""
    swap = config.instrument.kind is not InstrumentKind.SPOT
    times, rates = config.funding.times_ms, config.funding.rates
    first = int(np.searchsorted(times, candles.open_ms[config.warmup_bars])) if swap else times.size
    path = path_of(candles, config.detail)
    block_lows, block_highs = candles.extremes
    return Columns(
        open_ms=candles.open_ms,
        opens=candles.opens,
        highs=candles.highs,
        lows=candles.lows,
        closes=candles.closes,
        volumes=candles.volumes,
        indicators=indicators,
        funding_ms=np.ascontiguousarray(times[first:]),
        funding_rates=np.array([rate_parts(rate) for rate in rates[first:]], dtype=np.int64),
        equity=np.empty(len(candles), np.int64),  # every close is written
        path_open_ms=path.open_ms,
        path_length_ms=path.length_ms,
        path_opens=path.opens,
        path_highs=path.highs,
        path_lows=path.lows,
        path_closes=path.closes,
        path_first=path.first,
        ambiguous=np.zeros(len(candles), np.bool_),
        watch=watch,
        close_ticks=candles.close_ticks(config.instrument.tick),
        block_lows=block_lows,
        block_highs=block_highs,
        block_marks=marks_of(watch),
    )


def _with_room(books: Books) -> Books:
    """The books, with larger logs where the next bar might not fit."""
    desk = books.desk[0]
    if books.reports.size - desk.reports <= ROWS_A_BAR:
        books = books._replace(reports=grown(books.reports, desk.reports))
    if books.intents.size - desk.intents <= ROWS_A_BAR:
        books = books._replace(intents=grown(books.intents, desk.intents))
    return books


def broken(strategy: Strategy, desk: Any) -> BrokenInvariant:
    slot = int(desk.status_slot)
    name = slot_name(slot) if slot > LIQUIDATION_SLOT else ""
    return BrokenInvariant(
        "kernel_contract",
        f"The {strategy.name} kernel {_FAULTS[int(desk.status)]} (bar {int(desk.bar)}, slot {name or 'unknown'}).",
        bar=int(desk.bar),
        slot=name,
    )
