"""Backups: sealed, whole, and good for bringing back exactly what was there."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import delete, func, select, text, update
from tests.servers import FreshDatabase

from tradingboost.app.backup import keeping, making, rows, work
from tradingboost.app.backup.files import Reader
from tradingboost.app.look import platform_at_rest
from tradingboost.app.places import data_dir
from tradingboost.app.process import opened
from tradingboost.app.secrets import Secrets
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput, NotFound, Refused
from tradingboost.kit import environment
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.crypto import KeyRing
from tradingboost.kit.db import Database
from tradingboost.kit.embedded import Servers
from tradingboost.services.users import tables as t
from tradingboost.shared.interfaces.users import LinkAccount
from tradingboost.shared.interfaces.users.presets import NewPreset
from tradingboost.shared.interfaces.users.settings import SaveSetting
from tradingboost.shared.user_settings.addresses import address

CANARY = "canary-secret-77ab-4f1d"
PARAMS = address("params")


@pytest.fixture
async def db_url(fresh_database: FreshDatabase, embedded_servers: Servers) -> str:
    """A database with every schema of the platform."""

    async def migrate(url: str) -> None:
        async with opened(Settings(), (url, embedded_servers.redis_url)):
            return

    return await fresh_database("platform", migrate)


@pytest.fixture
def settings(db_url: str, redis_url: str, tmp_path: Path) -> Settings:
    given = {"TB_DB__URL": db_url, "TB_REDIS__URL": redis_url, "TB_EMBEDDED__DATA_DIR": str(tmp_path / "data")}
    return environment.load(Settings, given)


async def furnish(settings: Settings, name: str = "alice") -> str:
    async with platform_at_rest(settings) as built:
        users = built.users
        user = (await users.create_user(name)).user_id
        for number in (5, 6):
            changes = {"leverage": number, "symbol_investments": {"BTC-USDT-SWAP": "0.12345678901234567890123"}}
            wish = SaveSetting(where=PARAMS, changes=changes, expected_version=number - 5, changed_by="test")
            await users.save_setting(user, wish)
        await users.create_preset(user, NewPreset(name="calm", changed_by="test", settings={"leverage": 2}))
        await users.link_account(
            LinkAccount(
                user_id=user,
                venue=cast(Any, "okx"),
                environment="simulated",
                label="main",
                exchange_uid=f"uid-{name}",
                api_key=CANARY,
                api_secret=CANARY,
                passphrase=CANARY,
            )
        )
    return user


async def emptied(db_url: str, *tables: str) -> None:
    """The disaster."""
    database = Database.open(db_url)
    async with database.transaction() as db:
        for table in reversed(rows.KEPT):
            if not tables or table.name in tables:
                await db.execute(delete(table))
    await database.close()


async def content(db_url: str) -> dict[str, Any]:
    """Every kept table, by count and hash."""
    database = Database.open(db_url)
    async with database.read() as db:
        found = {name: await rows.counted(db, table) for name, table in rows.BY_NAME.items()}
    await database.close()
    return found


async def test_what_was_backed_up_comes_back_to_the_last_digit(settings: Settings, db_url: str) -> None:
    await furnish(settings)
    made = await work.create(settings)
    before = await content(db_url)
    assert made.tables == before
    assert {name: kept.rows for name, kept in before.items() if kept.rows} == {
        "app_users": 1,
        "exchange_accounts": 1,
        "exchange_credentials": 1,
        "user_settings": 2,
        "presets": 1,
    }
    assert (await work.verify(settings, made.name)).findings == []
    await emptied(db_url)
    shown = await work.restore(settings, made.name, "", "", lambda _: None, dry_run=True)
    assert sum(shown.stored.values()) == 6
    assert sum(kept.rows for kept in (await content(db_url)).values()) == 0
    done = await work.restore(settings, made.name, "", "", lambda _: None, dry_run=False)
    assert done.stored == shown.stored
    assert await content(db_url) == before
    again = await work.restore(settings, made.name, "", "", lambda _: None, dry_run=False)
    assert (sum(again.stored.values()), again.left) == (0, done.stored)


async def test_one_persons_settings_come_back_alone_and_nothing_that_is_there_is_changed(
    settings: Settings, db_url: str
) -> None:
    alice, bob = await furnish(settings), await furnish(settings, "bob")
    made = await work.create(settings)
    await emptied(db_url, "user_settings", "presets")
    done = await work.restore(settings, "", alice, "settings", lambda _: None, dry_run=False)
    assert (done.stored, done.name) == ({"user_settings": 2}, made.name)
    database = Database.open(db_url)
    async with database.transaction() as db:
        owners = (await db.execute(select(t.user_settings.c.user_id).distinct())).scalars().all()
        assert list(owners) == [alice]
        newer = update(t.user_settings).where(t.user_settings.c.is_active).values(change_note="newer")
        await db.execute(newer)
    await work.restore(settings, "", "", "", lambda _: None, dry_run=False)
    async with database.read() as db:
        notes = select(func.count()).select_from(t.user_settings).where(t.user_settings.c.change_note == "newer")
        assert (await db.execute(notes)).scalar_one() == 1
        mine = select(func.count()).select_from(t.user_settings).where(t.user_settings.c.user_id == bob)
        assert (await db.execute(mine)).scalar_one() == 2
    await database.close()


async def test_no_secret_and_no_name_is_readable_in_the_file(settings: Settings) -> None:
    await furnish(settings, "somebody-quite-unmistakable")
    made = await work.create(settings)
    path = making.folder(settings) / made.name
    raw = await asyncio.to_thread(path.read_bytes)
    for word in (CANARY, "unmistakable", "symbol_investments"):
        assert word.encode() not in raw
    assert oct(path.stat().st_mode)[-3:] == "600"
    reader = Reader(path, Secrets(settings, data_dir(settings)).backup_ring())
    plain = b"".join(bytes(line.r) for part in reader.rows() for line in part)
    assert b"unmistakable" in plain
    assert CANARY.encode() not in plain  # keys are ciphertext inside, too


async def test_a_file_that_was_cut_changed_or_mixed_is_refused(settings: Settings) -> None:
    await furnish(settings)
    names = [(await work.create(settings)).name]
    path = making.folder(settings) / names[0]
    lines = path.read_text(encoding="ascii").splitlines(keepends=True)
    spoiled = {
        "cut": lines[:-1],
        "part left out": [*lines[:2], *lines[3:]],
        "order changed": [lines[0], lines[2], lines[1], *lines[3:]],
        "a letter changed": [
            *lines[:1],
            lines[1][:-9] + ("A" if lines[1][-9] != "A" else "B") + lines[1][-8:],
            *lines[2:],
        ],
        "no backup at all": ["hello\n"],
        "of another release": [lines[0].replace("backup/1", "backup/9"), *lines[1:]],
    }
    for what, content_ in spoiled.items():
        path.write_text("".join(content_), encoding="ascii")
        with pytest.raises((InvalidInput, Refused)) as refused:
            await work.verify(settings, names[0])
        assert refused.value.code in ("backup_damaged", "decrypt_failed"), what
    path.write_text("".join(lines), encoding="ascii")
    with pytest.raises(Refused, match="cannot be opened"):
        Reader(path, KeyRing.parse("b1:" + "QUJD" * 10 + "QUI="))
    with pytest.raises(NotFound, match="no backup"):
        await work.verify(settings, "20200101T000000Z.backup")
    with pytest.raises(InvalidInput, match="copy the file there"):
        await work.verify(settings, "../elsewhere.backup")


async def test_verifying_names_a_trail_that_is_not_the_one_of_the_backup(settings: Settings, db_url: str) -> None:
    await furnish(settings)
    made = await work.create(settings)
    database = Database.open(db_url)
    async with database.transaction() as db:
        await db.execute(text("SET LOCAL session_replication_role = replica"))  # past the trigger that refuses it
        await db.execute(text("DELETE FROM audit.events WHERE stream LIKE 'user:%'"))
    await database.close()
    findings = (await work.verify(settings, made.name)).findings
    assert findings
    assert all(finding.startswith("audit user:") for finding in findings)


def test_seven_days_four_weeks_and_six_months_stay() -> None:
    newest = datetime(2026, 11, 21, 3, 30, tzinfo=UTC)
    taken = [newest - timedelta(days=days) for days in range(400)]
    stay = sorted(keeping.kept(taken), reverse=True)
    assert stay[:7] == taken[:7]
    weeks = [at.date().isoformat() for at in stay[7:]]
    assert weeks == ["2026-11-08", "2026-11-01", "2026-10-31", "2026-09-30", "2026-08-31", "2026-07-31", "2026-06-30"]
    assert keeping.kept([newest, newest - timedelta(hours=3)]) == {newest}
    kept = keeping.kept(stay)
    assert kept == set(stay)  # letting go twice takes nothing more


async def test_the_daily_job_takes_a_backup(settings: Settings, db_url: str) -> None:
    database = Database.open(db_url)
    made = await making.taken(database, FakeClock(), settings)
    await database.close()
    assert made.name == "20260101T000000Z.backup"
    assert [one.name for one in making.listed(settings)] == [made.name]
