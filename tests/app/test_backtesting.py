"""How the candles of a back-test are cut and put together."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.backtesting import backtest, cut, params_of
from tradingboost.app.planning import plan
from tradingboost.core.candles import resampled
from tradingboost.core.errors import InvalidInput
from tradingboost.kit.candles.store import CandleStore
from tradingboost.sim.series import CandleSeries
from tradingboost.strategies import get

MINUTE_MS = 60_000
START_MS = 1_704_067_200_000  # 2024-01-01 00:00 UTC


def series(prices: Sequence[int], first: int = 0) -> CandleSeries:
    """Minute candles with bodies of nothing and wicks of one tick."""
    at = START_MS + (first + np.arange(len(prices), dtype=np.int64)) * MINUTE_MS
    closes = np.array(prices, np.int64)
    return CandleSeries(MINUTE_MS, at, closes, closes + 1, closes - 1, closes, np.ones_like(closes))


def test_three_small_candles_make_a_long_one() -> None:
    made = resampled(series([10, 30, 20, 40, 50, 60]), 3 * MINUTE_MS)
    assert made.at_ms.tolist() == [START_MS, START_MS + 3 * MINUTE_MS]
    assert [made.open.tolist(), made.high.tolist(), made.low.tolist(), made.close.tolist()] == [
        [10, 40],
        [31, 61],
        [9, 39],
        [20, 60],
    ]
    assert made.volume.tolist() == [3, 3]


def test_groups_that_are_cut_off_at_an_end_are_left_out() -> None:
    made = resampled(series([10, 20, 30, 40, 50, 60, 70], first=2), 3 * MINUTE_MS)
    assert made.at_ms.tolist() == [START_MS + 3 * MINUTE_MS, START_MS + 6 * MINUTE_MS]
    assert (made.open.tolist(), made.close.tolist()) == ([20, 50], [40, 70])


def test_a_shorter_timeframe_cannot_be_made() -> None:
    with pytest.raises(InvalidInput, match="multiple of 3m"):
        resampled(resampled(series([1] * 9), 3 * MINUTE_MS), 5 * MINUTE_MS)


def test_the_warm_up_lies_before_the_range_where_there_is_something() -> None:
    days = series([5] * 2 * 1440)
    found, warmup = cut(days, "20240102-", 250)
    assert (len(found), warmup) == (250 + 1440, 250)
    assert found.at_ms[warmup] == START_MS + 1440 * MINUTE_MS


def test_without_anything_before_it_the_range_begins_with_the_warm_up() -> None:
    found, warmup = cut(series([5] * 1440), "-20240102", 250)
    assert (len(found), warmup, found.at_ms[0]) == (1440, 250, START_MS)


def test_words_win_over_the_file_and_numbers_keep_every_digit(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"leverage": 3, "tp1_value": 0.10}')
    found = params_of(["leverage=5", "direction=롱", "use_sl=true"], tmp_path / "p.json")
    assert found == {"leverage": 5, "tp1_value": Decimal("0.10"), "direction": "롱", "use_sl": True}


def test_trap_one_entrance_checks_fewer_keys_than_another(tmp_path: Path) -> None:
    """A back-test, a plan and a search say what the schema says, before they look at anything else."""
    bad = {"leverage": 0, "entry_option": "whatever", "use_sl": "maybe", "no_such_key": 1}
    request = BacktestRequest(strategy="hyperrsi", candles=tmp_path / "none.csv", params=bad)
    store = CandleStore(tmp_path)
    entrances: list[Callable[[], object]] = [
        lambda: get("hyperrsi").validate(bad),
        lambda: backtest(request, store),
        lambda: plan(request, store, Decimal(50_000)),
    ]
    told: list[Any] = []
    for entrance in entrances:
        with pytest.raises(InvalidInput) as raised:
            entrance()
        told.append(raised.value.details["errors"])
    assert told[0] == told[1] == told[2]
    assert {error["key"] for error in told[0]} == set(bad)
