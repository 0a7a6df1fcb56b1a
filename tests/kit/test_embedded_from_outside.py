"""A data directory seen by whoever did not start its servers."""

from pathlib import Path

import asyncpg
import pytest

from tradingboost.core.errors import Conflict
from tradingboost.kit import embedded


async def test_nothing_runs_in_a_directory_that_was_never_used(tmp_path: Path) -> None:
    assert await embedded.running(tmp_path / "data") is None
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
async def test_running_servers_are_found_kept_from_being_forgotten_and_forgotten_when_stopped(tmp_path: Path) -> None:
    async with embedded.servers(tmp_path, durable=False) as servers:
        assert await embedded.running(tmp_path) == (servers.db_url, servers.redis_url)
        connection = await asyncpg.connect(servers.db_url)
        await connection.execute("CREATE TABLE kept (id int)")
        await connection.close()
        with pytest.raises(Conflict, match="in use"):
            await embedded.forget(tmp_path)
    assert await embedded.running(tmp_path) is None
    await embedded.forget(tmp_path)
    async with embedded.servers(tmp_path, durable=False) as servers:
        connection = await asyncpg.connect(servers.db_url)
        assert await connection.fetchval("SELECT to_regclass('kept')") is None
        await connection.close()
