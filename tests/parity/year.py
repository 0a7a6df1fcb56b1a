"""A year of minutes, back-tested and stepped live: the same bits? Half an hour, so that it is no test of every run.

Every set is run by the dense driver, by the one that passes over quiet closes, and candle by candle with indicators
that are folded one by one. The first few are stepped once more as the strategy service holds its runs, on the
exchange's own engine, which takes minutes a set.

Run as `python -m tests.parity.year [SETS] [LIVED] [MINUTES]`; ends with 3 when anything differs.
"""

import sys
import time

from tradingboost.kit import compile_cache

compile_cache.prepare(compile_cache.default_cache_dir())

from tests.parity import anyset, drivers  # noqa: E402 - numba must see the cache directory first
from tests.parity.livestep import LiveStep  # noqa: E402

from tradingboost.backtest import Candles  # noqa: E402
from tradingboost.backtest.sweep import Sweep  # noqa: E402
from tradingboost.strategies import get as strategy_named  # noqa: E402

WARMUP = 20_000


def told(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def drivers_differ(strategy: str, candles: Candles, sets: int) -> int:
    """How many sets the three drivers run differently."""
    sweep = Sweep(strategy_named(strategy), candles)
    differ = fills = 0
    began = time.perf_counter()
    for number, one in enumerate(drivers.ready(strategy, sets, candles, WARMUP)):
        asked, passed = drivers.dense(strategy, candles, one), drivers.skipping(sweep, one)
        found = drivers.different(asked, passed) + drivers.different(asked, drivers.stepped(strategy, candles, one))
        fills += asked.fills.size
        differ += bool(found)
        if found:
            told(f"{strategy} set {number}: {found}")
    took = time.perf_counter() - began
    told(f"{strategy}: {sets} sets, {fills} fills, {differ} differ between dense, skip and step, {took:.0f} s")
    return differ


def lives_differ(strategy: str, candles: Candles, sets: int) -> int:
    """How many of the first sets that trade the service's runs trade differently."""
    lived = differ = 0
    for number, one in enumerate(drivers.ready(strategy, 50, candles, WARMUP, plain=True)):
        if lived == sets:
            break
        tested = drivers.dense(strategy, candles, one)
        if tested.fills.size < 10:
            continue
        began = time.perf_counter()
        found = drivers.told_apart(tested, LiveStep(strategy_named(strategy), candles, one).run())
        took = time.perf_counter() - began
        told(f"{strategy} set {number}, lived: {tested.fills.size} fills, {took:.0f} s, {found or 'the same'}")
        lived += 1
        differ += bool(found)
    return differ


def main(sets: int, lived: int, minutes: int) -> int:
    """Compare; returns how many differ."""
    candles = anyset.market(minutes, seed=23)
    strategies = ("hyperrsi", "grid")
    differ = sum(drivers_differ(strategy, candles, sets) for strategy in strategies)
    return differ + sum(lives_differ(strategy, candles, lived) for strategy in strategies)


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(3 if main(*(given + [50, 1, 525_600][len(given) :])) else 0)
