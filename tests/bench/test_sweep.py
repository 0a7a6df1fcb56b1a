"""The limit of a sweep earns what the limit of a single run earns; the sets are those of the definition."""

import json
from pathlib import Path

import pytest
from bench.limit_sweep import Wish, sets, swept
from bench.market import minutes
from bench.saved import document, save

from bench import limit

pytestmark = pytest.mark.timeout(600)  # of the compiler, on a cold cache


def test_there_are_a_thousand_sets_and_no_two_alike() -> None:
    assert len(set(sets())) == len(sets()) == 1000


def test_jumping_from_event_to_event_finds_what_walking_finds() -> None:
    market = minutes()
    expected = limit.trades(market)
    same = Wish(limit.LENGTH, limit.OVERSOLD, limit.PROFIT, limit.LOSS)
    earned = swept(market, [same, Wish(7, 21.0, 0.01, 0.03), same])
    assert earned.trades[[0, 2]].tolist() == [len(expected.left)] * 2
    assert earned.pnl[[0, 2]] == pytest.approx([expected.pnl] * 2, abs=1e-6)
    assert earned.trades[1] > earned.trades[0]


def test_figures_are_kept_with_what_they_were_taken_with(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "figures.json"
    told = document("bus", {"ratios": {"a": 1.0}})
    save(path, [told])
    assert json.loads(path.read_text()) == told
    assert (told["kind"], told["schema"], told["bench"], told["ratios"]) == ("tradingboost.bench", 1, "bus", {"a": 1.0})
    assert {"tradingboost", "python", "numba", "numpy"} <= set(told["versions"])
    save(path, [told, told])
    assert json.loads(path.read_text())["benches"] == [told, told]
    assert [one.name for one in path.parent.iterdir()] == ["figures.json"]
