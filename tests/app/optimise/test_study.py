"""Studies: killed and gone on with, the same at any number of workers, and never on other data."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.app.optimise.stage import Climbing, Interrupting, a_market, a_request, settings_in

from tradingboost.app.backtesting import backtest
from tradingboost.app.data.loading import store_of
from tradingboost.app.optimise import starting
from tradingboost.app.optimise.methods import method_of
from tradingboost.app.optimise.objectives import Constraints
from tradingboost.app.optimise.search import search
from tradingboost.app.optimise.searching import hyperopt, shown, trial_of
from tradingboost.app.optimise.starting import SearchRequest, head_for, prepared, studies_of
from tradingboost.app.optimise.study import folder_of, opened, read_trials, studies
from tradingboost.app.optimise.workers import Inline
from tradingboost.core.errors import Conflict, InvalidInput, NotFound

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def code_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sources may be edited while tests run; a study must not notice here."""
    monkeypatch.setattr(starting, "source_hash", lambda package: "code")


def done(request: SearchRequest, folder: Path) -> Any:
    return hyperopt(request, settings_in(folder), tell=lambda *_: None, say=lambda _: None, stopped=lambda: False)


def lines(folder: Path, name: str = "mine") -> bytes:
    return (studies_of(settings_in(folder)) / name / "trials.jsonl").read_bytes()


def part_of_it(request: SearchRequest, folder: Path, after: int) -> None:
    """Search like `hyperopt`, killed after some trials."""
    settings = settings_in(folder)
    made = prepared(request, settings)
    with opened(studies_of(settings), head_for(made, [made.problem.span()])) as study:
        method = method_of(request.method, made.space, request.seed, len(request.objectives))
        evaluator = Interrupting(Inline(made.problem), after)
        assert not search(study, made.space, method, evaluator, tell=lambda *_: None, stopped=lambda: False)


def test_a_study_killed_half_way_ends_like_one_that_was_left_alone(tmp_path: Path) -> None:
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    a_market(tmp_path)
    request = a_request(tmp_path)
    whole = done(request, alone)
    part_of_it(request, killed, 5)
    path = studies_of(settings_in(killed)) / "mine" / "trials.jsonl"
    path.write_bytes(path.read_bytes() + b'{"number":5,"poi')
    resumed = done(request, killed)
    assert lines(killed) == lines(alone)
    assert msgspec.json.encode(resumed) == msgspec.json.encode(whole)
    assert (whole.complete, whole.trials) == (True, 12)


