"""Bringing an exchange's own candles into the store: page by page, and on from where it stopped."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

import msgspec
import numpy as np

from tradingboost.core.candles import Gap, RawCandles, between, gaps
from tradingboost.core.errors import InvalidInput, Unavailable
from tradingboost.core.ids import Symbol
from tradingboost.core.market import Candle, Timeframe
from tradingboost.kit.candles.spans import Span, uncovered
from tradingboost.kit.candles.store import CandleStore, SeriesKey, Writer
from tradingboost.kit.clock import Clock
from tradingboost.kit.retry import retried
from tradingboost.shared.calls import safe
from tradingboost.venues.base import CandleHistory

_PAGES_A_WRITE: Final = 20
_SLOWEST_S: Final = 2.0
_FASTER: Final = 0.9
_PATIENCE_S: Final = 180.0
_ATTEMPTS: Final = 10
_DAWN_MS: Final = 1_262_304_000_000  # 2010: older than any venue's candles
_GAPS_TOLD: Final = 200

T = TypeVar("T")
Tell = Callable[[int, int], None]
"""Is told (candles done, candles in all)."""


class Downloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one series.

    Args:
        added: candles that are new in the store.
        rows: candles in the store now.
        complete: the whole range was asked for; otherwise the same command goes on from here.
        missing: candles of the range that the exchange did not have.
        gaps: where, the first of them.
    """

    key: SeriesKey
    added: int
    rows: int
    first_ms: int
    last_ms: int
    complete: bool
    missing: int
    gaps: list[Gap]


