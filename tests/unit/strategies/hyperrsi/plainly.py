"""HYPERRSI once more, in the plainest Python: lists, fractions and one price that walks. No hedge, no trend.

It shares nothing with the product but the parameter schema, so that a mistake would have to be made twice.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, inf
from typing import Any

TICK, LOT, CONTRACT = Fraction(1, 10), Fraction(1, 100), Fraction(1, 100)
COST = Fraction(55, 10_000)  # maintenance rate and taker fee
DAY_MS = 86_400_000


def exact(number: Any) -> Fraction:
    return Fraction(str(number))


def wilder(values: list[float], length: int) -> list[float | None]:
    """Mean of the first `length` values, then Wilder's; None before."""
    out: list[float | None] = [None] * len(values)
    mean = 0.0
    for i, value in enumerate(values):
        if i < length:
            mean += value
            if i == length - 1:
                mean /= length
        else:
            mean = (mean * (length - 1) + value) / length
        if i >= length - 1:
            out[i] = mean
    return out


def rsi_of(closes: list[float], length: int) -> list[float | None]:
    steps = [b - a for a, b in pairwise(closes)]
    up, down = wilder([max(s, 0.0) for s in steps], length), wilder([max(-s, 0.0) for s in steps], length)
    found: list[float | None] = [None]
    for gain, loss in zip(up, down, strict=True):
        if gain is None or loss is None:
            found.append(None)
        else:
            found.append(50.0 if gain + loss == 0 else 100 * gain / (gain + loss))
    return found


def atr_of(highs: list[float], lows: list[float], closes: list[float]) -> list[float | None]:
    ranges = [max(h, c) - min(low, c) for h, low, c in zip(highs[1:], lows[1:], closes, strict=False)]
    return [None, *wilder(ranges, 14)]


@dataclass
class Leg:
    side: int
    entry_lots: int = 0  # of the first entry
    lots: int = 0
    average: Fraction = Fraction(0)
    newest: Fraction = Fraction(0)
    count: int = 0
    tps: dict[int, list[int]] = field(default_factory=dict)  # level -> [price in ticks, lots]
    prices: list[int] = field(default_factory=list)
    filled: set[int] = field(default_factory=set)
    stop: int = 0  # ticks
    even: int = 0
    armed: bool = False
    extreme: Fraction = Fraction(0)
    offset: Fraction = Fraction(0)
    trail: int = 0
    rest: int = 0
    rest_ms: int = 0
    closing: bool = False


