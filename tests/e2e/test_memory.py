"""The whole platform trades for a day, and what it needs stays what it was (F42)."""

import asyncio
import gc
from pathlib import Path

import pytest
from tests.e2e import story

from tradingboost.app.replay.driver import Moved
from tradingboost.app.replay.stage import stage


def resident_mb() -> float:
    """Memory of this process that is really there."""
    fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * 4096 / 1e6


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
async def test_f42_a_day_of_trading_leaves_no_memory_behind(installed: tuple[str, str], tmp_path: Path) -> None:
    bars, seen = story.market(300), []

    def moved(at: Moved) -> None:
        if at.index % 50 == 0:
            gc.collect()
            seen.append(resident_mb())

    async with stage(story.in_one_process(installed, tmp_path), bars, story.wanted(bars)) as built:
        await built.driver().run(moved, asyncio.Event())
    # everything lives in this process here, the exchange with its immutable ledger as well
    grown_mb = seen[-1] - seen[1]
    assert grown_mb < 30, f"{seen} MB after each fifty bars"
