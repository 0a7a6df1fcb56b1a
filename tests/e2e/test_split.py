"""The same story with one process a service: every call over the bridge, every fact over the streams."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.e2e import story

from tradingboost.app.chaos.processes import reached, started, variables
from tradingboost.app.replay.stage import Stage, exchange_for, open_part
from tradingboost.app.topology import PROCESSES

BARS = 60


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(400)
async def test_the_same_story_is_told_by_one_process_a_service(installed: tuple[str, str], tmp_path: Path) -> None:
    bars = story.market(BARS)
    async with AsyncExitStack() as stack:
        admin, endpoints = await stack.enter_async_context(exchange_for(bars))
        settings = variables(tmp_path, endpoints, installed)
        processes = await stack.enter_async_context(started(list(PROCESSES), settings, tmp_path))
        platform = await stack.enter_async_context(reached(settings, installed))
        parts = [await open_part(platform, admin, endpoints, bars, one) for one in story.wanted(bars)]
        built = Stage(platform=platform, admin=admin, bars=bars, parts=parts)

        assert await story.run_out(built) == BARS
        await story.check_sound(platform, admin, parts)
        await story.check_backtest(built, BARS)
        hyperrsi, grid = [await story.filled_orders(platform, part) for part in parts]
        assert hyperrsi["entry"] >= 1
        assert hyperrsi["add"] >= 1
        assert grid["sell"] >= 1
        assert await platform.notifications.messages(parts[0].account.user_id, 10)

        ended = {process.name: await process.stop() for process in reversed(processes)}
        assert ended == dict.fromkeys(PROCESSES, 0)
        async with platform.context.db.read() as db:
            held = await db.execute(text("SELECT resource FROM ops.leases WHERE expires_at > clock_timestamp()"))
            assert held.all() == []
