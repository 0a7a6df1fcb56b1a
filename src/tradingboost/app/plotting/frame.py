"""`plot-dataframe`: a run's candles with what the strategy saw and did, as one page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.backtesting import Backtested, backtest
from tradingboost.app.data.loading import store_of
from tradingboost.app.joint import alone
from tradingboost.app.optimise.examining import request_of
from tradingboost.app.plotting.panes import Column, Pane, below, grid_lines, names_of, over, own_panes
from tradingboost.app.report import composed
from tradingboost.app.settings import Settings
from tradingboost.app.timerange import day, span_of
from tradingboost.backtest import BacktestResult
from tradingboost.backtest.document import DealLine, Document
from tradingboost.backtest.series import MOST_LINES, MOST_MARKS, candles_of, marks_of
from tradingboost.backtest.story import tell
from tradingboost.core.errors import InvalidInput

_SCRIPTS: Final = ("charts.js", "price.js", "deals.js", "frame.js")
_MOST_DEALS: Final = 20_000


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """What the price chart is drawn from, as `backtest.series.Series` says."""

    tick: str
    candle_ms: int
    candles: list[list[int]]
    marks: list[list[int]]
    lines: list[list[int]]


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The document of the page.

    Args:
        bars: bars of the run in the window.
        over, panes: lines over the price and below it; `grid`: [from, until, ticks] of a grid's orders.
    """

    strategy: str
    symbol: str
    timeframe: str
    receipt: str
    bars: int
    notes: list[str]
    series: Drawn
    over: list[Column]
    panes: list[Pane]
    grid: list[list[int]]
    deals: list[DealLine]


def again(kept: Document, candles: Path | None, settings: Settings) -> tuple[Backtested, list[str]]:
    """Run a kept result once more, because what the strategy saw is not kept.

    Returns:
        the run, and what to say when it is another one than was kept.

    Raises:
        NotFound, InvalidInput: its candles are not there.
    """
    request = request_of(kept, candles, None)
    done = asked(request, settings)
    same = done.document.code == kept.code and done.document.data.digest == kept.data.digest
    note = "Code or candles are not those the result was kept with, so this is the run of now; see verify-result."
    return done, [] if same else [note]


def asked(request: BacktestRequest, settings: Settings) -> Backtested:
    """Run a request without its band, which nobody draws here.

    Raises:
        NotFound, InvalidInput: several symbols; see also `app.backtesting`.
    """
    return backtest(msgspec.structs.replace(alone(request), band=False), store_of(settings))


def frame(done: Backtested, window: str, indicators: tuple[Sequence[str], Sequence[str]], notes: list[str]) -> Frame:
    """The part of a run that lies in a window.

    Args:
        window: a time range; "" = the whole run.
        indicators: names over the price, names below it.

    Raises:
        InvalidInput: nothing lies in the window, or an indicator nobody computes.
    """
    result, found = done.result, done.document
    begin, stop = _window(result, window)
    from_ms = int(result.candles.open_ms[begin])
    until_ms = int(result.candles.open_ms[stop - 1]) + result.candles.timeframe_ms
    candle_ms, last, rows = candles_of(result, begin, stop)
    joined = candle_ms // result.candles.timeframe_ms
    if joined > 1:
        notes = [*notes, f"Each candle drawn is {joined} of the run's; a shorter --timerange shows them one by one."]
    marks = [one for one in marks_of(result) if from_ms <= one[0] <= until_ms]
    lines = [one for one in tell(result).lines if one.until_ms > from_ms and one.from_ms < until_ms]
    if len(marks) > MOST_MARKS or len(lines) > MOST_LINES:
        notes = [*notes, "There are more fills or stops than can be drawn; the last ones are left out."]
    above, under = (names_of(words) for words in indicators)
    drawn = Drawn(
        tick=str(result.scale.tick),
        candle_ms=candle_ms,
        candles=rows,
        marks=marks[:MOST_MARKS],
        lines=[[one.from_ms, one.until_ms, one.price, int(one.hedge)] for one in lines[:MOST_LINES]],
    )
    return Frame(
        strategy=result.strategy,
        symbol=found.summary.symbol,
        timeframe=done.timeframe,
        receipt=found.receipt,
        bars=stop - begin,
        notes=notes,
        series=drawn,
        over=over(result, above, last),
        panes=[*own_panes(result, found.request["params"], last), *below(result, under, last)],
        grid=grid_lines(result, from_ms, until_ms),
        deals=_deals(found, from_ms, until_ms),
    )


def _deals(found: Document, from_ms: int, until_ms: int) -> list[DealLine]:
    """Deals that were open at some time of a window."""
    inside = [one for one in found.deals if one.opened_ms <= until_ms and (one.closed_ms or until_ms) >= from_ms]
    return inside[:_MOST_DEALS]


def frame_page(found: Frame) -> str:
    """One HTML text that needs nothing else."""
    data = msgspec.json.encode(found, order="deterministic")
    return composed("frame.html", _SCRIPTS, f"{found.strategy} on {found.symbol}, candles", data)


def _window(result: BacktestResult, window: str) -> tuple[int, int]:
    from_ms, until_ms = span_of(window)
    opens, first = result.candles.open_ms, result.config.warmup_bars
    begin = max(int(np.searchsorted(opens, from_ms)), first)
    stop = int(np.searchsorted(opens, until_ms))
    if stop <= begin:
        days = f"{day(int(opens[first]))} to {day(int(opens[-1]))}"
        raise InvalidInput("window_empty", f"Nothing of the run lies in {window}; it goes from {days}.")
    return begin, stop
