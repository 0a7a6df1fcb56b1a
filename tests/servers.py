"""Real PostgreSQL and Redis for the tests: one pair a test process, a fresh database a test.

A test asks for `db_url` or `database` (empty database), `migrated` databases by `fresh_database(key, prepare)`, or
`redis_url` (flushed). Nothing has to be running beforehand.
"""

import asyncio
import itertools
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import asyncpg
import pytest
from redis.asyncio import Redis
from sqlalchemy.engine import make_url

from tradingboost.kit import migrations
from tradingboost.kit.db import Database
from tradingboost.kit.embedded import Servers, servers

_MEMORY: Final = Path("/dev/shm")
_ROOM_BYTES: Final = 4 * 2**30
Prepare = Callable[[str], Awaitable[None]]
FreshDatabase = Callable[[str, Prepare], Awaitable[str]]


class BackgroundServers:
    """The embedded servers kept by a thread with a loop of its own, because each test has another loop."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._found: Servers | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="embedded-servers", daemon=True)

    def start(self) -> Servers:
        self._thread.start()
        self._started.wait(60)
        if self._failure is not None:
            raise self._failure
        assert self._found is not None, "the embedded servers did not start within a minute"
        return self._found

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        try:
            async with servers(self._data_dir, durable=False) as self._found:
                self._started.set()
                await self._stop.wait()
        except BaseException as error:  # noqa: BLE001 - handed to the waiting test process
            self._failure = error
        finally:
            self._started.set()


class Databases:
    """Makes databases by copying templates, which takes about 20 ms each."""

    def __init__(self, admin_url: str, prefix: str = "test") -> None:
        self._admin_url = admin_url
        self._prefix = prefix
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}

    async def create(self, template: str = "template0") -> str:
        name = f"{self._prefix}_{next(self._numbers)}"
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self._url(name)

    async def prepared(self, key: str, prepare: Prepare) -> str:
        """A copy of the template `key`, which `prepare(url)` filled at the first call."""
        if key not in self._templates:
            name = f"template_{len(self._templates)}"
            await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            await self._execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
            await prepare(self._url(name))
            self._templates[key] = name
        return await self.create(self._templates[key])

    async def drop(self, url: str) -> None:
        await self._execute(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)')

    def _url(self, name: str) -> str:
        return make_url(self._admin_url).set(database=name).render_as_string(hide_password=False)

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._admin_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def servers_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """In memory where the machine has enough of it: a fresh database is some three hundred files."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    if not roomy:
        yield tmp_path_factory.mktemp("servers")
        return
    with tempfile.TemporaryDirectory(prefix="tradingboost-tests-", dir=_MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def embedded_servers(servers_dir: Path) -> Iterator[Servers]:
    """PostgreSQL and Redis, started once a test process at the first test that needs them."""
    background = BackgroundServers(servers_dir)
    found = background.start()
    yield found
    background.stop()


@pytest.fixture(scope="session")
def databases(embedded_servers: Servers) -> Databases:
    return Databases(embedded_servers.db_url)


@pytest.fixture
async def db_url(databases: Databases) -> AsyncIterator[str]:
    """The address of an empty database of this test's own."""
    url = await databases.create()
    yield url
    await databases.drop(url)


@pytest.fixture
async def database(db_url: str) -> AsyncIterator[Database]:
    """An empty database, opened."""
    opened = Database.open(db_url)
    yield opened
    await opened.close()


@pytest.fixture
async def fresh_database(databases: Databases) -> AsyncIterator[FreshDatabase]:
    """`await fresh_database("orders", prepare)`: a copy of a database that `prepare(url)` filled once."""
    made: list[str] = []

    async def make(key: str, prepare: Prepare) -> str:
        made.append(await databases.prepared(key, prepare))
        return made[-1]

    yield make
    for url in made:
        await databases.drop(url)


@pytest.fixture
async def redis_url(embedded_servers: Servers) -> str:
    """The application's Redis (DB 0), emptied."""
    await _flush(embedded_servers.redis_url)
    return embedded_servers.redis_url


@pytest.fixture
async def jobs_redis_url(embedded_servers: Servers) -> str:
    """The jobs' Redis (DB 1), emptied."""
    await _flush(embedded_servers.jobs_redis_url)
    return embedded_servers.jobs_redis_url


async def _flush(url: str) -> None:
    async with Redis.from_url(url) as client:
        await client.flushdb()


@pytest.fixture
async def kit_database(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    """A database with the kit's own schemas, `bus` and `ops`, and nothing else."""
    opened = Database.open(await fresh_database("kit", _migrate_kit))
    yield opened
    await opened.close()


async def _migrate_kit(url: str) -> None:
    database = Database.open(url)
    await migrations.upgrade(database, migrations.kit_schemas())
    await database.close()
