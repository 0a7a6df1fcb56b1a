"""Redis loses everything in mid-run, twice: no money row changes, and everything goes on."""

import asyncio
import hashlib
import random
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.e2e import story

from tradingboost.app.replay.driver import Moved
from tradingboost.app.replay.stage import Stage, stage

BARS = 45

MONEY = {
    "orders.intents": "intent_id",
    "orders.fills": "fill_id",
    "positions.bookings": "fill_id",
    "positions.ledger": "entry_id",
}
"""Rows that are written once: table and key."""


async def _rows(built: Stage) -> dict[tuple[str, str], str]:
    """A fingerprint of every money row."""
    found: dict[tuple[str, str], str] = {}
    async with built.platform.context.db.read() as db:
        for table, key in MONEY.items():
            for row in (await db.execute(text(f"SELECT * FROM {table}"))).mappings():
                found[table, str(row[key])] = hashlib.sha256(repr(sorted(row.items())).encode()).hexdigest()
    return found


@pytest.mark.slow
async def test_a_flushed_redis_changes_no_money_row(installed: tuple[str, str], tmp_path: Path) -> None:
    bars, chance = story.market(BARS), random.Random(11)
    async with stage(story.in_one_process(installed, tmp_path), bars, story.wanted(bars)) as built:
        reached: asyncio.Queue[int] = asyncio.Queue(BARS)

        def moved(at: Moved) -> None:
            reached.put_nowait(at.index)

        driving = asyncio.create_task(built.driver().run(moved, asyncio.Event()))
        for flush_at in (20, 34):
            async with asyncio.timeout(60):
                while await reached.get() < flush_at:
                    continue
            await asyncio.sleep(chance.uniform(0.0, 0.2))  # anywhere inside the bar
            before = await _rows(built)
            await built.platform.context.redis.transport.flushall()
            after = await _rows(built)
            assert {key: after.get(key) for key in before} == before
        assert await driving == BARS

        await story.check_sound(built.platform, built.admin, built.parts)
        assert {key: value for key, value in (await _rows(built)).items() if key in before} == before
        hyperrsi, grid = [await story.filled_orders(built.platform, part) for part in built.parts]
        assert hyperrsi["tp"] >= 1
        assert grid["sell"] >= 5
