"""A new process up to its first result: `python -m bench.startup CANDLES` is that process, `measure` starts it."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.market import Minutes
from bench.peers.common import peak_mb

ROUNDS: Final = 3
TIMEOUT_S: Final = 120
_ROOT: Final = Path(__file__).resolve().parents[1]


def measure(market: Minutes, *, empty: bool = True) -> dict[str, float]:
    """Seconds with nothing compiled yet, and with everything in the cache (median); memory of the latter.

    Args:
        empty: begin without anything compiled; else with what this process has compiled, measured once.
    """
    with tempfile.TemporaryDirectory(prefix="tb-bench-") as folder:
        candles = Path(folder) / "candles.npz"
        np.savez(candles, **market._asdict())
        if not empty:
            seconds, rss_mb = _started(candles, dict(os.environ))
            return {"filled_cache_s": round(seconds, 3), "rss_mb": rss_mb}
        environment = os.environ | {"NUMBA_CACHE_DIR": str(Path(folder) / "cache")}
        cold, _ = _started(candles, environment)
        filled = sorted(_started(candles, environment) for _ in range(ROUNDS))
    seconds, rss_mb = filled[ROUNDS // 2]
    return {"filled_cache_s": round(seconds, 3), "empty_cache_s": round(cold, 3), "rss_mb": rss_mb}


def _started(candles: Path, environment: dict[str, str]) -> tuple[float, float]:
    command = [sys.executable, "-m", "bench.startup", str(candles)]
    began = time.perf_counter()
    ended = subprocess.run(
        command, cwd=_ROOT, env=environment, check=True, stdout=subprocess.PIPE, timeout=TIMEOUT_S, text=True
    )
    seconds = time.perf_counter() - began
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return seconds, float(told["rss_mb"])


def main(path: str) -> None:
    """Load, run W1 once, take its figures."""
    from tradingboost.kit import compile_cache

    compile_cache.prepare(compile_cache.default_cache_dir())
    from bench.prepared import MINUTE_MS, w1
    from tradingboost.backtest import Candles
    from tradingboost.backtest.figures import figures

    with np.load(path) as columns:
        candles = Candles(timeframe_ms=MINUTE_MS, **{name: columns[name] for name in Minutes._fields})
    result = w1(candles).work({})()
    figures(result)
    sys.stdout.write(json.dumps({"fills": len(result.fills), "rss_mb": peak_mb()}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
