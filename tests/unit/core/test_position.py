"""A position is the fold of its fills, exact to the last digit."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import D

from tradingboost.core.order import Side
from tradingboost.core.position import Position, Steps, apply_fill, unrealized_quote

SIZE = D("0.01")
STEPS = Steps(contract_size=SIZE)
COINS = Steps(contract_size=D(1))
Match = tuple[Side, Decimal, Decimal]

lots = st.integers(1, 10**6).map(lambda n: Decimal(n) / 100)
prices = st.integers(1, 10**7).map(lambda n: Decimal(n) / 10)
matches = st.lists(st.tuples(st.sampled_from(Side), lots, prices), max_size=12)


def folded(fills: list[Match], position: Position | None = None) -> Position:
    held = position or Position()
    for side, qty, price in fills:
        held = apply_fill(held, side, qty, price, STEPS)
    return held


def test_a_round_trip_realises_the_difference_times_the_contract_size() -> None:
    held = folded([(Side.BUY, D(10), D(50_000)), (Side.BUY, D(10), D(51_000))])
    assert (held.qty, held.average_price, held.realized_quote) == (D(20), D(50_500), D(0))
    half = folded([(Side.SELL, D(5), D(52_000))], held)
    assert (half.qty, half.average_price, half.realized_quote) == (D(15), D(50_500), D(75))
    flat = folded([(Side.SELL, D(15), D(50_000))], half)
    assert (flat.qty, flat.cost, flat.realized_quote) == (D(0), D(0), D(0))
    assert flat.average_price is None


def test_a_short_earns_when_the_price_falls() -> None:
    held = folded([(Side.SELL, D(10), D(50_000)), (Side.BUY, D(4), D(49_000))])
    assert (held.qty, held.average_price, held.realized_quote) == (D(-6), D(50_000), D(40))


def test_a_fill_through_zero_closes_first_and_opens_the_rest() -> None:
    held = folded([(Side.BUY, D(10), D(50_000)), (Side.SELL, D(15), D(51_000))])
    assert held == Position(qty=D(-5), cost=D(-255_000), realized_quote=D(100))


@given(matches)
def test_quantity_is_the_signed_sum_and_money_is_neither_made_nor_lost(fills: list[Match]) -> None:
    held = folded(fills)
    signed = [(side.sign * qty, price) for side, qty, price in fills]
    assert held.qty == sum((qty for qty, _ in signed), Decimal(0))
    assert held.realized_quote == (held.cost - sum((q * p for q, p in signed), Decimal(0))) * SIZE
    assert held.cost == 0 or held.qty != 0


@given(st.lists(st.tuples(lots, prices), min_size=1, max_size=8), prices)
def test_closing_the_whole_leg_realises_every_digit(opened: list[tuple[Decimal, Decimal]], leaving: Decimal) -> None:
    held = folded([(Side.BUY, qty, price) for qty, price in opened])
    flat = folded([(Side.SELL, held.qty, leaving)], held)
    paid = sum((qty * price for qty, price in opened), Decimal(0))
    assert flat == Position(realized_quote=(held.qty * leaving - paid) * SIZE)


@given(lots, prices, prices)
def test_prices_and_quantities_of_eight_digits_lose_nothing(qty: Decimal, price: Decimal, leaving: Decimal) -> None:
    fine, step = D("1e-8"), D("1e-7")
    held = apply_fill(Position(), Side.BUY, qty + fine, price + step + fine, Steps(contract_size=D(1)))
    flat = apply_fill(held, Side.SELL, qty + fine, leaving, Steps(contract_size=D(1)))
    assert flat.realized_quote == (qty + fine) * leaving - (qty + fine) * (price + step + fine)


@given(
    st.lists(st.tuples(lots, prices), min_size=1, max_size=6).flatmap(
        lambda x: st.tuples(st.just(x), st.permutations(x))
    )
)
def test_opening_fills_may_come_in_any_order(
    pair: tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]],
) -> None:
    one, other = ([(Side.SELL, qty, price) for qty, price in fills] for fills in pair)
    assert folded(one) == folded(other)


@given(lots, lots, prices, prices, st.sampled_from(Side))
def test_closing_in_two_parts_is_closing_at_once_but_for_one_quantum(
    first: Decimal, second: Decimal, price: Decimal, leaving: Decimal, side: Side
) -> None:
    other = Side.SELL if side is Side.BUY else Side.BUY
    held = folded([(side, first + second, price)])
    parts = folded([(other, first, leaving), (other, second, leaving)], held)
    assert parts.qty == 0
    assert parts.realized_quote == folded([(other, first + second, leaving)], held).realized_quote


@given(matches, prices)
def test_what_closing_would_realise_is_what_closing_realises(fills: list[Match], mark: Decimal) -> None:
    held = folded(fills)
    expected = held.realized_quote + unrealized_quote(held, mark, SIZE)
    if held.qty:
        side = Side.SELL if held.qty > 0 else Side.BUY
        held = folded([(side, abs(held.qty), mark)], held)
    assert held.realized_quote == expected


@given(
    st.integers(1, 10**9),
    st.integers(1, 10**9),
    st.integers(1, 10**15),
    st.sampled_from(["1e-12", "0.001", "0.1"]),
    st.sampled_from(Side),
)
def test_a_division_that_does_not_end_is_rounded_down_to_the_venue_s_quantum(
    rest: int, part: int, cost: int, quantum: str, side: Side
) -> None:
    sign = -side.sign
    held = Position(qty=D(sign * (rest + part)), cost=D(sign * cost))
    after = apply_fill(held, side, D(part), D(0), Steps(contract_size=D(1), cost_quantum=D(quantum)))
    removed = (held.cost - after.cost) * sign
    assert removed % D(quantum) == 0
    share = Fraction(cost) * part / (rest + part)
    assert Fraction(removed) <= share < Fraction(removed) + Fraction(quantum)
    assert after.realized_quote == -removed * sign


@pytest.mark.parametrize("side", list(Side))
def test_a_flat_leg_has_no_average_and_nothing_unrealised(side: Side) -> None:
    assert Position().average_price is None
    assert unrealized_quote(Position(), D(50_000), SIZE) == 0
    assert apply_fill(Position(), side, D(1), D(2), Steps(contract_size=SIZE)).average_price == D(2)
