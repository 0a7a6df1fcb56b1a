"""Candles exchanges really printed: kept to the bit, put together to what the exchange itself says, faults and all."""

import os
from pathlib import Path

import numpy as np
import pytest

from tradingboost.core.candles import between, gaps, resampled
from tradingboost.kit.candles.files import read
from tradingboost.kit.candles.spans import stretches
from tradingboost.kit.candles.store import CandleStore, SeriesKey

FOLDER = (
    Path(os.environ.get("TB_TEST_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data")) / "candles"
)
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="no candle files; set TB_TEST_DATA to the folder of candles/"),
]


@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_a_quarter_of_minutes_equals_the_exchange_s_own_quarter_hours(coin: str) -> None:
    minutes = read(FOLDER / f"binance_spot_{coin}USDT_1m_20250520_20250818.parquet")
    own = read(FOLDER / f"binance_spot_{coin}USDT_15m_20250201_20250818.parquet")
    made = resampled(minutes, 900_000)
    theirs = between(own, int(made.at_ms[0]), int(made.at_ms[-1]) + 1)
    assert len(made) > 8_000
    for name in ("at_ms", "open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(made, name), getattr(theirs, name)), name


def test_an_outage_is_a_gap_of_so_many_candles() -> None:
    found = gaps(read(FOLDER / "binance_spot_BTCUSDT_1m_20210420_20210520.parquet"))
    assert [gap.missing for gap in found] == [284]
    hours = gaps(read(FOLDER / "binance_spot_BTCUSDT_1h_20180101_20210831.parquet"))
    assert (len(hours), sum(gap.missing for gap in hours)) == (25, 119)


def test_hours_over_an_outage_are_those_the_exchange_prints() -> None:
    minutes = read(FOLDER / "binance_spot_ETHUSDT_1m_20210420_20210520.parquet")
    own = read(FOLDER / "binance_spot_ETHUSDT_1h_20180101_20210831.parquet")
    made = resampled(minutes, 3_600_000)
    theirs = between(own, int(made.at_ms[0]), int(made.at_ms[-1]) + 1)
    assert np.array_equal(made.at_ms, theirs.at_ms)
    differ = [
        i
        for i in range(len(made))
        if any(a[i] != b[i] for a, b in zip(made.values[:4], theirs.values[:4], strict=True))
    ]
    assert len(differ) <= 1, "one hour was restated by the exchange later"


def test_every_recorded_file_is_kept_to_the_bit(tmp_path: Path) -> None:
    store, files = CandleStore(tmp_path), sorted(FOLDER.glob("*.parquet"))
    assert len(files) > 20
    for number, path in enumerate(files):
        raw = read(path)
        key = SeriesKey("okx", f"N{number}", path.stem.split("_")[3])
        with store.writing(key) as writer:
            half = len(raw) // 2
            for part in (between(raw, int(raw.at_ms[half]), 2**62), between(raw, 0, int(raw.at_ms[half]))):
                writer.add(part, stretches(part))
        found = store.read(key)
        assert all(
            np.array_equal(a, b) for a, b in zip((raw.at_ms, *raw.values), (found.at_ms, *found.values), strict=True)
        )
        entry = store.find(key)
        assert entry is not None
        assert entry.missing == sum(gap.missing for gap in gaps(raw))
