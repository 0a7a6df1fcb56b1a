"""Many runs of one strategy stepped by one compiled call: no object, task or lock a run.

Runs are rows of arrays, as `compiled.plain` gives them. `runs.Runs` keeps the arrays; these are the calls.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numba import config, njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from tradingboost.strategies.compiled import interpreted
from tradingboost.strategies.contract import EVERY_CLOSE, MAX_INTENTS, Record, Strategy

SHOWN: Final = 3
"""Closed bars that are kept: the newest, and the last two before it, all a kernel that slept may remember."""
WOKE: Final = -1


class Rows(NamedTuple):
    """What the runs are made of; every array but the last two has a row a run.

    Args:
        shared: number of the fold whose indicators the run decides on.
        attention: marks it attends to, EVERY_CLOSE = all closes.
        seen: number of the last close it was shown.
        below, above: its triggers.
        bars: BAR[SHOWN], the newest last.
        indicators: [SHOWN, folds], those of the same bars.
    """

    states: Any
    params: Any
    shared: NDArray[np.int64]
    attention: NDArray[np.int64]
    seen: NDArray[np.int64]
    below: NDArray[np.float64]
    above: NDArray[np.float64]
    bars: Any
    indicators: Any


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of one strategy over `Rows`.

    `out` and `owners` have as many rows; row k is a wish of run `owners[k]`, the runs in order. A call stops before a
    run for whose wishes there might be no room: it gives (place in `which` it did not come to, rows written), and goes
    on when it is called again with that place as `first`. (WOKE, run): the run wished something at a close it paid no
    attention to.

    Args:
        begin: (rows): start every run.
        look: (rows): read the triggers of every run.
        fold_bar: (folds, params, bar, indicators): a bar into every fold with the params of the same row.
        on_bar: (rows, which, first, now, deciding, out, owners): the newest close, number `now`. Deciding: of those
            runs that attend to it; else they are only shown what they have not seen.
        on_tick: (rows, which, first, mark, ts_ms, out, owners).
        on_fill: (rows, run, fill, out) -> rows written.
    """

    begin: Callable[..., None]
    look: Callable[..., None]
    fold_bar: Callable[..., None]
    on_bar: Callable[..., tuple[int, int]]
    on_tick: Callable[..., tuple[int, int]]
    on_fill: Callable[..., int]


@register_jitable
def always(state: Record, params: Record) -> int:  # noqa: ARG001 - the kernel contract
    """A kernel that does not say what it pays attention to is called at every close."""
    return EVERY_CLOSE


@register_jitable
def no_mark(before: Record, now: Record, params: Record) -> int:  # noqa: ARG001
    """Nobody attends to marks."""
    return 0


def batch_of(strategy: Strategy, *, compiled: bool = not config.DISABLE_JIT) -> Batch:  # type: ignore[attr-defined]
    """The batched calls of a strategy; compiled, or read from the cache, at their first use."""
    wrap = _compiled if compiled else _interpreted
    calls = (
        _begin(strategy),
        _look(strategy),
        _fold_bar(strategy),
        _on_bar(strategy),
        _on_tick(strategy),
        _on_fill(strategy),
    )
    return Batch(**{call.__name__: wrap(call) for call in calls})


def _attention(strategy: Strategy) -> tuple[Callable[..., int], Callable[..., int]]:
    """What a run attends to, and what a close bears; without either it is called at every close."""
    if strategy.attention is None or strategy.mark is None:
        return always, no_mark
    return strategy.attention, strategy.mark


def _begin(strategy: Strategy) -> Callable[..., None]:
    start = strategy.start

    def begin(rows: Rows) -> None:
        for u in range(rows.states.size):
            start(rows.states[u], rows.params[u])

    return begin


def _look(strategy: Strategy) -> Callable[..., None]:
    triggers = strategy.triggers

    def look(rows: Rows) -> None:
        for u in range(rows.states.size):
            rows.below[u], rows.above[u] = triggers(rows.states[u], rows.params[u])

    return look


