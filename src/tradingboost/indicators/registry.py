"""The one list of indicator names. A column is asked for as `ema_20` or `bollinger_20_2`; another name is refused."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.core.errors import InvalidInput
from tradingboost.indicators.adx import adx
from tradingboost.indicators.atr import atr
from tradingboost.indicators.bollinger import bollinger, bollinger_width
from tradingboost.indicators.ema import ema, ema_from_first
from tradingboost.indicators.extremes import highest, lowest
from tradingboost.indicators.jma import jma
from tradingboost.indicators.kernel import kernel
from tradingboost.indicators.mama import mama
from tradingboost.indicators.rsi import rsi
from tradingboost.indicators.sma import sma
from tradingboost.indicators.t3 import t3
from tradingboost.indicators.trend import trend
from tradingboost.indicators.trend_fold import check_feed
from tradingboost.indicators.vidya import vidya


class Indicator(msgspec.Struct, frozen=True):
    """One entry.

    Args:
        compute: (*inputs, *settings) -> a column, or a tuple of them in the order of `outputs`.
        inputs: columns of the series it reads.
        settings: names of its settings and their types, in the order of the name's numbers.
        outputs: what its columns are called; the first stands for the indicator's own name.
    """

    compute: Callable[..., Any]
    inputs: tuple[str, ...]
    settings: tuple[tuple[str, type], ...]
    outputs: tuple[str, ...]


def _trend(closes_ms: NDArray[np.int64], closes: NDArray[np.float64], chart_minutes: int) -> NDArray[Any]:
    if closes_ms.size > 1:
        check_feed(int(np.diff(closes_ms).min()) // 60_000, chart_minutes)
    return trend(closes_ms, closes, chart_minutes)


_CLOSE: Final = ("close",)
_MAY_BE_ZERO: Final = frozenset({"phase", "factor"})
_BARS: Final = ("high", "low", "close")
_LENGTH: Final = ("length", int)
_BANDS: Final = (_LENGTH, ("multiple", float))

INDICATORS: Final[Mapping[str, Indicator]] = {
    "adx": Indicator(adx, _BARS, (_LENGTH,), ("adx", "plus_di", "minus_di")),
    "atr": Indicator(atr, _BARS, (_LENGTH,), ("atr",)),
    "bollinger": Indicator(bollinger, _CLOSE, _BANDS, ("bollinger_lower", "bollinger_middle", "bollinger_upper")),
    "bollinger_width": Indicator(bollinger_width, _CLOSE, _BANDS, ("bollinger_width", "bollinger_place")),
    "ema": Indicator(ema, _CLOSE, (_LENGTH,), ("ema",)),
    "ema_from_first": Indicator(ema_from_first, _CLOSE, (_LENGTH,), ("ema_from_first",)),
    "highest": Indicator(highest, ("high",), (_LENGTH,), ("highest",)),
    "jma": Indicator(jma, _CLOSE, (_LENGTH, ("phase", float), ("power", int)), ("jma",)),
    "kernel": Indicator(kernel, _CLOSE, (("lookback", float), ("relative_weight", float), ("taps", int)), ("kernel",)),
    "lowest": Indicator(lowest, ("low",), (_LENGTH,), ("lowest",)),
    "mama": Indicator(mama, _CLOSE, (_LENGTH, ("fast", float), ("slow", float)), ("mama", "fama", "mama_rate")),
    "rsi": Indicator(rsi, _CLOSE, (_LENGTH,), ("rsi",)),
    "sma": Indicator(sma, _CLOSE, (_LENGTH,), ("sma",)),
    "t3": Indicator(t3, _CLOSE, (_LENGTH, ("factor", float)), ("t3",)),
    "trend": Indicator(_trend, ("close_ms", "close"), (("chart_minutes", int),), ("trend",)),
    "vidya": Indicator(vidya, _CLOSE, (_LENGTH, ("window", int)), ("vidya",)),
}


def indicator(name: str) -> Indicator:
    """The entry of a name.

    Raises:
        InvalidInput: nobody computes that.
    """
    if name in INDICATORS:
        return INDICATORS[name]
    near = difflib.get_close_matches(name, INDICATORS, 1, 0.75)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(INDICATORS)}."
    raise InvalidInput(
        "unknown_indicator", f"There is no indicator {name!r}; {hint}", suggestion=near[0] if near else None
    )


def columns(name: str, series: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The columns of an indicator with its settings, named like it: `bollinger_20_2` gives `bollinger_lower_20_2`, ...

    Args:
        name: indicator and settings joined by `_`; a setting may have a decimal point.
        series: arrays by name (`high`, `low`, `close`; `close_ms` for the trend), oldest first, last bar closed.

    Raises:
        InvalidInput: an unknown indicator, or settings it does not have.
    """
    head, numbers = _split(name)
    entry = indicator(head)
    settings = _settings(name, entry, numbers)
    found = entry.compute(*(np.ascontiguousarray(series[column]) for column in entry.inputs), *settings)
    parts = found if isinstance(found, tuple) else (found,)
    return {"_".join((output, *numbers)): part for output, part in zip(entry.outputs, parts, strict=True)}


def _split(name: str) -> tuple[str, list[str]]:
    words = name.split("_")
    count = len(words)
    while count > 1 and words[count - 1].replace(".", "", 1).isdigit():
        count -= 1
    return "_".join(words[:count]), words[count:]


def _settings(name: str, entry: Indicator, numbers: list[str]) -> list[Any]:
    wanted = " and ".join(setting for setting, _ in entry.settings)
    problem = InvalidInput("indicator_settings", f"{name!r} must end in its {wanted}, as in `ema_20`.", indicator=name)
    if len(numbers) != len(entry.settings):
        raise problem
    values = []
    for (setting, kind), text in zip(entry.settings, numbers, strict=True):
        if (kind is int and not text.isdigit()) or (float(text) <= 0 and setting not in _MAY_BE_ZERO):
            raise problem
        values.append(kind(text))
    return values
