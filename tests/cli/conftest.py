"""The command line as a person runs it: a process of its own, with nothing of this shell's settings."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cli.candles import write_candles

from tradingboost.app.chaos import ports
from tradingboost.cli.main import main
from tradingboost.kit import compile_cache

PATIENCE_S = 100.0


@dataclass(frozen=True)
class Ended:
    """What a verb said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        lines = self.out.splitlines()
        assert len(lines) == 1, f"not exactly one line on standard output: {self.out!r} {self.err!r}"
        found: dict[str, Any] = json.loads(lines[0])
        expected = {"ok", "verb", "data", "warnings"}
        assert set(found) - {"error"} == expected
        assert found["ok"] is (self.code == 0)
        if "error" in found:
            assert set(found["error"]) == {"code", "message", "details"}
        return found

    @property
    def sentence(self) -> str:
        """The one line a person is told."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        assert len(lines) == 1, f"not one sentence: {self.err!r}"
        return lines[0]


Run = Callable[..., Ended]


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """This process's environment with a home of its own and no settings, but with its compiled kernels."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TB_")}
    cache = kept.get("XDG_CACHE_HOME") or str(Path(kept.get("HOME", "/")) / ".cache")
    return {**kept, "XDG_CACHE_HOME": cache, "XDG_DATA_HOME": str(folder / "share"), "COLUMNS": "100", **variables}


@pytest.fixture
def tb_process(tmp_path: Path) -> Run:
    """Run `tradingboost WORDS` in an empty folder to its end, as a process of its own."""

    def run(*words: str | Path, **variables: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "tradingboost", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            cwd=tmp_path,
            env=environment(tmp_path, **variables),
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def tb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The same in this process, which saves the imports."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(compile_cache.prepare(compile_cache.default_cache_dir(), {**os.environ})))

    def run(*words: str | Path, **variables: str) -> Ended:
        wanted = environment(tmp_path, **variables)
        for name in {*os.environ} - {*wanted}:
            monkeypatch.delenv(name)
        for name, value in wanted.items():
            monkeypatch.setenv(name, value)
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return run


class Running:
    """A verb that runs until it is stopped."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._err: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def first_line(self) -> str:
        """The first line on standard output; the process is killed when it never comes."""
        guard = threading.Timer(PATIENCE_S, self._process.kill)
        guard.start()
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        guard.cancel()
        assert line, f"it said nothing: {''.join(self._err)}"
        return line

    def wait_for(self, words: str) -> None:
        """Wait until standard error says something."""
        for _ in range(int(PATIENCE_S / 0.1)):
            if words in "".join(self._err) or self._process.poll() is not None:
                break
            self._reader.join(0.1)
        assert words in "".join(self._err), "".join(self._err)

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> Ended:
        """Ctrl-C, and what it says then."""
        self._process.send_signal(number)
        assert self._process.stdout is not None
        out = self._process.stdout.read()
        code = self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return Ended(code, out, "".join(self._err))

    def kill(self) -> None:
        """End it whatever it does."""
        self._process.kill()
        self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._err.append(line)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start `tradingboost WORDS` and leave it running."""
    running: list[Running] = []

    def start(*words: str | Path, **variables: str) -> Running:
        process = subprocess.Popen(
            [sys.executable, "-m", "tradingboost", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment(tmp_path, **variables),
        )
        running.append(Running(process))
        return running[-1]

    yield start
    for one in running:
        one.kill()


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    """Four days of five-minute candles of BTC-USDT-SWAP."""
    return write_candles(tmp_path / "okx_swap_BTCUSDT_5m.csv", 1152)


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        for port in range(32_100, 32_700):  # above every offset of `app.chaos.ports`, below what systems give away
            with suppress(OSError):
                other.bind(("127.0.0.1", port))
                break
        other.listen()
        yield int(other.getsockname()[1])


@pytest.fixture
def free_offset() -> str:
    """A port offset at which an installation finds its ports free, apart from those of tests beside this one."""
    return str(ports.free_offset())
