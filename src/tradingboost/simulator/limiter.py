"""Request buckets in fixed windows of two seconds, as the venue counts them."""

from typing import Final

WINDOW_US: Final = 2_000_000
ORDERS_PER_ACCOUNT: Final = 1000
"""Place and amend together, per account and window; spot is exempt."""


class Limiter:
    """Counts requests by bucket key within the running window.

    Args:
        scale: factor on every limit; 0 switches all limits off.
    """

    def __init__(self, scale: float = 0.0) -> None:
        self.scale = scale
        self._window = -1
        self._counts: dict[tuple[str, ...], int] = {}

    @property
    def on(self) -> bool:
        """Whether anything is limited; who asks first need not read the clock."""
        return bool(self.scale)

    def allow(self, bucket: tuple[str, ...], limit: float, now_us: int, weight: int = 1) -> bool:
        """Take `weight` from a bucket, or refuse the whole of it."""
        if not self.scale:
            return True
        window = now_us // WINDOW_US
        if window != self._window:  # every bucket restarts with the window, so the table cannot grow without end
            self._window = window
            self._counts.clear()
        used = self._counts.get(bucket, 0) + weight
        if used > max(1, int(limit * self.scale)):
            return False
        self._counts[bucket] = used
        return True