def test_two_workers_find_what_one_finds(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    request = a_request(tmp_path, epochs=30)
    first = done(request, one)
    second = done(msgspec.structs.replace(request, workers=2), two)
    assert lines(one) == lines(two)
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


def test_more_trials_may_be_asked_for_later(tmp_path: Path) -> None:
    request = a_request(tmp_path)
    done(request, tmp_path / "a")
    done(msgspec.structs.replace(request, epochs=18), tmp_path / "a")
    done(msgspec.structs.replace(request, epochs=18), tmp_path / "b")
    assert lines(tmp_path / "a") == lines(tmp_path / "b")


def test_changed_data_refuse_to_go_on_unless_forked(tmp_path: Path) -> None:
    request = a_request(tmp_path)
    part_of_it(request, tmp_path, 3)
    kept = lines(tmp_path)
    a_market(tmp_path, 2_401)
    with pytest.raises(Conflict, match="--fork") as refused:
        done(request, tmp_path)
    assert "data" in str(refused.value.details["changed"])
    found = done(msgspec.structs.replace(request, fork=True), tmp_path)
    assert (found.study, found.trials) == ("mine-2", 12)
    assert lines(tmp_path) == kept


def test_changed_code_refuses_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part_of_it(a_request(tmp_path), tmp_path, 2)
    monkeypatch.setattr(starting, "source_hash", lambda package: "other")
    with pytest.raises(Conflict, match="other code"):
        done(a_request(tmp_path), tmp_path)


def test_a_name_belongs_to_one_question(tmp_path: Path) -> None:
    part_of_it(a_request(tmp_path), tmp_path, 2)
    with pytest.raises(Conflict, match="other question"):
        done(a_request(tmp_path, seed=4), tmp_path)


def test_two_processes_do_not_work_on_one_study(tmp_path: Path) -> None:
    request = a_request(tmp_path)
    settings = settings_in(tmp_path)
    made = prepared(request, settings)
    with opened(studies_of(settings), head_for(made, [made.problem.span()])), pytest.raises(Conflict, match="Another"):
        done(request, tmp_path)


def test_a_method_that_learns_is_told_in_the_order_of_the_trials_also_after_a_kill(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    request = a_request(tmp_path, epochs=10)
    made = prepared(request, settings)

    def run(name: str, after: int) -> tuple[list[int], bytes]:
        method = Climbing(len(made.space.dimensions[0].values))
        with opened(studies_of(settings), head_for(made, [made.problem.span()], name)) as study:
            evaluator = Interrupting(Inline(made.problem), after)
            search(study, made.space, method, evaluator, tell=lambda *_: None, stopped=lambda: False)
        return method.heard, lines(tmp_path, name)

    heard, whole = run("whole", 99)
    assert heard == [*range(10)]
    assert run("parts", 6)[0] == [*range(4)]
    assert run("parts", 99) == (heard, whole)


def test_kept_trials_of_another_search_are_refused(tmp_path: Path) -> None:
    request = a_request(tmp_path)
    part_of_it(request, tmp_path, 3)
    path = studies_of(settings_in(tmp_path)) / "mine" / "trials.jsonl"
    first, *rest = path.read_text().splitlines()
    other = json.loads(first) | {"point": [0, 0]}
    path.write_text("\n".join([json.dumps(other), *rest]) + "\n")
    with pytest.raises(InvalidInput, match="not the one this search would try"):
        done(request, tmp_path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: text.replace('"number":1', '"number":7', 1), "Line 2"),
        (lambda text: text.replace('{"number":1', "{number:1", 1), "Line 2"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, spoil: Callable[[str], str], words: str) -> None:
    part_of_it(a_request(tmp_path), tmp_path, 3)
    path = studies_of(settings_in(tmp_path)) / "mine" / "trials.jsonl"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(InvalidInput, match=words):
        list(read_trials(path.parent))


def test_the_best_set_has_the_figures_of_a_backtest_of_it(tmp_path: Path) -> None:
    request = a_request(tmp_path)
    found = done(request, tmp_path)
    settings = settings_in(tmp_path)
    best, params = trial_of(folder_of(studies_of(settings), "mine"), None)
    assert found.worth.best == best
    shown_again = backtest(msgspec.structs.replace(request.backtest, params=params), store_of(settings)).document
    assert best.measured is not None
    assert best.measured.net_pnl == shown_again.summary.net_pnl
    assert best.measured.sharpe == shown_again.figures.curve.sharpe
    assert best.measured.max_drawdown == shown_again.figures.drawdown.ratio if shown_again.figures.drawdown else None
    assert best.measured.deals == shown_again.summary.round_trips


def test_what_was_found_can_be_read_again(tmp_path: Path) -> None:
    found = done(a_request(tmp_path), tmp_path)
    root = studies_of(settings_in(tmp_path))
    again = shown(folder_of(root, "mi"), 3)
    assert msgspec.json.encode(again.worth) == msgspec.json.encode(found.worth)
    assert [one.name for one in studies(root)] == ["mine"]
    assert (again.trials, len(again.best)) == (12, 3)
    assert found.worth.counts == {"ok": 12, "infeasible": 0, "invalid": 0}
    assert found.worth.recommended is not None
    with pytest.raises(NotFound, match="hyperopt-list"):
        folder_of(root, "yours")


def test_sets_that_break_a_constraint_are_kept_and_stand_last(tmp_path: Path) -> None:
    found = done(a_request(tmp_path, constraints=Constraints(min_deals=40)), tmp_path)
    again = shown(folder_of(studies_of(settings_in(tmp_path)), "mine"), 12)
    states = [one.status for one in again.best]
    assert states == sorted(states, key=("ok", "infeasible").index)
    assert found.worth.counts["infeasible"] == states.count("infeasible") > 0
    assert all(one.why == ["few_deals"] for one in again.best if one.status == "infeasible")


def test_combinations_the_schema_refuses_are_counted_and_not_run(tmp_path: Path) -> None:
    wishes = {"rsi_oversold": {"from": 30, "to": 60, "step": 10}, "rsi_overbought": {"from": 40, "to": 70, "step": 10}}
    found = done(a_request(tmp_path, wishes=wishes, method="grid", epochs=None), tmp_path)
    assert found.trials == 16
    assert found.worth.counts["invalid"] == 6
    again = shown(folder_of(studies_of(settings_in(tmp_path)), "mine"), 16)
    assert all(one.measured is None for one in again.best if one.status == "invalid")


def test_several_objectives_give_those_that_nobody_beats(tmp_path: Path) -> None:
    found = done(a_request(tmp_path, objectives=("net_pnl", "max_drawdown")), tmp_path)
    front = [tuple(one.values) for one in found.worth.front]
    assert front
    assert sorted(front, reverse=True) == front
    assert [pair[1] for pair in front] == sorted(pair[1] for pair in front)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"wishes": {"rsi_lenght": [5, 6]}}, "rsi_length"),
        ({"wishes": {"rsi_length": [500, 600]}}, "None of 64 sets"),
        ({"method": "bayes"}, "choose one of"),
        ({"method": "girds"}, "did you mean grid"),
        ({"method": "grid", "epochs": 5}, "The grid has 104 sets"),
        ({"workers": 0}, "Workers are from 1"),
        ({"name": "../mine"}, "no name for a study"),
        ({"epochs": 1_000_000}, "between 1 and"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_runs(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        done(a_request(tmp_path, **changes), tmp_path)
