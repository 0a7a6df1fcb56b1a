"""Where prints come from while the market runs by itself: files, a random walk, a script."""

import asyncio
import heapq
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from tradingboost.core.errors import InvalidInput
from tradingboost.kit.candles.files import load
from tradingboost.sim.commands import SeedCandles, Trade
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.path import candle_prints, print_times
from tradingboost.sim.rng import stream
from tradingboost.sim.rows import Candle
from tradingboost.sim.scale import QUANTA, parse
from tradingboost.sim.series import CandleSeries
from tradingboost.simulator import trade_files
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.settings import MarketSource, SimulatorSettings
from tradingboost.simulator.synthetic import Walk

Prints = Iterator[tuple[int, int, int]]
"""(at_us, ticks, lots), oldest first."""

_POINTS_PER_LEG: Final = 8
_HISTORY_STEPS: Final = 8
_HISTORY_ROWS: Final = 50_000
_BATCH: Final = 200
_MOST_WAITING: Final = 100_000
_BY_HAND: Final = -1
"""Stands for the source of prints that an operator lined up."""

_WEEK_MS: Final = 604_800_000
_SHIFTS_MS: Final = (_WEEK_MS, 86_400_000, 3_600_000)
_BAR_NAMES: Final = dict(
    zip(
        (60_000 * minutes for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720, 1440)),
        ("1m", "3m", "5m", "15m", "30m", "1H", "2H", "4H", "6Hutc", "12Hutc", "1Dutc"),
        strict=True,
    )
)
_START_PRICES: Final = {
    "BTC": "60000",
    "ETH": "3000",
    "SOL": "150",
    "XRP": "0.6",
    "DOGE": "0.15",
}


def file_series(exchange: Exchange, source: MarketSource) -> CandleSeries:
    """The candles of a source's file.

    Raises:
        InvalidInput: no path, or the file cannot be used.
    """
    if source.path is None:
        raise InvalidInput(
            "candle_path_missing", f"The market {source.inst} is of candles but names no file; add path."
        )
    return load(source.path, exchange.listed(source.inst))


def shift_ms(first: int, last: int, target: int, now_ms: int) -> int:
    """Whole weeks (else days, hours) that bring the `target` of a file's times to now.

    Raises:
        InvalidInput: the file is too short to hold now under such a shift.
    """
    for period in _SHIFTS_MS:
        shift = (now_ms - target) // period * period
        for candidate in (shift, shift + period):
            if first <= now_ms - candidate < last:
                return candidate
    raise InvalidInput("candle_file_short", "The file is shorter than an hour; choose a longer one.")


