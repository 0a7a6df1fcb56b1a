"""Prices and quantities of a leg, beyond the golden numbers."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.strategies.hyperrsi.harness import compiled_params, in_mode, swap

from tradingboost.strategies.hyperrsi import levels

SPECS = {
    "BTC": swap(),
    "ETH": swap(base="ETH", contract_size=Decimal("0.1"), tick=Decimal("0.01")),
    "SOL": swap(base="SOL", contract_size=Decimal(1)),
    "DOGE": swap(base="BTC", contract_size=Decimal(1000), tick=Decimal("0.00001")),
    "SHIB": swap(base="BTC", contract_size=Decimal(1_000_000), tick=Decimal("0.000000001"), lot=Decimal("0.1")),
}


@pytest.mark.parametrize(
    ("coin", "price", "expected"),
    [("BTC", 100_000.0, 0.2), ("ETH", 2_500.0, 0.8), ("SOL", 150.0, 1.33), ("DOGE", 0.2, 1.0), ("SHIB", 0.00001, 20.0)],
)
def test_sizes_follow_the_contract_of_each_coin(mode: str, coin: str, price: float, expected: float) -> None:
    params = compiled_params(SPECS[coin])[0]
    assert in_mode(mode, levels.entry_qty)(20.0, price, params) == expected


@pytest.mark.parametrize("option", ["PERCENTAGE", "PRICE", "ATR"])
@pytest.mark.parametrize("side", [1, -1])
def test_every_mode_gives_a_ladder_and_a_stop(mode: str, option: str, side: int) -> None:
    params = compiled_params(tp_option=option, sl_option=option, use_sl=True)[0]
    prices = [in_mode(mode, levels.tp_target)(level, side, 100.0, 1.5, params) for level in range(3)]
    assert all(side * price > side * 100.0 for price in prices)
    assert side * in_mode(mode, levels.static_stop)(side, 100.0, 1.5, params) < side * 100.0


def test_a_missing_atr_is_not_taken_as_its_floor(mode: str) -> None:
    params = compiled_params(tp_option="ATR", sl_option="ATR", pyramiding_entry_type="ATR", use_sl=True)[0]
    assert np.isnan(in_mode(mode, levels.tp_target)(0, 1, 100.0, np.nan, params))
    assert np.isnan(in_mode(mode, levels.tp_price)(np.nan, 1, 100.0, 100.0, params))
    assert np.isnan(in_mode(mode, levels.static_stop)(1, 100.0, np.nan, params))
    assert np.isnan(in_mode(mode, levels.dca_level)(1, 100.0, np.nan, params))


def test_a_short_target_below_zero_stays_at_one_tick(mode: str) -> None:
    params = compiled_params(tp_option="PRICE", tp1_value=5, tp2_value=6, tp3_value=7)[0]
    target = in_mode(mode, levels.tp_target)(0, -1, 3.0, np.nan, params)
    assert target < 0
    assert in_mode(mode, levels.tp_price)(target, -1, 3.0, 3.0, params) == 0.1


def test_a_stop_below_zero_is_no_stop(mode: str) -> None:
    params = compiled_params(sl_option="PRICE", sl_value=7, use_sl=True)[0]
    assert in_mode(mode, levels.static_stop)(1, 5.0, np.nan, params) == 0.0
    assert not in_mode(mode, levels.is_tighter)(1, 0.0, 0.0)


@settings(deadline=None)
@given(
    lots=st.integers(1, 5000),
    ratios=st.tuples(st.integers(1, 33), st.integers(1, 33), st.integers(1, 34)),
    on=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    least=st.integers(1, 20),
)
def test_ladder_quantities_conserve_and_are_placeable(
    lots: int, ratios: tuple[int, int, int], on: tuple[bool, bool, bool], least: int
) -> None:
    given_ratios: dict[str, Any] = {f"tp{i}_ratio": ratio for i, ratio in enumerate(ratios, start=1)}
    switches: dict[str, Any] = {f"use_tp{i}": enabled for i, enabled in enumerate(on, start=1)}
    params = compiled_params(
        swap(min_qty=Decimal(least) / 100), use_sl=True, trailing_start_point="NONE", **given_ratios, **switches
    )[0]
    quantities = np.zeros(3)
    levels.tp_quantities(lots / 100, params, quantities)
    found = [round(float(qty) * 100) for qty in quantities]
    assert [number / 100 for number in found] == quantities.tolist()
    assert all(number == 0 for number, enabled in zip(found, on, strict=True) if not enabled)
    if lots >= least and any(on):
        runner = lots - sum(found)
        assert runner == 0 or runner >= least
        assert all(number == 0 or number >= least for number in found)


@settings(deadline=None)
@given(average=st.floats(0.5, 1e5), drift=st.floats(0.9, 1.1), side=st.sampled_from([1, -1]))
def test_the_ladder_is_sorted_in_profit_direction_and_clear_of_the_market(
    average: float, drift: float, side: int
) -> None:
    params = compiled_params(swap(tick=Decimal("0.0001")))[0]
    last = average * drift
    targets = [levels.tp_target(level, side, average, np.nan, params) for level in range(3)]
    prices = [levels.tp_price(target, side, average, last, params) for target in targets]
    assert [side * price for price in prices] == sorted(side * price for price in prices)
    assert all(side * price > side * last for price in prices)


def test_only_a_strictly_nearer_stop_is_tighter(mode: str) -> None:
    tighter = in_mode(mode, levels.is_tighter)
    assert [tighter(1, 96.0, 95.0), tighter(1, 95.0, 95.0), tighter(-1, 104.0, 105.0)] == [True, False, True]
    assert [tighter(1, 95.0, 0.0), tighter(-1, 105.0, 0.0)] == [True, True]
