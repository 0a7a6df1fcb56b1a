"""The runs of one strategy on one symbol and timeframe, stepped together.

Runs whose indicators are the same share one fold: a candle is taken in once for each set of indicators. A run is
called at closes it attends to (`Strategy.attention`) and at prices beyond its triggers, and shown the bars it slept
over before anything else is told it; so its wishes and, once shown, its state are bit for bit those of a run stepped
alone.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradingboost.core.errors import BrokenInvariant
from tradingboost.strategies.batch import SHOWN, WOKE, Batch, Rows, batch_of
from tradingboost.strategies.compiled import plain
from tradingboost.strategies.contract import BAR, EVERY_CLOSE, INTENT, MAX_INTENTS, Strategy, records

ROOM: Final = 16 * MAX_INTENTS


class Uttered(NamedTuple):
    """Wishes and the numbers of the runs they are of, in order of the runs; valid until the next call."""

    owners: NDArray[np.int64]
    wishes: Any


class Runs:
    """Some runs, numbered from 0.

    Args:
        params: a record of parameters a run.
        states: their states; None = new runs, which are started.
        shared: numbers from 0 without gaps; runs of the same number have parameters that make the same indicators.
        folds: a fold a number, None = nothing seen yet.
    """

    def __init__(
        self,
        strategy: Strategy,
        params: Any,
        shared: Sequence[int] | NDArray[np.int64],
        *,
        states: Any = None,
        folds: Any = None,
    ) -> None:
        count, numbers = len(params), np.asarray(shared, np.int64)
        groups, firsts = np.unique(numbers, return_index=True)
        if numbers.size != count or not np.array_equal(groups, np.arange(groups.size)):
            raise BrokenInvariant("batch_shared", "Each run needs the number of its fold, counted from 0 without gaps.")
        self.strategy = strategy
        self.states = records(strategy.state, count) if states is None else states
        self.folds = records(strategy.fold, groups.size) if folds is None else folds
        self.now = 0
        self._calls = _calls(strategy)
        self._fold_params = params[firsts].copy()
        self._bars, self._indicators = records(BAR, SHOWN), records(strategy.indicators, SHOWN * groups.size)
        self._indicators = self._indicators.reshape(SHOWN, groups.size)
        self._all = np.arange(count)
        self._out, self._owners = records(INTENT, ROOM), np.zeros(ROOM, np.int64)
        self._rows = Rows(
            states=plain(self.states),
            params=plain(params),
            shared=numbers,
            attention=np.full(count, EVERY_CLOSE, np.int64),
            seen=np.zeros(count, np.int64),
            below=np.full(count, -np.inf),
            above=np.full(count, np.inf),
            bars=plain(self._bars),
            indicators=plain(self._indicators),
        )
        self._nothing = Uttered(self._owners[:0], self._out[:0])
        self._nearest: tuple[float, float] | None = None
        if states is None:
            self._calls.begin(self._rows)
        self._calls.look(self._rows)

    def bar_closed(self, bar: Any) -> Uttered:
        """Take a closed candle (a BAR record array of length 1) in and let every run that attends to it decide."""
        self._take(bar)
        self.now += 1
        return self._closed(self._all, deciding=True)

    def folded(self, bar: Any) -> None:
        """Take a closed candle of the past in: nothing is decided on it."""
        self._shown(self._all)
        self._take(bar)

    def ticked(self, mark: float, ts_ms: int) -> Uttered:
        """Let the runs work whose triggers a price has reached; most of the time none has."""
        below, above = self.nearest
        if below < mark < above:
            return self._nothing
        touched = np.flatnonzero(~((self._rows.below < mark) & (mark < self._rows.above)))
        self._shown(touched)
        out, owners, on_tick = plain(self._out), self._owners, self._calls.on_tick
        return self._all_of(touched, lambda first: on_tick(self._rows, touched, first, mark, ts_ms, out, owners))

    def filled(self, run: int, fill: Any) -> Any:
        """Tell a run of one of its orders (a FILL record array of length 1); gives its wishes."""
        self._shown(self._all[run : run + 1])
        written = self._calls.on_fill(self._rows, run, plain(fill), plain(self._out))
        self._nearest = None
        return self._out[:written]

    def state(self, run: int) -> Any:
        """The state of a run as if it had been called at every close (a record array of length 1)."""
        self._shown(self._all[run : run + 1])
        return self.states[run : run + 1]

    @property
    def nearest(self) -> tuple[float, float]:
        """The nearest triggers of all runs: strictly between them a price is nobody's business."""
        if self._nearest is None:
            rows = self._rows
            self._nearest = (float(rows.below.max(initial=-np.inf)), float(rows.above.min(initial=np.inf)))
        return self._nearest

    def _take(self, bar: Any) -> None:
        self._bars[:-1], self._indicators[:-1] = self._bars[1:].copy(), self._indicators[1:].copy()
        self._bars[-1] = bar[0]
        newest = plain(self._indicators[-1])
        self._calls.fold_bar(plain(self.folds), plain(self._fold_params), plain(bar), newest)

    def _closed(self, which: NDArray[np.int64], *, deciding: bool) -> Uttered:
        out, owners, on_bar = plain(self._out), self._owners, self._calls.on_bar
        return self._all_of(which, lambda first: on_bar(self._rows, which, first, self.now, deciding, out, owners))

    def _all_of(self, which: NDArray[np.int64], call: Callable[[int], tuple[int, int]]) -> Uttered:
        """Call until every run has had its turn; only where the room was too small is anything copied."""
        self._nearest = None
        first, written = call(0)
        found = [Uttered(self._owners[:written], self._out[:written])]
        while 0 <= first < which.size:
            found[-1] = Uttered(*(part.copy() for part in found[-1]))
            first, written = call(first)
            found.append(Uttered(self._owners[:written], self._out[:written]))
        if first == WOKE:
            raise BrokenInvariant(
                "batch_woke", f"Run {written} of {self.strategy.name} acted at a close it pays no attention to."
            )
        if len(found) == 1:
            return found[0]
        wishes = np.concatenate([one.wishes for one in found]).view(np.recarray)
        return Uttered(np.concatenate([one.owners for one in found]), wishes)

    def _shown(self, which: NDArray[np.int64]) -> None:
        """Show runs the closes they slept over."""
        behind = which[self._rows.seen[which] < self.now]
        if behind.size:
            self._closed(behind, deciding=False)


@lru_cache(maxsize=32)
def _calls(strategy: Strategy) -> Batch:
    """The batched calls of a strategy, built once a process."""
    return batch_of(strategy)
