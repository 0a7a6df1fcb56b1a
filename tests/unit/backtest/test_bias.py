"""A planted leak is found, and the real strategies know nothing of the future."""

from typing import Any

import msgspec
import numpy as np
import pytest
from tests.unit.backtest.worlds import conditions, market, mode, world

from tradingboost import strategies
from tradingboost.backtest.bias import Subject, lookahead, recursive
from tradingboost.backtest.model import Candles
from tradingboost.strategies.compiled import kernel
from tradingboost.strategies.contract import Strategy

pytestmark = pytest.mark.timeout(300)
HYPERRSI = strategies.get("hyperrsi")


def subject(name: str, strategy: Strategy | None = None, bars: int = 4000) -> Subject:
    candles = market(bars)
    found, params = world(name)
    config = conditions(candles, position_mode=mode(name), warmup_bars=500)
    return Subject(strategy or found, candles, params, config)


@pytest.mark.parametrize("name", ["trailing", "hedged", "grid_neutral"])
def test_the_future_changes_nothing_before_it(name: str) -> None:
    findings = lookahead(subject(name))
    assert [(one.check, one.ok, one.note) for one in findings] == [
        ("the future cut off", True, ""),
        ("the future doubled", True, ""),
        ("the future reversed", True, ""),
        ("fills after decisions", True, ""),
    ]
    assert all(one.tried >= 5 for one in findings)


def _peeking(candles: Candles, params: Any, feed: Any = None) -> Any:
    """The RSI of the next bar."""
    rows = HYPERRSI.indicator_columns(candles, params, feed)
    rows.rsi[:-1] = rows.rsi[1:]
    return rows


def _scaled(candles: Candles, params: Any, feed: Any = None) -> Any:
    """The average of all of the series, which nobody knows before its end."""
    rows = HYPERRSI.indicator_columns(candles, params, feed)
    rows.atr *= float(candles.closes.mean()) / 42_000
    return rows


@pytest.mark.parametrize(("columns", "indicator"), [(_peeking, "rsi"), (_scaled, "atr")])
def test_a_strategy_that_peeks_is_caught_with_the_bar(columns: Any, indicator: str) -> None:
    leaking = msgspec.structs.replace(HYPERRSI, indicator_columns=columns)
    findings = lookahead(subject("trailing", leaking))
    caught = [one for one in findings if not one.ok]
    assert caught
    assert {one.note for one in caught} == {f"the indicator {indicator}"}
    assert all(one.bar is not None and one.at_ms is not None for one in caught)


def test_indicators_bar_by_bar_are_those_of_whole_columns() -> None:
    one = subject("trailing", bars=3000)
    steps = kernel("hyperrsi")
    first = recursive(one, steps.fold_bar, steps.fold_feed)[0]
    assert (first.ok, first.tried, first.note) == (True, 3000, "")


def test_a_strategy_without_indicators_has_nothing_to_fold() -> None:
    one = subject("grid_neutral", bars=1000)
    first = recursive(one, one.strategy.fold_bar, one.strategy.fold_feed)[0]
    assert (first.ok, first.tried, first.note) == (True, 0, "it reads prices only")


def test_a_run_that_begins_later_decides_the_same_once_both_are_flat() -> None:
    steps = kernel("hyperrsi")
    findings = recursive(subject("trailing"), steps.fold_bar, steps.fold_feed)
    assert [one.check for one in findings[1:]] == ["begun 1 bars later", "begun 7 bars later", "begun 200 bars later"]
    assert [(one.ok, one.note) for one in findings[1:]] == [(True, "")] * 3
    assert all(one.tried > 20 for one in findings[1:])


def test_indicators_that_hang_on_where_the_history_begins_are_caught() -> None:
    def counting(candles: Candles, params: Any, feed: Any = None) -> Any:
        rows = HYPERRSI.indicator_columns(candles, params, feed)
        rows.rsi += np.arange(len(candles)) % 7
        return rows

    steps = kernel("hyperrsi")
    leaking = msgspec.structs.replace(HYPERRSI, indicator_columns=counting)
    findings = recursive(subject("trailing", leaking), steps.fold_bar, steps.fold_feed)
    assert (findings[0].ok, findings[0].note) == (False, "the indicator rsi")
    assert not all(one.ok for one in findings[1:])
