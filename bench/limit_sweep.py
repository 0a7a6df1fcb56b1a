"""The limit of a sweep: W1 for many sets, from event to event, with nothing kept but what each earned.

An index of the highest and lowest price of every 64 minutes finds the next touch; the closes with a signal are found
once for each length and threshold, and shared.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit, prange
from numba.extending import register_jitable
from numpy.typing import NDArray

from bench.limit import FEE, QTY
from bench.market import Minutes

BLOCK: Final = 64
LENGTHS: Final = tuple(range(7, 27, 2))
THRESHOLDS: Final = tuple(float(one) for one in range(21, 41, 2))
PROFITS: Final = (0.01, 0.015, 0.02, 0.03, 0.04)
LOSSES: Final = (0.03, 0.05)

Float = NDArray[np.float64]
Index = NDArray[np.int64]


class Wish(NamedTuple):
    """One set."""

    length: int
    oversold: float
    profit: float
    loss: float


class Earned(NamedTuple):
    """What each set did, in their order."""

    trades: Index
    pnl: Float


def sets() -> list[Wish]:
    """All thousand."""
    return [Wish(a, b, c, d) for a in LENGTHS for b in THRESHOLDS for c in PROFITS for d in LOSSES]


def swept(market: Minutes, wishes: list[Wish]) -> Earned:
    """Every set over the whole market, on all cores Numba has."""
    highs, lows = _blocks(market.highs, market.lows)
    keys = list(dict.fromkeys((one.length, one.oversold) for one in wishes))
    events, counts = np.empty((len(keys), market.closes.size // 2), np.int32), np.zeros(len(keys), np.int64)
    _signals(market.closes, np.array(keys), events, counts)
    place = {key: number for number, key in enumerate(keys)}
    rows = np.array([place[one.length, one.oversold] for one in wishes])
    terms = np.array([(one.profit, one.loss) for one in wishes])
    earned = np.zeros((len(wishes), 2))
    _sweep(market, highs, lows, events, counts, rows, terms, earned)
    return Earned(earned[:, 0].astype(np.int64), earned[:, 1])


@njit(cache=True, error_model="numpy", nogil=True, parallel=True)
def _signals(closes: Float, keys: Float, events: Any, counts: Index) -> None:
    """Closes at which the index has come back to the threshold, for each length and threshold."""
    for k in prange(keys.shape[0]):
        length, oversold = keys[k]
        up, down, keep = (100.0 - oversold) / length, oversold / length, 1.0 - 1.0 / length
        lean, count = 0.0, 0
        for i in range(1, int(length) + 1):
            change = closes[i] - closes[i - 1]
            lean += max(change, 0.0) * up + min(change, 0.0) * down
        for i in range(int(length) + 1, closes.size):
            change = closes[i] - closes[i - 1]
            before = lean
            lean = lean * keep + (max(change, 0.0) * up + min(change, 0.0) * down)
            if before < 0.0 <= lean:
                events[k, count] = i
                count += 1
        counts[k] = count


@njit(cache=True, error_model="numpy", nogil=True)
def _blocks(highs: Float, lows: Float) -> tuple[Float, Float]:
    """Highest and lowest price of every block of minutes."""
    count = (highs.size + BLOCK - 1) // BLOCK
    tops, bottoms = np.empty(count), np.empty(count)
    for j in range(count):
        tops[j] = highs[j * BLOCK : (j + 1) * BLOCK].max()
        bottoms[j] = lows[j * BLOCK : (j + 1) * BLOCK].min()
    return tops, bottoms


@register_jitable(inline="always")
def _touch(highs: Float, lows: Float, tops: Float, bottoms: Float, walked: tuple[int, float, float]) -> int:
    """The first minute from (start) on outside (low, high); the number of minutes when there is none."""
    i, low, high = walked
    stop = min(highs.size, (i // BLOCK + 1) * BLOCK)
    while i < stop and lows[i] > low and highs[i] < high:
        i += 1
    if i == stop:
        j = i // BLOCK
        while j < tops.size and bottoms[j] > low and tops[j] < high:
            j += 1
        i = j * BLOCK
        while i < highs.size and lows[i] > low and highs[i] < high:
            i += 1
    return min(i, highs.size)


@njit(cache=True, error_model="numpy", nogil=True, parallel=True)
def _sweep(  # noqa: PLR0917 - arrays inside of tuples are not written to by parallel loops
    market: Minutes, tops: Float, bottoms: Float, events: Any, counts: Index, rows: Index, terms: Float, earned: Float
) -> None:
    """Trades and result of every set."""
    opens, highs, lows = market.opens, market.highs, market.lows
    for p in prange(terms.shape[0]):
        row = rows[p]
        done, won = _walk(opens, highs, lows, tops, bottoms, events[row, : counts[row]], terms[p])
        earned[p, 0] = done
        earned[p, 1] = won


@njit(cache=True, error_model="numpy", nogil=True)
def _walk(  # noqa: PLR0917 - a tuple of arrays would be counted at every trade
    opens: Float, highs: Float, lows: Float, tops: Float, bottoms: Float, events: Any, terms: Float
) -> tuple[int, float]:
    """Trades of one set and what they earned."""
    done, won, at = 0, 0.0, 0
    while at < events.size and events[at] + 1 < opens.size:
        start = events[at] + 1
        entry = opens[start]
        profit, stop = entry * (1.0 + terms[0]), entry * (1.0 - terms[1])
        end = _touch(highs, lows, tops, bottoms, (start, stop, profit))
        if end == opens.size:
            break
        price = min(opens[end], stop) if lows[end] <= stop else max(opens[end], profit)
        won += QTY * (price - entry) - FEE * QTY * (entry + price)
        done += 1
        stride = 1  # signals are dense: gallop, then halve
        while at + stride < events.size and events[at + stride] < end:
            stride *= 2
        low, high = at + stride // 2, min(events.size, at + stride)
        while low < high:
            middle = (low + high) // 2
            if events[middle] < end:
                low = middle + 1
            else:
                high = middle
        at = low
    return done, won
