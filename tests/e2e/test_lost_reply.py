"""One reply of the exchange is lost on its way: the order ends known, was sent once, and exists once."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from sqlalchemy import text
from tests.e2e import story

from tradingboost.app.chaos.proxy import Proxy, placing
from tradingboost.app.process import platform as opened_platform
from tradingboost.app.replay.stage import Stage, exchange_for, open_part, running
from tradingboost.app.topology import PROCESSES
from tradingboost.app.wiring import Platform
from tradingboost.core.order import Resolution

BARS = 30


@pytest.mark.slow
async def test_an_order_whose_reply_is_lost_is_found_and_never_sent_again(
    installed: tuple[str, str], tmp_path: Path
) -> None:
    bars = story.market(BARS)
    async with AsyncExitStack() as stack:
        admin, endpoints = await stack.enter_async_context(exchange_for(bars))
        address = urlsplit(endpoints.rest)
        proxy = await stack.enter_async_context(Proxy(address.hostname or "", address.port or 0).running())
        near = msgspec.structs.replace(endpoints, rest=f"http://127.0.0.1:{proxy.port}")
        settings = story.in_one_process(installed, tmp_path, near)
        platform = await stack.enter_async_context(opened_platform(settings, PROCESSES))
        await stack.enter_async_context(running(platform))
        trap = proxy.catch(placing(nth=3))
        parts = [await open_part(platform, admin, near, bars, one) for one in story.wanted(bars)]
        built = Stage(platform=platform, admin=admin, bars=bars, parts=parts)

        assert await story.run_out(built) == BARS
        assert trap.sprung.is_set(), "no third order was ever sent"
        body = json.loads(trap.caught.partition(b"\r\n\r\n")[2])
        lost = (body[0] if isinstance(body, list) else body)["clOrdId"]
        assert await _outcome(platform, lost) == Resolution.ACKED
        await story.check_sound(platform, admin, parts)
        assert (await admin.requests(lost, 1))["post_count"] == {lost: 1}
        truths = [await admin.truth(part.account.exchange_uid) for part in parts]
        found = [row["text"] for truth in truths for row in truth["orders"] if row["text"]["clOrdId"] == lost]
        assert len(found) == 1
        grid = await story.filled_orders(platform, parts[1])
        assert grid["sell"] >= 1, "the grid did not go on"


async def _outcome(platform: Platform, client_order_id: str) -> int:
    """What became of the attempt, once its outcome is settled."""
    statement = text(
        "SELECT r.resolution FROM orders.requests r JOIN orders.orders o USING (order_id) "
        "WHERE o.cl_ord_id = :name AND r.kind = 'submit'"
    )
    found = Resolution.NONE
    async with asyncio.timeout(15):
        while found <= Resolution.LOST:
            await asyncio.sleep(0.1)
            async with platform.context.db.read() as db:
                found = (await db.execute(statement, {"name": client_order_id})).scalar_one()
    return found
