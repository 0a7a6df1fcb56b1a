"""What time it is at a venue: measured, and carried on by the boot-time clock, so that a step of our wall clock moves
no signature.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import Venue
from tradingboost.kit.clock import Clock, SystemClock

log = structlog.get_logger(__name__)

_HOLDS_S: Final = 3600.0
_WORTH_TELLING_MS: Final = 1_000


class VenueClock:
    """One venue's clock, as one address shows it.

    Args:
        ask: reads the venue's time in milliseconds.
        boot: what carries a measurement on.
    """

    def __init__(
        self, venue: Venue, clock: Clock, ask: Callable[[], Awaitable[int]], boot: Clock | None = None
    ) -> None:
        self.venue = venue
        self._clock = clock
        self._ask = ask
        self._boot = boot or SystemClock()
        self._at_zero_ms: float | None = None
        self._measured_s = 0.0
        self._measuring = asyncio.Lock()
        self.doubted = False
        """The venue has refused a request for its time."""

    @property
    def due(self) -> bool:
        """Never measured, doubted, or measured more than an hour ago."""
        return self._at_zero_ms is None or self.doubted or self._boot.monotonic() - self._measured_s > _HOLDS_S

    def now_ms(self) -> int:
        """The venue's time; ours as long as nobody has measured."""
        if self._at_zero_ms is None:
            return int(self._clock.now().timestamp() * 1000)
        return int(self._at_zero_ms + self._boot.monotonic() * 1000)

    @property
    def offset_ms(self) -> int:
        """The venue's clock minus our wall clock, now."""
        return self.now_ms() - int(self._clock.now().timestamp() * 1000)

    async def measure(self) -> int:
        """Ask; half of the round trip is taken off. Returns the offset.

        Raises:
            Unavailable: it could not be read; the last measurement goes on.
        """
        before = self.offset_ms
        begun_s = self._boot.monotonic()
        venue_ms = await self._ask()
        ended_s = self._boot.monotonic()
        self._at_zero_ms = venue_ms - (begun_s + ended_s) * 500
        self._measured_s, self.doubted = ended_s, False
        if abs(self.offset_ms - before) > _WORTH_TELLING_MS:
            log.warning("venue_clock_moved", venue=self.venue, offset_ms=self.offset_ms, before_ms=before)
        return self.offset_ms

    async def in_time(self) -> None:
        """Measure if that is due; a venue that does not tell its time is asked again with the next request."""
        if not self.due:
            return
        async with self._measuring:
            await self._measured_if_due()

    async def _measured_if_due(self) -> None:
        if not self.due:  # whoever held the lock has done it
            return
        try:
            await self.measure()
        except Unavailable as error:
            log.warning("venue_clock_unread", venue=self.venue, code=error.code)

    def lead(self, instance: Any) -> None:
        """Let a client-library instance sign in the venue's time, over REST and at the login of its sockets.

        A request that is signed waits for a measurement that is due.
        """
        ask = instance.request

        async def request(path: str, api: Any = "public", *args: Any, **kwargs: Any) -> Any:
            if any("private" in part.lower() for part in ([api] if isinstance(api, str) else api)):
                await self.in_time()
            return await ask(path, api, *args, **kwargs)

        instance.request = request
        instance.milliseconds = self.now_ms
        instance.seconds = lambda: self.now_ms() // 1000
