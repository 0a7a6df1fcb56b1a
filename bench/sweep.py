"""A thousand sets over the year on all cores: W1 beside its limit, and the HYPERRSI-like H1; what a search adds to it.

Every figure is that of the public API: a set's books, deals, drawdown and Sharpe, as a search remembers them.
"""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from bench import limit_sweep, search
from bench.backtest import H1, catalogue
from bench.market import minutes
from bench.peers import running
from bench.peers.common import peak_mb
from bench.prepared import MINUTE_MS, Prepared, w1
from tradingboost.backtest import Candles, run
from tradingboost.backtest.sweep import Measured, Sweep, measured, read

SAMPLE: Final = 10
FEW: Final = 24
"""Sets on a market that is not the whole year: a look at whether it works."""


class Job(NamedTuple):
    """Sets of one strategy, those with the same indicators side by side."""

    prepared: Prepared
    params: list[Any]


async def measure(bars: int = 0, peers: Path | None = None) -> dict[str, Any]:
    """Sets a second, memory, and whether single runs say the same.

    Args:
        bars: minutes of the year to use, and then few sets; 0 = all of both.
        peers: virtual environments of other engines.
    """
    market = minutes(bars) if bars else minutes()
    candles = Candles(timeframe_ms=MINUTE_MS, **market._asdict())
    wishes = limit_sweep.sets()[: FEW if bars else None]
    jobs = {"w1": w1_job(candles, wishes), "h1": h1_job(candles, FEW if bars else None)}
    limit_sweep.swept(market, wishes)
    limits = [_timed(lambda: limit_sweep.swept(market, wishes))[0]]
    seconds, found = {}, {}
    for name, job in jobs.items():
        swept(candles, Job(job.prepared, job.params[:2]))
        running.say(f"sweep: {len(job.params)} sets of {name} ...")
        seconds[name], found[name] = _timed(lambda job=job: swept(candles, job))
        limits.append(_timed(lambda: limit_sweep.swept(market, wishes))[0])
    limit_s = sorted(limits)[1]
    ratios = {f"sweep_{name}_sets_s": round(len(jobs[name].params) / seconds[name], 1) for name in jobs}
    searches = search.overhead(FEW if bars else search.TRIALS)
    answer: dict[str, Any] = {
        "bars": len(candles),
        "sets": {name: len(job.params) for name, job in jobs.items()},
        "cores": cores(),
        "seconds": {name: round(value, 3) for name, value in seconds.items()} | {"limit": round(limit_s, 4)},
        "fills": {name: sum(one.fills for one in values) for name, values in found.items()},
        "equal_to_single_runs": {name: _same(candles, jobs[name], found[name]) for name in jobs},
        "rss_peak_mb": peak_mb(),
        "search": searches.figures,
        "ratios": ratios | {"sweep_w1_vs_limit": round(seconds["w1"] / limit_s, 1)} | searches.ratios,
    }
    if peers is not None:
        answer["peers"], more = _peers(peers, market, ratios["sweep_w1_sets_s"])
        answer["ratios"] |= more
    return answer


def cores() -> int:
    """How many sets are run at once."""
    return min(os.cpu_count() or 1, 8)


def swept(candles: Candles, job: Job) -> list[Measured]:
    """Every set, on threads: the compiled driver does not hold the interpreter."""
    parts = [part for part in np.array_split(np.arange(len(job.params)), cores()) if part.size]

    def some(part: Sequence[int]) -> list[Measured]:
        sweep = Sweep(job.prepared.strategy, candles)
        return [sweep.measure(job.params[number], job.prepared.config) for number in part]

    with ThreadPoolExecutor(len(parts)) as pool:
        return [one for found in pool.map(some, parts) for one in found]


def w1_job(candles: Candles, wishes: Sequence[limit_sweep.Wish]) -> Job:
    """The sets of the limit."""
    prepared = w1(candles)
    return Job(prepared, [prepared.compiled(one._asdict()) for one in wishes])


def h1_job(candles: Candles, most: int | None = None) -> Job:
    """Lengths, zones, targets and distances of adds."""
    prepared = catalogue("hyperrsi", candles)
    given = [
        H1
        | {
            "rsi_length": length,
            "rsi_oversold": low,
            "rsi_overbought": 100 - low,
            "tp1_value": target,
            "tp2_value": round(1.5 * target, 4),
            "tp3_value": 2 * target,
            "pyramiding_value": step,
        }
        for length, low, target, step in product(
            range(7, 27, 2), (25, 28, 30, 32, 35), (1.0, 1.5, 2.0, 2.5, 3.0), (0.5, 1.0, 1.5, 2.0)
        )
    ]
    return Job(prepared, [prepared.compiled(one) for one in given[:most]])


def _same(candles: Candles, job: Job, found: Sequence[Measured]) -> bool:
    """Whether sets all over the sweep have the figures of runs of their own, to the last bit.

    Raises:
        SystemExit: one has not: a faster wrong answer is none.
    """
    strategy, config = job.prepared.strategy, job.prepared.config
    for number in np.linspace(0, len(job.params) - 1, SAMPLE).astype(int).tolist():
        alone = measured([read(run(strategy, candles, job.params[number], config))])
        if msgspec.json.encode(alone) != msgspec.json.encode(found[number]):
            raise SystemExit(f"bench: set {number} of {strategy.name} is not what a run of its own gives.")
    return True


def _peers(folder: Path, market: Any, sets_a_second: float) -> tuple[dict[str, Any], dict[str, float]]:
    """How many times as long others need for a set."""
    found, _ = running.compared(folder, market, lambda: 1 / sets_a_second, running.SWEEP_PEERS)
    ratios = {
        f"sweep_w1_vs_{name}": round(told["seconds"] / told["sets"] * sets_a_second, 1)
        for name, told in found.items()
        if "sets" in told
    }
    return found, ratios


def _timed(call: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result
