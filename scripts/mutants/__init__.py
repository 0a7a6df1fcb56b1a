"""Whether the tests notice the mistakes of the catalogue: each is made in a copy of this checkout and its test run."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.mutants.catalogue import Mutant

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENCE_S: Final = 240.0
_COPIED: Final = ("src", "tests", "scripts", "docs", "pyproject.toml", ".env.example")
_PASSED, _FAILED = 0, 1


@dataclass(frozen=True)
class Verdict:
    """What became of one mistake.

    Args:
        killed: its test passes without it and fails with it.
        why: what is wrong where it was not.
    """

    name: str
    says: str
    test: str
    killed: bool
    why: str
    seconds: float


def copied(folder: Path) -> None:
    """A copy of what the tests need."""
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)


def judged(mutants: Sequence[Mutant], folder: Path) -> Iterator[Verdict]:
    """Make each mistake in the copy, run its test, and take it back."""
    for mutant in mutants:
        began = time.monotonic()
        why = _survived(mutant, folder)
        seconds = round(time.monotonic() - began, 1)
        yield Verdict(mutant.name, mutant.says, mutant.test, not why, why, seconds)


def _survived(mutant: Mutant, folder: Path) -> str:
    """Why the mistake was not noticed, "" = it was."""
    file = folder / mutant.file
    whole = file.read_text(encoding="utf-8")
    if whole.count(mutant.old) != 1:
        return f"{mutant.file} holds the text of this mistake {whole.count(mutant.old)} times and not once"
    code, said = _run(mutant.test, folder)
    if code != _PASSED:
        return f"its test does not pass as it is: {said}"
    file.write_text(whole.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        code, said = _run(mutant.test, folder)
    finally:
        file.write_text(whole, encoding="utf-8")
    if code == _PASSED:
        return "its test passes with the mistake in place"
    return "" if code == _FAILED else f"its test could not be run: {said}"


def _run(test: str, folder: Path) -> tuple[int, str]:
    """pytest's exit code and its last line."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider", test]
    environment = {**os.environ, "PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}"}
    try:
        ended = subprocess.run(
            command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return _FAILED, f"no end within {PATIENCE_S:.0f} s"
    lines = (ended.stdout + ended.stderr).strip().splitlines()
    return ended.returncode, lines[-1] if lines else "nothing was said"
