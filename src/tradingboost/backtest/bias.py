"""Does a strategy know anything it could not have known, and do its decisions hang on where its history begins?

Every check runs the strategy itself and compares; the first bar at which two runs part is the finding.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.backtest.model import BacktestConfig, Candles
from tradingboost.backtest.result import BacktestResult
from tradingboost.backtest.runner import indicators_of, run
from tradingboost.strategies.contract import BAR, Strategy, records

SHIFTS: Final = (1, 7, 200)
CUTS: Final = 12
CLOSE_ENOUGH: Final = 1e-9
_DECISION: Final = ("ts_ms", "kind", "slot", "side", "position_side", "type", "reason")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One check.

    Args:
        tried: comparisons made.
        bar, at_ms: the first offending bar and its open; None where nothing was found.
        note: what parted there.
    """

    check: str
    ok: bool
    tried: int
    bar: int | None = None
    at_ms: int | None = None
    note: str = ""


class Subject(msgspec.Struct, frozen=True):
    """What is examined.

    Args:
        feed: finer candles for strategies whose indicators need some.
    """

    strategy: Strategy
    candles: Candles
    params: Any
    config: BacktestConfig
    feed: Candles | None = None

    def run(self, candles: Candles, warmup: int | None = None) -> BacktestResult:
        """The strategy on other candles."""
        config = self.config if warmup is None else msgspec.structs.replace(self.config, warmup_bars=warmup)
        params = self.params.copy()
        columns = indicators_of(self.strategy, candles, params, _until(self.feed, candles))
        return run(self.strategy, candles, params, config, columns)


def lookahead(subject: Subject, tell: Callable[[int, int], None] | None = None) -> list[Finding]:
    """Cut the candles off, and change what comes after, at bars spread over the run and at its own decisions.

    Args:
        tell: is told (comparisons done, in all).
    """
    whole = subject.run(subject.candles)
    cuts = _cuts(whole)
    changes: Sequence[tuple[str, Callable[[Candles, int], Candles]]] = (
        ("cut off", lambda candles, stop: part(candles, 0, stop)),
        ("doubled", _doubled),
        ("reversed", _reversed),
    )
    found = []
    done = 0
    for name, change in changes:
        parted: tuple[int, str] | None = None
        for stop in cuts:
            other = subject.run(change(subject.candles, stop))
            now = parts_at(whole, other, stop)
            parted = now if parted is None or (now is not None and now[0] < parted[0]) else parted
            done += 1
            if tell is not None:
                tell(done, len(cuts) * len(changes))
        found.append(_finding(f"the future {name}", subject.candles, parted, len(cuts)))
    found.append(_fills_after_decisions(whole))
    return found


def recursive(
    subject: Subject, fold_bar: Callable[..., None], fold_feed: Callable[..., None], most_bars: int = 50_000
) -> list[Finding]:
    """Indicators folded bar by bar against whole columns, and decisions of runs that begin later.

    Args:
        fold_bar, fold_feed: of `strategies.compiled`.
        most_bars: bars that are folded.
    """
    found = [_incremental(subject, fold_bar, fold_feed, most_bars)]
    warmup, size = subject.config.warmup_bars, len(subject.candles)
    base = subject.run(subject.candles)
    for shift in SHIFTS:
        if size - shift <= warmup + 1:
            continue
        later = subject.run(part(subject.candles, shift, size), warmup)
        found.append(_started_later(base, later, shift))
    return found


def parts_at(whole: BacktestResult, other: BacktestResult, stop: int) -> tuple[int, str] | None:
    """The first bar before `stop` at which two runs over candles that agree until then differ, and in what."""
    found: list[tuple[int, str]] = []
    for name in whole.indicators.dtype.names or ():
        ours, theirs = whole.indicators[name][:stop], other.indicators[name][:stop]
        same = (ours == theirs) | (_nan(ours) & _nan(theirs))
        rows = same if same.ndim == 1 else same.reshape(stop, -1).all(axis=1)
        if not rows.all():
            found.append((int(np.argmin(rows)), f"the indicator {name}"))
    for what, ours, theirs in (
        ("a decision", whole.intents, other.intents),
        ("a fill", whole.reports, other.reports),
    ):
        bar = _rows_part(ours[ours["bar"] < stop], theirs[theirs["bar"] < stop])
        if bar is not None:
            found.append((bar, what))
    equal = whole.equity_quanta[:stop] == other.equity_quanta[:stop]
    if not equal.all():
        found.append((int(np.argmin(equal)), "equity"))
    return min(found, key=lambda one: one[0], default=None)


def part(candles: Candles, begin: int, stop: int) -> Candles:
    """The bars [begin, stop) as columns of their own."""
    names = [name for name in candles.__struct_fields__ if name != "timeframe_ms"]
    return Candles(
        timeframe_ms=candles.timeframe_ms, **{name: getattr(candles, name)[begin:stop].copy() for name in names}
    )


