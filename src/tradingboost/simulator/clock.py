"""Market time: running with the wall clock (shifted, sped up) or moved only by hand."""

from datetime import UTC, datetime
from typing import Final

from tradingboost.kit.clock import Clock, SystemClock
from tradingboost.kit.clock import wall as machine
from tradingboost.simulator.settings import AuthClock, ClockMode

STEPPED_START_MS: Final = 1_767_225_600_000  # 2026-01-01 UTC, a fixed start so that replays repeat
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def micros(at: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    span = at - _EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


class MarketClock:
    """Microseconds of market time.

    Args:
        wall: the machine's clock.
        mode: `live` runs by itself, `stepped` waits for `move_to`.
        start_ms: market time now; None = the wall time (live) or a fixed day (stepped).
        speed: market seconds per wall second (live).
        auth: what request timestamps are compared with.
    """

    def __init__(
        self, wall: Clock, mode: ClockMode, *, start_ms: int | None = None, speed: float = 1.0, auth: AuthClock = "wall"
    ) -> None:
        self._steady_us = machine.now_us if isinstance(wall, SystemClock) else None
        self.mode = mode
        self.speed = speed
        self.auth = auth
        self.skew_us = 0
        """How wrong the exchange's idea of the time is; prints and candles do not care."""
        self._wall = wall
        default_us = self.wall_us() if mode == "live" else STEPPED_START_MS * 1000
        self._origin_us = default_us if start_ms is None else start_ms * 1000
        self._wall_origin_us = self.wall_us()

    @property
    def stepped(self) -> bool:
        return self.mode == "stepped"

    def wall_us(self) -> int:
        return micros(self._wall.now()) if self._steady_us is None else self._steady_us()

    def now_us(self) -> int:
        if self.mode == "stepped":
            return self._origin_us
        passed = self.wall_us() - self._wall_origin_us
        return self._origin_us + (passed if self.speed == 1.0 else int(passed * self.speed))

    def move_to(self, at_us: int) -> None:
        """Stepped: set market time, never back."""
        self._origin_us = max(self._origin_us, at_us)

    def auth_ms(self) -> int | None:
        """What signatures are judged by, None = not judged."""
        if self.auth == "off":
            return None
        return (self.wall_us() if self.auth == "wall" else self.now_us()) // 1000 + self.skew_us // 1000

    def public_ms(self) -> int:
        """The answer of `public/time`."""
        return ((self.now_us() if self.auth == "market" else self.wall_us()) + self.skew_us) // 1000
