"""A room for `strategy`, whose kernels run interpreted: compiling them takes longer than every test here."""

from collections.abc import AsyncIterator, Iterator

import numba
import pytest
from tests.servers import FreshDatabase
from tests.services.rooms import Room, room
from tests.services.strategy.desk import Desk

from tradingboost.kit.clock import FakeClock
from tradingboost.strategies.compiled import kernel


@pytest.fixture(autouse=True)
def _interpreted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    kernel.cache_clear()
    yield
    kernel.cache_clear()


@pytest.fixture
async def stage(fresh_database: FreshDatabase, redis_url: str, fake_clock: FakeClock) -> AsyncIterator[Room]:
    async with room(fresh_database, redis_url, fake_clock, "strategy") as opened:
        yield opened


@pytest.fixture
async def another_stage(fresh_database: FreshDatabase, redis_url: str, fake_clock: FakeClock) -> AsyncIterator[Room]:
    """A second, equal world to compare with."""
    async with room(fresh_database, redis_url, FakeClock(), "strategy") as opened:
        yield opened


@pytest.fixture
def desk(stage: Room) -> Desk:
    return Desk(stage)
