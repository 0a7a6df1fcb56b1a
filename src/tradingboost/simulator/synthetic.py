"""A seeded market of whole numbers: a random walk with calm, trending and stormy stretches, and jumps."""

from collections.abc import Iterator
from typing import Final

from tradingboost.sim.rng import Stream, stream
from tradingboost.sim.rows import Candle

_ONE: Final = 1_000_000  # parts per million
_SIGMA_UNIT: Final = 1 << 16
"""One standard deviation of `_normal`."""

_REGIMES: Final = ((600_000, 0), (1_000_000, 60_000), (1_000_000, -60_000), (2_500_000, 0))
"""(volatility factor, drift as a share of it), parts per million: calm, up, down, storm."""

_SWITCH_PPM: Final = 2_000
_JUMP_PPM: Final = 300
_JUMP_SIGMAS: Final = 12


def _normal(noise: Stream) -> int:
    """Nearly normal: the sum of twelve uniforms, mean 0, deviation `_SIGMA_UNIT`."""
    total = 0
    for _ in range(3):
        bits = noise.next64()
        total += (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
    return total - 6 * 0xFFFF


class Walk:
    """One instrument's price walk.

    Args:
        start: first price in ticks.
        sigma_ppm: standard deviation of one step in ordinary times.
        lots: typical size of a print.
    """

    def __init__(self, seed: int, name: str, start: int, sigma_ppm: int, lots: int) -> None:
        self.px = start
        self._floor, self._ceiling = max(start // 50, 1), start * 50
        self._sigma_ppm = sigma_ppm
        self._lots = max(lots, 1)
        self._noise = stream(seed, f"market of {name}")
        self._regime = _REGIMES[0]
        self._carry = 0

    def step(self) -> tuple[int, int]:
        """The next print as (ticks, lots)."""
        noise = self._noise
        if noise.below(_ONE) < _SWITCH_PPM:
            self._regime = _REGIMES[noise.below(len(_REGIMES))]
        factor, drift = self._regime
        sigma = self._sigma_ppm * factor // _ONE
        move = sigma * _normal(noise) // _SIGMA_UNIT + sigma * drift // _ONE
        if noise.below(_ONE) < _JUMP_PPM:
            move += _JUMP_SIGMAS * sigma * (1 if noise.below(2) else -1)
        moved = self.px * max(min(move, _ONE // 5), -_ONE // 5) + self._carry
        ticks, self._carry = divmod(moved, _ONE)  # fractions of a tick are carried, or cheap coins would stand still
        self.px = min(max(self.px + ticks, self._floor), self._ceiling)
        return self.px, 1 + noise.below(2 * self._lots)

    def history(self, end_us: int, bars: int, steps: int) -> tuple[Candle, ...]:
        """`bars` one-minute candles of `steps` prints each, the last one closing at `end_us`."""
        made = []
        for index in range(bars):
            prints = [(self.px, 1), *(self.step() for _ in range(steps))]
            prices = [px for px, _ in prints]
            lots = sum(size for _, size in prints)
            cost = sum(px * size for px, size in prints)
            at_us = end_us - (bars - index) * 60_000_000
            made.append(Candle(at_us, prices[0], max(prices), min(prices), prices[-1], lots, cost))
        return tuple(made)

    def prints(self, start_us: int, every_us: int) -> Iterator[tuple[int, int, int]]:
        """(at_us, ticks, lots) without end."""
        at_us = start_us
        yield at_us, self.px, 1
        while True:
            at_us += every_us
            px, lots = self.step()
            yield at_us, px, lots