class MarketDriver:
    """Prints what is due, in order of time, and lets timers fire."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._queue: list[tuple[int, int, int, int, str]] = []
        self._sources: list[tuple[str, Prints]] = []
        self._fresh = True
        self._frozen: set[str] = set()
        self.read: dict[str, SeedCandles] = {}
        """History that was read from a live venue, by instrument."""

    def load(self, settings: SimulatorSettings, *, fresh: bool = True) -> None:
        """Seed history and line up every configured source.

        Args:
            fresh: False when the exchange goes on from an earlier life and has its history.

        Raises:
            InvalidInput: an unknown instrument or an unusable file.
        """
        self._queue.clear()
        self._sources.clear()
        self._frozen.clear()
        self._fresh = fresh
        wanted = settings.markets
        if not wanted and not self._exchange.clock.stepped:
            names = (row.inst_id for row in self._exchange.instruments())
            wanted = tuple(MarketSource(inst=name) for name in names)
        for source in wanted:
            prints = self._open(source, settings.seed)
            if prints is not None:
                self._sources.append((source.inst, prints))
                self._refill(len(self._sources) - 1)

    def _open(self, source: MarketSource, seed: int) -> Prints | None:
        row = self._exchange.listed(source.inst)
        match source.source:
            case "candles":
                return self._open_file(row, file_series(self._exchange, source), source.start_ratio, seed)
            case "trades":
                return self._open_trades(row, source)
            case "synthetic":
                return self._open_walk(row, source, seed)
            case "live":
                if row.inst_id in self.read and self._fresh:
                    self._exchange.seed_candles(self.read[row.inst_id])
                return None
            case "script":
                return self._script(row, source)
            case _:
                return None

    def _open_file(self, row: Instrument, series: CandleSeries, ratio: float, seed: int) -> Prints:
        now_ms = self._exchange.now_us() // 1000
        begin, last = int(series.at_ms[0]), int(series.at_ms[-1])
        target = begin + int((last + series.bar_ms - begin) * ratio)
        shift = 0 if self._exchange.clock.stepped else shift_ms(begin, last, target, now_ms)
        cut = int((series.at_ms + shift + series.bar_ms <= now_ms).sum())
        first = max(cut - _HISTORY_ROWS, 0)
        history = tuple(_bar(series, index, shift) for index in range(first, cut))
        if history and self._fresh:
            name = _BAR_NAMES[series.bar_ms]
            self._exchange.seed_candles(SeedCandles(at_us=0, inst_id=row.inst_id, bar=name, rows=history))
        return _file_prints(row, series, (cut, shift), seed)

    def _open_trades(self, row: Instrument, source: MarketSource) -> Prints:
        if source.path is None:
            raise InvalidInput(
                "candle_path_missing", f"The market {source.inst} is of trades but names no file; add path."
            )
        found = trade_files.load(source.path, row)
        first, last = int(found.at_ms[0]), int(found.at_ms[-1])
        now_ms = self._exchange.now_us() // 1000
        target = first + int((last - first) * source.start_ratio)
        shift = 0 if self._exchange.clock.stepped else shift_ms(first, last, target, now_ms)
        cut = int((found.at_ms + shift <= now_ms).sum())
        history = found.bars(cut, shift)
        if history and self._fresh:
            self._exchange.seed_candles(SeedCandles(at_us=0, inst_id=row.inst_id, bar="1m", rows=history))
        return found.prints(cut, shift)

    def _open_walk(self, row: Instrument, source: MarketSource, seed: int) -> Prints:
        start = source.start_px or Decimal(_START_PRICES.get(row.base, "100"))
        ticks = max(parse(format(start, "f")) // row.tick_q, 1)
        lots = _lots_of(row, ticks)
        sigma = max(int(source.volatility_bps * 100), 1)
        now_us = self._exchange.now_us()
        past = Walk(seed, f"{row.base}:past", ticks, sigma * 2, lots)  # by coin, so that spot and swaps stay together
        minute_us = now_us - now_us % 60_000_000
        going_on = 0 if self._fresh else self._exchange.engine.last(row.inst_id)
        if source.history_bars and not going_on:
            rows = past.history(minute_us, source.history_bars, _HISTORY_STEPS)
            self._exchange.seed_candles(SeedCandles(at_us=0, inst_id=row.inst_id, bar="1m", rows=rows))
        walk = Walk(seed, row.base, going_on or past.px, sigma, lots)
        return walk.prints(now_us, source.every_ms * 1000)

    def _script(self, row: Instrument, source: MarketSource) -> Prints:
        start_us, every_us = self._exchange.now_us(), source.every_ms * 1000
        for number, price in enumerate(source.prices):
            yield start_us + number * every_us, max(parse(format(price, "f")) // row.tick_q, 1), 1

    def play(self, row: Instrument, prices: Sequence[int], every_ms: int) -> None:
        """Print these prices (ticks) from now on, one every so often, between what the sources print.

        Raises:
            InvalidInput: more prints would wait than may.
        """
        if len(self._queue) + len(prices) > _MOST_WAITING:
            raise InvalidInput("path_too_long", f"At most {_MOST_WAITING} prints may wait; send a shorter path.")
        start_us = self._exchange.now_us()
        for number, ticks in enumerate(prices):
            heapq.heappush(self._queue, (start_us + number * every_ms * 1000, _BY_HAND, ticks, 1, row.inst_id))

    def freeze(self, inst_id: str, *, frozen: bool) -> None:
        """Let an instrument's sources print nothing, or go on; what falls into the pause is not made up for."""
        (self._frozen.add if frozen else self._frozen.discard)(inst_id)

    def rename(self, old: str, new: str) -> None:
        """The prints of an instrument go to its new name; without one they stop."""
        self._sources = [(new if name == old else name, prints) for name, prints in self._sources]
        self._queue = [(*row[:4], new if row[4] == old else row[4]) for row in self._queue]

    def _refill(self, number: int) -> None:
        upcoming = next(self._sources[number][1], None)
        if upcoming is not None:
            at_us, px, lots = upcoming
            heapq.heappush(self._queue, (at_us, number, px, lots, self._sources[number][0]))

    def run_until(self, to_us: int, most: int = _BATCH) -> bool:
        """Print at most `most` due prints; True when nothing is due any more and the clock stands at `to_us`."""
        for _ in range(most):
            if not self._queue or self._queue[0][0] > to_us:
                self._exchange.advance(to_us)
                return True
            at_us, number, px, lots, name = heapq.heappop(self._queue)
            if number == _BY_HAND or name not in self._frozen:
                now_us = self._exchange.engine.now_us
                self._exchange.run(Trade(at_us=max(at_us, now_us), inst_id=name, px=px, lots=lots))
            if number != _BY_HAND:
                self._refill(number)
        return False

    async def run(self, beat_s: float) -> None:
        """Live: print what is due, for ever."""
        while True:
            if self.run_until(self._exchange.clock.now_us()):
                await asyncio.sleep(beat_s)
            else:
                await asyncio.sleep(0)  # a backlog must not starve the sockets


def _bar(series: CandleSeries, index: int, shift: int) -> Candle:
    close, lots = int(series.close[index]), int(series.volume[index])
    return Candle(
        (int(series.at_ms[index]) + shift) * 1000,
        int(series.open[index]),
        int(series.high[index]),
        int(series.low[index]),
        close,
        lots,
        close * lots,
    )


def _file_prints(row: Instrument, series: CandleSeries, start: tuple[int, int], seed: int) -> Prints:
    """Every later bar as prints: open, `_POINTS_PER_LEG` a leg, exact at open, high, low and close."""
    first, shift = start
    noise = stream(seed, f"path:{row.inst_id}")
    for index in range(first, len(series)):
        bar = _bar(series, index, shift)
        prints = candle_prints((bar.open, bar.high, bar.low, bar.close), bar.lots, _POINTS_PER_LEG, noise)
        times = print_times(bar.ts_us, series.bar_ms * 1000, len(prints))
        for at_us, (px, lots) in zip(times, prints, strict=True):
            yield at_us, px, lots


def _lots_of(row: Instrument, ticks: int) -> int:
    """A typical print: about 5,000 quote units."""
    worth = row.lot_base_q if row.ct_type == "inverse" else ticks * row.tick_value
    return max(5_000 * QUANTA // max(worth, 1), 1)
