"""The disk of the database is full: what cannot be recorded is not sent, and somebody hears of it before (F41)."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.builders import an_intent
from tests.servers import FreshDatabase, Prepare
from tests.services.orders.conftest import desk, stage
from tests.services.orders.desk import Desk
from tests.services.rooms import room

from tradingboost.app import machine
from tradingboost.core.errors import Unavailable
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.embedded.binaries import postgres_binaries
from tradingboost.kit.embedded.directory import is_free
from tradingboost.kit.metrics import Metrics
from tradingboost.kit.runtime import Runtime

__all__ = ["desk", "stage"]
_ROOM_MB = 120
_FULL = """
    CREATE FUNCTION orders.no_room() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$
"""


async def test_f41_an_intent_that_finds_no_room_on_the_disk_is_refused_and_nothing_is_sent(desk: Desk) -> None:
    async with desk.room.db.transaction() as db:
        await db.execute(text(_FULL))
        await db.execute(
            text("CREATE TRIGGER no_room BEFORE INSERT ON orders.intents EXECUTE FUNCTION orders.no_room()")
        )
    with pytest.raises(Unavailable, match="database_disk_full") as refused:
        await desk.submit(an_intent())
    assert "make room" in refused.value.message
    assert desk.exchange.sent == []
    async with desk.room.db.transaction() as db:
        await db.execute(text("DROP TRIGGER no_room ON orders.intents"))
    assert (await desk.submit(an_intent())).state == "OPEN"
    assert len(desk.exchange.sent) == 1


@pytest.mark.parametrize(("used", "alarm"), [(84, False), (85, True)])
async def test_f41_from_85_percent_on_it_is_an_alarm(
    monkeypatch: pytest.MonkeyPatch, fake_clock: FakeClock, tmp_path: Path, *, used: int, alarm: bool
) -> None:
    found = SimpleNamespace(total=100, used=used, free=100 - used)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: found)
    assert machine.disk(tmp_path / "not made yet", 0.85).alarm is alarm
    metrics = Metrics()
    runtime = Runtime([machine.watch(tmp_path, 0.85, metrics)], clock=fake_clock, metrics=metrics)
    with capture_logs() as logged:
        task = asyncio.create_task(runtime.run())
        async with asyncio.timeout(5):
            while f"disk_used_ratio {used / 100}" not in metrics.render().decode():  # noqa: ASYNC110 - of a thread
                await asyncio.sleep(0.01)
        runtime.stop()
        await task
    assert ("disk_nearly_full" in [line["event"] for line in logged]) is alarm


def _private_mounts() -> str | None:
    """Why there can be no small file system of our own here; None when there can."""
    tried = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]
    if shutil.which("unshare") is None:
        return "there is no unshare"
    made = subprocess.run(tried, capture_output=True, text=True, timeout=20, check=False)
    return None if made.returncode == 0 else f"no private mounts: {made.stderr.strip()[:80]}"


_SCRIPT = """
set -e
mount -t tmpfs -o size={room}m,mode=0777 none {place}
cd {place}
run="{become}"
$run {initdb} --pgdata={place}/data --waldir={log} --username=tradingboost --auth=trust --no-sync --locale=C \
    --encoding=UTF8 > /dev/null
exec $run {postgres} -D {place}/data -c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= \
    -c fsync=off -c shared_buffers=16MB -c autovacuum=off
"""


@asynccontextmanager
async def small_postgres(folder: Path) -> AsyncIterator[str]:
    """A PostgreSQL whose data lies on a file system of its own, which is small."""
    binaries = postgres_binaries()
    port = next(one for one in range(20_000 + os.getpid() % 5_000, 32_000) if is_free(one))
    become = "unshare --user --map-user=65534 --map-group=65534" if os.geteuid() == 0 else ""
    script = _SCRIPT.format(
        room=_ROOM_MB,
        place=folder,
        log=folder.parent / "log",  # a log of the database without room stops it altogether; that is F31
        become=become,
        initdb=binaries.initdb,
        postgres=binaries.postgres,
        port=port,
    )
    log = folder.parent / "small.log"
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", f"exec 2>{log}\n{script}"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    url = f"postgresql://tradingboost@127.0.0.1:{port}/postgres"
    try:
        async with asyncio.timeout(60):
            while True:
                assert process.returncode is None, await asyncio.to_thread(log.read_text)
                try:
                    await (await asyncpg.connect(url, timeout=2)).close()
                    break
                except (OSError, TimeoutError, asyncpg.PostgresError):
                    await asyncio.sleep(0.1)
        yield url
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)  # at once, not when everybody has left
        await process.wait()


@pytest.mark.long
async def test_f41_on_a_disk_that_is_really_full_nothing_is_sent_and_with_room_again_everything_goes_on(
    redis_url: str, fake_clock: FakeClock, tmp_path: Path
) -> None:
    if reason := await asyncio.to_thread(_private_mounts):
        pytest.skip(reason)
    place = tmp_path / "small"
    place.mkdir()
    async with small_postgres(place) as url:

        async def here(_: str, prepare: Prepare) -> str:
            await prepare(url)
            return url

        fresh: FreshDatabase = here
        async with room(fresh, redis_url, fake_clock, "orders") as opened:
            desk = await Desk(opened).open()
            filler = await asyncpg.connect(url)
            await filler.execute("CREATE TABLE filler (junk text)")
            await filler.execute("ALTER TABLE filler ALTER junk SET STORAGE EXTERNAL")
            with pytest.raises(asyncpg.DiskFullError):
                await _fill(filler)
            with pytest.raises(Unavailable, match="disk is full"):
                await _wish_until_refused(desk)
            sent = len(desk.exchange.sent)
            with pytest.raises(Unavailable, match="disk is full"):
                await desk.submit(an_intent(slot="more"))
            assert len(desk.exchange.sent) == sent, "what could not be recorded was sent"
            await filler.execute("DROP TABLE filler")
            await filler.close()
            assert (await desk.submit(an_intent(slot="again"))).state == "OPEN"
            assert len(desk.exchange.sent) == sent + 1


async def _fill(connection: asyncpg.Connection) -> None:
    with suppress(asyncpg.DiskFullError):
        while True:
            await connection.execute("INSERT INTO filler SELECT repeat('x', 500000) FROM generate_series(1, 4)")
    while True:  # the last pages go to small rows
        await connection.execute("INSERT INTO filler SELECT repeat('x', 4000) FROM generate_series(1, 10)")


async def _wish_until_refused(desk: Desk) -> None:
    """Into the pages that are there, as long as they last."""
    for number in range(200):
        await desk.submit(an_intent(slot=f"w:{number}"))
