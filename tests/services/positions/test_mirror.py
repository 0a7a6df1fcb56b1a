"""What lies about positions in Redis is a copy that comes back by itself."""

from typing import Any

import pytest
from tests.builders import BTC, USER
from tests.services.positions.test_service import book, filled, positions, venue
from tests.services.rooms import Room

from tradingboost.core.order import Side
from tradingboost.services.positions.service import PositionsService
from tradingboost.services.positions.workers.mirror import ALL_EVERY_S, Mirror

__all__ = ["positions", "venue"]
LEG = f"{USER}:okx:{BTC}:long"


@pytest.fixture
def mirror(stage: Room, positions: PositionsService) -> Mirror:
    return Mirror(stage.redis, stage.clock, positions)


async def read(stage: Room, command: str, *words: str) -> Any:
    async with stage.redis.context() as client:
        run: Any = client.execute_command
        return await run(command, *words)


async def test_an_open_leg_is_copied_with_its_index_and_a_closed_one_leaves_both(
    stage: Room, positions: PositionsService, mirror: Mirror
) -> None:
    assert await mirror.round() == 0
    await book(stage, positions, filled(Side.BUY, "3", "100"))
    assert await mirror.round() == 1
    assert await read(stage, "HGET", f"positions:{LEG}", "qty") == b"3"
    assert await read(stage, "SMEMBERS", f"positions:index:{USER}:okx") == {f"{BTC}:long".encode()}
    assert b'"average_price":"100"' in await read(stage, "GET", f"position:{LEG}")
    assert await read(stage, "HGET", f"position:pnl:{USER}:okx:{BTC}", "fees_quote") == b"-0.5"
    for key, most in ((f"positions:{LEG}", 86_400), (f"positions:index:{USER}:okx", 86_400), (f"position:{LEG}", 60)):
        assert 0 < await read(stage, "TTL", key) <= most
    await book(stage, positions, filled(Side.SELL, "3", "101"))
    assert await mirror.round() == 1
    assert await read(stage, "EXISTS", f"positions:{LEG}", f"positions:index:{USER}:okx") == 0
    assert b'"qty":"0"' in await read(stage, "GET", f"position:{LEG}")


async def test_a_flushed_copy_comes_back(stage: Room, positions: PositionsService, mirror: Mirror) -> None:
    await book(stage, positions, filled(Side.BUY, "3", "100"))
    await mirror.round()
    await read(stage, "FLUSHALL")
    stage.clock.advance(ALL_EVERY_S)
    assert await mirror.round() == 1
    assert await read(stage, "HGET", f"positions:{LEG}", "qty") == b"3"
