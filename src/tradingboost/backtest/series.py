"""What the charts of a report are drawn from: a run in few enough points to be looked at."""

from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.backtest.records import END_SLOT, LIQUIDATION_SLOT
from tradingboost.backtest.result import BacktestResult
from tradingboost.backtest.story import Story
from tradingboost.strategies.contract import SLOT_BASE, Family

MOST_CANDLES: Final = 12_000
MOST_POINTS: Final = 1_500
MOST_MARKS: Final = 20_000
MOST_LINES: Final = 20_000

ENTRY: Final = 0
ADD: Final = 1
PROFIT: Final = 2
STOP: Final = 3
EXIT: Final = 4
_KINDS: Final = {
    Family.ENTRY: ENTRY,
    Family.ADD: ADD,
    Family.TP: PROFIT,
    Family.SL: STOP,
    Family.HEDGE_ENTRY: ENTRY,
    Family.HEDGE_TP: PROFIT,
    Family.HEDGE_SL: STOP,
    Family.INIT: ENTRY,
}


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Columns for charts. Prices are whole ticks, times milliseconds.

    Args:
        candle_ms: length of a drawn candle, several of the run's.
        candles: [open time / candle_ms, open, high, low, close], each as the difference to the row before.
        points_ms, equity, hold: money at some closes, of the run and of holding from the start.
        falls: deepest fall between a point and the one before, as a ratio of the peak so far, not above zero.
        marks: [time, price, side, kind, deal] of fills: kind 0 entry, 1 add, 2 take-profit, 3 stop, 4 any other exit.
        lines: [from, until, price, hedge] of stops.
        daily: equity at each 00:00 UTC.
    """

    tick: str
    candle_ms: int
    candles: list[list[int]]
    points_ms: list[int]
    equity: list[float]
    hold: list[float]
    falls: list[float]
    marks: list[list[int]]
    lines: list[list[int]]
    daily: list[float]
    dropped_marks: int = 0


def series_of(result: BacktestResult, story: Story) -> Series:
    """The chart columns of a run."""
    first, candles = result.config.warmup_bars, result.candles
    closes_ms = candles.open_ms[first:] + candles.timeframe_ms
    equity = result.equity()[first:]
    last = last_of_groups(equity.size, MOST_POINTS)
    peaks = np.maximum.accumulate(np.maximum(equity, float(result.config.initial_balance)))
    falls = np.where(peaks > 0, equity / np.where(peaks > 0, peaks, 1.0) - 1.0, 0.0)
    starts = np.concatenate(([0], last[:-1] + 1))
    hold = _hold(result)
    candle_ms, _, rows = candles_of(result, first, len(candles))
    marks = marks_of(result)
    return Series(
        tick=str(result.scale.tick),
        candle_ms=candle_ms,
        candles=rows,
        points_ms=closes_ms[last].tolist(),
        equity=rounded(equity[last], 2),
        hold=rounded(hold[last], 2),
        falls=rounded(np.minimum.reduceat(falls, starts), 6),
        marks=marks[:MOST_MARKS],
        lines=[[one.from_ms, one.until_ms, one.price, int(one.hedge)] for one in story.lines[:MOST_LINES]],
        daily=rounded(result.daily_curve()[0], 4),
        dropped_marks=max(len(marks) - MOST_MARKS, 0),
    )


def kind_of(slot: int, opens: bool) -> int:
    """What a fill did, in the words of a chart; a grid's cells open or close."""
    if slot in (LIQUIDATION_SLOT, END_SLOT):
        return EXIT
    family = Family(slot // SLOT_BASE)
    if family in (Family.BUY, Family.SELL):
        return ENTRY if opens else PROFIT
    return _KINDS.get(family, EXIT)


def _hold(result: BacktestResult) -> NDArray[np.float64]:
    """Money of somebody who bought at the first open with everything."""
    first, candles = result.config.warmup_bars, result.candles
    bought = float(result.config.initial_balance) / candles.opens[first] / (1.0 + float(result.config.taker_fee))
    return np.asarray(candles.closes[first:] * bought)


def marks_of(result: BacktestResult) -> list[list[int]]:
    """Every fill as a mark, see `Series.marks`."""
    fills, deals = result.fills, result.deals()
    owner = np.zeros(len(fills), np.int64)
    for number, deal in enumerate(deals):
        rows = np.arange(deal["first"], deal["last"] + 1)
        leg = fills["position_side"][deal["first"]]
        mine = rows if result.desk[0]["net"] else rows[fills["position_side"][rows] == leg]
        owner[mine] = number
    opens = fills["profit"] == 0
    kinds = [kind_of(slot, free) for slot, free in zip(fills["slot"].tolist(), opens.tolist(), strict=True)]
    columns = (fills["ts_ms"].tolist(), fills["price"].tolist(), fills["side"].tolist(), kinds, owner.tolist())
    return [list(row) for row in zip(*columns, strict=True)]


def candles_of(result: BacktestResult, begin: int, stop: int) -> tuple[int, NDArray[np.intp], list[list[int]]]:
    """The bars [begin, stop) put together until there are few enough; groups keep to whole multiples in time.

    Returns:
        length of a drawn candle in milliseconds, the last bar of each, and the candles as differences.
    """
    candles = result.candles
    factor = -(-(stop - begin) // MOST_CANDLES)
    length = factor * candles.timeframe_ms
    groups = candles.open_ms[begin:stop] // length
    at = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
    last = np.append(at[1:], groups.size) - 1
    tick = float(result.scale.tick)

    def ticks(values: Any) -> NDArray[np.int64]:
        return np.asarray(np.rint(values / tick), np.int64)

    rows = np.stack(
        [
            groups[at],
            ticks(candles.opens[begin:stop][at]),
            ticks(np.maximum.reduceat(candles.highs[begin:stop], at)),
            ticks(np.minimum.reduceat(candles.lows[begin:stop], at)),
            ticks(candles.closes[begin:stop][last]),
        ],
        axis=1,
    )
    return length, begin + last, np.diff(rows, axis=0, prepend=0).tolist()


def last_of_groups(size: int, most: int) -> NDArray[np.intp]:
    """Row of the last bar of each of at most `most` even groups."""
    count = min(size, most)
    return np.asarray((np.arange(1, count + 1) * size) // count - 1)


def rounded(values: NDArray[np.float64], digits: int) -> list[float]:
    """A column as short numbers."""
    return [float(value) for value in np.round(values, digits)]
