"""The platform's loops beside the block that uses them."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from tradingboost.app.replay.stage import running
from tradingboost.app.wiring import Platform
from tradingboost.core.errors import BrokenInvariant
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.runtime import Life, Module, Worker


def _platform(module: Module) -> Platform:
    """Only what `running` looks at."""
    return cast(Platform, SimpleNamespace(modules=[module], context=SimpleNamespace(clock=SystemClock())))


async def test_a_block_does_not_wait_for_loops_that_are_gone() -> None:
    async def break_down(life: Life) -> None:
        await life.sleep(0.01)
        raise BrokenInvariant("impossible", "What can never be true is true.")

    module = Module("orders", workers=[Worker("relay", break_down)])
    with pytest.raises(BrokenInvariant):
        async with asyncio.timeout(5), running(_platform(module)):
            await asyncio.Event().wait()


async def test_an_error_of_the_block_comes_out_as_itself_and_ends_the_loops() -> None:
    ended = asyncio.Event()

    async def work(life: Life) -> None:
        while await life.sleep(0.01):
            life.beat()
        ended.set()

    with pytest.raises(LookupError, match="mine"):
        async with running(_platform(Module("orders", workers=[Worker("relay", work)]))):
            raise LookupError("mine")
    assert ended.is_set()
