"""The embedded PostgreSQL: made once with initdb, started on loopback with a password.

PostgreSQL refuses to run as root, and as a user id without a name (containers often have one). As these it is started
inside a user namespace in which their own files belong to the uid `nobody`; nothing on the host is changed. Where
namespaces are forbidden (some containers) root runs it as the real `nobody`, from a copy of the programs beside the
data, and a nameless user is told what to do.
"""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import asyncpg

from tradingboost.core.errors import InvalidInput, Unavailable
from tradingboost.kit.clock import Clock
from tradingboost.kit.embedded.binaries import postgres_binaries
from tradingboost.kit.embedded.directory import DataDirectory
from tradingboost.kit.embedded.nobody import NOBODY, give_home, reachable_binaries
from tradingboost.kit.embedded.process import Child, launch

USER = "tradingboost"
DATABASE = "tradingboost"
_START_S = 60.0  # crash recovery of a large log takes its time
_UNSHARE = ("--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
_TRANSIENT = ("pre-existing shared memory block", "postmaster.pid")  # the last backends of a killed server
_PORT_TAKEN = ("Address already in use", "could not create any TCP/IP sockets")
_STOP = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))
_SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresServer:
    """PostgreSQL in a data directory.

    Args:
        durable: False trades crash safety for speed; for tests.
        namespaces: None = find out whether user namespaces may be used, where they are needed.
    """

    def __init__(
        self, directory: DataDirectory, clock: Clock, *, durable: bool = True, namespaces: bool | None = None
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._durable = durable
        self._data = directory.path / "postgres"
        self._password = directory.password("postgres")
        self._port = 0
        self._as_root = os.geteuid() == 0
        self._refused = self._as_root or not _has_name(os.geteuid())
        self._namespaces = namespaces if namespaces is not None else (self._refused and _namespaces_work())
        self._binaries = postgres_binaries()
        self.child: Child | None = None

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self._port}/{DATABASE}"

    async def start(self) -> None:
        """Start, making the data first if there are none; returns when it accepts connections."""
        if self._refused and not self._as_root and not self._namespaces:
            message = (
                "PostgreSQL needs a user with a name; add this user id to the password file or start as another user."
            )
            raise Unavailable("user_without_name", message, uid=os.geteuid())
        if self._real_nobody:
            self._data = give_home(self._directory.path) / "postgres"
            self._binaries = reachable_binaries(self._binaries, self._directory.path)
        if not (self._data / "PG_VERSION").exists():
            self._initdb()
        self._check_version()
        deadline = self._clock.monotonic() + _START_S
        fresh_port = False
        while True:
            self._port = self._directory.port("postgres", fresh=fresh_port)
            self.child = self._launch()
            failure = await self._wait_until_ready(deadline)
            if failure is None:
                return
            await self.child.stop(self._clock)
            fresh_port = any(word in failure for word in _PORT_TAKEN)
            if not (fresh_port or any(word in failure for word in _TRANSIENT)) or self._clock.monotonic() > deadline:
                message = f"The embedded PostgreSQL did not start; read {self.child.log} for the reason."
                raise Unavailable("postgres_start_failed", message, log=failure[-2000:])
            await self._clock.sleep(0.1)

    async def stop(self) -> None:
        if self.child is not None:
            await self.child.stop(self._clock)

    def _launch(self) -> Child:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "max_connections": "300",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "logging_collector": "off",
            "log_destination": "stderr",
            "shared_buffers": "128MB",
            "max_wal_size": "512MB",
            **(_SAFE if self._durable else _FAST),
        }
        switches = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return launch(
            "postgres",
            [*self._prefix(), self._binaries.postgres, "-D", self._data, *switches],
            log=self._directory.path / "logs" / "postgres.log",
            lock_fd=self._directory.lock_fd,
            stop_signals=_STOP,
            as_nobody=self._real_nobody,
        )

    async def _wait_until_ready(self, deadline: float) -> str | None:
        """None when a login works; else the newest log lines."""
        child = self.child
        assert child is not None
        while self._clock.monotonic() < deadline:
            if not child.running:
                return child.log_tail()
            if _says_ready(self._data / "postmaster.pid", child.pid):
                await self._make_database()
                return None
            await self._clock.sleep(0.01)
        return child.log_tail()

    async def _make_database(self) -> None:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=self._port, user=USER, password=self._password, database="postgres", timeout=10
        )
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            await connection.close()

    def _initdb(self) -> None:
        """Make the cluster beside its place and rename it, so a killed initdb leaves no half-made data."""
        draft = self._data.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        locale = ["--locale=C", "--encoding=UTF8"]
        if self._binaries.major >= 17:
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command = [
            *self._prefix(),
            str(self._binaries.initdb),
            f"--pgdata={draft}",
            f"--username={USER}",
            "--auth=scram-sha-256",
            f"--pwfile={self._directory.path / 'secrets' / 'postgres'}",
            *locale,
            *([] if self._durable else ["--no-sync"]),
        ]
        nobody = NOBODY if self._real_nobody else None
        made = subprocess.run(  # noqa: S603 - our own program and arguments
            command,
            capture_output=True,
            text=True,
            timeout=120,
            cwd="/",
            check=False,
            env=_plain(),
            user=nobody,
            group=nobody,
            extra_groups=None if nobody is None else [],
            pass_fds=(self._directory.lock_fd,),  # a killed launcher's initdb still counts as a user of the directory
        )
        if made.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            message = f"The embedded PostgreSQL could not make its data in {self._directory.path}; see the details."
            raise Unavailable("postgres_init_failed", message, log=(made.stderr or made.stdout)[-2000:])
        draft.rename(self._data)

    @property
    def _real_nobody(self) -> bool:
        return self._as_root and not self._namespaces

    def _check_version(self) -> None:
        made_by = (self._data / "PG_VERSION").read_text(encoding="ascii").strip()
        if made_by != str(self._binaries.major):
            message = (
                f"{self._data} was made by PostgreSQL {made_by}, but PostgreSQL {self._binaries.major} was found; "
                f"install version {made_by} or choose another directory with TB_EMBEDDED__DATA_DIR."
            )
            raise InvalidInput("data_dir_version", message)

    def _prefix(self) -> list[str]:
        return [str(_unshare()), *_UNSHARE] if self._refused and self._namespaces else []


def _says_ready(pid_file: Path, pid: int) -> bool:
    try:
        lines = pid_file.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _unshare() -> Path | None:
    found = shutil.which("unshare")
    return Path(found) if found else None


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _namespaces_work() -> bool:
    program = _unshare()
    if program is None:
        return False
    tried = subprocess.run([program, *_UNSHARE, "true"], capture_output=True, timeout=10, check=False)  # noqa: S603
    return tried.returncode == 0


def _plain() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
