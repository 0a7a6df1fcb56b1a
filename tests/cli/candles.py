"""Candle files for the command line's tests."""

import math
from pathlib import Path

START_MS = 1_704_067_200_000  # 2024-01-01 00:00 UTC


def write_candles(path: Path, count: int, minutes: int = 5) -> Path:
    """A CSV of a price that swings around 40000 with two periods; every price lies on a tick of 0.1."""
    rows = ["timestamp,open,high,low,close,volume"]
    for index in range(count):
        opened, closed = _price(index), _price(index + 1)
        high, low = max(opened, closed) + 15, min(opened, closed) - 15
        rows.append(f"{START_MS + index * minutes * 60_000},{opened:.1f},{high:.1f},{low:.1f},{closed:.1f},12.5")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def _price(index: int) -> float:
    return round(40_000 + 900 * math.sin(index / 40) + 300 * math.sin(index / 7), 1)
