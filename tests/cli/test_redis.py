"""`redis app`, `redis jobs`, `redis validate` and `redis rebuild` on the command line."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Ended, Run

from tradingboost.kit import keys
from tradingboost.kit.ids import uuid7
from tradingboost.kit.jobs.queue import JobQueue
from tradingboost.kit.redis import Redis

ID = "00000000-0000-0000-0000-000000000001"
OTHER = "00000000-0000-0000-0000-000000000002"
SEALED = "tb1.k1.AAAAAAAAAAAAAAAA." + "C" * 40

Ask = Callable[..., Ended]


@pytest.fixture
def ask(tb: Run, db_url: str, redis_url: str, jobs_redis_url: str) -> Ask:
    """`tradingboost redis WORDS --json` on the tests' servers, with a few keys in them."""
    asyncio.run(_fill(redis_url))

    def run(*words: str | Path, **variables: str) -> Ended:
        return tb("redis", *words, TB_DB__URL=db_url, TB_REDIS__URL=redis_url, **variables)

    return run


def reply(ended: Ended) -> Any:
    assert ended.code == 0, ended.err + ended.out
    return ended.envelope["data"]["reply"]


def test_the_calls_of_the_old_guide_work(ask: Ask) -> None:
    assert reply(ask("app", "PING", "--json")) == "PONG"
    assert sorted(reply(ask("app", "KEYS", "user:*:settings", "--json"))) == [f"user:{ID}:settings", "user:7:settings"]
    assert reply(ask("app", "--scan", "--pattern", "user:0*:settings", "--json")) == [f"user:{ID}:settings"]
    held = reply(ask("app", "HGETALL", f"user:{ID}:api:keys:okx", "--json"))
    assert held["api_key"] == f"<sealed kid=k1 len={len(SEALED)}>"
    assert reply(ask("app", "GET", f"user:{ID}:trading:status", "--json")) == "running"
    assert reply(ask("app", "TYPE", f"user:{ID}:trading:status", "--json")) == "string"
    assert reply(ask("jobs", "LLEN", "celery", "--json")) == 0
    assert reply(ask("jobs", "KEYS", "celery*", "--json")) == []
    info = reply(ask("app", "INFO", "memory", "--json"))
    assert int(info["used_memory"]) > 0
    shown = ask("app", "GET", f"user:{ID}:trading:status")
    assert shown.out.strip() == "running"


def test_users_streams_health_and_explanations(ask: Ask) -> None:
    users = reply(ask("app", "users", "--json"))
    assert {one["user_id"]: one["status"] for one in users} == {ID: "running", OTHER: "stopped"}
    assert [one["user_id"] for one in reply(ask("app", "users", "--status", "running", "--json"))] == [ID]
    [keyed] = reply(ask("app", "users", "--with-keys", "--json"))
    assert (keyed["user_id"], keyed["exchanges"]) == (ID, ["okx"])
    [stream] = reply(ask("app", "streams", "--json"))
    assert (stream["stream"], stream["length"]) == ("events:orders", 1)
    [group] = reply(ask("app", "groups", "events:orders", "--json"))
    assert (group["group"], group["lag"]) == ("positions", 1)
    assert reply(ask("app", "health", "--json"))["role"] == "master"
    explained = reply(ask("app", "explain", f"user:{ID}:trading:status", "--json"))
    assert (explained["pattern"], explained["owner"]) == ("user:{user_id}:trading:status", "strategy")


def test_writing_needs_to_be_meant_and_says_what_it_does_not_do(ask: Ask) -> None:
    status = f"user:{ID}:trading:status"
    refused = ask("app", "SET", status, "running", "--json")
    assert (refused.code, refused.envelope["error"]["code"]) == (5, "shell_reads_only")
    assert "tradingboost start" in refused.envelope["warnings"][0]
    assert reply(ask("app", "SET", status, "stopped", "--write", "--json")) == "OK"
    assert ask("app", "FLUSHDB", "--json").envelope["error"]["code"] == "shell_needs_force"
    other = ask("app", "-n", "3", "PING", "--json")
    assert (other.code, other.envelope["error"]["code"]) == (5, "shell_other_database")
    assert ask("app", "queues", "--json").envelope["error"]["code"] == "shell_other_redis"
    assert ask("app", "--json").envelope["error"]["code"] == "shell_needs_terminal"


