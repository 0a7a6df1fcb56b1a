"""The dense driver, the one that passes over quiet closes, and the live step: the same bits for any valid set.

`python -m tests.parity.year` steps live over a whole year, which takes minutes a set.
"""

from enum import StrEnum

import msgspec
import pytest
from tests.parity import anyset, drivers
from tests.parity.livestep import LiveStep

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
def test_random_sets_are_the_same_run_folded_and_decided_candle_by_candle(strategy: str) -> None:
    candles = anyset.market(6_000, seed=12)
    traded = 0
    for number, one in enumerate(drivers.ready(strategy, 12, candles, 1_000)):
        asked = drivers.dense(strategy, candles, one)
        assert drivers.different(asked, drivers.stepped(strategy, candles, one)) == [], (number, one.given)
        traded += asked.fills.size >= 10
    assert traded >= 4


@pytest.mark.long
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_fifty_random_sets_are_the_same_run_over_a_year_of_minutes(strategy: str) -> None:
    year = anyset.market(525_600, seed=23)
    sweep = Sweep(strategy_named(strategy), year)
    for number, one in enumerate(drivers.ready(strategy, SETS, year, WARMUP)):
        found = drivers.different(drivers.dense(strategy, year, one), drivers.skipping(sweep, one))
        assert found == [], (number, one.given)


@pytest.mark.parametrize("restarts", [0, 97], ids=["steady", "restarted"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_random_sets_are_the_same_run_stepped_live_and_in_the_backtest(strategy: str, restarts: int) -> None:
    candles = anyset.market(3_500, seed=12)
    lived = 0
    for number, one in enumerate(drivers.ready(strategy, SETS, candles, 1_000, plain=True)):
        tested = drivers.dense(strategy, candles, one)
        if tested.fills.size < 10 or lived == 4:
            continue
        live = LiveStep(strategy_named(strategy), candles, one, restarts).run()
        assert drivers.told_apart(tested, live) == [], (number, one.given)
        lived += 1
    assert lived == 4


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_random_sets_reach_every_key_and_every_member_of_every_choice(strategy: str) -> None:
    kind = strategy_named(strategy)
    parsed = [kind.validate(given) for given in anyset.sets(strategy, 4 * SETS, 2026)]
    for key in (field.name for field in msgspec.structs.fields(kind.schema)):
        seen = {str(getattr(one, key)) for one in parsed}
        assert len(seen) > 1, key
        choice = type(getattr(parsed[0], key))
        if issubclass(choice, StrEnum):
            assert {member.value for member in choice} <= seen, key
