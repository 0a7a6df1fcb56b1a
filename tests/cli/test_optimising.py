"""Searches on the command line: what they say, how they end, and what they keep."""

import itertools
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.candles import write_candles
from tests.cli.conftest import Ended, Run, Running

pytestmark = pytest.mark.timeout(300)
SPACE = ("--spaces", "rsi_length=5..12", "--spaces", "tp1_value=0.3..1.5:0.1")
QUICK = ("--params", "use_trend_logic=false", "--params", "use_trend_close=false", "--min-deals", "3")


def told(ended: Ended, code: int = 0) -> Any:
    assert ended.code == code, ended.err or ended.out
    return ended.envelope["data"]


@pytest.fixture
def market(tmp_path: Path) -> Path:
    """Eight days of five-minute candles."""
    return write_candles(tmp_path / "okx_swap_BTCUSDT_5m.csv", 2_400)


def test_a_search_is_made_listed_and_shown(tb: Run, market: Path) -> None:
    words = ("hyperopt", "-s", "hyperrsi", "--candles", market, *SPACE, *QUICK, "-e", "15", "--random-state", "2")
    found = told(tb(*words, "--json"))
    assert (found["trials"], found["complete"]) == (15, True)
    assert set(found["worth"]["best"]["params"]) == {"rsi_length", "tp1_value"}
    assert told(tb(*words, "--json")) == found
    (head,) = told(tb("hyperopt-list", "--json"))["studies"]
    assert head["name"] == found["study"]
    listed = told(tb("hyperopt-list", head["name"][:12], "-n", "4", "--json"))
    assert next(one["number"] for one in listed["best"]) == found["worth"]["best"]["number"]
    shown = told(tb("hyperopt-show", "--json"))
    assert shown["params"]["use_trend_logic"] is False
    assert shown["trial"] == found["worth"]["best"]
    for verb in (words, ("hyperopt-list",), ("hyperopt-list", head["name"]), ("hyperopt-show", "-n", "3")):
        drawn = tb(*verb)
        assert drawn.code == 0, drawn.err
        assert drawn.out


def test_ctrl_c_keeps_the_trials_and_the_same_command_goes_on(
    started: Callable[..., Running], tb: Run, tmp_path: Path
) -> None:
    path = write_candles(tmp_path / "okx_swap_BTCUSDT_5m.csv", 30_000)
    words = ("hyperopt", "-s", "hyperrsi", "--candles", path, *SPACE, *QUICK, "--study", "mine", "--json", "-j", "2")
    running = started(*words, "-e", "5000")
    running.wait_for("of 5,000 trials")
    stopped = running.interrupt(signal.SIGINT)
    found = told(stopped, 130)
    assert not found["complete"]
    assert 500 <= found["trials"] < 5_000
    assert told(tb("hyperopt-list", "mine", "--json"))["trials"] == found["trials"]


def test_a_walk_goes_through_windows_and_folds(tb: Run, market: Path) -> None:
    words = ("walk-forward", "-s", "hyperrsi", "--candles", market, *SPACE, *QUICK, "-e", "6", "--json")
    found = told(tb(*words, "--train-days", "3", "--test-days", "1"))
    tests = [one["test"] for one in found["windows"]]
    assert len(tests) == 4
    assert all(a[1] == b[0] for a, b in itertools.pairwise(tests))
    assert all(one["train"][-1][1] == one["test"][0] for one in found["windows"])
    assert found["curve"][0] == 1.0
    assert abs(found["curve"][-1] - 1 - found["tested"]["total_return"]) < 1e-6
    assert {one["name"] for one in found["drift"]} == {"rsi_length", "tp1_value"}
    folds = told(tb(*words, "--folds", "3", "--purge-bars", "10", "--embargo-bars", "5"))
    assert [len(one["train"]) for one in folds["windows"]] == [1, 2, 1]
    assert tb(*words[:-1], "--train-days", "3", "--test-days", "1").code == 0


def test_the_real_strategy_passes_both_analyses(tb: Run, market: Path) -> None:
    words = ("-s", "hyperrsi", "--candles", market, *QUICK[:-2])
    assert told(tb("lookahead-analysis", *words, "--json"))["ok"]
    found = told(tb("recursive-analysis", *words, "--json"))
    assert found["findings"][0]["tried"] == 2_400
    assert found["ok"], found
    assert "the future doubled" in tb("lookahead-analysis", *words).out


def test_a_kept_result_is_verified_and_one_from_other_candles_is_not(tb: Run, market: Path) -> None:
    words = ("backtesting", "-s", "hyperrsi", "--candles", market, "--json")
    receipt = told(tb(*words))["receipt"]
    found = told(tb("verify-result", receipt[:16], "--candles", market, "--json"))
    assert (found["same"], found["again"], found["differences"]) == (True, receipt, [])
    assert tb("verify-result", "--candles", market).code == 0
    write_candles(market, 2_390)
    other = told(tb("verify-result", "--candles", market, "--json"), 3)
    assert not other["same"]
    assert any(line.startswith("data.digest") for line in other["differences"])
    ended = tb("verify-result")
    assert (ended.code, "name it with --candles" in ended.sentence) == (2, True)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--spaces", "rsi_lenght=5..12"), 2, "rsi_length"),
        (("--spaces", "rsi_length=5..x"), 2, "is no range"),
        (("--spaces", "entri"), 2, "did you mean entry?"),
        ((), 2, "Nothing is searched"),
        ((*SPACE, "--method", "tpee"), 2, "did you mean tpe?"),
        ((*SPACE, "--hyperopt-loss", "sharp"), 2, "did you mean sharpe?"),
        ((*SPACE, "--min-deals", "5000", "-e", "2"), 3, ""),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(
    tb: Run, market: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    ended = tb("hyperopt", "-s", "hyperrsi", "--candles", market, *words)
    assert (ended.code, sentence in ended.err) == (code, True), ended.err
