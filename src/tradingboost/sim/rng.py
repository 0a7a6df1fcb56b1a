"""Seeded randomness: one splitmix64 stream for each name, so that a new consumer never moves another's numbers."""

from dataclasses import dataclass

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def mix(value: int) -> int:
    """The finaliser of splitmix64: 64 well-mixed bits of any integer.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
    """
    value &= _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


@dataclass(slots=True)
class Stream:
    """One generator; its whole state is `state`."""

    state: int

    def next64(self) -> int:
        """The next 64 bits."""
        self.state = (self.state + _GOLDEN) & _MASK
        return mix(self.state)

    def below(self, bound: int) -> int:
        """A number in [0, bound), by multiplication (bias below 2**-32 for bounds under 2**32)."""
        return (self.next64() * bound) >> 64


def stream(seed: int, name: str) -> Stream:
    """The stream called `name` under `seed`; names are hashed by FNV-1a, so nothing depends on the process."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & _MASK
    return Stream(mix(seed & _MASK) ^ value)
