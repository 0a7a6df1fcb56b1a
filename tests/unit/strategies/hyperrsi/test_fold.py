"""Indicators bar by bar and as columns."""

import numpy as np
import pytest
from tests.unit.strategies.hyperrsi.harness import compiled_params, in_mode

from tradingboost.strategies.contract import BAR, records, state_from_json, state_to_json
from tradingboost.strategies.hyperrsi import HYPERRSI


def walk(bars: int, seed: int = 7) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    closes = np.round(100.0 * np.exp(np.cumsum(random.normal(0, 0.002, bars))), 2)
    opens = np.concatenate([[100.0], closes[:-1]])
    reach = np.abs(random.normal(0, 0.1, (2, bars)))
    return opens, np.maximum(opens, closes) + reach[0], np.minimum(opens, closes) - reach[1], closes


@pytest.mark.parametrize("length", [1, 2, 14, 100])
def test_bar_by_bar_gives_the_columns_bit_for_bit(mode: str, length: int) -> None:
    opens, highs, lows, closes = walk(400)
    params = compiled_params(rsi_length=length)[0]
    columns = HYPERRSI.indicator_columns(opens, highs, lows, closes, params)
    fold, bar, row = records(HYPERRSI.fold), records(BAR), records(HYPERRSI.indicators)
    for i in range(closes.size):
        bar.high, bar.low, bar.close = highs[i], lows[i], closes[i]
        in_mode(mode, HYPERRSI.fold_bar)(fold[0], params, bar[0], row[0])
        if i % 50 == 0:
            fold = state_from_json(state_to_json(fold), HYPERRSI.fold)
        assert row[0].tobytes() == columns[i].tobytes(), i


def test_a_change_of_future_bars_changes_no_row_before() -> None:
    opens, highs, lows, closes = walk(300)
    params = compiled_params()[0]
    before = HYPERRSI.indicator_columns(opens, highs, lows, closes, params)
    closes[200:] *= 2.0
    after = HYPERRSI.indicator_columns(opens, highs, lows, closes, params)
    assert before[:200].tobytes() == after[:200].tobytes()
    assert before[200].rsi != after[200].rsi


def test_the_length_setting_has_an_effect() -> None:
    series = walk(300)
    short, long = (HYPERRSI.indicator_columns(*series, compiled_params(rsi_length=n)[0]) for n in (7, 21))
    assert short[-1].rsi != long[-1].rsi


@pytest.mark.parametrize(("length", "bars"), [(1, 250), (14, 280), (100, 2000)])
def test_warm_up_outlasts_the_seed(length: int, bars: int) -> None:
    assert HYPERRSI.needs(compiled_params(rsi_length=length)[0]) == bars


def test_after_the_warm_up_the_start_of_the_history_no_longer_matters() -> None:
    opens, highs, lows, closes = walk(2000)
    params = compiled_params()[0]
    full = HYPERRSI.indicator_columns(opens, highs, lows, closes, params)
    late = HYPERRSI.indicator_columns(opens[1000:], highs[1000:], lows[1000:], closes[1000:], params)
    skip = HYPERRSI.needs(params)
    assert np.max(np.abs(full.rsi[1000 + skip :] - late.rsi[skip:])) < 1e-6
