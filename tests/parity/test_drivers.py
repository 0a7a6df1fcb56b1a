"""The dense driver, the one that passes over quiet closes, and the live step: the same bits for any valid set."""

from enum import StrEnum

import pytest
from tests.parity import anyset, drivers

from tradingboost.backtest import Candles
from tradingboost.backtest.sweep import Sweep
from tradingboost.strategies import get as strategy_named

pytestmark = pytest.mark.timeout(300)
MINUTES = 40_000
WARMUP = 5_000
SETS = 50
STRATEGIES = ("hyperrsi", "grid")


@pytest.fixture(scope="module")
def month() -> Candles:
    """Four weeks of made-up minutes."""
    return anyset.market(MINUTES)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_fifty_random_sets_are_the_same_run_at_every_close_and_with_quiet_closes_passed_over(
    strategy: str, month: Candles
) -> None:
    sweep = Sweep(strategy_named(strategy), month)
    trading = 0
    for number, one in enumerate(drivers.ready(strategy, SETS, month, WARMUP)):
        asked, passed = drivers.dense(strategy, month, one), drivers.skipping(sweep, one)
        assert drivers.different(asked, passed) == [], (number, one.given)
        trading += len(asked.fills) >= 10
    assert trading >= SETS / 2


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_random_sets_reach_every_key_and_every_member_of_every_choice(strategy: str) -> None:
    kind = strategy_named(strategy)
    parsed = [kind.validate(given) for given in anyset.sets(strategy, 4 * SETS, 2026)]
    for key in kind.schema.__struct_fields__:
        seen = {str(getattr(one, key)) for one in parsed}
        assert len(seen) > 1, key
        choice = type(getattr(parsed[0], key))
        if issubclass(choice, StrEnum):
            assert {member.value for member in choice} <= seen, key
