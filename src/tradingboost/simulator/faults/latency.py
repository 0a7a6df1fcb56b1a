"""How long an order needs to the exchange, its answer back, and a push: real time, with seeded jitter."""

from typing import Final, Literal

from tradingboost.sim.rng import stream
from tradingboost.simulator.settings import SimulatorSettings

Way = Literal["accept", "ack", "push"]
_US: Final = 1_000


class Latency:
    """Draws delays; every way has a stream of its own, so that pushes do not move the orders' delays.

    Args:
        settings: `latency_accept_ms`, `latency_ack_ms`, `latency_push_ms`, each with up to `latency_jitter_ms` more.
    """

    def __init__(self, settings: SimulatorSettings) -> None:
        self._constant: dict[Way, float] = {
            "accept": settings.latency_accept_ms,
            "ack": settings.latency_ack_ms,
            "push": settings.latency_push_ms,
        }
        self._jitter_us = int(settings.latency_jitter_ms * _US)
        self._noise = {way: stream(settings.seed, f"latency of {way}") for way in self._constant}
        self.on = settings.clock == "live" and any(self._constant.values())

    def draw_s(self, way: Way) -> float:
        """Seconds of the next one; a way without a constant has no jitter either."""
        constant = self._constant[way]
        if not self.on or not constant:
            return 0.0
        return constant / 1000 + self._noise[way].below(self._jitter_us + 1) / 1_000_000
