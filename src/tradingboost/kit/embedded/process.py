"""A server as a child process: it dies with its launcher, keeps the directory's lock, and stops cleanly."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tradingboost.kit.clock import Clock
from tradingboost.kit.embedded.nobody import NOBODY

_POLL_S = 0.01
_LOG_LIMIT_BYTES = 10_000_000

# Runs in a fresh interpreter instead of a preexec_fn, which may deadlock in a process with threads. The signal is
# asked for after the switch of the uid, because the kernel forgets it at that moment.
_TRAMPOLINE = """
import ctypes, os, signal, sys
uid, parent, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
if uid:
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
if sys.platform == "linux":
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGINT, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
os.execv(command[0], command)
"""

# Where the kernel has no parent-death signal: the pipe's other end closes when the launcher is gone.
_WATCHDOG = "import os, sys; sys.stdin.read(); os.kill(int(sys.argv[1]), int(sys.argv[2]))"


@dataclass
class Child:
    """A running server.

    The launching thread must live as long as the server: the kernel counts the death of that thread.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signals: Sequence[tuple[signal.Signals, float]]
    watchdog: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def log_tail(self, lines: int = 20) -> str:
        """The newest lines of the server's log."""
        with self.log.open("rb") as source:
            source.seek(max(0, self.log.stat().st_size - 8192))
            text = source.read().decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:])

    async def stop(self, clock: Clock) -> None:
        """Ask politely, then firmly, then kill; returns when the process is gone."""
        for wanted, patience_s in [*self.stop_signals, (signal.SIGKILL, 10.0)]:
            if not self.running:
                break
            self.process.send_signal(wanted)
            deadline = clock.monotonic() + patience_s
            while self.running and clock.monotonic() < deadline:
                await clock.sleep(_POLL_S)
        if self.watchdog is not None:
            self.watchdog.kill()
            self.watchdog.wait()


def launch(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    lock_fd: int,
    stop_signals: Sequence[tuple[signal.Signals, float]],
    as_nobody: bool = False,
) -> Child:
    """Start a server in a session of its own, so that Ctrl-C reaches it only through us."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.unlink()
    uid = NOBODY if as_nobody else 0
    with log.open("ab") as sink:
        process = subprocess.Popen(  # noqa: S603 - our own programs and arguments
            bound(command, uid),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            cwd="/",
            env=_environment(),
            pass_fds=(lock_fd,),
            start_new_session=True,
        )
    child = Child(name, process, log, stop_signals)
    if sys.platform != "linux":
        child.watchdog = watch(process.pid)
    return child


def bound(command: Sequence[str | Path], uid: int = 0) -> list[str]:
    """The same command, interrupted when the process that starts it is gone (where the kernel can); `uid` 0 = ours."""
    return [sys.executable, "-I", "-S", "-c", _TRAMPOLINE, str(uid), str(os.getpid()), *map(str, command)]


def watch(pid: int) -> subprocess.Popen[bytes]:
    """Send SIGINT to `pid` when this process is gone (platforms without a parent-death signal)."""
    command = [sys.executable, "-I", "-S", "-c", _WATCHDOG, str(pid), str(int(signal.SIGINT))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603


def _environment() -> dict[str, str]:
    """A plain environment: no PG* variable, locale or preload of ours may change the server."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
