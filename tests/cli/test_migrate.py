"""`migrate` and `grid`, as they are typed: exit codes, reports, and what is never said."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from redis import Redis as Driver
from tests.app.migrate.conftest import FERNET, OTHER
from tests.cli.conftest import Ended, Run
from tests.servers import FreshDatabase

from tradingboost.app.migrate.generated import MARK, Old
from tradingboost.app.migrate.planting import planted
from tradingboost.app.schemas import bring_up
from tradingboost.kit.db import Database
from tradingboost.kit.redis import Redis

Typed = Callable[..., Ended]
UID = "100000000000000015"


async def _prepare(url: str) -> None:
    database = Database.open(url)
    await bring_up(database)
    await database.close()


@pytest.fixture
async def servers(fresh_database: FreshDatabase, redis_url: str) -> AsyncIterator[dict[str, str]]:
    """An installation beside an old Redis of three kinds of people: a grid, plaintext, and one who trades."""
    database = await fresh_database("whole", _prepare)
    redis = Redis(redis_url)
    await planted(redis, Old(20, 1, FERNET, OTHER).of_kinds(8, 15, 19))
    yield {"TB_DB__URL": database, "TB_REDIS__URL": redis_url, "ENCRYPTION_KEY": FERNET}
    await redis.close()


@pytest.fixture
def typed(tb: Run, servers: dict[str, str], tmp_path: Path) -> Typed:
    """`migrate WORDS` or `grid WORDS`; no secret is ever said."""

    def run(*words: str | Path, **variables: str) -> Ended:
        ended = tb(*words, "--data-dir", tmp_path / "data", **servers | variables)
        assert MARK not in ended.out + ended.err
        assert FERNET not in ended.out + ended.err
        return ended

    return run


def test_a_plan_ends_with_0_a_run_that_refused_something_with_3_and_its_report_is_for_us_alone(
    typed: Typed, tmp_path: Path
) -> None:
    plan = typed("migrate", "api-keys", "--dry-run", "--json")
    assert (plan.code, plan.envelope["data"]["counts"]) == (0, {"done": 3, "merged": 1, "refused": 1})
    report = tmp_path / "report.json"
    run = typed("migrate", "api-keys", "--json", "-vv", "--report", report)
    assert (run.code, run.envelope["data"]["counts"]) == (3, plan.envelope["data"]["counts"])
    assert report.stat().st_mode & 0o777 == 0o600
    kept = report.read_text()
    assert json.loads(kept)["counts"] == run.envelope["data"]["counts"]
    assert MARK not in kept
    assert UID not in kept + run.out
    one = typed("migrate", "api-keys", "--okx-uid", UID, "--verify", "--json")
    assert (one.code, one.envelope["data"]["counts"]) == (0, {"equal": 3})
    shown = typed("migrate", "api-keys")
    assert shown.code == 3
    assert "legacy_plaintext" in shown.out
    assert "4 were settled before" in shown.out
    status = typed("migrate", "status", "--json").envelope["data"]
    assert [run["status"] for run in status["runs"]] == ["done", "done"]
    assert status["remaining"]["migrate api-keys"] == 1


def test_what_takes_something_away_needs_a_yes_and_can_be_taken_back(typed: Typed) -> None:
    typed("migrate", "api-keys")
    for words in (("grid-positions",), ("cleanup-partial",), ("cleanup-legacy",), ("backups", "purge")):
        ended = typed("migrate", *words, "--json")
        assert (ended.code, ended.envelope["error"]["code"]) == (5, "not_confirmed")
    moved = typed("migrate", "grid-positions", "--yes", "--json")
    assert (moved.code, moved.envelope["data"]["counts"]) == (3, {"done": 2, "refused": 1})
    kept = typed("migrate", "backups", "list", "--json").envelope["data"]["backups"]
    assert [one["positions"] for one in kept] == [2, 2]
    assert "2 backups" in typed("migrate", "backups", "list").out
    back = typed("migrate", "grid-positions", "--rollback", "--yes", "--user", UID)
    assert back.code == 0
    assert "2 done" in back.out
    cleaned = typed("migrate", "cleanup-legacy", "--yes")
    assert "CLEANUP COMPLETE" in cleaned.out
    assert "Deleted: user:{id}:trading:status (user=…0019)" in cleaned.out


def test_wrong_words_are_refused_with_the_reason(typed: Typed) -> None:
    for words, code, error in (
        (("api-keys", "--user", "x", "--okx-uid", UID), 2, "user_given_twice"),
        (("grid-positions", "--backup", "20260101_000000"), 2, "backup_without_rollback"),
        (("backups", "show"), 2, "unknown_word"),
        (("cleanup-legacy", "--include", "all", "--dry-run"), 2, "unknown_include"),
        (("settings", "--user", "nobody-at-all", "--dry-run"), 4, "user_not_found"),
        (("settings", "--from-postgres", "--dry-run"), 2, "nothing_to_plan"),
    ):
        ended = typed("migrate", *words, "--json")
        assert (ended.code, ended.envelope["error"]["code"]) == (code, error), words
    wrong = typed("migrate", "api-keys", "--json", ENCRYPTION_KEY="c2hvcnQ=")
    assert (wrong.code, wrong.envelope["error"]["code"]) == (2, "bad_legacy_keys")
    assert "c2hvcnQ" not in wrong.out
    away = typed("migrate", "api-keys", "--source-url", "redis://127.0.0.1:1/0", "--json")
    assert (away.code, away.envelope["error"]["code"]) == (6, "redis_down")


def test_flags_of_a_grids_levels_are_forgotten(typed: Typed, servers: dict[str, str]) -> None:
    typed("migrate", "api-keys")
    owner = typed("users", "list", "--json").envelope["data"]["users"][0]["user_id"]
    with Driver.from_url(servers["TB_REDIS__URL"]) as client:
        for level in (1, 2, 30):
            client.hset(f"orders:okx:user:{owner}:symbol:BTC-USDT-SWAP:order_placed", str(level), "true")
    words = ("grid", "reset-placed", "--user", owner, "--symbol", "BTC-USDT-SWAP")
    assert typed(*words, "--json").envelope["data"] == {"levels": 20, "removed": 2, "left": 1}
    assert "decided by its intent" in typed(*words).out