class Downloader:
    """One exchange's history into one store.

    Args:
        stop: set when the user wants it to end; what was fetched by then is kept.
    """

    def __init__(self, history: CandleHistory, store: CandleStore, clock: Clock, stop: asyncio.Event) -> None:
        self._history = history
        self._store = store
        self._clock = clock
        self._stop = stop
        self._pause_s = history.pause_s
        self._next = 0.0

    async def fetch(self, key: SeriesKey, span: Span, tell: Tell) -> Downloaded:
        """Fetch what the store does not have of [from, to); a candle that has not closed is never stored.

        Raises:
            NotFound: the exchange does not list the symbol.
            InvalidInput: the range holds no closed candle.
            Unavailable: the exchange stayed away for minutes, or the disk is full; what was stored is kept.
            Conflict: another process fetches the same.
        """
        await self._patiently(lambda: self._history.instrument(Symbol(key.symbol)))
        bar = key.bar_ms
        now_ms = int(self._clock.now().timestamp() * 1000)
        wanted = (-(-max(span[0], _DAWN_MS) // bar) * bar, min(span[1], now_ms) // bar * bar)
        if wanted[0] >= wanted[1]:
            raise InvalidInput("empty_timerange", f"No candle of {key.timeframe} has closed in that range yet.")
        with self._store.writing(key) as writer:
            before, done = writer.entry.rows, 0
            parts = uncovered(wanted, writer.entry.covered)
            total = sum(end - first for first, end in parts) // bar
            for part in parts:
                tell(done, total)
                await self._part(writer, part, partial(_tell, tell, (part[0] // bar - done, total), bar))
                if self._stop.is_set():
                    return self._report(writer, wanted, before, complete=False)
                done += (part[1] - part[0]) // bar
            tell(total, total)
            return self._report(writer, wanted, before, complete=True)

    async def _part(self, writer: Writer, part: Span, tell: Callable[[int], None]) -> None:
        """Fetch one stretch the store has not asked for."""
        key = writer.entry.key
        length = self._history.page_bars * key.bar_ms
        buffer = _Buffer(writer, part)
        try:
            newest = await self._page(key, (_DAWN_MS, part[1]))
            end = columns_of(newest[-1:], key.bar_ms).at_ms.max(initial=0) + key.bar_ms  # a delisted symbol ends early
            oldest_here = not writer.entry.rows or writer.entry.first_ms >= part[0]
            at = await self._first(key, part) if oldest_here and newest else part[0]
            while at < min(end, part[1]) and not self._stop.is_set():
                tell(at)
                until = min(at + length, part[1])
                buffer.add(await self._page(key, (at, until)))
                at = until
        finally:  # also when it is cut short: what was fetched is kept
            buffer.flush()
        if not self._stop.is_set():
            buffer.finish()

    async def _first(self, key: SeriesKey, part: Span) -> int:
        """Where the exchange's candles begin: an old range is not asked for page by page."""
        low, high = part
        length = self._history.page_bars * key.bar_ms
        if await self._page(key, (_DAWN_MS, min(low + length, high))):
            return low
        while high - low > length and not self._stop.is_set():
            middle = low + (high - low) // 2 // key.bar_ms * key.bar_ms
            if await self._page(key, (_DAWN_MS, middle)):
                high = middle
            else:
                low = middle
        return low

    async def _page(self, key: SeriesKey, span: Span) -> list[Candle]:
        """One page; empty when the user wants it to end, and then nothing is concluded from it."""
        symbol, timeframe = Symbol(key.symbol), Timeframe(key.timeframe)
        first, end = _moment(span[0]), _moment(span[1])
        asking = asyncio.ensure_future(self._patiently(lambda: self._history.history(symbol, timeframe, first, end)))
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return await asking if asking.done() else []
        finally:
            for one in (asking, stopping):
                one.cancel()

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask at the exchange's pace: slower after a refusal, and by and by as before."""

        @safe
        async def once() -> T:
            await self._clock.sleep(max(self._next - self._clock.monotonic(), 0.0))
            self._next = self._clock.monotonic() + self._pause_s
            try:
                found = await ask()
            except Unavailable:
                self._pause_s = min(self._pause_s * 2, _SLOWEST_S)
                raise
            self._pause_s = max(self._pause_s * _FASTER, self._history.pause_s)
            return found

        again = retried(
            once, attempts=_ATTEMPTS, first_pause_s=0.5, longest_pause_s=_PATIENCE_S / 6, time_limit_s=_PATIENCE_S
        )
        return await again()

    def _report(self, writer: Writer, wanted: Span, before: int, *, complete: bool) -> Downloaded:
        entry = writer.entry
        candles = between(self._store.read(entry.key), *wanted) if entry.rows else columns_of([], entry.key.bar_ms)
        absent = gaps(candles)
        return Downloaded(
            key=entry.key,
            added=entry.rows - before,
            rows=entry.rows,
            first_ms=int(candles.at_ms[0]) if len(candles) else 0,
            last_ms=int(candles.at_ms[-1]) if len(candles) else 0,
            complete=complete,
            missing=sum(gap.missing for gap in absent),
            gaps=absent[:_GAPS_TOLD],
        )


class _Buffer:
    """Pages that wait to be written together."""

    def __init__(self, writer: Writer, part: Span) -> None:
        self._writer = writer
        self._part = part
        self._pages: list[list[Candle]] = []

    def add(self, page: list[Candle]) -> None:
        self._pages.append(page)
        if len(self._pages) >= _PAGES_A_WRITE:
            self.flush()

    def flush(self) -> None:
        """Store what waits; it answers for the time up to its newest candle and not beyond."""
        candles = [candle for page in self._pages for candle in page]
        self._pages.clear()
        if candles:
            raw = columns_of(candles)
            self._writer.add(raw, [(self._part[0], int(raw.at_ms[-1]) + raw.bar_ms)])

    def finish(self) -> None:
        """Every page was asked for: where later candles are stored, the exchange has none in what is still open."""
        entry = self._writer.entry
        if entry.rows and entry.last_ms >= self._part[1] and uncovered(self._part, entry.covered):
            self._writer.add(columns_of([], entry.key.bar_ms), [self._part])


def _tell(tell: Tell, of: tuple[int, int], bar_ms: int, at_ms: int) -> None:
    tell(at_ms // bar_ms - of[0], of[1])


def columns_of(candles: list[Candle], bar_ms: int = 0) -> RawCandles:
    """Candles of one series as columns: each number the double nearest to the exchange's decimal."""
    at = np.array([int(one.open_at.timestamp()) * 1000 for one in candles], np.int64)
    names = ("open", "high", "low", "close", "volume")
    columns = (np.array([float(getattr(one, name)) for one in candles], np.float64) for name in names)
    return RawCandles(candles[0].timeframe.minutes * 60_000 if candles else bar_ms, at, *columns)


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
