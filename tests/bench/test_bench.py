"""Every bench runs in a tiny size and answers with numbers; how fast is no test's business."""

import json
from typing import Any

import pytest
from bench.__main__ import BENCHES, main

MARKS = dict.fromkeys(("accounts", "backtest", "kernel", "live", "replay", "simulator", "sweep"), pytest.mark.long)
pytestmark = pytest.mark.timeout(600)  # of the compiler, on a cold cache

SIZES = {
    "replay": 3,
    "orders": 20,
    "bus": 500,
    "ingest": 1_000,
    "audit": 100,
    "credentials": 30,
    "settings": 20,
    "simulator": 160,
    "accounts": 3,
    "kernel": 2_000,
    "backtest": 20_000,
    "sweep": 20_000,
    "live": 100,
}


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [found for part in value.values() for found in numbers(part)]
    return [value] if isinstance(value, int | float) else []


def test_every_bench_has_a_size_here() -> None:
    assert set(SIZES) == set(BENCHES)


@pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS.get(name, ())) for name in sorted(SIZES)])
def test_a_bench_answers_with_one_object_that_holds_ratios(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--json", "--size", str(SIZES[name])]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    result = json.loads(line)
    assert result["ratios"]
    assert all(number > 0 for number in numbers(result["ratios"]))


def test_without_json_a_person_gets_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bus", "--size", "500"]) == 0
    shown = capsys.readouterr().out
    assert "ratios.bus_vs_redis_py" in shown
    assert "{" not in shown