def test_what_is_forced_stands_in_the_audit_trail_and_without_it_nothing_is_forced(
    ask: Ask, tb: Run, db_url: str, redis_url: str
) -> None:
    nowhere = "postgresql://u:p@127.0.0.1:1/d"
    blind = tb("redis", "app", "FLUSHDB", "--force", "--json", TB_DB__URL=nowhere, TB_REDIS__URL=redis_url)
    assert (blind.code, blind.envelope["error"]["code"]) == (6, "database_down")
    assert reply(ask("app", "EXISTS", f"user:{ID}:settings", "--json")) == 1
    assert reply(ask("app", "FLUSHDB", "--force", "--json")) == "OK"
    assert reply(ask("app", "DBSIZE", "--json")) == 0
    assert asyncio.run(_audited(db_url)) == [("redis.forced", "app: FLUSHDB")]


def test_queues_tell_depth_and_age(ask: Ask, jobs_redis_url: str) -> None:
    queue = JobQueue(jobs_redis_url, jobs_redis_url)
    for _ in range(3):
        queue.send(uuid7(), "backtests")
    queue.close()
    found = {one["queue"]: one for one in reply(ask("jobs", "queues", "--json"))}
    assert (found["backtests"]["depth"], found["celery"]["depth"]) == (3, 0)
    assert 0 <= found["backtests"]["oldest_s"] < 60
    assert found["backtests"]["workers"] is None
    assert reply(ask("jobs", "LLEN", "backtests", "--json")) == 3


def test_validate_ends_with_three_on_what_it_was_told_to_look_for(ask: Ask) -> None:
    plain = ask("validate", "--json")
    assert plain.code == 0
    assert plain.envelope["data"]["legacy"] == 1
    assert ask("validate", "--fail-on", "plaintext", "--json").code == 0
    failed = ask("validate", "--fail-on", "legacy,unknown", "--json")
    assert failed.code == 3
    shown = ask("validate")
    for word in ("Valid", "Legacy", "Unknown", "migrate settings"):
        assert word in shown.out
    assert ask("validate", "--db", "jobs", "--json").envelope["data"]["db"] == "jobs"
    assert ask("validate", "--fail-on", "everything", "--json").code == 2


def test_copies_are_dumped_restored_and_dropped(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "copies.jsonl"
    written = reply(ask("app", "backup", file, "--pattern", "user:*", "--json"))
    assert (written["keys"], written["secret"]) == ({"string": 4}, 1)
    dropped = ask("rebuild", "--pattern", "user:*:trading:status", "--json").envelope["data"]["dropped"]
    assert dropped == {"user:{user_id}:trading:status": 2}
    assert reply(ask("app", "restore", file, "--dry-run", "--json"))["restored"] == 2
    assert reply(ask("app", "restore", file, "--json"))["restored"] == 2
    assert reply(ask("app", "GET", f"user:{ID}:trading:status", "--json")) == "running"


async def _fill(url: str) -> None:
    redis = Redis(url)
    client: Any = redis.transport
    await client.hset(f"user:{ID}:api:keys:okx", mapping={"api_key": SEALED, "kid": "k1"})
    await client.expire(f"user:{ID}:api:keys:okx", 1000)
    await redis.put(keys.USER_SETTINGS, '{"v":1,"d":{}}', user_id=ID)
    await redis.put(keys.TRADING_STATUS, "running", user_id=ID)
    await redis.put(keys.TRADING_STATUS, "stopped", user_id=OTHER)
    await client.set("user:7:settings", "{}")
    await client.xgroup_create("events:orders", "positions", id="0", mkstream=True)
    await client.xadd("events:orders", {"n": 1})
    await redis.close()


async def _audited(url: str) -> list[tuple[str, str]]:
    from sqlalchemy import text

    from tradingboost.kit.db import Database

    database = Database.open(url)
    async with database.read() as connection:
        rows = (await connection.execute(text("SELECT action, subject FROM audit.events"))).all()
    await database.close()
    return [(row.action, row.subject) for row in rows]
