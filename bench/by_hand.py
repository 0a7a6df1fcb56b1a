"""W1 as a loop over lists, without any tool: what a backtester at least has to beat."""

from collections.abc import Callable
from itertools import pairwise

from bench.limit import LENGTH, LOSS, OVERSOLD, PROFIT
from bench.market import Minutes


def looped(market: Minutes) -> Callable[[], int]:
    """A call that gives the number of closed trades; the lists are made before."""
    opens, highs, lows, closes = (
        column.tolist() for column in (market.opens, market.highs, market.lows, market.closes)
    )
    return lambda: trades(opens, highs, lows, closes)


def trades(opens: list[float], highs: list[float], lows: list[float], closes: list[float]) -> int:
    """Closed trades of W1."""
    seed = list(pairwise(closes[: LENGTH + 1]))
    gain = sum(max(b - a, 0.0) for a, b in seed) / LENGTH
    loss = sum(max(a - b, 0.0) for a, b in seed) / LENGTH
    new, old = 1.0 / LENGTH, 1.0 - 1.0 / LENGTH
    before = 100.0 * gain / (gain + loss)
    done, held, target, stop = 0, False, 0.0, 0.0
    last = closes[LENGTH]
    for i in range(LENGTH + 1, len(closes)):
        if held and (lows[i] <= stop or highs[i] >= target):
            done += 1
            held = False
        close = closes[i]
        change = close - last
        last = close
        gain = gain * old + (change * new if change > 0.0 else 0.0)
        loss = loss * old - (change * new if change < 0.0 else 0.0)
        now = 100.0 * gain / (gain + loss)
        if before < OVERSOLD <= now and not held and i + 1 < len(closes):
            held = True
            entry = opens[i + 1]
            target, stop = entry * (1.0 + PROFIT), entry * (1.0 - LOSS)
        before = now
    return done
