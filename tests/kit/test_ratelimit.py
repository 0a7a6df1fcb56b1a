"""kit.ratelimit: a window never lets more through than its limit, however somebody else's windows lie."""

import math
import random
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradingboost.kit.clock import FakeClock, SystemClock
from tradingboost.kit.ratelimit import SharedWindows, Window
from tradingboost.kit.redis import Redis


@given(
    st.integers(1, 40),
    st.floats(0.5, 60.0),
    st.lists(st.tuples(st.floats(0, 3.0), st.integers(1, 5)), max_size=200),
)
def test_no_window_of_anybody_ever_holds_more_than_the_limit(
    most: int, period_s: float, asked: list[tuple[float, int]]
) -> None:
    window, now, let_in = Window(period_s), 1000.0, []
    for pause_s, cost in asked:
        now += pause_s
        if window.wait_s(cost, most, now) == 0:
            window.take(cost, now)
            let_in.append((now, cost))
    for end, _ in let_in:
        assert sum(cost for at, cost in let_in if end - period_s < at <= end) <= most


def test_the_wait_it_names_is_long_enough_and_bounded() -> None:
    chance, window, now = random.Random(7), Window(2.0), 50.0
    for _ in range(500):
        cost = chance.randint(1, 3)
        wait_s = window.wait_s(cost, 20, now)
        assert wait_s < 2.201
        now += wait_s
        assert window.wait_s(cost, 20, now) <= 0.001
        window.take(cost, now)
    assert window.wait_s(21, 20, now) == math.inf
    assert window.used(now + 3) == 0


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    opened = Redis(redis_url)
    yield opened
    await opened.close()


async def test_two_processes_share_one_window(redis: Redis) -> None:
    first, second = (SharedWindows(redis, name, SystemClock()) for name in ("a", "b"))
    taken = 0
    for turn in range(30):
        drawn = await (first if turn % 2 else second).take("okx", "candles", 20, 30.0, 1)
        assert drawn is not None
        taken += drawn.wait_s == 0
        if drawn.wait_s:
            assert 25 < drawn.wait_s <= 33
    assert taken == 20
    assert (first.sharers, second.sharers) == (2, 2)
    alone = await first.take("okx", "time", 1, 1.0, 1)
    assert alone is not None
    assert alone.wait_s == 0
    assert first.sharers == 1


async def test_while_redis_is_away_nobody_waits_for_it() -> None:
    away, clock = Redis("redis://127.0.0.1:1/0"), FakeClock()
    windows = SharedWindows(away, "a", clock)
    assert await windows.take("okx", "candles", 20, 2.0, 1) is None
    assert windows.sharers == 2  # nobody has counted them, so not the whole is taken
    assert await windows.take("okx", "candles", 20, 2.0, 1) is None
    await away.close()
