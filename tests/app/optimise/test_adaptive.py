"""TPE and NSGA-II: the same at any number of workers and after a kill, and refused where Optuna is not installed."""

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.app.optimise.stage import a_request
from tests.app.optimise.test_study import code_stands_still, done, lines, part_of_it

from tradingboost.app.optimise.methods import method_of
from tradingboost.app.optimise.objectives import Trial
from tradingboost.backtest.space import space_of
from tradingboost.core.errors import InvalidInput

pytestmark = pytest.mark.timeout(300)
still = code_stands_still


def installed() -> None:
    pytest.importorskip("optuna", reason="Optuna is an optional extra")


@pytest.mark.parametrize("method", ["tpe", "nsga2"])
def test_without_optuna_the_method_is_refused_and_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InvalidInput, match=r"tradingboost\[optimise\]") as refused:
        done(a_request(tmp_path, method=method), tmp_path)
    assert refused.value.code == "method_not_installed"


@pytest.mark.parametrize(
    ("method", "objectives"),
    [("tpe", ("sharpe",)), pytest.param("nsga2", ("net_pnl", "max_drawdown"), marks=pytest.mark.long)],
)
def test_a_method_that_learns_ends_the_same_after_a_kill_and_with_two_workers(
    tmp_path: Path, method: str, objectives: tuple[str, ...]
) -> None:
    installed()
    request = a_request(tmp_path, method=method, objectives=objectives, epochs=44)
    whole = done(request, tmp_path / "whole")
    part_of_it(request, tmp_path / "killed", 37)
    resumed = done(request, tmp_path / "killed")
    done(msgspec.structs.replace(request, workers=2), tmp_path / "two")
    assert lines(tmp_path / "killed") == lines(tmp_path / "whole") == lines(tmp_path / "two")
    assert msgspec.json.encode(resumed) == msgspec.json.encode(whole)


@pytest.mark.parametrize("method", ["tpe", "nsga2"])
def test_later_sets_of_a_method_that_learns_are_better_than_its_first(method: str) -> None:
    installed()
    wishes: dict[str, Any] = {
        "a": {"from": 0, "to": 99},
        "b": {"from": 1, "to": 1000, "log": True},
        "c": ["x", "y", "z"],
    }
    space = space_of(wishes, {})
    search = method_of(method, space, 1, 1)
    values: list[float] = []
    for first in range(0, 256, search.batch):
        points = search.ask(first)
        assert all(
            0 <= at < len(one.values) for point in points for at, one in zip(point, space.dimensions, strict=True)
        )
        worth = [-abs(point[0] - 70) - abs(point[1] - 10) - 30.0 * (point[2] != 1) for point in points]
        values += worth
        search.tell(
            [
                Trial(number=first + at, point=point, status="ok", why=[], values=[value], measured=None)
                for at, (point, value) in enumerate(zip(points, worth, strict=True))
            ]
        )
    assert sum(values[-64:]) > sum(values[:64]) + 64 * 10
