"""Stretches of time [from, to) in milliseconds: joined, and what is left of one when others are taken away."""

from collections.abc import Iterable

import numpy as np

from tradingboost.core.candles import CandleColumns

Span = tuple[int, int]


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same time in as few stretches as can be, oldest first."""
    found: list[Span] = []
    for first, end in sorted(span for span in spans if span[0] < span[1]):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((first, end))
    return found


def uncovered(wanted: Span, covered: Iterable[Span]) -> list[Span]:
    """The parts of `wanted` that no stretch of `covered` holds, oldest first."""
    found: list[Span] = []
    begin, end = wanted
    for first, last in joined(covered):
        if first > begin:
            found.append((begin, min(first, end)))
        begin = max(begin, last)
        if begin >= end:
            break
    found.append((begin, end))
    return [(a, b) for a, b in found if a < b]


def stretches(candles: CandleColumns) -> list[Span]:
    """The time that candles stand for, one stretch between two gaps."""
    if not len(candles):
        return []
    breaks = np.flatnonzero(np.diff(candles.at_ms) != candles.bar_ms)
    begins = candles.at_ms[np.concatenate(([0], breaks + 1))]
    ends = candles.at_ms[np.concatenate((breaks, [len(candles) - 1]))] + candles.bar_ms
    return list(zip(begins.tolist(), ends.tolist(), strict=True))
