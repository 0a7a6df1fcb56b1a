"""The only place that reads a clock. Everything else is handed a `Clock`."""

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time for records, monotonic seconds for durations, and sleeping on that same time."""

    def now(self) -> datetime:
        """The wall time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait until `seconds` of this clock have passed."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this module is where the ban points to

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FakeClock:
    """A clock that moves only when told; for tests and stepped replays.

    Sleepers wake in the order of their deadlines, never before the clock was moved past them.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = _aware(start)
        self._monotonic = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), woken))
        await woken

    @property
    def sleepers(self) -> int:
        """How many tasks wait for this clock."""
        return sum(1 for _, _, woken in self._sleepers if not woken.done())

    def set(self, at: datetime) -> None:
        """Move the wall time to `at`; forward moves let the same span pass for sleepers, backward ones do not."""
        span_s = (_aware(at) - self._now).total_seconds()
        if span_s > 0:
            self.advance(span_s)
        self._now = at

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once; every sleeper due by then is woken."""
        if seconds < 0:
            raise ValueError("A clock advances forward; use set() to move the wall time back.")
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds
        while self._sleepers and self._sleepers[0][0] <= self._monotonic:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)

    async def run_for(self, seconds: float) -> None:
        """Let `seconds` pass deadline by deadline, giving the woken tasks their turn at each."""
        end = self._monotonic + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self.advance(max(0.0, self._sleepers[0][0] - self._monotonic))
            await self._settle()
        self.advance(max(0.0, end - self._monotonic))
        await self._settle()

    async def _settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("A time must be aware; pass datetime(..., tzinfo=UTC).")
    return at.astimezone(UTC)
