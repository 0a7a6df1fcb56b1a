"""The words themselves: help, versions, typing errors."""

import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Run, environment

HEAVY = ("numba", "ccxt", "sqlalchemy", "fastapi", "redis", "grpc", "polars", "pydantic")


def test_version_says_the_version(tb: Run) -> None:
    ended = tb("version")
    assert ended.code == 0
    assert ended.out.startswith("tradingboost 0.")


def test_version_as_json(tb: Run) -> None:
    envelope = tb("version", "--json").envelope
    assert envelope["verb"] == "version"
    assert set(envelope["data"]) == {"version", "python", "platform"}


def test_version_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from tradingboost.cli.main import main; main(['version']);"
        f"sys.exit(' '.join(sorted(set({HEAVY!r}) & set(sys.modules))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment(tmp_path)
    )
    assert (done.stdout.split()[0], done.stderr.strip()) == ("tradingboost", "")


def test_no_word_at_all_shows_the_verbs(tb: Run) -> None:
    ended = tb()
    assert ended.code == 0
    verbs = [
        "demo",
        "up",
        "serve",
        "sim",
        "status",
        "stop",
        "flatten",
        "backtesting",
        "parity",
        "doctor",
        "db",
        "test",
        "check",
        "bench",
    ]
    assert [verb for verb in [*verbs, "version"] if verb not in ended.out + ended.err] == []


def test_the_words_of_a_process_and_its_exit_code(tb_process: Run) -> None:
    assert tb_process("version").code == 0
    assert tb_process("dmeo").code == 2


def test_a_mistyped_verb_is_answered_with_the_nearest(tb: Run) -> None:
    ended = tb("dmeo")
    assert ended.code == 2
    assert "'demo'" in ended.sentence


def test_a_mistyped_option_is_answered_with_the_nearest(tb: Run) -> None:
    ended = tb("demo", "--minuts", "5")
    assert ended.code == 2
    assert "--minutes" in ended.sentence


def test_a_usage_error_with_json_is_one_object(tb: Run) -> None:
    envelope = tb("sim", "--json", "--port", "seven").envelope
    assert envelope["error"]["code"] == "usage"
    assert envelope["verb"] == "sim"


def test_every_verb_explains_itself(tb: Run) -> None:
    for verb in ("demo", "sim", "up", "serve", "status", "backtesting"):
        ended = tb(verb, "--help")
        assert ended.code == 0
        assert "--json" in ended.out
