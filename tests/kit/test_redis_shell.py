"""The shells' parts: commands, masks, the registry report, explanations, dumps."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.kit import keys
from tradingboost.kit.keys import registry
from tradingboost.kit.keys_jobs import jobs_patterns
from tradingboost.kit.redis import Redis
from tradingboost.kit.redis_dump import dump, restore
from tradingboost.kit.redis_explain import explain, rebuild, rebuilt_from, refilled
from tradingboost.kit.redis_masks import masked, shown
from tradingboost.kit.redis_report import report
from tradingboost.kit.redis_shell import Danger, Shell, danger_of, notes_on

ID = "00000000-0000-0000-0000-000000000001"
CREDENTIAL = keys.API_KEYS.build(user_id=ID, exchange="okx")
SETTINGS = keys.USER_SETTINGS.build(user_id=ID)
STATUS = keys.TRADING_STATUS.build(user_id=ID)
SEALED = "tb1.k1.AAAAAAAAAAAAAAAA." + "C" * 40
CANARY = "canary-secret-value"
OLD_KEYS = "user:518796558012178692:api:keys"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    opened = Redis(redis_url)
    client: Any = opened.transport
    await client.hset(CREDENTIAL, mapping={"api_key": SEALED, "passphrase": SEALED, "kid": "k1", "version": "3"})
    await client.pexpire(CREDENTIAL, 80_000_000)
    await client.set(SETTINGS, '{"v":1,"d":{}}', px=300_000)
    await client.set(STATUS, "running", px=60_000)
    yield opened
    await opened.close()


@pytest.fixture
def shell(redis: Redis) -> Shell:
    return Shell(redis)


async def test_sealed_fields_are_masked_whatever_command_reads_them(redis: Redis, shell: Shell) -> None:
    client: Any = redis.transport
    await client.hset(OLD_KEYS, mapping={"api_key": CANARY, "api_secret": "gAAAAAB" + "x" * 60})
    await client.set("okx:user:7:key", CANARY)
    told = await shell.run(["HGETALL", CREDENTIAL])
    assert told == {
        "api_key": f"<sealed kid=k1 len={len(SEALED)}>",
        "passphrase": f"<sealed kid=k1 len={len(SEALED)}>",
        "kid": "k1",
        "version": "3",
    }
    assert (await shell.run(["HGET", CREDENTIAL, "api_key"])).startswith("<sealed kid=k1")
    assert await shell.run(["HMGET", CREDENTIAL, "kid", "api_key"]) == ["k1", f"<sealed kid=k1 len={len(SEALED)}>"]
    replies = [
        await shell.run(words)
        for words in (
            ["HGETALL", OLD_KEYS],
            ["HGET", OLD_KEYS, "api_key"],
            ["GET", "okx:user:7:key"],
            ["MGET", SETTINGS, "okx:user:7:key"],
            ["GETRANGE", "okx:user:7:key", "0", "100"],
        )
    ]
    assert CANARY not in repr(replies)
    assert "<sealed fernet bare len=67>" in repr(replies)
    assert masked(CANARY) == f"<secret len={len(CANARY)}>"
    assert shown(None, {"password": CANARY, "symbol": "BTC"}) == {
        "password": f"<secret len={len(CANARY)}>",
        "symbol": "BTC",
    }


async def test_keys_is_carried_out_as_a_bounded_scan(redis: Redis, shell: Shell) -> None:
    client: Any = redis.transport
    await client.config_resetstat()
    for number in range(700):
        await client.set(f"somebody:{number}", 1)
    assert sorted(await shell.run(["KEYS", "user:*"])) == sorted([CREDENTIAL, SETTINGS, STATUS])
    assert len(await shell.run(["keys", "somebody:*"], limit=650)) == 650
    assert await shell.run(["SCAN", "0", "MATCH", "user:*:settings"]) == [SETTINGS]
    stats = await client.info("commandstats")
    assert "cmdstat_keys" not in stats


@pytest.mark.parametrize(
    ("words", "danger"),
    [
        ("GET x", Danger.READS),
        ("config get maxmemory", Danger.READS),
        ("client list", Danger.READS),
        ("DEL x", Danger.WRITES),
        ("flushdb", Danger.DESTROYS),
        ("CONFIG SET maxmemory 1", Danger.DESTROYS),
        ("SHUTDOWN", Danger.DESTROYS),
    ],
)
def test_a_command_reads_writes_or_destroys(words: str, danger: Danger) -> None:
    assert danger_of(words.split()) is danger


@pytest.mark.parametrize(
    "words", ["SELECT 3", "BLPOP x 0", "SUBSCRIBE x", "MONITOR", "EVAL x 0", "GTE x", "CLIENT KILL x", "MIGRATE"]
)
def test_other_databases_blocking_listening_and_scripts_are_refused(words: str) -> None:
    with pytest.raises(InvalidInput):
        danger_of(words.split())


async def test_writing_and_destroying_have_to_be_meant(redis: Redis, shell: Shell) -> None:
    with pytest.raises(Refused, match="--write"):
        await shell.run(["DEL", STATUS])
    with pytest.raises(Refused, match="--force"):
        await shell.run(["FLUSHDB"], write=True)
    assert await shell.run(["EXISTS", STATUS]) == 1
    assert await shell.run(["DEL", STATUS], write=True) == 1
    assert await shell.run(["FLUSHDB"], force=True) == "OK"
    assert await shell.run(["DBSIZE"]) == 0


def test_writing_a_mirror_says_what_it_does_not_do() -> None:
    assert "tradingboost start" in notes_on(["SET", STATUS, "running"])[0]
    assert "will be overwritten" in notes_on(["SET", SETTINGS, "{}"])[0]
    assert "nobody reads it" in notes_on(["DEL", "x:y"])[0]


async def test_every_key_is_valid_legacy_or_unknown_and_faults_are_named(redis: Redis) -> None:
    client: Any = redis.transport
    await client.hset(OLD_KEYS, mapping={"api_key": CANARY})
    await client.set("user:7:trading:status", "running")
    await client.set("somebody:else", "x")
    await client.set(keys.IDENTITY.build(kind="telegram", value="7"), "x")  # no TTL
    await client.set(keys.USER_STATUS.build(user_id=ID), "x", ex=99_999)  # too long
    await client.set(keys.USER_PREFERENCES.build(user_id=ID), "x", ex=100)  # no hash
    await client.hset(CREDENTIAL, "api_secret", CANARY)  # not sealed
    found = await report(redis, "app")
    assert (found.valid, found.legacy, found.unknown) == (6, 2, 1)
    assert found.counted == {"legacy": 2, "unknown": 1, "ttl": 2, "type": 1, "plaintext": 2}
    assert found.verbs == {"migrate api-keys": 1, "migrate cleanup-legacy": 1}
    assert found.patterns["user:{user_id}:settings"] == 1
    assert CANARY not in repr(found), "no value is ever part of it"
    assert {one.key for one in found.faults if one.kind == "plaintext"} == {OLD_KEYS, CREDENTIAL}


async def test_the_report_of_a_prefixed_deployment_knows_its_own_keys(redis_url: str) -> None:
    from tradingboost.kit.settings import RedisSettings

    prefixed = Redis(redis_url, RedisSettings(key_prefix="demo:"))
    await prefixed.put(keys.USER_STATUS, "x", user_id=ID)
    found = await report(prefixed, "app")
    assert (found.valid, found.unknown) == (1, 0)
    await prefixed.close()


async def test_a_key_is_explained(redis: Redis) -> None:
    found = await explain(redis, STATUS)
    assert (found.kind, found.owner, found.type, found.policy) == ("valid", "strategy", "string", "60 s")
    assert 0 < found.ttl_s <= 60
    assert "tradingboost start" in found.notes[0]
    old = await explain(redis, "user:7:settings")
    assert (old.kind, old.notes, old.ttl_s) == ("legacy", ["Taken over by: tradingboost migrate settings"], -2)
    assert (await explain(redis, "x:y")).kind == "unknown"
    assert (await explain(redis, "unacked", "jobs")).owner == "celery"


def test_every_pattern_says_where_its_content_comes_from() -> None:
    for pattern in (*registry(), *jobs_patterns()):
        assert rebuilt_from(pattern), pattern.text
    assert keys.EVENTS not in refilled()
    assert keys.SESSION not in refilled()
    assert keys.POSITIONS_BACKUP not in refilled()


async def test_rebuilding_drops_copies_and_nothing_else(redis: Redis) -> None:
    client: Any = redis.transport
    stream = keys.EVENTS.build(context="orders")
    await client.xadd(stream, {"n": 1})
    session = keys.SESSION.build(session_id="abc")
    await client.hset(session, "user_id", ID)
    await client.set("somebody:else", 1)
    assert await rebuild(redis, "user:*:settings") == {"user:{user_id}:settings": 1}
    assert set(await rebuild(redis)) == {"user:{user_id}:api:keys:{exchange}", "user:{user_id}:trading:status"}
    assert sorted([key async for key in Shell(redis).scan("*")]) == sorted([stream, session, "somebody:else"])


async def test_a_dump_holds_no_secret_and_comes_back_without_overwriting(redis: Redis, tmp_path: Path) -> None:
    client: Any = redis.transport
    await client.hset(OLD_KEYS, mapping={"api_key": CANARY})
    await client.hset("user:7:dual_side", mapping={"use": "true"})
    await client.rpush("a:list", "one", "two")
    await client.sadd("okx:user_ids", "1", "2")
    await client.zadd("a:zset", {"x": 1.5})
    await client.set("a:binary", b"\xff\x00")
    await client.set("a:note", "gAAAAABsealed")
    file = tmp_path / "dump.jsonl"
    found = await dump(redis, file)
    assert found.keys == {"string": 3, "hash": 1, "list": 1, "set": 1, "zset": 1}
    assert found.secret == 3
    text = file.read_text()
    assert CANARY not in text
    assert "tb1." not in text
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(InvalidInput, match="new file"):
        await dump(redis, file)
    await client.flushdb()
    await client.set(SETTINGS, "newer", px=1000)
    dry = await restore(redis, file, dry_run=True)
    assert (dry.restored, dry.existing, await client.dbsize()) == (6, 1, 1)
    assert (await restore(redis, file, dry_run=False)).restored == 6
    assert await client.get(SETTINGS) == b"newer"
    assert await client.get("a:binary") == b"\xff\x00"
    assert await client.lrange("a:list", 0, -1) == [b"one", b"two"]
    assert await client.zscore("a:zset", "x") == 1.5
    assert 0 < await client.pttl(STATUS) <= 60_000
    assert await client.ttl("a:list") == -1
    file.write_text("{}\n")
    with pytest.raises(InvalidInput, match="Line 1"):
        await restore(redis, file, dry_run=True)
