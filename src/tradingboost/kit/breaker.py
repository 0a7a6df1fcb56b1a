"""A circuit breaker: after repeated failures of a dependency, answer at once instead of waiting for time-outs."""

from collections.abc import Callable
from enum import StrEnum

from tradingboost.core.errors import Unavailable
from tradingboost.kit.clock import Clock, SystemClock


class BreakerState(StrEnum):
    """`closed` lets calls through, `open` refuses them, `half_open` tries a few."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Counts consecutive failures of one dependency.

    Args:
        name: what is protected; part of the error code `{name}_down`.
        failures: consecutive failures that open it.
        open_s: how long it refuses before it tries again.
        trials: calls let through at a time while trying, and successes needed to close.
        on_change: told every new state (metric, log).
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int = 5,
        open_s: float = 60.0,
        trials: int = 3,
        clock: Clock | None = None,
        on_change: Callable[[BreakerState], None] | None = None,
    ) -> None:
        self.name = name
        self._limit = failures
        self._open_s = open_s
        self._trials = trials
        self._clock = clock or SystemClock()
        self._on_change = on_change
        self._state = BreakerState.CLOSED
        self._failures = 0
        self._opened_at = 0.0
        self._running = 0
        self._successes = 0

    @property
    def state(self) -> BreakerState:
        return self._state

    def admit(self) -> None:
        """Ask before a call; every admitted call ends in exactly one of `succeeded`, `failed`, `abandoned`.

        Raises:
            Unavailable: the dependency is known to be away.
        """
        if self._state is BreakerState.CLOSED:
            return
        if self._state is BreakerState.OPEN:
            waited_s = self._clock.monotonic() - self._opened_at
            if waited_s < self._open_s:
                raise self._refusal(self._open_s - waited_s)
            self._enter(BreakerState.HALF_OPEN)
        if self._running >= self._trials:
            raise self._refusal(1.0)
        self._running += 1

    def succeeded(self) -> None:
        """The dependency answered (also when the answer was an error of the request itself)."""
        self._failures = 0
        if self._state is BreakerState.HALF_OPEN:
            self._running = max(0, self._running - 1)
            self._successes += 1
            if self._successes >= self._trials:
                self._enter(BreakerState.CLOSED)

    def failed(self) -> None:
        """The dependency did not answer."""
        self._failures += 1
        if self._state is BreakerState.HALF_OPEN or (
            self._state is BreakerState.CLOSED and self._failures >= self._limit
        ):
            self._enter(BreakerState.OPEN)

    def abandoned(self) -> None:
        """The caller gave up by itself; that says nothing about the dependency."""
        if self._state is BreakerState.HALF_OPEN:
            self._running = max(0, self._running - 1)

    def reset(self) -> None:
        """Close it, because somebody saw the dependency answer."""
        if self._state is not BreakerState.CLOSED:
            self._enter(BreakerState.CLOSED)

    def _enter(self, state: BreakerState) -> None:
        self._state = state
        self._running = self._successes = self._failures = 0
        if state is BreakerState.OPEN:
            self._opened_at = self._clock.monotonic()
        if self._on_change is not None:
            self._on_change(state)

    def _refusal(self, retry_after_s: float) -> Unavailable:
        message = f"{self.name} does not answer at present; try again in {max(1, round(retry_after_s))} s."
        return Unavailable(f"{self.name}_down", message, retry_after_s=str(max(1, round(retry_after_s))))
