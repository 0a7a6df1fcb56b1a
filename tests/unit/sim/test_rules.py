"""Fill arithmetic: golden numbers, exactness against fractions, and equality of compiled and interpreted code."""

from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from tradingboost.sim import rules
from tradingboost.sim.scale import QUANTA, parse

AMOUNTS = st.integers(0, 4 * 10**18)
RATES = st.integers(0, 10**10)


@pytest.mark.parametrize(
    ("px", "is_buy", "expected"),
    [
        ("100", True, "100.05"),
        ("100", False, "99.95"),
        ("95", False, "94.9525"),
        ("93", False, "92.9535"),
        ("105", True, "105.0525"),
        ("107", True, "107.0535"),
    ],
)
def test_taker_prices_are_those_of_the_backtest_golden(px: str, is_buy: bool, expected: str) -> None:
    tick = parse("0.0001")
    assert rules.taker_price(parse(px) // tick, is_buy, 500) * tick == parse(expected)


def test_slippage_is_rounded_against_the_taker() -> None:
    assert rules.taker_price(1_001, True, 500) == 1_002
    assert rules.taker_price(1_001, False, 500) == 1_000
    assert rules.taker_price(1, False, 500) == 1


@given(AMOUNTS, RATES)
def test_rates_are_exact_without_the_large_product(amount: int, rate: int) -> None:
    exact = Fraction(amount * rate, rules.RATE_ONE)
    assert rules.rate_floor(amount, rate) == floor(exact)
    assert rules.rate_ceil(amount, rate) == ceil(exact)


@given(st.integers(0, 10**14), st.integers(1, 10**9), st.data())
def test_a_share_is_the_floor_of_the_exact_share(cost: int, whole: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, whole))
    assert rules.share(cost, part, whole) == cost * part // whole


def test_a_round_trip_costs_what_the_golden_says() -> None:
    tick_value = parse("0.1") * parse("0.01") * parse("0.01") // QUANTA**2
    entry, close, lots = 1_000_000, 1_020_000, 20
    gross = rules.linear_pnl(lots, close, entry * lots, tick_value)
    fees = rules.fee(rules.notional(entry, lots, tick_value), parse("0.0005")) + rules.fee(
        rules.notional(close, lots, tick_value), parse("0.0002")
    )
    assert (gross, fees, gross - fees) == (parse("4"), parse("0.1408"), parse("3.8592"))


def test_fees_round_away_from_the_account_and_rebates_too() -> None:
    assert rules.fee(1, 1) == 1
    assert rules.fee(3, -QUANTA // 2) == -1


@pytest.mark.parametrize(
    ("lots", "qty", "rate", "change"),
    [
        (1, "1", "0.0001", "-5"),
        (-1, "1", "0.0001", "5"),
        (1, "1", "-0.0002", "10"),
        (-1, "0.5", "-0.0002", "-5"),
    ],
)
def test_funding_moves_cash_as_in_the_golden(lots: int, qty: str, rate: str, change: str) -> None:
    worth = 50_000 * parse(qty)
    assert rules.funding_change(lots, worth, parse(rate)) == parse(change)


def test_funding_rounds_toward_minus_infinity_for_both_sides() -> None:
    assert rules.funding_change(1, 1, 1) == -1
    assert rules.funding_change(-1, 1, 1) == 0


@pytest.mark.parametrize(
    ("lots", "margin", "average", "rate", "expected"),
    [
        (1_000, "400", "40000", "0.0045", "36162.7323"),
        (-1_000, "400", "40000", "0.0045", "43802.8870"),
        (1_000, "400", "40000", "0.0005", "36018.0090"),
    ],
)
def test_liquidation_prices_are_those_of_the_specification(
    lots: int, margin: str, average: str, rate: str, expected: str
) -> None:
    tick = parse("0.0001")
    tick_value = tick * parse("0.01") * parse("0.01") // QUANTA**2
    px = rules.cross_liq_price(parse(margin), lots, parse(average) // tick * abs(lots), tick_value, parse(rate))
    assert abs(px * tick - parse(expected)) <= tick


@given(
    st.integers(1, 10**6),
    st.integers(1_000, 10**6),
    st.booleans(),
    st.integers(0, 10**13),
    st.integers(10**9, 5 * 10**10),
)
def test_the_liquidation_price_is_where_the_buffer_turns(
    size: int, entry: int, is_long: bool, free: int, rate: int
) -> None:
    lots, tick_value = size if is_long else -size, 10**4
    cost = entry * size

    def buffer(px: int) -> int:
        equity = free + rules.linear_pnl(lots, px, cost, tick_value)
        return rules.cross_buffer(equity, lots, px, tick_value, rate)

    px = rules.cross_liq_price(free, lots, cost, tick_value, rate)
    if is_long and px == 0:
        assert buffer(1) > 0 or free - cost * tick_value <= 0
        return
    healthy = px + 1 if is_long else px - 1
    assert buffer(px) <= 0
    assert healthy < 1 or buffer(healthy) > 0


def test_no_price_liquidates_a_long_that_is_fully_paid() -> None:
    assert rules.cross_liq_price(10**12, 10, 1_000, 10**7, 10**9) == 0


def _fill_arithmetic(px: int, lots: int, cost: int, rate: int, free: int) -> tuple[int, int, int, int, int, int, int]:
    amount = rules.notional(px, abs(lots), 10**4)
    return (
        rules.taker_price(px, lots > 0, 500),
        rules.fee(amount, rate),
        rules.funding_change(lots, amount, -rate),
        rules.linear_pnl(lots, px, cost, 10**4),
        rules.share(cost, abs(lots) // 2, abs(lots)),
        rules.cross_liq_price(free, lots, cost, 10**4, rate),
        rules.cross_buffer(free, lots, px, 10**4, rate),
    )


_COMPILED: Any = njit(_fill_arithmetic)


@settings(deadline=None)
@given(
    st.integers(1, 10**6),
    st.integers(-(10**6), 10**6).filter(bool),
    st.integers(0, 10**10),
    st.integers(0, 10**15),
)
def test_compiled_and_interpreted_arithmetic_agree(px: int, lots: int, rate: int, free: int) -> None:
    cost = px * abs(lots)
    assert _COMPILED(px, lots, cost, rate, free) == _fill_arithmetic(px, lots, cost, rate, free)


@pytest.mark.parametrize(
    ("model", "px", "filled"),
    [
        (rules.TRADE_THROUGH, 99, True),
        (rules.TRADE_THROUGH, 100, False),
        (rules.TOUCH, 100, True),
        (rules.TOUCH, 101, False),
        (rules.OPTIMISTIC, 101, True),
        (rules.OPTIMISTIC, 102, False),
    ],
)
def test_each_fill_model_draws_its_own_line(model: int, px: int, filled: bool) -> None:
    assert rules.limit_reached(True, 100, px, model) is filled
    assert rules.limit_reached(False, 100, 200 - px, model) is filled


def test_a_stop_is_reached_by_touch() -> None:
    assert rules.stop_reached(False, 100, 100)
    assert not rules.stop_reached(False, 100, 101)
    assert rules.stop_reached(True, 100, 100)
    assert not rules.stop_reached(True, 100, 99)
