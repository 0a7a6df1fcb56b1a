"""Indicators bar by bar and as columns."""

import msgspec
import numpy as np
import pytest
from tests.unit.strategies.hyperrsi.harness import START_MS, compiled_params, facts, in_mode

from tradingboost.backtest import Candles
from tradingboost.core.errors import InvalidInput
from tradingboost.strategies.contract import BAR, records, state_from_json, state_to_json
from tradingboost.strategies.hyperrsi import HYPERRSI

DAY_MS = 86_400_000


def walk(bars: int, seed: int = 7, minutes: int = 5) -> Candles:
    random = np.random.default_rng(seed)
    closes = np.round(100.0 * np.exp(np.cumsum(random.normal(0, 0.002, bars))), 2)
    opens = np.concatenate([[100.0], closes[:-1]])
    reach = np.abs(random.normal(0, 0.1, (2, bars)))
    return Candles(
        timeframe_ms=minutes * 60_000,
        open_ms=START_MS // DAY_MS * DAY_MS + np.arange(bars) * minutes * 60_000,
        opens=opens,
        highs=np.maximum(opens, closes) + reach[0],
        lows=np.minimum(opens, closes) - reach[1],
        closes=closes,
        volumes=np.ones(bars),
    )


def part(candles: Candles, first: int) -> Candles:
    names = ("open_ms", "opens", "highs", "lows", "closes", "volumes")
    return msgspec.structs.replace(candles, **{name: getattr(candles, name)[first:] for name in names})


@pytest.mark.parametrize("length", [1, 2, 14, 100])
def test_bar_by_bar_gives_the_columns_bit_for_bit(mode: str, length: int) -> None:
    candles = walk(400)
    params = compiled_params(rsi_length=length)[0]
    columns = HYPERRSI.indicator_columns(candles, params)
    fold, bar, row = records(HYPERRSI.fold), records(BAR), records(HYPERRSI.indicators)
    for i in range(len(candles)):
        bar.high, bar.low, bar.close = candles.highs[i], candles.lows[i], candles.closes[i]
        bar.close_ms = candles.open_ms[i] + candles.timeframe_ms
        in_mode(mode, HYPERRSI.fold_bar)(fold[0], params, bar[0], row[0])
        if i % 50 == 0:
            fold = state_from_json(state_to_json(fold), HYPERRSI.fold)
        assert row[0].tobytes() == columns[i].tobytes(), i


def test_a_change_of_future_bars_changes_no_row_before() -> None:
    candles = walk(300)
    params = compiled_params()[0]
    before = HYPERRSI.indicator_columns(candles, params)
    candles.closes[200:] *= 2.0
    after = HYPERRSI.indicator_columns(candles, params)
    assert before[:200].tobytes() == after[:200].tobytes()
    assert before[200].rsi != after[200].rsi


def test_the_length_setting_has_an_effect() -> None:
    series = walk(300)
    short, long = (HYPERRSI.indicator_columns(series, compiled_params(rsi_length=n)[0]) for n in (7, 21))
    assert short[-1].rsi != long[-1].rsi


@pytest.mark.parametrize(("length", "bars"), [(1, 250), (14, 280), (100, 2000)])
def test_warm_up_outlasts_the_seed(length: int, bars: int) -> None:
    assert HYPERRSI.needs(compiled_params(rsi_length=length)[0]) == bars


def test_after_the_warm_up_the_start_of_the_history_no_longer_matters() -> None:
    candles = walk(2000)
    params = compiled_params()[0]
    full = HYPERRSI.indicator_columns(candles, params)
    late = HYPERRSI.indicator_columns(part(candles, 1000), params)
    skip = HYPERRSI.needs(params)
    assert np.max(np.abs(full.rsi[1000 + skip :] - late.rsi[skip:])) < 1e-6


def test_the_full_warm_up_is_that_of_the_trend_and_only_where_it_is_asked_for() -> None:
    params = compiled_params()[0]
    assert (HYPERRSI.needs(params), HYPERRSI.wants(params)) == (280, 30_000)
    off = compiled_params(use_trend_logic=False, use_trend_close=False)[0]
    assert (HYPERRSI.wants(off), HYPERRSI.feed_ms(off)) == (280, 0)


@pytest.mark.parametrize(
    ("minutes", "chart", "feed"),
    [(1, "auto", 0), (3, "auto", 1), (5, "auto", 0), (60, "4h", 0), (240, "auto", 60), (60, "5m", 5), (240, "1d", 60)],
)
def test_a_trend_that_the_runs_candles_cannot_make_asks_for_finer_ones(minutes: int, chart: str, feed: int) -> None:
    params = compiled_params(None, facts(timeframe_ms=minutes * 60_000), trend_timeframe=chart)[0]
    assert HYPERRSI.feed_ms(params) == feed * 60_000


def test_without_the_finer_candles_it_needs_the_trend_is_refused_and_not_guessed() -> None:
    params = compiled_params(None, facts(timeframe_ms=180_000))[0]
    with pytest.raises(InvalidInput) as caught:
        HYPERRSI.indicator_columns(walk(300, minutes=3), params)
    assert caught.value.code == "trend_feed_missing"


def test_finer_candles_fed_bar_by_bar_give_the_columns_bit_for_bit(mode: str) -> None:
    finer = walk(2400, minutes=1)
    params = compiled_params(None, facts(timeframe_ms=180_000))[0]
    names = ("open_ms", "opens", "highs", "lows", "closes", "volumes")
    own = msgspec.structs.replace(
        finer,
        timeframe_ms=180_000,
        **{name: getattr(finer, name)[::3] for name in names[:-2]},
        closes=finer.closes[2::3],
    )
    columns = HYPERRSI.indicator_columns(own, params, finer)
    fold, bar, row = records(HYPERRSI.fold), records(BAR), records(HYPERRSI.indicators)
    for i in range(own.closes.size):
        for k in range(3 * i, 3 * i + 3):
            close_ms = int(finer.open_ms[k]) + 60_000
            in_mode(mode, HYPERRSI.fold_feed)(fold[0], params, close_ms, float(finer.closes[k]))
        bar.close_ms, bar.high, bar.low, bar.close = close_ms, own.highs[i], own.lows[i], own.closes[i]
        in_mode(mode, HYPERRSI.fold_bar)(fold[0], params, bar[0], row[0])
        assert row[0].tobytes() == columns[i].tobytes(), i
    assert np.isnan(columns.trend[0])
    assert not np.isnan(columns.trend[-1])
