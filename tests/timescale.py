"""A real TimescaleDB for the tests: Debian's packages, unpacked into a directory of their own, started without root.

Nothing on the host changes. What was unpacked once is kept in the user's cache; only tests marked `long` fetch it.
`TB_TEST_TIMESCALE_URL` names a server to use instead (a database is made on it for each test). Where neither is to be
had, the tests are skipped with the reason.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from tests.servers import Databases

from tradingboost.kit.embedded.process import bound
from tradingboost.kit.http_server import listen

ROOT = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tradingboost-tests" / "timescale-17"
_SUITE = "trixie"
_PACKAGES = ("postgresql-17-timescaledb", "dash")
_TOOLS = ("apt-get", "dpkg-deb", "tar", "unshare")
_UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/perl", "usr/lib/llvm-19", "usr/lib/python3")
_APT = """
Dir::Etc::sourcelist "{work}/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferencesparts "-";
Dir::State "{work}/state";
Dir::State::status "{work}/status";
Dir::State::lists "{work}/state/lists";
Dir::Cache "{work}/cache";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Debug::NoLocking "true";
Acquire::Languages "none";
Acquire::Retries "2";
"""
_SERVE = """
mount --rbind /dev "$1/dev" && mount --bind "$2" "$1/data" && exec unshare --user --map-user=5432 --map-group=5432 \
--root="$1" /bin/sh -c 'PATH=/usr/lib/postgresql/17/bin:/usr/bin
initdb -D /data/pg -U postgres --encoding=UTF8 --locale=C --auth=trust > /data/initdb.log 2>&1
exec postgres -D /data/pg -c listen_addresses=127.0.0.1 -c "port=$0" -c unix_socket_directories= -c fsync=off \
-c jit=off -c shared_preload_libraries=timescaledb -c timescaledb.telemetry_level=off -c max_connections=60 \
-c timescaledb.max_background_workers=1' "$3"
"""


class Missing(Exception):
    """There is no TimescaleDB to be had, and why."""


def fetched() -> Path:
    """The unpacked packages, fetched now unless they are there.

    Raises:
        Missing: they cannot be had on this machine.
    """
    if (ROOT / "ready").exists():
        return ROOT / "root"
    absent = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if absent:
        raise Missing(f"no {', '.join(absent)} here, so Debian's packages cannot be unpacked")
    work = ROOT.with_name(f"{ROOT.name}.{os.getpid()}")
    try:
        _unpack(work)
        shutil.rmtree(ROOT, ignore_errors=True)
        work.rename(ROOT)
    except (subprocess.SubprocessError, OSError) as error:
        raise Missing(f"Debian's packages could not be fetched: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return ROOT / "root"


def _unpack(work: Path) -> None:
    archives = work / "apt" / "cache" / "archives"
    for folder in (archives / "partial", work / "apt" / "state" / "lists" / "partial"):
        folder.mkdir(parents=True)
    (work / "apt" / "status").touch()
    (work / "apt" / "apt.conf").write_text(_APT.replace("{work}", str(work / "apt")))
    sites = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Component: main"]
    known = subprocess.run(sites, capture_output=True, text=True, timeout=60, check=True).stdout.split()
    site = next((one for one in known if "security" not in one), None)
    if site is None:
        raise Missing("apt knows no package archive")
    (work / "apt" / "sources.list").write_text(f"deb {site} {_SUITE} main\n")
    own = {**os.environ, "APT_CONFIG": str(work / "apt" / "apt.conf")}
    for words in (["update"], ["-y", "install", "--download-only", *_PACKAGES]):
        subprocess.run(["apt-get", "-qq", *words], env=own, capture_output=True, timeout=300, check=True)
    root = work / "root"
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for archive in sorted(archives.glob("*.deb")):
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as packed:
            unpack = ["tar", "-x", "-C", str(root), "--keep-directory-symlink", "--no-same-owner"]
            subprocess.run(unpack, stdin=packed.stdout, capture_output=True, timeout=120, check=True)
    for name in ("dev", "data", "tmp", "etc"):
        (root / name).mkdir(exist_ok=True)
    for name in _UNUSED:
        shutil.rmtree(root / name, ignore_errors=True)
    (root / "usr/bin/sh").unlink(missing_ok=True)
    (root / "usr/bin/sh").symlink_to("dash")
    (root / "etc/passwd").write_text("pg:x:5432:5432::/data:/bin/sh\n")
    (root / "etc/group").write_text("pg:x:5432:\n")
    shutil.rmtree(work / "apt")
    (work / "ready").touch()


class Server:
    """PostgreSQL with TimescaleDB out of the unpacked packages."""

    def __init__(self, root: Path, data: Path) -> None:
        with listen("127.0.0.1", 0) as free:
            port = free.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        data.mkdir(exist_ok=True)
        self._log = data / "server.log"
        shell = ["sh", "-c", _SERVE, "serve", str(root), str(data), str(port)]
        command = [shutil.which("unshare") or "unshare", "--user", "--map-root-user", "--mount", *shell]
        with self._log.open("wb") as sink:
            self._process = subprocess.Popen(bound(command), stdout=sink, stderr=sink, start_new_session=True)

    async def ready(self) -> None:
        """Wait until it takes logins.

        Raises:
            Missing: it did not start.
        """
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                await (await asyncpg.connect(self.url, timeout=5)).close()
            except (OSError, asyncpg.PostgresError):
                time.sleep(0.05)  # noqa: ASYNC251 - nothing else runs here
            else:
                return
        raise Missing(f"the unpacked server did not start: {self._log.read_text(errors='replace')[-400:]}")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()


@pytest.fixture(scope="session")
def timescale(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Databases on a real TimescaleDB; skips with a reason where there is none."""
    given = os.environ.get("TB_TEST_TIMESCALE_URL")
    if given:
        yield Databases(given, f"test_{os.getpid()}")
        return
    chosen = str(request.config.option.markexpr)
    if not (ROOT / "ready").exists() and ("long" not in chosen or "not long" in chosen):
        pytest.skip("no TimescaleDB at hand: ./tb test -m long fetches it, TB_TEST_TIMESCALE_URL names one")
    try:
        server = Server(fetched(), tmp_path_factory.mktemp("timescale"))
    except Missing as reason:
        pytest.skip(f"no TimescaleDB here: {reason}")
    try:
        asyncio.run(server.ready())
        yield Databases(server.url)
    except Missing as reason:
        pytest.skip(f"no TimescaleDB here: {reason}")
    finally:
        server.stop()
