"""What keeps a search honest: windows, folds, the deflated Sharpe ratio, plateaus and stress windows."""

from typing import Any

import numpy as np
import pytest
from tests.golden import vectors
from tests.unit.backtest.worlds import market

from tradingboost.backtest import metrics
from tradingboost.backtest.plateau import footing, recommended, surfaces
from tradingboost.backtest.sharpe import Moments, deflated, deflated_among, expected_best, moments_of, probabilistic
from tradingboost.backtest.space import Point, space_of
from tradingboost.backtest.stress import Move, stress_windows
from tradingboost.backtest.windows import Mode, purged, walk_forward
from tradingboost.core.errors import InvalidInput


def golden(name: str) -> Any:
    return next(parameter.values[0] for parameter in vectors("optimise") if parameter.id == name)


def test_walk_forward_windows_are_the_worked_ones() -> None:
    vector = golden("backtest.walk_forward")
    days, train, test = (vector["input"][name] for name in ("days", "train_days", "test_days"))
    for mode in Mode:
        found = [[*one.train[0], *one.test] for one in walk_forward(days, train, test, mode)]
        assert found == vector["expected"][mode.value]


def test_purged_folds_are_the_worked_ones() -> None:
    vector = golden("backtest.purged_cv")
    given = vector["input"]
    found = purged(given["bars"], given["folds"], given["purge_bars"], given["embargo_bars"])
    assert [list(one.test) for one in found] == vector["expected"]["test"]
    assert [[list(side) for side in one.train] for one in found] == vector["expected"]["train"]


def test_the_deflated_sharpe_ratio_is_the_published_one() -> None:
    vector = golden("backtest.deflated_sharpe")
    given, expected = vector["input"], vector["expected"]
    found = deflated(
        Moments(
            sharpe=given["sharpe_per_period"],
            observations=given["observations"],
            skew=given["skewness"],
            kurtosis=given["kurtosis"],
        ),
        given["trials"],
        given["variance_of_trial_sharpes_per_period"],
    )
    assert found.benchmark == pytest.approx(expected["benchmark_sharpe"], abs=vector["abs_tol"])
    assert found.probability == pytest.approx(expected["deflated_sharpe_ratio"], abs=vector["abs_tol"])
    assert found.lucky


def test_the_probabilistic_ratio_is_the_one_of_the_report() -> None:
    returns = np.random.default_rng(5).normal(0.001, 0.01, 300)
    moments = moments_of(returns)
    assert moments is not None
    assert probabilistic(moments) == pytest.approx(metrics.probabilistic_sharpe(returns, 0.0), abs=1e-12)


def test_one_trial_has_nothing_to_be_deflated_by() -> None:
    moments = Moments(sharpe=0.2, observations=400, skew=0.0, kurtosis=3.0)
    assert deflated_among(moments, [0.2]).probability == probabilistic(moments)
    assert expected_best(1, 1.0) == 0.0


def test_returns_without_spread_have_no_moments() -> None:
    assert moments_of(np.zeros(50)) is None
    assert moments_of(np.array([0.1, 0.2])) is None


@pytest.mark.parametrize(("train", "test"), [(0, 1), (1, 0), (9, 2)])
def test_windows_that_do_not_fit_are_refused(train: int, test: int) -> None:
    with pytest.raises(InvalidInput, match=r"above zero|do not fit"):
        walk_forward(10, train, test)


@pytest.mark.parametrize("arguments", [(10, 1, 0, 0), (3, 4, 0, 0), (10, 2, -1, 0), (10, 2, 9, 9)])
def test_folds_that_cannot_be_are_refused(arguments: tuple[int, int, int, int]) -> None:
    with pytest.raises(InvalidInput):
        purged(*arguments)


def test_nothing_that_is_tested_is_trained_on() -> None:
    for one in purged(1003, 7, 12, 30):
        for side in one.train:
            assert side[1] <= one.test[0] - 12 or side[0] >= one.test[1] + 42


def test_the_plateau_wins_over_the_peak() -> None:
    space = space_of({"a": {"from": 1, "to": 5}, "b": {"from": 1, "to": 5}}, {})
    values: dict[Point, float] = {(a, b): 1.0 for a in range(5) for b in range(5)}
    values |= {(0, 0): 3.0, (3, 3): 2.0} | dict.fromkeys(space.neighbours((3, 3)), 1.9)
    footings = [footing(space, values, point) for point in values]
    best = recommended(footings)
    assert best is not None
    assert (best.point, best.value, best.known, best.possible) == ((3, 3), 2.0, 4, 4)
    assert best.mean == pytest.approx(1.9)
    assert best.worst == 1.9
    assert max(footings, key=lambda one: one.value).point == (0, 0)


def test_a_set_without_tried_neighbours_is_not_recommended() -> None:
    space = space_of({"a": {"from": 1, "to": 5}}, {})
    alone = footing(space, {(0,): 1.0, (4,): 2.0}, (4,))
    assert (alone.mean, alone.worst, alone.known, alone.possible) == (None, None, 0, 1)
    assert recommended([alone]) is None


def test_a_surface_is_the_mean_over_everything_else() -> None:
    space = space_of({"a": [1, 2], "b": [1, 2, 3], "c": [1, 2]}, {})
    first = surfaces(space, {(0, 0, 0): 1.0, (0, 0, 1): 3.0, (1, 2, 0): 5.0})[0]
    assert (first.names, first.rows, first.columns) == (("a", "b"), [1, 2], [1, 3])
    assert first.mean == [[2.0, None], [None, 5.0]]


def test_the_hardest_days_are_found_and_do_not_overlap() -> None:
    candles = market(20_000)
    found = stress_windows(candles, days=1, count=2)
    assert [one.move for one in found] == [Move.FALL, Move.FALL, Move.RISE, Move.RISE]
    day = 1440
    closes, opens = candles.closes, candles.opens
    changes = [closes[i + day - 1] / opens[i] - 1 for i in range(len(closes) - day + 1)]
    assert found[0].change == min(changes)
    assert found[2].change == max(changes)
    for pair in (found[:2], found[2:]):
        assert abs(pair[0].from_ms - pair[1].from_ms) >= 86_400_000


def test_data_shorter_than_a_window_have_no_stress() -> None:
    assert stress_windows(market(500), days=7) == []
