"""Windows of requests: how many fit into a stretch of time, counted in this process or by all of them in Redis.

A window counts in tenths of its length and looks back over eleven of them. So nobody who counts the same requests, in
fixed or in sliding windows however they lie, ever finds more than the limit.
"""

import asyncio
import math
from collections import deque
from typing import Final

import msgspec
import structlog

from tradingboost.core.errors import Unavailable
from tradingboost.kit.clock import Clock
from tradingboost.kit.keys import RATE_BUCKET
from tradingboost.kit.redis import Redis

log = structlog.get_logger(__name__)

_SLICES: Final = 10
_PATIENCE_S: Final = 0.5
"""A request waits this long for Redis and then counts by itself."""
_AWAY_S: Final = 1.0
_UNKNOWN_SHARERS: Final = 2
"""Processes that draw from one address as long as nobody has counted them."""


class Window:
    """One window, counted here.

    Args:
        period_s: its length.
    """

    def __init__(self, period_s: float) -> None:
        self._width_s = period_s / _SLICES
        self._slices: deque[list[int]] = deque()
        self._used = 0

    def wait_s(self, cost: int, most: int, now_s: float) -> float:
        """Seconds until `cost` fits below `most`: 0 when it does now, infinite when it never will."""
        self._forget(now_s)
        over = self._used + cost - most
        if over <= 0:
            return 0.0
        for at, count in self._slices:
            over -= count
            if over <= 0:
                return max((at + _SLICES + 1) * self._width_s - now_s, 0.001)
        return math.inf

    def take(self, cost: int, now_s: float) -> None:
        """Count a request; whether it fits was asked before."""
        current = int(now_s / self._width_s)
        if self._slices and self._slices[-1][0] >= current:
            self._slices[-1][1] += cost
        else:
            self._slices.append([current, cost])
        self._used += cost

    def used(self, now_s: float) -> int:
        """What the last period holds."""
        self._forget(now_s)
        return self._used

    def _forget(self, now_s: float) -> None:
        oldest = int(now_s / self._width_s) - _SLICES
        while self._slices and self._slices[0][0] < oldest:
            self._used -= self._slices.popleft()[1]


class Drawn(msgspec.Struct, frozen=True):
    """The answer of a shared window; `wait_s` is 0 when it was taken."""

    wait_s: float


class SharedWindows:
    """Windows all processes of an installation draw from.

    Args:
        who: this process, so that those who share can be counted.
    """

    def __init__(self, redis: Redis, who: str, clock: Clock) -> None:
        self._redis = redis
        self._who = who
        self._clock = clock
        self._away_until_s = -math.inf
        self.sharers = _UNKNOWN_SHARERS
        """Processes that drew within the last minute, by the last answer."""

    async def take(self, venue: str, group: str, most: int, period_s: float, cost: int) -> Drawn | None:
        """Take from the window of this address; None while Redis is away: count your share by yourself."""
        if self._clock.monotonic() < self._away_until_s:
            return None
        key = self._redis.key(RATE_BUCKET, exchange=venue, endpoint=group, scope="ip")
        width_ms = max(1, int(period_s * 1000 / _SLICES))
        try:
            async with asyncio.timeout(_PATIENCE_S):
                taken, wait_ms, sharers = await self._redis.script(
                    "take_room", [key], [most, width_ms, cost, self._who]
                )
        except (Unavailable, TimeoutError):
            self._away_until_s = self._clock.monotonic() + _AWAY_S
            log.warning("rate_windows_local", sharers=self.sharers)
            return None
        self.sharers = int(sharers)
        return Drawn(0.0 if taken else max(int(wait_ms), 1) / 1000)