class Plain:
    """One run over candles; `fills` are (time, what, lots, price in ticks)."""

    def __init__(self, params: Any, candles: Any, first: int) -> None:
        self.p, self.c, self.first = params, candles, first
        self.fills: list[tuple[int, str, int, int]] = []
        self.leg: Leg | None = None
        self.queue: list[tuple[str, int, int, int]] = []  # what, side, lots, attached stop
        self.lock = {1: 0, -1: 0}
        self.cool = {1: 0, -1: 0}
        self.now = self.decided = self.at = 0
        self.waits = False
        closes = candles.closes.tolist()
        self.rsi = rsi_of(closes, params.rsi_length)
        self.atr = atr_of(candles.highs.tolist(), candles.lows.tolist(), closes)
        self.pair: tuple[float | None, float | None] = (None, None)
        self.range: Fraction = Fraction(0)

    # -- the walk --------------------------------------------------------------------------------------------------

    def run(self) -> list[tuple[int, str, int, int]]:
        for i in range(self.first, len(self.c.closes)):
            start, length = int(self.c.open_ms[i]), self.c.timeframe_ms
            names = (self.c.opens, self.c.highs, self.c.lows, self.c.closes)
            o, h, low, c = (round(float(column[i]) * 10) for column in names)
            way = (o, low, h, c) if c >= o else (o, h, low, c)
            self.now, self.at = start, o
            self.print_at(o)
            for k in (1, 2, 3):
                self.now = start + (k - 1) * length // 4
                self.travel(way[k])
            self.now = start + length
            self.decide(i)
        return self.fills

    def print_at(self, px: int) -> None:
        """A jump: takers, then every stop reached, then every limit strictly passed, then the trigger."""
        self.take(px)
        leg = self.leg
        if leg and leg.stop and leg.side * px <= leg.side * leg.stop:
            self.reduce("sl", leg.lots, px)
        told = []
        leg = self.leg
        if leg:
            told = sorted(level for level, (price, _) in leg.tps.items() if leg.side * px > leg.side * price)
        for level in told:
            self.hit(level)
        self.tick()

    def travel(self, target: int) -> None:
        while True:
            self.take(self.at)
            up = target > self.at
            nearest = target
            for level in self.levels(up, target):
                if (self.at < level < nearest) if up else (nearest < level < self.at):
                    nearest = level
            if nearest == target == self.at:
                return
            self.at = nearest
            self.meet(up, target)
            self.tick()
            if self.at == target and not self.queue:
                return

    def levels(self, up: bool, target: int) -> list[int]:
        leg = self.leg
        found = [self.trigger(up)]
        if leg and leg.stop and (leg.side < 0) == up:
            found.append(leg.stop)
        if leg and (leg.side > 0) == up:
            found += [price for price, _ in leg.tps.values() if price != target]
        return [level for level in found if level]

    def meet(self, up: bool, target: int) -> None:
        leg = self.leg
        if leg and leg.stop == self.at and (leg.side < 0) == up:
            self.reduce("sl", leg.lots, self.at)
        leg = self.leg
        if leg and (leg.side > 0) == up and self.at != target:
            for level in sorted(level for level, (price, _) in leg.tps.items() if price == self.at):
                self.hit(level)

    # -- fills -----------------------------------------------------------------------------------------------------

    def take(self, px: int) -> None:
        while self.queue:
            what, side, lots, attached = self.queue.pop(0)
            if what == "exit":
                self.reduce("exit", lots, px)
                continue
            self.fills.append((self.now, what, lots, px))
            fresh = self.leg is None
            leg = self.leg = self.leg or Leg(side, entry_lots=lots)
            price = px * TICK
            leg.average = (leg.average * leg.lots + price * lots) / (leg.lots + lots)
            leg.lots, leg.newest, leg.count = leg.lots + lots, price, leg.count + 1
            self.hold(side)
            if fresh and attached and side * px <= side * attached:
                leg.stop = attached
                self.reduce("sl", leg.lots, px)
                return
            leg.filled, leg.even = set(), 0
            self.protect(loosen=True)
            if not leg.closing:
                self.ladder()

    def hold(self, side: int) -> None:
        length = self.c.timeframe_ms
        self.lock[side] = max((self.decided // length + 1) * length, self.decided + 60_000)
        if self.p.use_cooldown:
            self.cool[side] = max(self.cool[side], self.decided + self.p.cooldown_time * 1000)

    def reduce(self, what: str, lots: int, px: int) -> None:
        leg = self.leg
        assert leg is not None
        self.fills.append((self.now, what, lots, px))
        leg.lots -= lots
        if leg.lots == 0:
            if self.p.use_cooldown:
                until = self.now + max(self.p.cooldown_time, 5) * 1000
                self.cool[leg.side] = max(self.cool[leg.side], until)
            self.leg, self.queue = None, []

    def hit(self, level: int) -> None:
        leg = self.leg
        if leg is None or level not in leg.tps:
            return
        price, lots = leg.tps.pop(level)
        self.reduce(f"tp:{level + 1}", lots, price)
        if self.leg is None:
            return
        leg.filled.add(level)
        switch = (self.p.use_break_even, self.p.use_break_even_tp2, self.p.use_break_even_tp3)[level]
        if switch and not (level == 2 and sum(self.p.tp_ratios) >= 99):
            before = level > 0 and self.p.tp_enabled[level - 1]
            even = leg.prices[level - 1] if before else self.exit_tick(leg.average)
            if not leg.even or leg.side * even > leg.side * leg.even:
                leg.even = even
        if self.p.trailing_level == level + 1 and not leg.armed:
            self.arm(price)
        share = Fraction(1, 100) if sum(self.p.tp_ratios) >= 99.99 else Fraction(1, 10_000)
        if leg.lots <= max(leg.entry_lots * share, Fraction(2)):
            self.close()
        else:
            self.protect(loosen=False)

    # -- exits -----------------------------------------------------------------------------------------------------

    def exit_tick(self, price: Fraction) -> int:
        assert self.leg is not None
        return ceil(price / TICK) if self.leg.side > 0 else floor(price / TICK)

    def moved(self, base: Fraction, sign: int, mode: str, value: Any) -> Fraction:
        if mode == "PERCENTAGE":
            return base * (1 + sign * exact(value) / 100)
        if mode == "PRICE":
            return base + sign * exact(value)
        return base + sign * exact(value) * max(self.range, base / 1000)

    def first_stop(self, side: int, average: Fraction, count: int) -> int:
        """The tighter of static and guard."""
        tick = ceil if side > 0 else floor
        lever = Fraction(1, self.p.leverage)
        liquidation = average * ((1 - lever) / (1 - COST) if side > 0 else (1 + lever) / (1 + COST))
        away = Fraction(9, 10) * (liquidation - average)
        guard = tick((average + away) / TICK) if side < 0 or liquidation > 0 else ceil(average / 20 / TICK)
        if not (count >= self.p.pyramiding_limit if self.p.use_sl_on_last else self.p.use_sl):
            return guard
        static = tick(self.moved(average, -side, self.p.sl_option.name, self.p.sl_value) / TICK)
        return static if side * static > side * guard else guard

    def protect(self, *, loosen: bool) -> None:
        leg = self.leg
        assert leg is not None
        wanted = self.first_stop(leg.side, leg.average, leg.count)
        for other in (leg.even, leg.rest if leg.armed else 0):
            if other and leg.side * other > leg.side * wanted:
                wanted = other
        if leg.stop and not loosen and leg.side * wanted <= leg.side * leg.stop:
            return
        if wanted != leg.stop and leg.side * wanted >= leg.side * self.at:
            self.close()
            return
        leg.stop = wanted

    def ladder(self) -> None:
        leg = self.leg
        assert leg is not None
        ratios, on = [exact(r) for r in self.p.tp_ratios], self.p.tp_enabled
        total, enabled = sum(ratios), sum((r for r, yes in zip(ratios, on, strict=True) if yes), Fraction(0))
        whole = leg.lots if total >= Fraction(9999, 100) else floor(leg.lots * total / 100)
        if whole < 1 or leg.lots - whole < 1:
            whole = leg.lots
        left, last = whole, max((i for i in range(3) if on[i]), default=-1)
        leg.tps, leg.prices = {}, []
        for i in range(3):
            target = self.moved(leg.average, leg.side, self.p.tp_option.name, self.p.tp_values[i])
            now = self.at * TICK
            nearest = max(leg.average, now) if leg.side > 0 else min(leg.average, now)
            clamp = nearest * (1 + leg.side * Fraction(1, 10_000))
            target = clamp if leg.side * clamp > leg.side * target else target
            leg.prices.append(self.exit_tick(target))
            if not on[i] or i > last:
                continue
            lots = left if i == last else min(max(floor(whole * ratios[i] / enabled), 1), left)
            lots = left if left - lots < 1 else lots
            left -= lots
            start = self.p.trailing_level
            if lots and (start == 0 or i < start):
                leg.tps[i] = [leg.prices[i], lots]

    def arm(self, price: int) -> None:
        leg = self.leg
        assert leg is not None
        arming = price * TICK
        gap = arming * exact(self.p.trailing_stop_offset_value) / 100
        if self.p.trailing_stop_type.name == "TP_DIFF":
            gap = abs(leg.prices[2] - leg.prices[1]) * TICK
        leg.armed, leg.extreme, leg.offset = True, arming, max(gap, arming / 1000)
        leg.trail = leg.rest = self.exit_tick(arming - leg.side * leg.offset)
        leg.rest_ms = self.now

    def close(self) -> None:
        leg = self.leg
        assert leg is not None
        if not leg.closing:
            leg.closing = True
            self.queue.append(("exit", -leg.side, leg.lots, 0))

    # -- ticks -----------------------------------------------------------------------------------------------------

    def step(self) -> Fraction:
        assert self.leg is not None
        return max(self.leg.offset / 10, TICK)

    def trigger(self, up: bool) -> int:
        """The price on this side at which the run looks, 0 = none."""
        leg = self.leg
        if leg is None or leg.closing:
            return 0
        if leg.armed:
            if (leg.side > 0) == up:
                return self.exit_tick(leg.extreme + leg.side * self.step())
            return leg.trail
        if (leg.side < 0) != up or self.waits or not self.p.use_check_DCA_with_price or not self.may_add():
            return 0
        return self.add_level()

    def tick(self) -> None:
        leg = self.leg
        if leg is None or leg.closing:
            return
        above, below = self.trigger(True) or inf, self.trigger(False) or -inf
        if below < self.at < above:
            return
        if not leg.armed:
            self.add()
            return
        if leg.side * self.at <= leg.side * leg.trail:
            self.close()
            return
        self.follow()

    def follow(self) -> None:
        leg = self.leg
        assert leg is not None
        price = self.at * TICK
        if leg.side * price > leg.side * leg.extreme:
            leg.extreme = price
            stop = self.exit_tick(price - leg.side * leg.offset)
            leg.trail = max(stop, leg.trail) if leg.side > 0 else min(stop, leg.trail)
        if leg.side * (leg.trail - leg.rest) * TICK >= self.step() and self.now - leg.rest_ms >= 5000:
            leg.rest, leg.rest_ms = leg.trail, self.now
        self.protect(loosen=False)

    # -- openings --------------------------------------------------------------------------------------------------

    def signal(self, side: int) -> bool:
        before, now = self.pair
        rule, zone = self.p.entry_option.name, float(self.p.rsi_oversold if side > 0 else self.p.rsi_overbought)
        if now is None:
            return False
        if rule == "LEVEL":
            return side * now < side * zone
        if before is None:
            return False
        inside, was = side * now <= side * zone, side * before < side * zone
        if rule == "CROSS_IN":
            return inside and side * before > side * zone
        if rule == "CROSS_OUT":
            return was and side * now >= side * zone
        return (was or side * now < side * zone) and side * (now - before) > 1e-9

    def allowed(self, side: int) -> bool:
        return self.p.direction.name in ("BOTH", "LONG" if side > 0 else "SHORT")

    def held_back(self, side: int) -> bool:
        return self.now < self.lock[side] or (self.p.use_cooldown and self.now < self.cool[side])

    def may_add(self) -> bool:
        leg = self.leg
        assert leg is not None
        free = not self.queue and leg.count < self.p.pyramiding_limit and not leg.armed and self.allowed(leg.side)
        return free and (not self.p.use_rsi_with_pyramiding or self.signal(leg.side))

    def add_level(self) -> int:
        leg = self.leg
        assert leg is not None
        base = leg.newest if self.p.entry_criterion.name == "LAST_FILL" else leg.average
        level = self.moved(base, -leg.side, self.p.pyramiding_entry_type.name, self.p.pyramiding_value)
        return floor(level / TICK) if leg.side > 0 else ceil(level / TICK)

    def add(self) -> None:
        leg = self.leg
        assert leg is not None
        self.waits = False
        if not self.may_add():
            return
        if self.p.use_check_DCA_with_price and leg.side * self.at > leg.side * self.add_level():
            return
        self.waits = True
        if self.held_back(leg.side):
            return
        self.waits, self.decided = False, self.now
        self.queue.append((f"add:{leg.count + 1}", leg.side, self.size(leg.count), 0))

    def size(self, number: int) -> int:
        amount = exact(self.p.btc_investment) * exact(self.p.entry_multiplier) ** number
        lots: int = floor(amount * self.p.leverage / (CONTRACT * self.at * TICK) / LOT)
        return max(lots, 1)

    def decide(self, i: int) -> None:
        """The candle closed."""
        gap = i > self.first and self.c.open_ms[i] - self.c.open_ms[i - 1] != self.c.timeframe_ms
        self.pair = (None if gap else self.rsi[i - 1], self.rsi[i])
        known = self.atr[i]
        self.range = Fraction(known) if known is not None else self.range
        leg = self.leg
        if leg is not None:
            if leg.closing:
                return
            if leg.armed:
                self.follow()
            else:
                self.add()
            return
        for side in (1, -1):
            if not self.allowed(side) or self.held_back(side) or not self.signal(side):
                continue
            self.decided = self.now
            stop = self.first_stop(side, self.at * TICK, 1)
            self.queue.append(("entry", side, self.size(0), stop))
            return
