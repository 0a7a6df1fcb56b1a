"""The trend state written a second time, as plainly as the rules read: lists of bars, looked up by their times."""

from typing import Any

import numpy as np

Bars = dict[int, float]
"""Close time in minutes -> close."""


def timeframes(chart: int) -> tuple[int, int]:
    """(cycle, band) minutes of a chart."""
    for most, cycle, band in ((3, 15, 5), (15, 30, 15), (30, 30, 60), (239, 60, 60)):
        if chart <= most:
            return cycle, band
    return 480, 60


def resampled(feed: Bars, minutes: int) -> Bars:
    """Bars of a longer timeframe: the last close of each, in the order of their ends; the newest may be open still."""
    found: Bars = {}
    for at, close in feed.items():
        found[-(-at // minutes) * minutes] = close
    return found


def at_or_before(values: dict[int, Any], at: int, default: Any) -> Any:
    """The newest value known at a time."""
    known = [time for time in values if time <= at]
    return values[max(known)] if known else default


def jma_list(closes: list[float], length: int) -> list[float]:
    beta = 0.45 * (length - 1) / (0.45 * (length - 1) + 2)
    alpha = beta**2
    e0 = e1 = e2 = average = 0.0
    found = []
    for x in closes:
        e0 = (1 - alpha) * x + alpha * e0
        e1 = (x - e0) * (1 - beta) + beta * e1
        e2 = (e0 + 2.0 * e1 - average) * (1 - alpha) ** 2 + alpha**2 * e2
        average += e2
        found.append(average)
    return found


def ema_list(closes: list[float], length: int) -> list[float]:
    found = closes[:1]
    for x in closes[1:]:
        found.append(found[-1] + (x - found[-1]) * 2 / (length + 1))
    return found


def vidya_list(closes: list[float], length: int) -> list[float]:
    found = closes[:1]
    for i in range(1, len(closes)):
        changes = np.diff(closes[max(0, i - 9) : i + 1])
        total = np.abs(changes).sum()
        k = abs(changes.sum()) / total if total else 1.0
        found.append(found[-1] + (closes[i] - found[-1]) * k * 2 / (1 + length))
    return found


def smoothed(values: list[float]) -> list[float | None]:
    weights = [(1 + i * i / (2 * 0.5 * 30**2)) ** -0.5 for i in range(7)]
    return [
        None if t < 6 else sum(w * values[t - i] for i, w in enumerate(weights)) / sum(weights)
        for t in range(len(values))
    ]


def cycle_orders(bars: Bars, longer: bool) -> dict[int, tuple[bool, bool]]:
    closes = list(bars.values())
    lengths = (20, 40, 120) if longer else (5, 10, 20)
    lines = [smoothed(ema_list(closes, n) if longer else jma_list(closes, n)) for n in lengths]
    found = {}
    for at, a, b, c in zip(bars, *lines, strict=True):
        known = a is not None and b is not None and c is not None
        found[at] = (known and (a > b > c or b > a > c), known and c > b > a)
    return found


def vidya_orders(bars: Bars) -> dict[int, tuple[bool, bool]]:
    lines = [vidya_list(list(bars.values()), n) for n in (3, 9, 21)]
    return {
        at: (x > z > y or x > y > z or y > x > z, z > y > x or y > z > x or z > x > y)
        for at, x, y, z in zip(bars, *lines, strict=True)
    }


def band_widths(closes: list[float], length: int) -> tuple[list[float], list[float]]:
    """Widths and places, NaN while bars are missing."""
    widths, places = [], []
    for i, close in enumerate(closes):
        window = np.array(closes[i - length + 1 : i + 1]) if i >= length - 1 else np.full(1, np.nan)
        middle, reach = window.mean(), 1.5 * window.std()
        widths.append(10 * 2 * reach / middle)
        places.append(0.5 if reach == 0 else (close - middle + reach) / (2 * reach))
    return widths, places


def pivot(widths: list[float], i: int, left: int, sign: int) -> float | None:
    """The width ten bars back, if it stands out of its neighbours."""
    around = [sign * w for w in widths[max(0, i - 10 - left) : i + 1]]
    if len(around) < left + 11 or np.isnan(around).any():
        return None
    middle = around.pop(left)
    return sign * middle if all(middle > other for other in around) else None


def band_states(bars: Bars) -> dict[int, int]:
    closes = list(bars.values())
    widths, places = band_widths(closes, 15)
    wide, _ = band_widths(closes, 60)
    highs: list[float] = []
    lows: list[float] = []
    wide_lows: list[float] = []
    latch, state, buzz_before, found = True, 0, np.nan, {}
    for i, at in enumerate(bars):
        w, r, w2 = widths[i], places[i], wide[i]
        if np.isnan(w):
            found[at] = state
            continue
        middle = np.mean(widths[i - 99 : i + 1]) if i >= 113 else np.nan
        for kept, value, wanted in (
            (highs, pivot(widths, i, 20, 1), w > middle),
            (lows, pivot(widths, i, 20, -1), w < middle),
            (wide_lows, pivot(wide, i, 30, -1), w2 < 1),
        ):
            if value is not None and wanted:
                kept.append(value)
                del kept[:-50]
        low = float(np.mean(lows)) if lows else min(w, 5)
        buzz, squeeze = 0.7 * (float(np.mean(highs)) if highs else max(w, 5)), low / 0.7
        if not np.isnan(w2):
            wide_squeeze = (float(np.mean(wide_lows)) if wide_lows else min(w2, 5)) / 0.7
            latch = False if w2 > wide_squeeze else True if w2 < wide_squeeze else latch
        before = widths[max(0, i - 3) : i]
        if w > buzz and before[-1] <= buzz_before and r != 0.5:
            state = 2 if r > 0.5 else -2
        if w < squeeze and latch:
            state = -1
        if state == 2 and r < 0.2:
            state = -2
        if state == -2 and r > 0.8:
            state = 2
        if abs(state) == 2 and len(before) == 3 and all(w < each for each in before):
            state = 0
        if state == -1 and w > low and w > before[-1]:
            state = 0
        buzz_before = buzz
        found[at] = state
    return found


def plain_trend(feed: Bars, chart: int, longer: bool = False) -> dict[int, int]:
    """State after each chart bar, by its close time; masked until 200 chart bars."""
    cycle, band = timeframes(chart)
    orders = cycle_orders(resampled(feed, 1440 if longer else cycle), longer)
    vidyas = vidya_orders(resampled(feed, 240)) if longer else {}
    states = band_states(resampled(feed, band))
    state, found = 0, {}
    for count, at in enumerate(resampled(feed, chart), start=1):
        bull, bear = at_or_before(orders, at, (False, False))
        burst = at_or_before(states, at, 0)
        if longer:
            bull2, bear2 = at_or_before(vidyas, at, (False, False))
            bull, bear = bull and bull2, bear and bear2
            burst = 2 if bull else -2
        if bull and burst == 2:
            state = 2
        if state == 2 and not bull:
            state = 0
        if bear and burst == -2:
            state = -2
        if state == -2 and not bear:
            state = 0
        found[at] = state if count >= 200 else 0
    return found
