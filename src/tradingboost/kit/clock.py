"""The only place that reads a clock. Everything else is handed a `Clock`."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
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


_ORDINARY_NS = 500_000_000
_FOLLOWED = 20  # a step is followed by one second in twenty: a minute that has to pass stays nearly a minute


def boot_ns() -> int:
    """Nanoseconds since the machine started, counting its sleep where the system can tell; no clock step moves it."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic_ns()


def boot_s() -> float:
    """The same in seconds."""
    return boot_ns() / 1e9


class SteadyWall:
    """The wall time of this process: the machine's, except that it does not step.

    Small corrections are followed at once. A step of the machine's clock (by hand, or by a time service that found it
    wrong) is followed slowly, because whoever waits for a minute to have passed, a proof of absence above all, must not
    be told so after a second, or after an hour. A new process begins with the new time.

    Args:
        wall_ns, boot_ns: the machine's clocks.
    """

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns, boot_ns: Callable[[], int] = boot_ns) -> None:
        self._wall_ns = wall_ns
        self._boot_ns = boot_ns
        self._seen_ns = boot_ns()
        self._offset_ns = wall_ns() - self._seen_ns

    def now_us(self) -> int:
        """Microseconds since 1970."""
        boot_ns = self._boot_ns()
        gap_ns = self._wall_ns() - boot_ns - self._offset_ns
        if abs(gap_ns) > _ORDINARY_NS:
            most_ns = max(0, boot_ns - self._seen_ns) // _FOLLOWED
            gap_ns = max(-most_ns, min(most_ns, gap_ns))
        self._offset_ns += gap_ns
        self._seen_ns = boot_ns
        return (boot_ns + self._offset_ns) // 1000

    @property
    def behind_s(self) -> float:
        """How far the machine's clock has stepped ahead (or, negative, back) of what is told here."""
        return (self._wall_ns() - self._boot_ns() - self._offset_ns) / 1e9


wall = SteadyWall()
"""Of this process: every `SystemClock` tells the same time."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=wall.now_us())

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
