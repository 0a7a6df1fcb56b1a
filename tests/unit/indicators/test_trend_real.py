"""The trend state on real candles; the synthetic twins are in `test_trend.py`."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.unit.indicators.plain_trend import plain_trend
from tests.unit.indicators.references import FOLDER

from tradingboost.indicators.trend import known_at, trend
from tradingboost.indicators.trend_fold import warm_up_bars

pytestmark = pytest.mark.realdata
YEARS = ["binance_usdm_BTCUSDT_5m_20230101_20231231", "binance_usdm_ETHUSDT_5m_20230101_20231231"]
GAPPED = "binance_spot_BCHUSDT_5m_20191128_20200620"
MINUTES, QUARTERS = "binance_spot_BTCUSDT_1m_20250520_20250818", "binance_spot_BTCUSDT_15m_20250201_20250818"


def candles(name: str, minutes: int) -> tuple[Any, Any]:
    """(close times, closes) of a candle file."""
    path: Path = FOLDER / "candles" / f"{name}.parquet"
    if not path.exists():
        pytest.skip("no candle files; set TB_TEST_DATA to the folder that holds indicators/ and candles/")
    frame = pl.read_parquet(path, columns=["timestamp", "close"])
    return frame["timestamp"].to_numpy() + minutes * 60_000, frame["close"].to_numpy()


@pytest.mark.parametrize("chart", [5, 15])
@pytest.mark.parametrize("name", [*YEARS, GAPPED])
def test_trap_with_the_full_warm_up_the_last_500_values_are_those_of_the_long_history(name: str, chart: int) -> None:
    ms, closes = candles(name, 5)
    whole, need = trend(ms, closes, chart), warm_up_bars(5, chart)
    for end in range(need + 3000, closes.size, (closes.size - need) // 6):
        begin = end - need - 500
        late = trend(ms[begin:end], closes[begin:end], chart)
        assert late[-500:].tolist() == whole[end - 500 : end].tolist()


@pytest.mark.parametrize(
    ("name", "chart", "begin"), [(YEARS[1], 5, 60_000), (GAPPED, 15, 19_000), (GAPPED, 60, 24_000)]
)
def test_a_plain_second_computation_agrees_gaps_included(name: str, chart: int, begin: int) -> None:
    ms, closes = (column[begin : begin + 8000] for column in candles(name, 5))
    minutes = (ms // 60_000).tolist()
    states = dict(zip(minutes, trend(ms, closes, chart).tolist(), strict=True))
    expected = plain_trend(dict(zip(minutes, closes.tolist(), strict=True)), chart)
    assert {at: states[at] for at in expected if at in states} == {at: expected[at] for at in expected if at in states}
    assert len(set(states.values())) > 1


def test_minute_bars_and_the_exchanges_own_quarter_hours_give_the_same_states() -> None:
    ms, closes = candles(MINUTES, 1)
    quarter_ms, quarters = candles(QUARTERS, 15)
    both = (quarter_ms > ms[0]) & (quarter_ms <= ms[-1])
    quarter_ms, quarters = quarter_ms[both], quarters[both]
    fine = trend(ms, closes, 15)[known_at(quarter_ms, ms)]
    assert fine.tolist() == trend(quarter_ms, quarters, 15).tolist()
    assert set(fine.tolist()) == {-2, 0, 2}
