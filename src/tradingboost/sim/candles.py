"""Candles of every bar, folded from prints and closed by the clock.

A print touches only the running minute; a closed minute is folded into the longer bars. A minute without a print
closes flat at last with volume 0, so a bar always closes on time.
"""

from collections.abc import Sequence

from tradingboost.sim.bars import BARS, MINUTE_US, bar_length, bar_open
from tradingboost.sim.commands import SeedCandles
from tradingboost.sim.events import CandleChanged
from tradingboost.sim.rows import Candle
from tradingboost.sim.state import CandleBook, Market, State

TIMER = "minute"


def fold_print(state: State, market: Market, px: int, lots: int) -> None:
    """Put a print into the running minute and see that the minute will be closed."""
    book = market.candles.setdefault("1m", CandleBook())
    book.running = _merge(book.running, _flat(bar_open("1m", state.now_us), px, lots))
    arm(state)


def arm(state: State) -> None:
    """Set the one timer that closes minutes, once anything has a price."""
    if not state.minute_armed:
        state.minute_armed = True
        state.set_timer(state.now_us - state.now_us % MINUTE_US + MINUTE_US, TIMER)


def close_minute(state: State) -> None:
    """Timer: the minute before now is over for every market that has a price."""
    for market in state.markets.values():
        if market.last:
            _close_minute_of(state, market)
    state.set_timer(state.now_us + MINUTE_US, TIMER)


def seed(state: State, command: SeedCandles) -> None:
    """Store history; the close of its last row becomes the last price when there was none."""
    market = state.market(command.inst_id)
    length = bar_length(command.bar)
    for row in command.rows:
        _append(state, market, command.bar, row)
    for bar in BARS:
        if bar != command.bar and bar_length(bar) % length == 0 and bar_length(bar) not in range(1, length + 1):
            _seed_long(state, market, bar, command.rows, length)
    if command.rows and not market.last:
        market.last = market.mark = market.index = command.rows[-1].close
        arm(state)


def newest(market: Market, bar: str, limit: int) -> tuple[Candle, ...]:
    """The newest `limit` bars, oldest first, the running one last."""
    book = market.candles.get(bar, CandleBook())
    running = book.running
    minute = market.candles.get("1m", CandleBook()).running
    if bar != "1m" and minute is not None:
        start = bar_open(bar, minute.ts_us)
        running = _merge(
            running, Candle(start, minute.open, minute.high, minute.low, minute.close, minute.lots, minute.cost)
        )
    if running is None:
        return tuple(book.closed[-limit:])
    return (*(book.closed[-(limit - 1) :] if limit > 1 else ()), running)


def _close_minute_of(state: State, market: Market) -> None:
    book = market.candles.setdefault("1m", CandleBook())
    row = book.running or _flat(state.now_us - MINUTE_US, market.last, 0)
    book.running = None
    _append(state, market, "1m", row)
    state.emit(CandleChanged(*state.stamp(), market.inst.inst_id, "1m", row))
    for bar in BARS[1:]:
        closed = _fold_long(state, market, bar, row, state.now_us)
        if closed is not None:
            state.emit(CandleChanged(*state.stamp(), market.inst.inst_id, bar, closed))


def _fold_long(state: State, market: Market, bar: str, row: Candle, end_us: int) -> Candle | None:
    """Put a closed shorter bar, which ends at `end_us`, into `bar`; the bar when it closes with it."""
    book = market.candles.get(bar)
    if book is None:
        book = market.candles[bar] = CandleBook()
    running = book.running
    start = running.ts_us if running is not None else bar_open(bar, row.ts_us)
    merged = _merge(running, Candle(start, row.open, row.high, row.low, row.close, row.lots, row.cost))
    if bar_open(bar, end_us) == start:
        book.running = merged
        return None
    book.running = None
    _append(state, market, bar, merged)
    return merged


def _seed_long(state: State, market: Market, bar: str, rows: Sequence[Candle], length: int) -> None:
    """What `_fold_long` does, for many rows at once: numbers are merged, a Candle is made only where a bar closes."""
    book = market.candles.setdefault(bar, CandleBook())
    fixed, start = bar_length(bar), 0
    first = high = low = close = lots = cost = 0
    if (running := book.running) is not None:
        start, first, high, low = running.ts_us, running.open, running.high, running.low
        close, lots, cost = running.close, running.lots, running.cost
    for row in rows:
        if not start:
            start, first, high, low, lots, cost = bar_open(bar, row.ts_us), row.open, row.high, row.low, 0, 0
        high = row.high if row.high > high else high
        low = row.low if row.low < low else low
        close, lots, cost = row.close, lots + row.lots, cost + row.cost
        end_us = row.ts_us + length
        if end_us >= start + fixed if fixed else bar_open(bar, end_us) != start:
            _append(state, market, bar, Candle(start, first, high, low, close, lots, cost))
            start = 0
    book.running = Candle(start, first, high, low, close, lots, cost) if start else None


def _append(state: State, market: Market, bar: str, row: Candle) -> None:
    closed = market.candles.setdefault(bar, CandleBook()).closed
    closed.append(row)
    if len(closed) > state.policy.candle_rows * 6 // 5:
        del closed[: len(closed) - state.policy.candle_rows]


def _merge(running: Candle | None, row: Candle) -> Candle:
    if running is None:
        return row
    return Candle(
        running.ts_us,
        running.open,
        max(running.high, row.high),
        min(running.low, row.low),
        row.close,
        running.lots + row.lots,
        running.cost + row.cost,
    )


def _flat(ts_us: int, px: int, lots: int) -> Candle:
    return Candle(ts_us, px, px, px, px, lots, px * lots)
