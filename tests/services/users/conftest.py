"""A room for `users`: one database for the tests of a process, emptied before each; far cheaper than a copy."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.servers import Databases, Prepare
from tests.services.rooms import Room, room
from tests.services.users.login_desk import Desk

from tradingboost.kit.clock import FakeClock

_EMPTY = """
    DO $$
    DECLARE
        name text;
        filled boolean;
    BEGIN
        SET LOCAL session_replication_role = replica;  -- neither foreign keys nor the audit's own triggers object
        FOR name IN
            SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
            WHERE schemaname IN ('users', 'bus', 'ops', 'audit') AND tablename NOT LIKE '%version%'
        LOOP
            EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO filled;
            IF filled THEN
                EXECUTE 'DELETE FROM ' || name;
            END IF;
        END LOOP;
    END $$
"""


@pytest.fixture(scope="session")
def kept_database() -> dict[str, str]:
    """The address of the room's database by its key, once there is one."""
    return {}


@pytest.fixture
async def stage(
    databases: Databases, kept_database: dict[str, str], redis_url: str, fake_clock: FakeClock
) -> AsyncIterator[Room]:
    async def emptied(key: str, prepare: Prepare) -> str:
        if key not in kept_database:
            kept_database[key] = await databases.prepared(key, prepare)
            return kept_database[key]
        connection = await asyncpg.connect(kept_database[key])
        try:
            await connection.execute(_EMPTY)
        finally:
            await connection.close()
        return kept_database[key]

    async with room(emptied, redis_url, fake_clock, "users") as opened:
        yield opened


@pytest.fixture
def desk(stage: Room) -> Desk:
    """People who log in."""
    return Desk(stage)
