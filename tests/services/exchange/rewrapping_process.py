"""`python -m tests.services.exchange.rewrapping_process URL`: re-wraps ten by ten and tells, until it is killed."""

import asyncio
import sys

from tests.services.exchange.rings import PEPPER, ring

from tradingboost.kit.clock import SystemClock
from tradingboost.kit.context import Context
from tradingboost.kit.db import Database
from tradingboost.kit.ids import SystemIds
from tradingboost.kit.redis import Redis
from tradingboost.services.exchange.service.data_keys import DataKeyGiver
from tradingboost.services.exchange.service.rewrapping import Rewrapper
from tradingboost.services.users.module import build
from tradingboost.services.users.settings import UsersSettings


async def rewrap_slowly(url: str, pause_s: float = 0.2, begun: asyncio.Event | None = None) -> None:
    """Ten by ten, with a pause in which to be killed."""
    database, redis = Database.open(url), Redis("redis://127.0.0.1:9/0")
    keys = ring("k2", "k1")
    context = Context(db=database, redis=redis, clock=SystemClock(), ids=SystemIds(), instance="rewrap")
    users, _ = build(context, DataKeyGiver(keys), PEPPER, UsersSettings())
    try:
        await _rewrap(Rewrapper(users, keys), pause_s, begun or asyncio.Event())
    finally:
        await redis.close()
        await database.close()


async def _rewrap(rewrapper: Rewrapper, pause_s: float, begun: asyncio.Event) -> None:
    cursor = ""
    while True:
        told = await rewrapper.batch(cursor, 10)
        cursor = told.cursor
        begun.set()
        sys.stdout.write(f"{told.done}\n")
        sys.stdout.flush()
        await asyncio.sleep(pause_s)  # so that the kill falls between two batches


if __name__ == "__main__":
    asyncio.run(rewrap_slowly(sys.argv[1]))
