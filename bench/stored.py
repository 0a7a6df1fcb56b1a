"""A year of minutes from the candle store into arrays in memory."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np

from bench.market import Minutes
from tradingboost.core.candles import RawCandles
from tradingboost.kit.candles.store import CandleStore, SeriesKey

ROUNDS: Final = 9
MINUTE_MS: Final = 60_000


def measure(market: Minutes) -> dict[str, float]:
    """Milliseconds to every price in memory (`read_ms`: mapped, and read once; `copied_ms`: in arrays of our own)."""
    key = SeriesKey("bench", "BTC-USDT-SWAP", "1m")
    with tempfile.TemporaryDirectory(prefix="tb-bench-") as folder:
        store = CandleStore(Path(folder))
        with store.writing(key) as writer:
            writer.add(RawCandles(MINUTE_MS, *market), [])
        read, copied = [], []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            candles = store.read(key)
            seen = sum(float(column.sum()) for column in candles.values)
            read.append(time.perf_counter() - began)
            began = time.perf_counter()
            kept = store.read(key)
            arrays = [np.array(column) for column in (kept.at_ms, *kept.values)]
            copied.append(time.perf_counter() - began)
        if seen == 0.0 or not np.array_equal(arrays[4], market.closes):
            raise SystemExit("bench: the candle store did not give back what was put in.")
    return {"read_ms": _ms(read), "copied_ms": _ms(copied)}


def _ms(samples: list[float]) -> float:
    return round(statistics.median(samples) * 1000, 3)
