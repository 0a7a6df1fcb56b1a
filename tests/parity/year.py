"""A year of minutes, stepped live and back-tested: the same bits? Minutes a set, so that it is no test of every run.

Run as `python -m tests.parity.year [SETS] [MINUTES]`; ends with 3 when anything differs.
"""

import sys
import time

from tradingboost.kit import compile_cache

compile_cache.prepare(compile_cache.default_cache_dir())

from tests.parity import anyset, drivers  # noqa: E402 - numba must see the cache directory first
from tests.parity.livestep import LiveStep  # noqa: E402

from tradingboost.strategies import get as strategy_named  # noqa: E402

WARMUP = 20_000


def main(sets: int, minutes: int) -> int:
    """Compare the first so many sets of each strategy that trade; returns how many differ."""
    candles = anyset.market(minutes, seed=23)
    differ = 0
    for strategy in ("hyperrsi", "grid"):
        lived = 0
        for number, one in enumerate(drivers.ready(strategy, 50, candles, WARMUP, plain=True)):
            if lived == sets:
                break
            tested = drivers.dense(strategy, candles, one)
            if tested.fills.size < 10:
                continue
            began = time.perf_counter()
            found = drivers.told_apart(tested, LiveStep(strategy_named(strategy), candles, one).run())
            took = time.perf_counter() - began
            sys.stdout.write(
                f"{strategy} set {number}: {tested.fills.size} fills, {took:.0f} s, {found or 'the same'}\n"
            )
            sys.stdout.flush()
            lived += 1
            differ += bool(found)
    return differ


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(3 if main(*(given + [3, 525_600][len(given) :])) else 0)
