"""From settings to the kernel's record."""

from decimal import Decimal

import pytest
from tests.unit.strategies.hyperrsi.harness import compiled_params, facts, spot, swap

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Symbol
from tradingboost.strategies.hyperrsi.amounts import amount_for_symbol, unified_symbol
from tradingboost.strategies.hyperrsi.checks import validate


def test_spot_has_no_leverage_no_guard_and_no_shorts() -> None:
    row = compiled_params(spot(), leverage=10)[0]
    assert (row.leverage, row.guarded, row.allow_long, row.allow_short) == (1, 0, 1, 0)


def test_a_short_only_run_on_spot_is_refused() -> None:
    with pytest.raises(InvalidInput, match="cannot be sold short"):
        compiled_params(spot(), direction="SHORT")


def test_leverage_above_the_venue_maximum_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at most 20"):
        compiled_params(swap(max_leverage=20), leverage=21)


def test_a_symbol_without_any_amount_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        compiled_params(swap(base="XRP", symbol=Symbol("XRP-USDT-SWAP")))
    assert caught.value.code == "amount_missing"


def test_the_runs_investment_serves_symbols_without_an_own_amount() -> None:
    xrp = swap(base="XRP")
    assert compiled_params(xrp, facts(investment=Decimal(7)))[0].amount == 7


@pytest.mark.parametrize("key", ["BTC/USDT:USDT", "BTC-USDT-SWAP"])
def test_an_amount_may_be_keyed_by_either_name(key: str) -> None:
    params = validate({"symbol_investments": {key: 55}})
    assert amount_for_symbol(params, swap(), None) == 55


def test_spot_and_swap_of_one_coin_have_different_names() -> None:
    assert (unified_symbol(spot()), unified_symbol(swap())) == ("BTC/USDT", "BTC/USDT:USDT")


@pytest.mark.parametrize(
    ("tick", "num", "den"), [("0.1", 1, 10), ("0.00005", 5, 100_000), ("2.5", 25, 10), ("10", 10, 1)]
)
def test_ticks_become_exact_fractions(tick: str, num: float, den: float) -> None:
    row = compiled_params(swap(tick=Decimal(tick)))[0]
    assert (row.tick_num, row.tick_den) == (num, den)
