"""The data directory of the embedded servers: made, locked, and its passwords and ports kept.

lock        held (flock) by the launcher and by both servers, so it is free only when all of them are gone
secrets/    one generated password a server, mode 0600
ports.json  the ports of the last start, used again when they are free
postgres/ redis/ logs/
"""

import errno
import fcntl
import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from tradingboost.core.errors import Conflict, InvalidInput
from tradingboost.kit.clock import Clock

_WAIT_FOR_LAUNCHER_S = 0.5  # one that was just killed may still be on its way out
_WAIT_FOR_ORPHANS_S = 30.0  # its servers shut down by themselves


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Where a user's data lives by the platform's custom: `~/.local/share/tradingboost/data` on Linux."""
    home = Path(environ.get("HOME") or Path.home())
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "tradingboost" / "data"
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "tradingboost" / "data"


class DataDirectory:
    """One locked data directory."""

    def __init__(self, path: Path, launcher_fd: int, lock_fd: int) -> None:
        self.path = path
        self.lock_fd = lock_fd
        self._launcher_fd = launcher_fd

    @classmethod
    async def open(cls, path: Path, clock: Clock) -> "DataDirectory":
        """Make the directory if need be and take its locks.

        Raises:
            InvalidInput: it cannot be made or written.
            Conflict: another launcher uses it.
        """
        path = _absolute(path)
        fds: list[int] = []
        try:
            for part in (path, path / "secrets", path / "logs"):
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, patience_s in (("launcher", _WAIT_FOR_LAUNCHER_S), ("lock", _WAIT_FOR_ORPHANS_S)):
                fds.append(os.open(path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                await _lock(fds[-1], path, clock, patience_s)
            os.ftruncate(fds[0], 0)
            os.pwrite(fds[0], f"{os.getpid()}\n".encode(), 0)
        except BaseException as error:
            for fd in fds:
                os.close(fd)
            if isinstance(error, OSError):
                raise _unwritable(path, error) from None
            raise
        return cls(path, *fds)

    def close(self) -> None:
        """Give the locks back; the files stay, because removing them would let two launchers lock two files."""
        os.close(self.lock_fd)
        os.close(self._launcher_fd)

    def password(self, name: str) -> str:
        """The generated password of a server; made at the first call."""
        file = self.path / "secrets" / name
        try:
            word = file.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            word = ""
        if not word:
            word = secrets.token_urlsafe(24)
            self.write_private(file, word + "\n")
        return word

    def write_private(self, file: Path, content: str) -> None:
        """Write a 0600 file as a whole: a reader sees the old text or the new one."""
        draft = file.with_name(file.name + ".new")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
                out.write(content)
            draft.replace(file)
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def port(self, name: str, *, fresh: bool = False) -> int:
        """The server's port on loopback: the former one if it is free and `fresh` is not asked."""
        ports = self._ports()
        port = ports.get(name, 0)
        if fresh or not port or not is_free(port):
            port = _free_port(exclude=set(ports.values()))
            self.write_private(self.path / "ports.json", json.dumps({**ports, name: port}) + "\n")
        return port

    def _ports(self) -> dict[str, int]:
        return kept_ports(self.path)


def kept_ports(path: Path) -> dict[str, int]:
    """The ports of the last start, by server; empty when there was none."""
    try:
        ports = json.loads((path / "ports.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(ports, dict):
        return {}
    return {str(name): port for name, port in ports.items() if isinstance(port, int) and 0 < port < 65536}


def kept_password(path: Path, name: str) -> str:
    """The generated password of a server, "" when none was made or it is not ours to read."""
    try:
        return (path / "secrets" / name).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


async def _lock(fd: int, path: Path, clock: Clock, patience_s: float) -> None:
    deadline = clock.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                raise
        if clock.monotonic() > deadline:
            owner = (path / "launcher").read_text(encoding="ascii").strip()
            who = f"process {owner}" if owner else "another process"
            message = f"{path} is in use by {who}; stop it, or choose another directory with TB_EMBEDDED__DATA_DIR."
            raise Conflict("data_dir_in_use", message, data_dir=str(path), pid=owner)
        await clock.sleep(0.02)


def is_free(port: int) -> bool:
    """Whether a server can listen on a port of loopback now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port(exclude: set[int]) -> int:
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in exclude:
            return port


def _unwritable(path: Path, error: OSError) -> InvalidInput:
    reason = (error.strerror or type(error).__name__).lower()
    message = f"The data directory {path} cannot be written ({reason}); choose another with TB_EMBEDDED__DATA_DIR."
    return InvalidInput("data_dir_unwritable", message, data_dir=str(path))
