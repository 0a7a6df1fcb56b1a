"""The public stream of OKX: last and mark prices on one socket, closed candles on the other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import Symbol
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.core.market import Timeframe
from tradingboost.venues import okx_rows as rows
from tradingboost.venues.base import Endpoint, FeedSink
from tradingboost.venues.fields import moment
from tradingboost.venues.line import Connection, Frame
from tradingboost.venues.okx_wire import Wire
from tradingboost.venues.redial import Redialler
from tradingboost.venues.transport import Transport

log = structlog.get_logger(__name__)
Lookup = Callable[[Symbol], Awaitable[Instrument]]
_TIMEFRAMES: Final = {f"candle{bar}": timeframe for timeframe, bar in rows.BARS.items()}


class OkxFeed:
    """Implements `venues.base.PublicFeed`."""

    def __init__(self, transport: Transport, endpoint: Endpoint, instrument: Lookup, sink: FeedSink) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._instrument = instrument
        self._sink = sink
        self._watched: dict[Symbol, set[Timeframe]] = {}
        self._spot: set[Symbol] = set()
        self._prices: dict[Symbol, dict[str, str]] = {}
        self._connections: tuple[Connection, Connection] | None = None
        self._changing = asyncio.Lock()
        self._loop = Redialler("public", self, transport.clock)

    async def run(self) -> None:
        """See `PublicFeed.run`."""
        await self._loop.run()

    async def stop(self) -> None:
        """See `PublicFeed.stop`."""
        await self._loop.stop()

    def frames(self) -> dict[str, int]:
        """See `PublicFeed.frames`."""
        return self._loop.counts()

    @property
    def reconnects(self) -> int:
        """See `PublicFeed.reconnects`."""
        return self._loop.reconnects

    async def watch(self, symbol: Symbol, timeframe: Timeframe) -> None:
        """See `PublicFeed.watch`.

        Raises:
            NotFound: no such symbol.
            Unavailable: it was not confirmed; it will be subscribed when the stream is back.
        """
        if (await self._instrument(symbol)).kind is InstrumentKind.SPOT:
            self._spot.add(symbol)
        await self._loop.ready()
        async with self._changing:
            known = self._watched.setdefault(symbol, set())
            new_symbol, new_candles = not known, timeframe not in known
            known.add(timeframe)
            wire = self._loop.current
            if wire is None or self._connections is None:
                raise Unavailable("venue_stream_unreachable", "The venue's public stream is away; try again shortly.")
            if new_symbol:
                await wire.subscribe(self._connections[0], *self._prices_of(symbol))
            if new_candles:
                await wire.subscribe(self._connections[1], _candles_of(symbol, timeframe))

    def wire(self) -> Wire:
        """See `redial.Reader`."""
        return Wire(self._transport, self._endpoint, None)

    async def open(self, wire: Wire) -> None:
        """See `redial.Reader`: everything watched before is subscribed again."""
        async with self._changing:
            prices = await wire.dial("public", login=False)
            candles = await wire.dial("business", login=False)
            self._connections = (prices, candles)
            self._prices.clear()
            for symbol, timeframes in self._watched.items():
                await wire.subscribe(prices, *self._prices_of(symbol))
                await wire.subscribe(candles, *(_candles_of(symbol, one) for one in timeframes))

    async def opened(self, reason: str | None) -> None:
        """See `redial.Reader`."""
        if reason is not None:
            await self._sink.back()

    async def closed(self, reason: str) -> None:
        """See `redial.Reader`."""
        self._connections = None
        await self._sink.lost(reason)

    async def read(self, *frames: Frame) -> None:
        """See `redial.Reader`."""
        for frame in frames:
            await self._heard(frame)

    async def _heard(self, frame: Frame) -> None:
        channel = frame.channel
        if not channel:
            return
        try:
            if channel in ("tickers", "mark-price"):
                await self._price(channel, frame.rows[-1])
            elif channel in _TIMEFRAMES:
                await self._candles(_TIMEFRAMES[channel], Symbol(frame.message["arg"]["instId"]), frame.rows)
        except (KeyError, ValueError, ArithmeticError, TypeError, IndexError):
            log.exception("public_frame_unreadable", channel=channel)

    async def _price(self, channel: str, row: dict[str, Any]) -> None:
        symbol = Symbol(row["instId"])
        known = self._prices.setdefault(symbol, {})
        if channel == "tickers":
            known["last"] = row["last"]
        else:
            known["mark"] = row["markPx"]
        if symbol in self._spot:
            known["mark"] = known["last"]
        if known.get("last") and known.get("mark"):
            await self._sink.tick(rows.tick(symbol, moment(row["ts"]), known["last"], known["mark"]))

    async def _candles(self, timeframe: Timeframe, symbol: Symbol, pushed: list[list[str]]) -> None:
        for row in pushed:
            if rows.closed(row):
                await self._sink.candle(rows.candle(row, symbol, timeframe, spot=symbol in self._spot))

    def _prices_of(self, symbol: Symbol) -> list[dict[str, str]]:
        channels = ["tickers"] if symbol in self._spot else ["tickers", "mark-price"]
        return [{"channel": channel, "instId": symbol} for channel in channels]


def _candles_of(symbol: Symbol, timeframe: Timeframe) -> dict[str, str]:
    return {"channel": f"candle{rows.BARS[timeframe]}", "instId": symbol}
