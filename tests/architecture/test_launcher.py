"""`tb` needs only Python: it says in one sentence what is missing, and makes the environment once."""

import ast
import importlib.machinery
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The launcher of a checkout of its own, loaded as a module."""
    for name in ("tb", "requirements.lock", "requirements-dev.lock", "requirements-uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    loader = importlib.machinery.SourceFileLoader("tb_launcher", str(tmp_path / "tb"))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("tb_launcher", loader) or pytest.fail("no spec")
    )
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(module)
    return module


@pytest.fixture
def steps(tb: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the launcher would run, with a venv that appears when asked for; nothing is installed."""
    ran: list[str] = []

    def run(*command: object, quiet: bool = False) -> bool:
        ran.append(" ".join(str(word) for word in command))
        if "venv" in command:
            (tb.VENV / "bin").mkdir(parents=True)
            (tb.VENV / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
            tb.PYTHON.symlink_to(sys.executable)
        return True

    monkeypatch.setattr(tb, "run", run)
    return ran


def installs(steps: list[str]) -> list[str]:
    return [step.rsplit("/", 1)[-1] for step in steps if " sync " in step]


def test_an_old_python_gets_one_sentence_and_exit_code_6(tmp_path: Path) -> None:
    text = (ROOT / "tb").read_text(encoding="utf-8")
    older = tmp_path / "tb"
    older.write_text(text.replace("NEEDED = (3, 11)", "NEEDED = (9, 9)"), encoding="utf-8")
    done = subprocess.run([sys.executable, older, "demo"], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 6
    assert done.stdout == ""
    assert re.fullmatch(r"tb: Python 9\.9 or newer is needed and this is Python 3\.\d+; [^\n]+\n", done.stderr)


def test_the_launcher_can_be_parsed_by_python_3_6() -> None:
    """Else an old Python answers with a syntax error instead of the sentence."""
    assert ast.parse((ROOT / "tb").read_text(encoding="utf-8"), feature_version=(3, 6)).body


def test_without_the_venv_module_the_debian_package_is_named(tmp_path: Path) -> None:
    for name in ("tb", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "ensurepip.py").write_text("raise ImportError('not here')\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, str(tmp_path / "tb"), "demo"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 6
    assert "apt install python3-venv" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_environment_is_made_once(tb: types.ModuleType, steps: list[str]) -> None:
    tb.prepare(tb.RUN)
    assert installs(steps) == ["requirements.lock"]
    steps.clear()
    tb.prepare(tb.RUN)
    assert steps == []


def test_a_changed_lock_is_installed_again(tb: types.ModuleType, steps: list[str]) -> None:
    tb.prepare(tb.RUN)
    steps.clear()
    tb.RUN.write_text("changed\n")
    tb.prepare(tb.RUN)
    assert installs(steps) == ["requirements.lock"]
    assert not [step for step in steps if "-m venv" in step]


def test_the_development_set_serves_the_run_set_too(tb: types.ModuleType, steps: list[str]) -> None:
    tb.prepare(tb.DEV)
    steps.clear()
    tb.prepare(tb.RUN)
    assert steps == []


def test_an_installation_that_failed_does_not_look_finished(
    tb: types.ModuleType, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tb.prepare(tb.RUN)
    tb.RUN.write_text("changed\n")
    works = tb.run
    monkeypatch.setattr(tb, "run", lambda *command, quiet=False: quiet and works(*command))
    with pytest.raises(tb.CannotPrepare, match="check the network"):
        tb.prepare(tb.RUN)
    assert not tb.is_ready(tb.RUN)


def test_pip_takes_over_when_uv_cannot(tb: types.ModuleType, steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    works = tb.run
    monkeypatch.setattr(tb, "run", lambda *command, **options: works(*command, **options) and "uv" not in command)
    tb.prepare(tb.RUN)
    last = steps[-1]
    assert "-m pip install --require-hashes --no-deps" in last
    assert tb.is_ready(tb.RUN)


def test_the_source_of_this_checkout_is_importable(tb: types.ModuleType, steps: list[str]) -> None:
    tb.prepare(tb.RUN)
    [link] = tb.VENV.glob("lib/*/site-packages/*.pth")
    assert link.read_text() == f"{tb.ROOT / 'src'}\n"


def test_what_was_compiled_once_is_kept_even_where_the_surroundings_forbid_it(
    tb: types.ModuleType, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[list[str]] = []
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(sys, "argv", ["tb", "status"])
    monkeypatch.setattr(os, "execv", lambda _, command: became.append([*command, str(dict(os.environ))]))
    tb.main()
    (command,) = became
    assert command[1:4] == ["-m", "tradingboost", "status"]
    assert "PYTHONDONTWRITEBYTECODE" not in command[-1]
    assert len(steps) > 1
