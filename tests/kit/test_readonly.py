"""What a dry run is given refuses to write, whoever asks."""

import pytest
from redis.asyncio import Redis as Driver
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tradingboost.core.errors import Unavailable
from tradingboost.kit.readonly import ReadOnlyRedis, read_only_database

WRITES = [
    ("SET", "k", "v"),
    ("HSET", "k", "f", "v"),
    ("DEL", "k"),
    ("EXPIRE", "k", "5"),
    ("GETDEL", "k"),
    ("EVALSHA", "0" * 40, "0"),
    ("EVAL", "return redis.call('SET','k','v')", "0"),
    ("FLUSHDB",),
    ("RESTORE", "k", "0", "x"),
    ("COPY", "a", "b"),
    ("CONFIG", "SET", "save", ""),
]


@pytest.mark.parametrize("command", WRITES, ids=lambda command: command[0])
async def test_every_command_that_writes_is_refused_before_it_is_sent(redis_url: str, command: tuple[str, ...]) -> None:
    redis = ReadOnlyRedis(redis_url)
    with pytest.raises(Unavailable) as caught:
        async with redis.context() as client:
            await client.execute_command(*command)  # type: ignore[no-untyped-call]
    assert caught.value.code == "dry_run_writes"
    with pytest.raises(Unavailable):
        async with redis.context("pipeline") as client, client.pipeline() as pipe:
            pipe.execute_command(*command)
    with pytest.raises(Unavailable):
        await redis.transport.execute_command(*command)  # type: ignore[no-untyped-call]
    await redis.close()
    async with Driver.from_url(redis_url) as plain:
        assert await plain.dbsize() == 0


async def test_what_reads_goes_through(redis_url: str) -> None:
    async with Driver.from_url(redis_url) as plain:
        await plain.hset("h", mapping={"a": "1"})
    redis = ReadOnlyRedis(redis_url)
    async with redis.context("slow") as client:
        assert [key async for key in client.scan_iter(match="*", count=10)] == [b"h"]
        assert await client.hgetall("h") == {b"a": b"1"}
    async with redis.context("pipeline") as client, client.pipeline(transaction=False) as pipe:
        pipe.type("h")
        pipe.pttl("h")
        assert await pipe.execute() == [b"hash", -1]
    await redis.close()


async def test_no_transaction_of_a_read_only_database_writes(db_url: str) -> None:
    database = read_only_database(db_url)
    with pytest.raises(DBAPIError, match="read-only transaction"):
        async with database.transaction() as db:
            await db.execute(text("CREATE TABLE t (a int)"))
    with pytest.raises(DBAPIError, match="read-only transaction"):
        async with database.read() as db:
            await db.execute(text("CREATE TABLE t (a int)"))
    async with database.read() as db:
        assert (await db.execute(text("SELECT 1"))).scalar_one() == 1
    await database.close()
