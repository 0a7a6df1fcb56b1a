"""kit.audit: nobody changes the trail without being noticed, and nothing secret is part of it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text
from tests.kit.stage import prepare, until
from tests.servers import FreshDatabase

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import UserId
from tradingboost.kit.audit import GENESIS, PLATFORM, append, chain
from tradingboost.kit.audit.anchors import EVERY_S, Anchoring, anchor, kept
from tradingboost.kit.audit.tables import events, heads
from tradingboost.kit.clock import FakeClock
from tradingboost.kit.db import Database
from tradingboost.kit.logging import register_secret
from tradingboost.kit.runtime import Life

AT = datetime(2026, 1, 1, tzinfo=UTC)
ANN, BEN = UserId("0190b3a4-0000-7000-8000-00000000000a"), UserId("0190b3a4-0000-7000-8000-00000000000b")


@pytest.fixture
async def trail(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    """Three events of Ann, two of Ben, one of the platform."""
    database = Database.open(await fresh_database("kit", prepare))
    for user, number in ((ANN, 1), (BEN, 1), (ANN, 2), (None, 1), (BEN, 2), (ANN, 3)):
        await said(database, user, f"thing.done{number}")
    yield database
    await database.close()


async def said(database: Database, user: UserId | None, action: str, **details: object) -> None:
    async with database.transaction() as db:
        await append(db, action, actor="cli", at=AT, user_id=user, subject="s", details=details)


async def tampered(database: Database, *statements: str) -> list[chain.Finding]:
    """What is found after the owner of the tables has changed them past the trigger."""
    async with database.transaction() as db:
        await db.execute(text("ALTER TABLE audit.events DISABLE TRIGGER USER"))
        for statement in statements:
            await db.execute(text(statement))
        await db.execute(text("ALTER TABLE audit.events ENABLE TRIGGER USER"))
    return (await chain.verify(database)).findings


async def test_an_untouched_trail_is_whole_and_each_person_has_a_chain(trail: Database) -> None:
    verdict = await chain.verify(trail)
    assert (verdict.events, verdict.streams, verdict.findings) == (6, 3, [])
    assert {stream: seq for stream, (seq, _) in verdict.newest.items()} == {
        f"user:{ANN}": 3,
        f"user:{BEN}": 2,
        PLATFORM: 1,
    }


async def test_the_hash_is_the_published_one(trail: Database) -> None:
    async with trail.read() as db:
        row = (await db.execute(select(events).where(events.c.stream == PLATFORM))).one()
    assert row.prev_hash == GENESIS
    assert row.hash == hashlib.sha256(GENESIS + f"{PLATFORM}|1|{row.content}".encode()).digest()
    assert row.content.startswith('{"action":"thing.done1","actor":"cli","at":"2026-01-01T00:00:00+00:00"')


SECOND = f"stream = 'user:{ANN}' AND seq = 2"


@pytest.mark.parametrize(
    ("change", "seq"),
    [
        (f"UPDATE audit.events SET content = replace(content, 'done2', 'done9') WHERE {SECOND}", 2),
        (f"UPDATE audit.events SET action = 'other.thing' WHERE {SECOND}", 2),
        (f"UPDATE audit.events SET at = at + interval '1 hour' WHERE {SECOND}", 2),
        (f"DELETE FROM audit.events WHERE {SECOND}", 3),
        (f"DELETE FROM audit.events WHERE stream = 'user:{ANN}' AND seq = 3", 3),
        (f"DELETE FROM audit.events WHERE stream = 'user:{ANN}'", 3),
    ],
    ids=["content", "column", "time", "removed", "cut", "chain"],
)
async def test_a_changed_removed_or_cut_row_is_named(trail: Database, change: str, seq: int) -> None:
    found = await tampered(trail, change)
    assert [(one.stream, one.seq) for one in found][:1] == [(f"user:{ANN}", seq)]


async def test_two_swapped_rows_are_named(trail: Database) -> None:
    found = await tampered(
        trail,
        f"UPDATE audit.events SET seq = 9 WHERE {SECOND}",
        f"UPDATE audit.events SET seq = 2 WHERE stream = 'user:{ANN}' AND seq = 3",
        f"UPDATE audit.events SET seq = 3 WHERE stream = 'user:{ANN}' AND seq = 9",
    )
    assert {one.seq for one in found} == {2, 3}


async def test_a_chain_written_anew_disagrees_with_the_heads_kept_outside(trail: Database, tmp_path: Path) -> None:
    assert await anchor(trail, tmp_path, AT) == 3
    assert await anchor(trail, tmp_path, AT) == 0
    found = await tampered(
        trail,
        f"DELETE FROM audit.events WHERE stream = 'user:{BEN}'",
        f"DELETE FROM audit.heads WHERE stream = 'user:{BEN}'",
    )
    assert found == []
    await said(trail, BEN, "thing.forged1")
    await said(trail, BEN, "thing.forged2")
    findings = (await chain.verify(trail, kept(tmp_path))).findings
    assert [(one.stream, one.seq) for one in findings] == [(f"user:{BEN}", 2)]


async def test_a_chain_that_vanished_is_missed(trail: Database, tmp_path: Path) -> None:
    await anchor(trail, tmp_path, AT)
    await tampered(trail, "DELETE FROM audit.events", "DELETE FROM audit.heads")
    findings = (await chain.verify(trail, kept(tmp_path))).findings
    assert {one.problem for one in findings} == {"it was kept outside and is gone"}
    assert len(findings) == 3


async def test_a_line_cut_by_a_crash_comes_again_and_a_damaged_one_is_reported(trail: Database, tmp_path: Path) -> None:
    await anchor(trail, tmp_path, AT)
    file = tmp_path / "heads-2026.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    assert await anchor(trail, tmp_path, AT) == 3
    assert file.read_bytes() == whole
    file.write_bytes(b"what\n" + whole)
    with pytest.raises(InvalidInput, match="line 1, cannot be read"):
        kept(tmp_path)


async def test_the_table_takes_new_rows_only(trail: Database) -> None:
    for statement in ("UPDATE audit.events SET actor = 'x'", "DELETE FROM audit.events", "TRUNCATE audit.events"):
        with pytest.raises(Exception, match="takes new rows only"):
            async with trail.transaction() as db:
                await db.execute(text(statement))


async def test_what_is_rolled_back_leaves_no_gap(trail: Database) -> None:
    async def undone() -> None:
        async with trail.transaction() as db:
            await append(db, "thing.undone", actor="cli", at=AT, user_id=ANN)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await undone()
    await said(trail, ANN, "thing.done4")
    verdict = await chain.verify(trail)
    assert (verdict.findings, verdict.newest[f"user:{ANN}"][0]) == ([], 4)


async def test_no_secret_becomes_part_of_a_chain(trail: Database) -> None:
    register_secret("canary-of-the-audit")
    await said(trail, ANN, "thing.told", api_key="plain", note="with canary-of-the-audit inside")
    async with trail.read() as db:
        contents = "".join((await db.execute(select(events.c.content))).scalars())
        assert (await db.execute(select(heads.c.seq).where(heads.c.stream == f"user:{ANN}"))).scalar_one() == 4
    assert "canary-of-the-audit" not in contents
    assert "plain" not in contents


async def test_an_entry_is_bounded(trail: Database) -> None:
    with pytest.raises(InvalidInput, match="16 KiB"):
        await said(trail, ANN, "thing.long", note="x" * 20_000)


async def test_the_heads_are_kept_when_the_process_starts_and_a_day_later(
    trail: Database, tmp_path: Path, fake_clock: FakeClock
) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(Anchoring(trail, fake_clock, tmp_path).run(Life(fake_clock, stop)))
    await until(lambda: _kept(tmp_path, 3))
    await said(trail, None, "thing.done2")
    await fake_clock.run_for(EVERY_S + 1)
    await until(lambda: _kept(tmp_path, 4))
    stop.set()
    await fake_clock.run_for(1)
    await running


async def _kept(folder: Path, count: int) -> bool:
    return sum(map(len, kept(folder).values())) == count
