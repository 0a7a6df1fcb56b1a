"""What every driver shares: the work, the candles it is handed, and the one line it answers with.

Runs under the engine's own interpreter: nothing but numpy and the standard library is imported here.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

BEGAN = time.perf_counter()
LENGTH = 14
OVERSOLD = 30.0
PROFIT = 0.02
LOSS = 0.05
FEE = 0.0005
QTY = 0.1
CASH = 1_000_000.0

Trade = tuple[int, int, float, float]
"""Open times of the bars of entry and exit in milliseconds, and both prices."""


class Asked(NamedTuple):
    """What the runner wants: candles (see `load`), how often, and which way of doing it."""

    candles: str
    rounds: int
    variant: str


def asked() -> Asked:
    """`CANDLES ROUNDS VARIANT` of the command line."""
    candles, rounds, variant = sys.argv[1:4]
    return Asked(candles, int(rounds), variant)


def load(path: str) -> list[Any]:
    """open_ms, opens, highs, lows, closes, volumes."""
    with np.load(path) as columns:
        return [columns[name] for name in ("open_ms", "opens", "highs", "lows", "closes", "volumes")]


def measure(rounds: int, version: str, run: Callable[[], Any], trades: Callable[[Any], list[Trade]]) -> None:
    """Run once cold and `rounds` times warm, and answer with one JSON object.

    Args:
        run: indicators, simulation and list of trades.
        trades: what `run` gave -> its closed trades; not timed.
    """
    imported = time.perf_counter() - BEGAN
    seconds, result = [], None
    for _ in range(rounds + 1):
        began = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - began)
    answer(version, seconds, trades(result), import_s=round(imported, 3))


def peak_mb() -> float:
    """The most memory this program held; what `getrusage` tells begins with the process it was started by."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            found = [line.split()[1] for line in status if line.startswith("VmHWM")]
    except OSError:
        found = []
    kilobytes = int(found[0]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(kilobytes / 1024, 1)


def answer(version: str, seconds: list[float], trades: list[Trade], **more: Any) -> None:
    """The last line of standard output."""
    warm = seconds[1:] or seconds
    told = {
        "version": version,
        "python": sys.version.split()[0],
        "seconds": statistics.median(warm),
        "fastest_s": min(warm),
        "slowest_s": max(warm),
        "first_s": seconds[0],
        "rss_mb": peak_mb(),
        "trades": [[int(a), int(b), float(c), float(d)] for a, b, c, d in trades],
        **more,
    }
    sys.stdout.write("\n" + json.dumps(told) + "\n")