def _fold_bar(strategy: Strategy) -> Callable[..., None]:
    fold_one = strategy.fold_bar

    def fold_bar(folds: Any, params: Any, bar: Any, indicators: Any) -> None:
        for g in range(folds.size):
            fold_one(folds[g], params[g], bar[0], indicators[g])

    return fold_bar


def _on_bar(strategy: Strategy) -> Callable[..., tuple[int, int]]:
    bar_closed, triggers = strategy.on_bar, strategy.triggers
    attend, mark = _attention(strategy)

    def on_bar(  # noqa: PLR0917 - compiled functions take no keyword-only parameters
        rows: Rows, which: NDArray[np.int64], first: int, now: int, deciding: bool, out: Any, owners: NDArray[np.int64]
    ) -> tuple[int, int]:
        written = 0
        for k in range(first, which.size):
            u = which[k]
            g = rows.shared[u]
            attends = rows.attention[u]
            if deciding and attends != EVERY_CLOSE:
                if attends == 0:
                    continue
                before, newest = rows.indicators[SHOWN - 2, g], rows.indicators[SHOWN - 1, g]
                if mark(before, newest, rows.params[u]) & attends == 0:
                    continue
            if written + MAX_INTENTS > out.size:
                return k, written
            wishes = 0
            for number in range(max(rows.seen[u] + 1, now + 1 - SHOWN), now + 1):
                at = SHOWN - 1 - (now - number)
                wishes = bar_closed(
                    rows.states[u], rows.params[u], rows.bars[at], rows.indicators[at, g], out[written:]
                )
                if wishes != 0 and not (deciding and number == now):
                    return WOKE, u
            rows.seen[u] = now
            rows.attention[u] = attend(rows.states[u], rows.params[u])
            rows.below[u], rows.above[u] = triggers(rows.states[u], rows.params[u])
            for at in range(written, written + wishes):
                owners[at] = u
            written += wishes
        return which.size, written

    return on_bar


def _on_tick(strategy: Strategy) -> Callable[..., tuple[int, int]]:
    price_reached, triggers = strategy.on_tick, strategy.triggers
    attend, _ = _attention(strategy)

    def on_tick(  # noqa: PLR0917
        rows: Rows, which: NDArray[np.int64], first: int, mark: float, ts_ms: int, out: Any, owners: NDArray[np.int64]
    ) -> tuple[int, int]:
        written = 0
        for k in range(first, which.size):
            if written + MAX_INTENTS > out.size:
                return k, written
            u = which[k]
            wishes = price_reached(rows.states[u], rows.params[u], mark, ts_ms, out[written:])
            rows.attention[u] = attend(rows.states[u], rows.params[u])
            rows.below[u], rows.above[u] = triggers(rows.states[u], rows.params[u])
            for at in range(written, written + wishes):
                owners[at] = u
            written += wishes
        return which.size, written

    return on_tick


def _on_fill(strategy: Strategy) -> Callable[..., int]:
    order_changed, triggers = strategy.on_fill, strategy.triggers
    attend, _ = _attention(strategy)

    def on_fill(rows: Rows, u: int, fill: Any, out: Any) -> int:
        wishes = order_changed(rows.states[u], rows.params[u], fill[0], out)
        rows.attention[u] = attend(rows.states[u], rows.params[u])
        rows.below[u], rows.above[u] = triggers(rows.states[u], rows.params[u])
        return wishes

    return on_fill


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return njit(cache=True, error_model="numpy", nogil=True)(function)


def _interpreted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Records have attributes only through record arrays when nothing is compiled."""
    inner = interpreted(function)

    def call(*arguments: Any) -> Any:
        return inner(*(_records(one) if isinstance(one, Rows) else one for one in arguments))

    return call


def _records(rows: Rows) -> Rows:
    seen = {name: getattr(rows, name).view(np.recarray) for name in ("states", "params", "bars", "indicators")}
    return rows._replace(**seen)
