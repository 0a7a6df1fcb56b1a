"""From a candle to the prints inside it."""

from tradingboost.sim.rng import Stream


def corners(open_px: int, high: int, low: int, close: int) -> tuple[int, int, int, int]:
    """The four prices of a bar in order of travel: O-L-H-C when it closed up or flat, else O-H-L-C.

    Example:
        >>> corners(100, 105, 94, 101), corners(100, 105, 94, 97)
        ((100, 94, 105, 101), (100, 105, 94, 97))
    """
    if close >= open_px:
        return open_px, low, high, close
    return open_px, high, low, close


def split_volume(lots: int, parts: int) -> list[int]:
    """Volume in equal whole parts, the rest on the last."""
    each = lots // parts
    return [each] * (parts - 1) + [lots - each * (parts - 1)]


def bridge(start: int, end: int, points: int, noise: Stream) -> list[int]:
    """`points` prices from `start` (excluded) to `end` (included): a straight leg with seeded noise, never outside it.

    The noise is a triangle of at most half a step, so the leg keeps its direction on the whole and its ends exactly.
    """
    low, high = min(start, end), max(start, end)
    half_step = (high - low) // (2 * points)
    prices = []
    for index in range(1, points):
        straight = start + (end - start) * index // points
        wiggle = noise.below(half_step + 1) - noise.below(half_step + 1)
        prices.append(min(max(straight + wiggle, low), high))
    prices.append(end)
    return prices


def candle_prints(ohlc: tuple[int, int, int, int], lots: int, points: int, noise: Stream) -> list[tuple[int, int]]:
    """A bar as (price, lots) prints: the open, then `points` a leg; O, H, L and C are printed exactly."""
    first, *turns = corners(*ohlc)
    prices = [first]
    for turn in turns:
        prices.extend(bridge(prices[-1], turn, points, noise))
    return list(zip(prices, split_volume(lots, len(prices)), strict=True))


def print_times(open_us: int, length_us: int, count: int) -> list[int]:
    """`count` evenly spaced times inside [open, open + length), the first at the open."""
    return [open_us + length_us * index // count for index in range(count)]
