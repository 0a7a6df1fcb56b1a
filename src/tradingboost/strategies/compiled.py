"""A strategy's kernel as compiled functions, for callers that step one run at a time.

Every function takes arrays of length 1 instead of records, as `plain` gives them: structured arrays enter compiled code
in well under a microsecond, record arrays and single records take ten. With NUMBA_DISABLE_JIT=1 the same calls run
interpreted.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
import numpy as np
from numba import config, njit

from tradingboost.strategies import get
from tradingboost.strategies.contract import Strategy


class Kernel(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of one strategy. `state`, `params`, `bar`, `indicators`, `fill`, `fold`: plain arrays of length 1.

    Args:
        start: (state, params).
        on_bar: (state, params, bar, indicators, out) -> rows written to `out`.
        on_tick: (state, params, mark, ts_ms, out) -> rows written.
        on_fill: (state, params, fill, out) -> rows written.
        triggers: (state, params) -> (below, above).
        fold_bar: (fold, params, bar, indicators).
        fold_feed: (fold, params, close_ms, close).
    """

    start: Callable[..., None]
    on_bar: Callable[..., int]
    on_tick: Callable[..., int]
    on_fill: Callable[..., int]
    triggers: Callable[..., tuple[float, float]]
    fold_bar: Callable[..., None]
    fold_feed: Callable[..., None]


def plain(records: Any) -> Any:
    """The same memory as a plain structured array; the record array stays usable for reading by attribute."""
    return records.view(np.ndarray).view(np.dtype((np.void, records.dtype)))


@cache
def kernel(name: str) -> Kernel:
    """The compiled kernel of a catalogue entry; a function is compiled, or read from the cache, at its first call."""
    wrap: Callable[..., Any] = interpreted if config.DISABLE_JIT else _compiled  # type: ignore[attr-defined]
    return Kernel(**{call: wrap(function) for call, function in _over_arrays(get(name)).items()})


def _over_arrays(strategy: Strategy) -> dict[str, Callable[..., Any]]:
    start, triggers, fold_bar, fold_feed = strategy.start, strategy.triggers, strategy.fold_bar, strategy.fold_feed
    bar_closed, price_reached, order_changed = strategy.on_bar, strategy.on_tick, strategy.on_fill

    def start_(state: Any, params: Any) -> None:
        start(state[0], params[0])

    def on_bar(state: Any, params: Any, bar: Any, indicators: Any, out: Any) -> int:
        return bar_closed(state[0], params[0], bar[0], indicators[0], out)

    def on_tick(state: Any, params: Any, mark: float, ts_ms: int, out: Any) -> int:
        return price_reached(state[0], params[0], mark, ts_ms, out)

    def on_fill(state: Any, params: Any, fill: Any, out: Any) -> int:
        return order_changed(state[0], params[0], fill[0], out)

    def triggers_(state: Any, params: Any) -> tuple[float, float]:
        return triggers(state[0], params[0])

    def fold_bar_(fold: Any, params: Any, bar: Any, indicators: Any) -> None:
        fold_bar(fold[0], params[0], bar[0], indicators[0])

    def fold_feed_(fold: Any, params: Any, close_ms: int, close: float) -> None:
        fold_feed(fold[0], params[0], close_ms, close)

    return {
        "start": start_,
        "on_bar": on_bar,
        "on_tick": on_tick,
        "on_fill": on_fill,
        "triggers": triggers_,
        "fold_bar": fold_bar_,
        "fold_feed": fold_feed_,
    }


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return njit(cache=True, error_model="numpy", nogil=True)(function)


def interpreted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Records have attributes only through record arrays when nothing is compiled."""

    def call(*arguments: Any) -> Any:
        return function(*(_records(argument) for argument in arguments))

    return call


def _records(argument: Any) -> Any:
    return argument.view(np.recarray) if isinstance(argument, np.ndarray) else argument
