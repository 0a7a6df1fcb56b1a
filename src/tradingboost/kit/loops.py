"""Loops that bring their own `run` and `stop`, as workers of the runtime: the bus, the relay, a gRPC server."""

import asyncio
from collections.abc import Awaitable, Callable

from tradingboost.kit.runtime import Life, Worker


def carried(name: str, run: Callable[[], Awaitable[None]], stop: Callable[[], None]) -> Worker:
    """A worker around something that runs until it is told to stop.

    Args:
        stop: asks `run` to finish what it has in hand and return.
    """

    async def carry(life: Life) -> None:
        task = asyncio.ensure_future(run())
        try:
            while not task.done() and await life.sleep(1.0):
                continue
            stop()
            await task
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})

    return Worker(name, carry)
