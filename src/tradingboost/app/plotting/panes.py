"""What is drawn over and below candles: a strategy's own columns, indicators by name, the prices a grid stood at."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.backtest import BacktestResult
from tradingboost.core.errors import InvalidInput
from tradingboost.indicators import registry
from tradingboost.strategies.contract import SLOT_BASE, Family, Kind

MOST_NAMES: Final = 12
MOST_GRID_LINES: Final = 20_000
_DIGITS: Final = 8


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One line.

    Args:
        values: at the close of each drawn candle, None where it is not known yet.
        ticks: the same in ticks, for what stands over the price.
        steps: it jumps and does not slope.
    """

    name: str
    values: list[float | None]
    ticks: list[float | None] = []
    steps: bool = False


class Pane(msgspec.Struct, frozen=True, kw_only=True):
    """A strip below the price with lines of its own scale; `levels` are drawn across."""

    name: str
    columns: list[Column]
    levels: list[float] = []


class _Own(msgspec.Struct, frozen=True):
    """A strategy's column, and the parameters that are levels of it."""

    title: str
    column: str
    levels: tuple[str, ...] = ()
    steps: bool = False


_OWN: Final[Mapping[str, Sequence[_Own]]] = {
    "hyperrsi": (
        _Own("RSI", "rsi", ("rsi_oversold", "rsi_overbought")),
        _Own("ATR", "atr"),
        _Own("trend state", "trend", steps=True),
    ),
    "grid": (_Own("regime", "regime", steps=True),),
}


def names_of(words: Iterable[str]) -> list[str]:
    """Indicator names as people type them: repeated, or separated by commas or blanks.

    Raises:
        InvalidInput: too many.
    """
    names = list(dict.fromkeys(name for word in words for name in word.replace(",", " ").split()))
    if len(names) > MOST_NAMES:
        raise InvalidInput(
            "too_many_indicators", f"{len(names)} indicators are more than one can look at; name at most {MOST_NAMES}."
        )
    return names


def own_panes(result: BacktestResult, params: Mapping[str, Any], last: NDArray[np.intp]) -> list[Pane]:
    """The columns the strategy decided on, as far as it looked at them in this run.

    Args:
        params: resolved parameters, as a result keeps them.
        last: number of the last bar of each drawn candle.
    """
    panes = []
    for one in _OWN.get(result.strategy, ()):
        column = np.asarray(result.indicators[one.column], np.float64)
        if not np.any(np.nan_to_num(column)):
            continue  # nobody asked for it
        levels = [float(params[name]) for name in one.levels if name in params]
        panes.append(Pane(name=one.title, columns=[_column(one.title, column, last, one.steps)], levels=levels))
    return panes


def over(result: BacktestResult, names: Sequence[str], last: NDArray[np.intp]) -> list[Column]:
    """Indicators on the scale of the price.

    Raises:
        InvalidInput: a name nobody computes, or without its settings.
    """
    tick = float(result.scale.tick)
    return [
        msgspec.structs.replace(one, ticks=[None if value is None else _short(value / tick) for value in one.values])
        for name in names
        for one in _named(result, name, last)
    ]


def below(result: BacktestResult, names: Sequence[str], last: NDArray[np.intp]) -> list[Pane]:
    """Indicators in panes of their own, one a name.

    Raises:
        InvalidInput: a name nobody computes, or without its settings.
    """
    return [Pane(name=name, columns=_named(result, name, last)) for name in names]


def grid_lines(result: BacktestResult, from_ms: int, until_ms: int) -> list[list[int]]:
    """[from, until, ticks] of the prices at which a grid's cells had an order, rests at one price joined."""
    intents = result.intents
    rows = intents[np.isin(intents["slot"] // SLOT_BASE, (int(Family.BUY), int(Family.SELL)))]
    ticks = np.rint(rows["price"] / float(result.scale.tick)).astype(np.int64)
    end_ms = int(result.candles.open_ms[-1]) + result.candles.timeframe_ms
    standing: dict[int, tuple[int, int]] = {}
    spans: dict[int, list[tuple[int, int]]] = {}
    columns = (rows["slot"].tolist(), rows["kind"].tolist(), rows["ts_ms"].tolist(), ticks.tolist())
    for slot, kind, at_ms, price in zip(*columns, strict=True):
        since, stood = standing.get(slot, (at_ms, 0))
        if kind != Kind.CANCEL and price in (0, stood):
            continue
        if stood:
            spans.setdefault(stood, []).append((since, at_ms))
        standing[slot] = (at_ms, 0 if kind == Kind.CANCEL else price)
    for since, stood in standing.values():
        if stood:
            spans.setdefault(stood, []).append((since, end_ms))
    lines = [[begin, end, price] for price, found in sorted(spans.items()) for begin, end in _joined(found)]
    return [one for one in lines if one[1] > from_ms and one[0] < until_ms][:MOST_GRID_LINES]


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def _named(result: BacktestResult, name: str, last: NDArray[np.intp]) -> list[Column]:
    candles = result.candles
    series = {
        "high": candles.highs,
        "low": candles.lows,
        "close": candles.closes,
        "close_ms": candles.open_ms + candles.timeframe_ms,
    }
    steps = name.startswith("trend")
    return [_column(key, column, last, steps) for key, column in registry.columns(name, series).items()]


def _column(name: str, column: NDArray[Any], last: NDArray[np.intp], steps: bool) -> Column:
    values = [None if np.isnan(value) else _short(value) for value in np.asarray(column, np.float64)[last].tolist()]
    return Column(name=name, values=values, steps=steps)


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