def _cuts(whole: BacktestResult) -> list[int]:
    """Bars to cut before: half of them spread with odd steps, half right behind a decision."""
    first, size = whole.config.warmup_bars + 1, len(whole.candles)
    spread = np.linspace(first, size - 1, CUTS // 2 + 2).astype(int)[1:-1] | 1
    bars = np.unique(whole.intents["bar"]) + 1
    picked = bars[np.linspace(0, bars.size - 1, min(CUTS // 2, bars.size)).astype(int)] if bars.size else bars
    return sorted({int(one) for one in (*spread, *picked) if first <= one < size})


def _doubled(candles: Candles, stop: int) -> Candles:
    changed = part(candles, 0, len(candles))
    for column in (changed.opens, changed.highs, changed.lows, changed.closes):
        column[stop:] *= 2.0
    return changed


def _reversed(candles: Candles, stop: int) -> Candles:
    changed = part(candles, 0, len(candles))
    for column in (changed.opens, changed.highs, changed.lows, changed.closes, changed.volumes):
        column[stop:] = column[stop:][::-1].copy()
    return changed


def _until(feed: Candles | None, candles: Candles) -> Candles | None:
    """The finer candles that had closed by the last close."""
    if feed is None:
        return None
    first = int(candles.open_ms[0]) if candles.open_ms[0] > feed.open_ms[0] else int(feed.open_ms[0])
    end = int(candles.open_ms[-1]) + candles.timeframe_ms - feed.timeframe_ms
    begin, stop = np.searchsorted(feed.open_ms, (first, end + 1)).tolist()
    return part(feed, begin, stop)


def _fills_after_decisions(whole: BacktestResult) -> Finding:
    """No fill comes before the wish that its order was made of, or on a bar the decision had seen."""
    fills, intents = whole.fills, whole.intents
    early = None
    for slot in np.unique(fills["slot"]):
        wished = intents["ts_ms"][intents["slot"] == slot]
        told = fills[fills["slot"] == slot]
        if wished.size and told.size and int(told["ts_ms"][0]) < int(wished[0]):
            early = (int(told["bar"][0]), "a fill before its decision")
    return _finding("fills after decisions", whole.candles, early, int(fills.size))


def _incremental(subject: Subject, fold_bar: Callable[..., None], fold_feed: Callable[..., None], most: int) -> Finding:
    strategy, candles = subject.strategy, part(subject.candles, 0, min(len(subject.candles), most))
    check = "bar by bar equals whole columns"
    if not int(strategy.needs(subject.params[0])):
        return Finding(check=check, ok=True, tried=0, note="it reads prices only")
    feed = _until(subject.feed, candles)
    columns = indicators_of(strategy, candles, subject.params, feed)
    fold, bar, row = records(strategy.fold), records(BAR), records(strategy.indicators)
    arrays = [one.view(np.ndarray).view(np.dtype((np.void, one.dtype))) for one in (fold, subject.params, bar, row)]
    at = 0
    worst: tuple[int, str] | None = None
    for i in range(len(candles)):
        close_ms = int(candles.open_ms[i]) + candles.timeframe_ms
        while feed is not None and at < len(feed) and int(feed.open_ms[at]) + feed.timeframe_ms <= close_ms:
            fold_feed(arrays[0], arrays[1], int(feed.open_ms[at]) + feed.timeframe_ms, float(feed.closes[at]))
            at += 1
        bar[0] = (close_ms, *(getattr(candles, name)[i] for name in ("opens", "highs", "lows", "closes", "volumes")))
        fold_bar(*arrays)
        for name in strategy.indicators.names or ():
            if worst is None and not np.allclose(row[name][0], columns[name][i], CLOSE_ENOUGH, CLOSE_ENOUGH, True):
                worst = (i, f"the indicator {name}")
    return _finding(check, candles, worst, len(candles))


def _started_later(base: BacktestResult, later: BacktestResult, shift: int) -> Finding:
    """From a bar at which both are flat, and that lies in the first half, all decisions must be the same."""
    name = f"begun {shift} bars later"
    first = later.config.warmup_bars + shift
    ours, theirs = _decisions(base, 0), _decisions(later, shift)
    flat = _flat(base, 0) & _flat(later, shift)
    flat[:first] = False
    bars = np.flatnonzero(flat)
    if not bars.size:
        return Finding(check=name, ok=True, tried=0, note="never flat at the same bar: nothing to compare")
    after = [bars[0], bars[np.searchsorted(bars, (first + flat.size) // 2) - 1]]
    for bar in after:
        one, other = ours[ours["bar"] > bar], theirs[theirs["bar"] > bar]
        parted = _rows_part(one[["bar", *_DECISION]], other[["bar", *_DECISION]])
        if parted is None:
            return Finding(check=name, ok=True, tried=len(one), note="" if bar == bars[0] else "after settling")
    return _finding(name, base.candles, (int(parted or 0), "a decision"), len(one))


def _decisions(result: BacktestResult, shift: int) -> Any:
    rows = result.intents.copy()
    rows["bar"] += shift
    return rows


def _flat(result: BacktestResult, shift: int) -> NDArray[np.bool_]:
    """Per bar of the base, whether no leg was open at its close."""
    size = len(result.candles)
    held = np.zeros((2, size), np.int64)
    fills = result.fills
    net = bool(result.desk[0]["net"])
    for leg in (0, 1):
        rows = fills if net and leg == 0 else fills[(fills["position_side"] < 0) == bool(leg)] if not net else fills[:0]
        last = np.zeros(size, np.int64)
        for row in rows:
            last[int(row["bar"]) :] = int(row["leg_lots"])
        held[leg] = last
    return np.concatenate((np.zeros(shift, np.bool_), (held == 0).all(axis=0)))


def _rows_part(ours: Any, theirs: Any) -> int | None:
    """Bar of the first row in which two logs differ."""
    size = min(len(ours), len(theirs))
    same = np.array([a.tobytes() == b.tobytes() for a, b in zip(ours[:size], theirs[:size], strict=True)], np.bool_)
    if not same.all():
        at = int(np.argmin(same))
        return min(int(ours["bar"][at]), int(theirs["bar"][at]))
    if len(ours) != len(theirs):
        return int((ours if len(ours) > size else theirs)["bar"][size])
    return None


def _nan(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, np.bool_)


def _finding(check: str, candles: Candles, parted: tuple[int, str] | None, tried: int) -> Finding:
    if parted is None:
        return Finding(check=check, ok=True, tried=tried)
    bar, note = parted
    return Finding(check=check, ok=False, tried=tried, bar=bar, at_ms=int(candles.open_ms[bar]), note=note)
