"""What Redis drops must not be what somebody still needs (F35)."""

from datetime import timedelta

import pytest
from sqlalchemy import insert
from tests.kit.stage import Stage, stage

from tradingboost.kit.keys import EVENTS
from tradingboost.kit.tables import cursors
from tradingboost.kit.trimming import trim_streams

__all__ = ["stage"]
STREAM = EVENTS.build(context="positions")


@pytest.mark.parametrize("acknowledged", [0, 120, 250])
async def test_f35_what_a_stopped_consumer_read_and_did_not_acknowledge_is_not_trimmed(
    stage: Stage, acknowledged: int
) -> None:
    async with stage.database.transaction() as connection:
        await connection.execute(insert(cursors).values(consumer="slow", stream="positions", position=0))
    async with stage.redis.context() as client:
        for n in range(300):  # trimming works on whole nodes of a hundred entries
            await client.xadd(STREAM, {"n": str(n)}, id=f"{n + 1}-0")
        await client.xgroup_create(STREAM, "slow", id="0")
        await client.xreadgroup("slow", "me", {STREAM: ">"}, count=300)
        if acknowledged:
            await client.xack(STREAM, "slow", *[f"{n + 1}-0" for n in range(acknowledged)])
        dropped = await trim_streams(stage.database, stage.redis, timedelta(hours=1))
        assert dropped == acknowledged // 100 * 100
        pending = await client.xpending_range(STREAM, "slow", "-", "+", 300)
        assert len(pending) == 300 - acknowledged
        oldest = pending[0]["message_id"]
        assert await client.xrange(STREAM, oldest, oldest), "a pending entry went"
