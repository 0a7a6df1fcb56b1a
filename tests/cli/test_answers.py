"""What the verbs answer: one object of a fixed shape, and a drawing that says the same."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.candles import write_candles
from tests.cli.conftest import Ended, Run

from tradingboost.cli import develop
from tradingboost.cli.develop import pytest_command

pytestmark = pytest.mark.timeout(300)  # the first run after a change compiles the kernels

GRID = ("lower_price=38800", "upper_price=41200", "grid_num=12", "investment=1000")


def with_params(*pairs: str) -> list[str]:
    return [word for pair in pairs for word in ("--params", pair)]


def test_doctor_has_a_state_for_every_check(tb: Run) -> None:
    ended = tb("doctor", "--json")
    checks = ended.envelope["data"]["checks"]
    assert {one["state"] for one in checks} <= {"ok", "warn", "fail"}
    names = [one["name"] for one in checks]
    expected = [
        "python",
        "packages",
        "settings",
        "data directory",
        "servers",
        "disk",
        "compile cache",
        "database",
        "ports",
    ]
    assert [name for name in expected if name not in names] == []
    assert all(one["fix"] for one in checks if one["state"] != "ok")


def test_doctor_says_how_to_mend_an_unwritable_directory(tb: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = tb("doctor", "--data-dir", tmp_path / "file" / "data")
    assert ended.code == 3
    assert "--data-dir or TB_EMBEDDED__DATA_DIR" in ended.out


def test_status_of_an_installation_that_never_ran(tb: Run, tmp_path: Path) -> None:
    data = tb("status", "--json").envelope["data"]
    assert set(data) == {"running", "http", "data_dir", "accounts", "runs", "messages", "open_profit", "disk"}
    assert data["running"] is False
    assert not (tmp_path / "share").exists(), "a look must not make anything"
    assert "tradingboost demo" in tb("status").out


def test_a_backtest_answers_with_figures_and_fills(tb: Run, candles: Path) -> None:
    ended = tb("backtesting", "-s", "grid", "--candles", candles, "--json", *with_params(*GRID))
    assert ended.code == 0, ended.err
    data = ended.envelope["data"]
    assert data["timeframe"] == "5m"
    assert data["summary"]["bars"] == 1152
    assert data["summary"]["fills"] == len(data["fills"]) > 0
    assert isinstance(data["summary"]["net_pnl"], str)


def test_a_backtest_draws_a_summary(tb: Run, candles: Path) -> None:
    out = tb("backtesting", "-s", "grid", "--candles", candles, *with_params(*GRID)).out
    assert "profit after all costs" in out
    assert "Last fills" in out
    assert max(map(len, out.splitlines())) <= 120


def test_parameters_come_from_a_file_and_words_win(tb: Run, candles: Path, tmp_path: Path) -> None:
    given = dict(pair.split("=") for pair in GRID)
    (tmp_path / "grid.json").write_text(json.dumps({**given, "grid_num": 0}))
    words = ("backtesting", "-s", "grid", "--candles", candles, "--params-file", "grid.json", "--json")
    assert tb(*words).code == 2
    assert tb(*words, "--params", "grid_num=12").code == 0


def test_a_kept_backtest_is_shown_again_and_reported_as_one_page(tb: Run, candles: Path, tmp_path: Path) -> None:
    assert "No back-test is kept yet" in tb("backtesting-show").out
    words = ("backtesting", "-s", "grid", "--candles", candles, *with_params(*GRID))
    first = tb(*words, "--json", "--export", tmp_path / "r.json").envelope["data"]
    kept = tb("backtesting-show", "--json").envelope["data"]["results"]
    assert [one["receipt"] for one in kept] == [first["receipt"]]
    again = tb("backtesting-show", first["receipt"][:8], "--json").envelope["data"]
    assert again["summary"] == first["summary"]
    assert "Inside the candles" in tb("backtesting-show", "latest").out
    page = tmp_path / "page.html"
    assert tb("report", tmp_path / "r.json", "--export", page).code == 0
    assert page.read_text().startswith("<!doctype html>")
    assert tb("report", "0000ffff").code == 4
    assert tb(*words, "--on-end", "never").code == 2


def test_longer_candles_are_put_together(tb: Run, tmp_path: Path) -> None:
    small = write_candles(tmp_path / "BTCUSDT_swap_5m.csv", 1000)
    words = ("backtesting", "-s", "grid", "--candles", small, "--json", *with_params(*GRID))
    summary = tb(*words, "-i", "15m").envelope["data"]["summary"]
    assert summary["bars"] == 333
    assert summary["candle_gaps"] == 0


def test_a_range_of_days_is_cut_out_and_warmed_up_from_what_is_before_it(tb: Run, candles: Path) -> None:
    words = ("backtesting", "-s", "hyperrsi", "--candles", candles, "--json", "--timerange", "20240103-20240104")
    summary = tb(*words).envelope["data"]["summary"]
    assert (summary["bars"], summary["first_ms"]) == (288, 1_704_240_000_000)


def test_higher_fees_leave_less(tb: Run, candles: Path) -> None:
    def profit(*options: str) -> float:
        words = ("backtesting", "-s", "grid", "--candles", candles, "--json", *with_params(*GRID), *options)
        return float(tb(*words).envelope["data"]["summary"]["net_pnl"])

    assert profit("--fee", "0.002") < profit("--fee", "0") < profit("--fee", "0") + 1


def test_tests_run_on_two_workers_unless_told_otherwise() -> None:
    assert "-n" in pytest_command(["tests/unit"])
    for chosen in (["-n", "0"], ["--pdb"], ["tests/unit/test_x.py::test_y"]):
        assert pytest_command(chosen)[3:] == chosen


def test_test_passes_its_words_on_and_counts(tb_process: Run) -> None:
    ended = tb_process("test", "--json", "tests/cli/test_exits.py", "-k", "ctrl_c", "-n", "0", "-q")
    assert ended.code == 0, ended.err
    data = ended.envelope["data"]
    assert (data["tests"], data["failures"], data["failed"]) == (1, 0, [])


def test_a_test_that_is_not_there_is_not_a_success(tb_process: Run) -> None:
    assert tb_process("test", "-n", "0", "-q", "tests/cli/test_exits.py", "-k", "nothing_of_that_name").code == 4


@pytest.mark.parametrize(("command", "code"), [("raise SystemExit(0)", 0), ("raise SystemExit('found it')", 3)])
def test_check_ends_with_3_when_a_tool_found_something(
    tb: Run, monkeypatch: pytest.MonkeyPatch, command: str, code: int
) -> None:
    def steps(_: bool) -> list[tuple[str, list[str]]]:
        return [("formatting", [sys.executable, "-c", command])]

    monkeypatch.setattr(develop, "_steps", steps)
    ended: Ended = tb("check", "--fast", "--json")
    assert ended.code == code
    data: dict[str, Any] = ended.envelope["data"]
    assert [step["ok"] for step in data["steps"]] == [code == 0]
    assert ("found it" in data["steps"][0]["output"]) is (code == 3)


def test_check_runs_every_tool_and_the_tests_last() -> None:
    names = [name for name, _ in develop._steps(fast=False)]
    assert names == ["formatting", "lint", "import contracts", "house rules", "types", "tests"]
    assert [name for name, _ in develop._steps(fast=True)] == names[:-1]


@pytest.mark.long
def test_a_bench_answers_with_its_ratios(tb: Run) -> None:
    ended = tb("bench", "audit", "--size", "100", "--json")
    assert ended.code == 0, ended.err
    assert ended.envelope["data"]["ratios"]["append_vs_insert_p50"] > 0
    assert tb("bench", "buss", "--json").code == 2
