"""The cache of compiled code follows the sources."""

import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from tradingboost.core.errors import BrokenInvariant
from tradingboost.kit import compile_cache


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for folder in compile_cache.PURE_HALF:
        (tmp_path / "package" / folder).mkdir(parents=True)
        (tmp_path / "package" / folder / "a.py").write_text(f"x = '{folder}'\n")
    return tmp_path / "package"


def test_any_change_of_the_pure_half_changes_the_directory(tmp_path: Path, package: Path) -> None:
    def place() -> Path:
        return compile_cache.prepare(tmp_path / "cache", {}, package)

    first = place()
    assert place() == first
    (package / "sim" / "a.py").write_text("x = 2\n")
    second = place()
    (package / "sim" / "a.py").rename(package / "sim" / "b.py")
    assert len({first, second, place()}) == 3
    (package / "kit").mkdir()
    (package / "kit" / "a.py").write_text("x = 3\n")
    assert place() == place()


def test_old_states_are_forgotten(tmp_path: Path, package: Path) -> None:
    for number in range(9):
        (package / "core" / "a.py").write_text(f"x = {number}\n")
        newest = compile_cache.prepare(tmp_path / "cache", {}, package)
        os.utime(newest, (number, number))
    kept = list((tmp_path / "cache" / "numba").iterdir())
    assert newest in kept
    assert len(kept) <= 5


def test_an_unwritable_place_is_replaced_by_a_temporary_one(tmp_path: Path, package: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    environ: dict[str, str] = {}
    place = compile_cache.prepare(tmp_path / "file", environ, package)
    assert place.is_relative_to(tempfile.gettempdir())
    assert environ["NUMBA_CACHE_DIR"] == str(place)


def test_a_directory_the_user_set_stays(tmp_path: Path) -> None:
    environ = {"NUMBA_CACHE_DIR": "/somewhere"}
    assert compile_cache.prepare(tmp_path, environ) == Path("/somewhere")
    assert list(tmp_path.iterdir()) == []


def test_numba_imported_too_early_is_a_broken_invariant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setitem(sys.modules, "numba", sys)
    with pytest.raises(BrokenInvariant, match="before its cache directory was set"):
        compile_cache.prepare(tmp_path)


@pytest.mark.slow
def test_numba_really_writes_there(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text("from numba import njit\n@njit(cache=True)\ndef double(x):\n    return 2 * x\n")
    program = """
        import pathlib, sys
        from tradingboost.kit import compile_cache
        place = compile_cache.prepare(pathlib.Path(sys.argv[1]) / "cache")
        sys.path.insert(0, sys.argv[1])
        import kernel
        assert kernel.double(2.0) == 4.0
        print(place)
    """
    environ = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environ, timeout=100)
    assert list(Path(ran.stdout.strip()).rglob("*.nbi"))


def test_a_cache_is_cold_until_something_was_compiled(tmp_path: Path) -> None:
    environ = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert compile_cache.is_cold(environ)
    (tmp_path / "pure").mkdir()
    (tmp_path / "pure" / "kernel.nbi").touch()
    assert not compile_cache.is_cold(environ)
    assert compile_cache.is_cold(environ, "together")
    (tmp_path / "pure" / "together.build.drive-1.py311.nbi").touch()
    assert not compile_cache.is_cold(environ, "together")
    assert not compile_cache.is_cold({}), "nothing is known about where numba keeps its code"
