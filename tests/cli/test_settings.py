"""`settings`, as it is typed."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from tests.cli.conftest import Run

from tradingboost.app.schemas import all_schemas
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.db import Database
from tradingboost.kit.ids import uuid7
from tradingboost.kit.migrations import upgrade
from tradingboost.services.users.tables import app_users

Said = Callable[..., Any]


async def _furnish(url: str) -> None:
    """An installation with one person."""
    database, now = Database.open(url), SystemClock().now()
    await upgrade(database, all_schemas())
    async with database.transaction() as db:
        person = {"id": str(uuid7()), "username": "alice", "created_at": now, "updated_at": now}
        await db.execute(insert(app_users).values(person))
    await database.close()


@pytest.fixture
def settings(tb: Run, db_url: str, redis_url: str, tmp_path: Path) -> Said:
    """`settings WORDS --json`: its data, or its error where another code is expected."""
    asyncio.run(_furnish(db_url))

    def said(*words: str, code: int = 0) -> Any:
        servers = {"TB_DB__URL": db_url, "TB_REDIS__URL": redis_url}
        ended = tb("settings", *words, "--data-dir", str(tmp_path / "data"), "--json", **servers)
        assert ended.code == code, ended.err
        return ended.envelope["error" if code else "data"]

    return said


def test_settings_are_shown_changed_compared_brought_back_and_taken_along(settings: Said, tmp_path: Path) -> None:
    shown = settings("show")["documents"]
    assert [(one["type"], one["version"], one["keys"]) for one in shown] == [
        ("preferences", 0, 2),
        ("params", 0, 50),
        ("dual_side", 0, 14),
    ]
    changed = settings("set", "leverage=7", "direction=long", "use_dual_side_entry=true", "timeframe=5m")["settings"]
    assert {(one["type"], one["version"]) for one in changed} == {("dual_side", 1), ("params", 1), ("preferences", 1)}
    assert settings("set", "leverage=3", "--expected-version", "0", code=5)["code"] == "version_conflict"
    sheet = tmp_path / "mine.csv"
    settings("export", str(sheet), "--format", "csv")
    settings("set", "leverage=")
    assert settings("diff", "1", "2")["changes"] == [{"key": "leverage", "before": 7, "after": 10}]
    (would,) = [one for one in settings("import", str(sheet), "--dry-run")["settings"] if one["changes"]]
    assert would["changes"] == [{"key": "leverage", "before": 10, "after": 7}]
    assert settings("restore", "1")["settings"][0]["version"] == 3
    said = settings("get", "direction", "leverage", "--labels", "en")["settings"]
    assert said == {"direction": "long", "leverage": 7}


@pytest.mark.long
def test_presets_are_made_carried_into_what_a_run_decides_with_and_deleted(settings: Said) -> None:
    settings("template", "publish", "house", "leverage=2")
    made = settings("preset", "create", "calm", "direction=long", "--copy", "house")["preset"]
    assert made["settings"] == {"direction": "롱", "leverage": 2}
    with_it = settings("show", "--effective", "--scope", "okx:BTC-USDT-SWAP", "--preset", "calm", "--labels", "en")
    assert (with_it["params"]["direction"], with_it["params"]["leverage"]) == ("long", 2)
    assert settings("preset", "edit", "calm", "leverage=", "--default")["preset"]["settings"] == {"direction": "롱"}
    assert settings("preset", "edit", "house", "leverage=9", code=5)["code"] == "template_read_only"
    assert [one["name"] for one in settings("preset", "list")["presets"]] == ["calm", "house"]
    settings("preset", "delete", "calm")
    settings("template", "withdraw", "house")
    assert settings("preset", "list")["presets"] == []
    assert settings("preset", "show", "calm", code=4)["code"] == "preset_not_found"
